//! What leaves as a file comes in again as it was, in another house.

use broadside::{
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    moving_in::ImportChoices,
    publishing,
    site::Site,
    subscribers::{self, Basis, Plan, Weeks},
};

use crate::support::{Seed, TestApp, TestDb, both_engines, database::rows};

const READERS: usize = 120;
const LISTS: [&str; 3] = ["digest", "letters", "appeals"];

async fn take(site: &Site, file: &[u8]) -> subscribers::ImportReport {
    let basis = Basis { basis: "consent".to_owned(), source: "another house".to_owned() };
    let choices = ImportChoices::default();
    let list = subscribers::lists::all(&site.db).await.expect("lists").first().expect("a list").id;
    let plan = Plan { list, basis: &basis, choices: &choices, makes_lists: true, is_dry: false };
    let report = subscribers::import_as(site, &file, &plan, &mut |_| Ok(())).await;
    let report = report.unwrap_or_else(|error| panic!("{error:?}"));
    assert_eq!(report.refused, 0, "{report:?}");
    report
}

async fn export(site: &Site) -> String {
    let mut file = Vec::new();
    subscribers::export(site, &mut file).await.expect("an export");
    String::from_utf8(file).expect("text")
}

both_engines! {
    /// TRUST F23: whoever our own export says is not mailed counts as that, and not as somebody who joins.
    async fn who_is_stopped_in_our_own_file_counts_as_stopped(app: TestApp) {
        let file = "email,name,list,state,confirmed_at,left_at,paused_until,suppression,suppressed_at,consent,consent_at,topics,implied_until,rhythm\n\
            ann@example.org,,digest,confirmed,2024-01-02T03:04:05Z,,,,,imported: consent: a,2024-01-02T03:04:05Z,,,\n\
            bo@example.org,,digest,confirmed,2024-01-02T03:04:05Z,,,bounced,2024-02-02T03:04:05Z,imported: consent: a,2024-01-02T03:04:05Z,,,\n\
            cy@example.org,,digest,confirmed,2024-01-02T03:04:05Z,,,staff,2024-02-02T03:04:05Z,imported: consent: a,2024-01-02T03:04:05Z,,,\n";
        let report = take(&app.site, file.as_bytes()).await;
        assert_eq!((report.added, report.bounced, report.blocked, report.unchanged), (1, 1, 1, 0), "{report:?}");
        assert_eq!(report.added_to.values().sum::<u64>(), 1, "{report:?}");
    }
}

/// A cell in quotation marks.
fn cell(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn moment(seed: &mut Seed) -> String {
    format!(
        "20{:02}-{:02}-{:02}T{:02}:10:20Z",
        seed.within(15..26),
        seed.within(1..13),
        seed.within(1..29),
        seed.within(0..24)
    )
}

fn pick<'a>(seed: &mut Seed, of: &[&'a str]) -> &'a str {
    of[seed.within(0..of.len())]
}

/// Readers with all that a file can say of them.
fn random(seed: &mut Seed) -> String {
    let mut file = "email,name,list,state,confirmed_at,left_at,paused_until,suppression,suppressed_at,consent,consent_at,topics,implied_until,rhythm,\"field:town In which town, if any?\",field:note,field:age Age,field:born,field:member,field:postcode\n".to_owned();
    for reader in 0..READERS {
        let domain = pick(seed, &["example.org", "Example.NET", "b\u{fc}cher.example"]);
        let email = format!("{}{reader}@{domain}", pick(seed, &["ann", "O'Neill+news", "zo\u{eb}", "B.B"]));
        let name = pick(
            seed,
            &["", "Ann Lee", "\u{27}=1+1", "Lee, \"Jr.\"", "\u{674e} \u{96f7}", "\u{2019}\u{2019}x"],
        );
        let reason = pick(seed, &["", "", "", "bounced", "complained", "staff"]);
        let suppressed = if reason.is_empty() { String::new() } else { moment(seed) };
        let (age, born) = (pick(seed, &["", "38", "-4.5"]), pick(seed, &["", "1980-12-31"]));
        let (member, postcode) = (pick(seed, &["", "yes", "no"]), pick(seed, &["", "06120", "80331"]));
        let (town, note) = (pick(seed, &["", "Ulm", "'+49", "a, b"]), pick(seed, &["", "x", "\u{e9}"]));
        for list in LISTS {
            if seed.once_in(3) {
                continue;
            }
            let state = pick(seed, &["confirmed", "confirmed", "left", "pending"]);
            let confirmed = if state == "pending" && seed.once_in(2) { String::new() } else { moment(seed) };
            let left = if state == "left" { moment(seed) } else { String::new() };
            let rests = state == "confirmed" && seed.once_in(4);
            let paused = if rests { "2027-01-02T03:04:05Z" } else { "" };
            let consent = pick(
                seed,
                &["confirmed by confirmation: subscribe", "imported: consent: a, \"b\"", "'-left by hand"],
            );
            let topics = pick(seed, &["", "Food", "Food, Sea", "\"Art, old\", Food"]);
            let topics = if state == "confirmed" { topics } else { "" };
            let is_implied = state == "confirmed" && seed.once_in(5);
            let implied = if is_implied { "2027-05-06T07:08:09Z" } else { "" };
            let rhythm = pick(seed, &["", "", "weekly", "each"]);
            let line = [
                &email,
                name,
                list,
                state,
                &confirmed,
                &left,
                paused,
                reason,
                &suppressed,
                consent,
                &moment(seed),
                topics,
                implied,
                rhythm,
                town,
                note,
                age,
                born,
                member,
                postcode,
            ];
            file.push_str(&line.map(cell).join(","));
            file.push('\n');
        }
    }
    file
}

both_engines! {
    /// TRUST A15: a random house leaves as a file and comes in elsewhere; what leaves from there is the same, byte by byte.
    async fn a_house_moves_and_is_the_same_house(app: TestApp) {
        let engine = app.site.db.engine();
        let mut seed = Seed::get(&format!("a house that moves on {engine:?}"));
        take(&app.site, random(&mut seed).as_bytes()).await;
        // And what happens here by itself.
        for number in 0..4 {
            app.reader(&format!("self{number}@example.org")).await;
        }
        let list = app.list().await;
        let row = app.reader_row("self1@example.org").await;
        subscribers::leave_by_staff(&app.site, row, list, "asked by letter").await.expect("left");
        let email = EmailAddress::parse("self2@example.org").expect("an address");
        let mut tx = app.site.db.begin().await.expect("a transaction");
        Suppressions::new(&app.site).add(&mut tx, &email, StopReason::Bounced, "a test").await.expect("added");
        tx.commit().await.expect("a commit");
        let resting = EmailAddress::parse("self3@example.org").expect("an address");
        let rests = subscribers::by_email(&app.site.db, &resting).await.expect("a read").expect("a reader");
        let path = subscribers::choices_path(&app.site, &rests.public_id);
        let link = path.rsplit('/').next().expect("a link has an end").to_owned();
        subscribers::pause(&app.site, &link, Weeks::Four).await.expect("a pause");
        app.drain().await;

        let first = export(&app.site).await;
        assert!(first.lines().count() > READERS, "{first}");
        let other = TestDb::migrated(engine).await.expect("the engine is there");
        let site = other.site("http://localhost", app.site.now());
        publishing::ensure_first(&site).await.expect("a first list");
        let report = take(&site, first.as_bytes()).await;
        assert!(report.added > 0 && report.left > 0 && report.unconfirmed > 0, "{report:?}");
        let second = export(&site).await;
        for (one, two) in first.lines().zip(second.lines()) {
            assert_eq!(one, two);
        }
        assert_eq!(first, second);
        let kinds = "select name, kind from field order by name";
        let expected = [("age", "number"), ("born", "date"), ("member", "yes-no"), ("note", "text"), ("postcode", "text"), ("town", "text")]
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()));
        assert_eq!(rows::<(String, String)>(&app.site.db, kinds).await, expected);
        assert_eq!(rows::<(String, String)>(&site.db, kinds).await, expected);
        let questions = "select name, label from field where name in ('age', 'note', 'town') order by name";
        let expected = [("age", "Age"), ("note", "note"), ("town", "In which town, if any?")].map(|(name, label)| (name.to_owned(), label.to_owned()));
        assert_eq!(rows::<(String, String)>(&site.db, questions).await, expected);
        // Once more, into the same house: nothing is otherwise.
        let again = take(&site, first.as_bytes()).await;
        assert_eq!((again.added, again.left, again.suppressed(), again.updated), (0, 0, 0, 0), "{again:?}");
        assert_eq!(export(&site).await, first);
    }
}

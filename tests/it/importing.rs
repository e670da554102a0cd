//! Lists that come from other programs: who left, bounced or complained there is never mailed here, and who left here stays so.

use std::{collections::BTreeMap, process::Command};

use broadside::{
    clock::{Clock, Moment},
    db::Engine,
    delivery::{StopReason, Suppressions},
    email_address::EmailAddress,
    moving_in::ImportChoices,
    publishing,
    site::Site,
    subscribers::{self, Basis, ImportError, ImportReport, Plan},
};

use crate::{
    command_line::{broadside, text},
    support::{
        TestApp, TestDb, both_engines,
        database::{change, rows},
        scratch, wait,
    },
};

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

fn basis() -> Basis {
    Basis { basis: "consent".to_owned(), source: "moved house".to_owned() }
}

async fn import(app: &TestApp, file: &str, choices: &ImportChoices) -> Result<ImportReport, ImportError> {
    let basis = basis();
    let plan = Plan { list: app.list().await, basis: &basis, choices, makes_lists: true, is_dry: false };
    subscribers::import_as(&app.site, &file.as_bytes(), &plan, &mut |_| Ok(())).await
}

async fn take(app: &TestApp, file: &str) -> ImportReport {
    let mut choices = ImportChoices::default();
    if file.contains("OPTIN_TIME") && !file.contains("UNSUB_TIME") && !file.contains("CLEAN_TIME") {
        // Mailchimp says it by the name of its file alone.
        choices.add_word("everybody=on-list").expect("a word");
    }
    import(app, file, &choices).await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// How everybody stands with the first list, and why their mail is stopped, if it is.
async fn standings(app: &TestApp) -> BTreeMap<String, String> {
    let all: Vec<(String, String, String)> = rows(
        &app.site.db,
        "select r.email, s.state, coalesce(p.reason, '') from subscriber r join subscription s on s.subscriber_id = r.id
            left join suppression p on p.subscriber_id = r.id and p.lifted_at is null order by r.email",
    )
    .await;
    all.into_iter()
        .map(|(email, state, reason)| (email, format!("{state} {reason}").trim().to_owned()))
        .collect()
}

/// The program, its file, and how who is in it stands from then on.
type Export = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Files in the shape of each program's export, with the sad rows.
const EXPORTS: &[Export] = &[
    (
        "ghost",
        "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n\
        1,ann@X,Ann Lee,,true,false,,2023-01-01T00:00:00.000Z,,\"Bristol, UK\",\n\
        2,gone@X,Gone Reader,asked to leave,false,false,,2023-01-01T00:00:00.000Z,,,\n\
        3,del@X,Deleted,,true,false,,2023-01-01T00:00:00.000Z,2024-01-01T00:00:00.000Z,,\n",
        &[("ann", "confirmed"), ("gone", "left"), ("del", "left")],
    ),
    (
        "substack",
        "email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at\n\
        ann@X,false,,other,false,2024-01-15T10:00:00.000Z,\ngone@X,false,,other,true,2024-01-15T10:00:00.000Z,\n",
        &[("ann", "confirmed"), ("gone", "left")],
    ),
    (
        "substack2",
        "Email,Name,Stripe plan,Cancel date,Start date,Paid upgrade date,Activity,Type\n\
        ann@X,Ann,,,2024-01-15T10:00:00.000Z,,3,Free\ngone@X,Gone,,2024-02-15T10:00:00.000Z,2024-01-15T10:00:00.000Z,,0,Free\n",
        &[("ann", "confirmed"), ("gone", "left")],
    ),
    (
        "listmonk",
        "uuid,email,name,attributes,status,created_at,updated_at\n\
        1,ann@X,Ann Lee,\"{\"\"city\"\": \"\"Bristol, UK\"\"}\",enabled,2023-01-01 00:00:00,2023-01-01 00:00:00\n\
        2,gone@X,Block Listed,{},blocklisted,2023-01-01 00:00:00,2023-01-01 00:00:00\n\
        3,off@X,Off,{},disabled,2023-01-01 00:00:00,2023-01-01 00:00:00\n",
        &[("ann", "confirmed"), ("gone", "left staff"), ("off", "left")],
    ),
    (
        "buttondown",
        "email,notes,tags,metadata,subscriber_type,source,creation_date,last_open_date,unsubscription_date\n\
        ann@X,,,{},regular,organic,2023-01-01,2024-01-01,\ngone@X,,,{},unsubscribed,organic,2023-01-01,,2024-02-02\n\
        new@X,,,{},unactivated,organic,2023-01-01,,\nsp@X,,,{},spammy,organic,2023-01-01,,\n",
        &[("ann", "confirmed"), ("gone", "left"), ("new", "pending"), ("sp", "left complained")],
    ),
    (
        "mailchimp",
        "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,LEID,EUID,NOTES,TAGS\n\
        ann@X,Ann,\"Lee, Jr.\",4,\"2019-03-04 10:20:30\",192.0.2.1,1,abc,,\"\"\"VIP\"\",\"\"Bristol, UK\"\"\"\n",
        &[("ann", "confirmed")],
    ),
    (
        "mailchimp",
        "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LEID,EUID,NOTES,TAGS\n\
        gone@X,Gone,Reader,2,\"2019-03-04 10:20:30\",\"2022-02-02 02:02:02\",Spring,NORMAL,1,abd,,\n",
        &[("gone", "left")],
    ),
    (
        "mailchimp",
        "\"Email Address\",\"First Name\",\"Last Name\",MEMBER_RATING,OPTIN_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n\
        dead@X,Dead,Box,2,\"2019-03-04 10:20:30\",\"2022-02-02 02:02:02\",Spring,77,3,abe,,\n",
        &[("dead", "left bounced")],
    ),
    (
        "kit",
        "first_name,email,status,created_at\nAnn,ann@X,active,2023-01-01T00:00:00Z\nC,c@X,cancelled,2023-01-01T00:00:00Z\n\
        D,d@X,bounced,2023-01-01T00:00:00Z\nE,e@X,complained,2023-01-01T00:00:00Z\nF,f@X,inactive,2023-01-01T00:00:00Z\n",
        &[
            ("ann", "confirmed"),
            ("c", "left"),
            ("d", "left bounced"),
            ("e", "left complained"),
            ("f", "pending"),
        ],
    ),
    (
        "brevo",
        "EMAIL;LASTNAME;FIRSTNAME;SMS;EMAIL_BLACKLISTED;SMS_BLACKLISTED;ADDED_TIME;MODIFIED_TIME\n\
        ann@X;Lee;Ann;;No;No;12-04-2022 09:30;13-04-2022 10:00\ngone@X;Reader;Gone;;Yes;No;12-04-2022 09:30;13-04-2022 10:00\n",
        &[("ann", "confirmed"), ("gone", "left")],
    ),
    (
        "mailpoet",
        "\u{feff}\"Email\",\"First name\",\"Last name\",\"Subscription time\",\"List status\",\"Global status\",\"List\"\n\
        \"b@X\",\"\",\"\",\"2023-01-01 00:00:00\",\"subscribed\",\"subscribed\",\"News\"\n\
        \"ann@X\",\"Ann\",\"Lee\",\"2023-01-01 00:00:00\",\"subscribed\",\"subscribed\",\"News\"\n\
        \"b@X\",\"\",\"\",\"2023-01-01 00:00:00\",\"unsubscribed\",\"subscribed\",\"Art\"\n\
        \"c@X\",\"\",\"\",\"2023-01-01 00:00:00\",\"subscribed\",\"bounced\",\"News\"\n\
        \"d@X\",\"\",\"\",\"2023-01-01 00:00:00\",\"unconfirmed\",\"unconfirmed\",\"News\"\n",
        &[("ann", "confirmed"), ("b", "left"), ("c", "left bounced"), ("d", "pending")],
    ),
    (
        "campaignmonitor",
        "Email Address,Name,Date Joined,Status\nann@X,Ann,2023-01-01,Active\nb@X,B,2023-01-01,Unsubscribed\nc@X,C,2023-01-01,Bounced\n\
        d@X,D,2023-01-01,Deleted\ne@X,E,2023-01-01,Unconfirmed\n",
        &[("ann", "confirmed"), ("b", "left"), ("c", "left bounced"), ("d", "left"), ("e", "pending")],
    ),
    (
        "wordpress",
        "ID,user_login,user_email,user_registered,display_name,user_status,spam,deleted\n\
        1,ann,ann@X,2019-01-01 00:00:00,Ann Lee,0,0,0\n2,b,b@X,2019-01-01 00:00:00,B,0,1,0\n3,c,c@X,2019-01-01 00:00:00,C,0,0,1\n",
        &[("ann", "confirmed"), ("b", "left staff"), ("c", "left")],
    ),
];

both_engines! {
    /// TRUST L6, M26: of each program's file only who may be mailed is mailed; the others stand as they stood there.
    async fn nobody_who_left_elsewhere_is_ever_mailed(app: TestApp) {
        let mut expected = BTreeMap::new();
        for (program, file, people) in EXPORTS {
            let file = file.replace("@X", &format!("@{program}.example.org"));
            let report = take(&app, &file).await;
            assert_eq!(report.refused, 0, "{program}: {report:?}");
            let sum = report.added + report.updated + report.unchanged + report.left + report.suppressed() + report.unconfirmed;
            assert_eq!(sum, report.rows, "{program}: {report:?}");
            expected.extend(people.iter().map(|(who, state)| (format!("{who}@{program}.example.org"), (*state).to_owned())));
            // Doing it again changes nothing.
            let again = take(&app, &file).await;
            assert_eq!((again.added, again.left, again.suppressed(), again.unchanged), (0, 0, 0, again.rows), "{program}: {again:?}");
        }
        assert_eq!(standings(&app).await, expected);
        app.send_edition("The first from here").await;
        for email in expected.keys() {
            assert_eq!(app.mails(email).len(), usize::from(email.starts_with("ann@")), "{email}");
        }
        let ann: Vec<(String, i64, String)> = rows(
            &app.site.db,
            "select r.name, s.confirmed_at, e.ip from subscriber r join subscription s on s.subscriber_id = r.id
                join consent_event e on e.subscriber_id = r.id where r.email = 'ann@mailchimp.example.org'",
        )
        .await;
        assert_eq!(ann, [("Ann Lee, Jr.".to_owned(), 1_551_694_830_000_000, "192.0.2.0/24".to_owned())]);
        let answers: Vec<(String, String, String)> = rows(
            &app.site.db,
            "select r.email, f.name, v.value from field_value v join field f on f.id = v.field_id
                join subscriber r on r.id = v.subscriber_id order by r.email",
        )
        .await;
        assert_eq!(answers[0], ("ann@ghost.example.org".to_owned(), "labels".to_owned(), "Bristol, UK".to_owned()));
        assert_eq!(answers[1], ("ann@mailchimp.example.org".to_owned(), "tags".to_owned(), "VIP, Bristol, UK".to_owned()));
        let left: Vec<(i64,)> = rows(
            &app.site.db,
            "select s.left_at from subscription s join subscriber r on r.id = s.subscriber_id where r.email = 'gone@mailchimp.example.org'",
        )
        .await;
        assert_eq!(left, [(1_643_767_322_000_000,)], "left when they left");
    }

    /// Our own export: who left one list, and is on another.
    async fn who_left_one_list_is_not_put_back_on_it(app: TestApp) {
        let file = "email,name,list,state,confirmed_at\na@example.org,Ann,digest,left,2025-11-27T19:24:22Z\n\
            a@example.org,Ann,letters,confirmed,1970-01-01T00:00:00Z\n";
        let report = take(&app, file).await;
        assert_eq!((report.added, report.left), (1, 1), "{report:?}");
        let lists: Vec<(String, String, String)> = rows(
            &app.site.db,
            "select l.slug, l.visibility, s.state from subscription s join list l on l.id = s.list_id order by l.slug",
        )
        .await;
        let line = |slug: &str, visibility: &str, state: &str| (slug.to_owned(), visibility.to_owned(), state.to_owned());
        assert_eq!(lists, [line("digest", "public", "left"), line("letters", "private", "confirmed")]);
        // Without a word that lists are to be made, nobody is sent to another one.
        let plain = subscribers::import(&app.site, file.replace("letters", "others").as_bytes(), app.list().await, &basis()).await;
        let plain = plain.expect("a file");
        assert_eq!((plain.added, plain.refused), (0, 1), "{plain:?}");
        assert!(plain.errors[0].why.contains("no list “others”"), "{plain:?}");
    }

    /// TRUST L6: of several lines of our own export about one address, in whatever order, the weightiest reason for not mailing it counts.
    async fn the_worst_of_several_lines_counts(app: TestApp) {
        let head = "email,name,list,state,confirmed_at,suppression,suppressed_at\n";
        let line = |who: &str, list: &str, why: &str| {
            let at = if why.is_empty() { "" } else { "2026-02-03T04:05:06Z" };
            format!("{who}@own.example.org,Own,{list},confirmed,2025-01-01T00:00:00Z,{why},{at}\n")
        };
        let mut file = head.to_owned();
        let mut expected = BTreeMap::new();
        for (at, (first, second, worst)) in [
            ("", "complained", "complained"),
            ("complained", "", "complained"),
            ("", "staff", "staff"),
            ("bounced", "complained", "complained"),
            ("complained", "bounced", "complained"),
            ("staff", "complained", "staff"),
            ("bounced", "staff", "staff"),
        ]
        .into_iter()
        .enumerate()
        {
            for (other, list) in [("same", "digest"), ("two", "letters")] {
                let who = format!("{other}{at}");
                file += &line(&who, "digest", first);
                file += &line(&who, list, second);
                expected.insert(format!("{who}@own.example.org"), worst.to_owned());
            }
        }
        let report = take(&app, &file).await;
        // Whom the team never mails is on no list by a line that does not say so.
        let refused: Vec<&str> = report.errors.iter().map(|error| error.why.as_str()).collect();
        assert_eq!(refused, ["the team decided never to mail this address"; 2], "{report:?}");
        let stopped: Vec<(String, String)> = rows(
            &app.site.db,
            "select r.email, p.reason from subscriber r join suppression p on p.subscriber_id = r.id and p.lifted_at is null order by r.email",
        )
        .await;
        assert_eq!(stopped.into_iter().collect::<BTreeMap<_, _>>(), expected);
        app.reader("else@example.org").await;
        app.send_edition("To nobody of them").await;
        for email in expected.keys() {
            assert!(app.mails(email).is_empty(), "{email}");
        }
    }

    /// A row whose list is empty goes where the import says; a cell that names several lists of ours makes none; and the sums name each list.
    async fn a_row_without_a_list_goes_to_the_one_said(app: TestApp) {
        let file = "email,list\na@example.org,Letters\nb@example.org,\nc@example.org,Letters\nd@example.org,\"Weekly News,digest\"\n";
        let report = take(&app, file).await;
        assert_eq!((report.added, report.refused), (3, 1), "{report:?}");
        assert!(report.errors[0].why.contains("several lists"), "{report:?}");
        let digest: Vec<(String,)> = rows(&app.site.db, "select name from list where slug = 'digest'").await;
        let expected = [(digest[0].0.clone(), 1), ("Letters".to_owned(), 2)];
        assert_eq!(report.added_to, BTreeMap::from(expected));
        assert_eq!(standings(&app).await.len(), 3);
    }

    /// TRUST T3: of a file without lists the journal says of whom it names that they left the list it is for, and no other.
    async fn the_journal_names_the_list_that_they_left(db: TestDb) {
        let app = TestApp::journalled(db).await;
        take(&app, "email,list\na@example.org,Letters\na@example.org,digest\n").await;
        let mut choices = ImportChoices::default();
        choices.add_column("unsubscribed_at=left-at").expect("a column");
        import(&app, "email,unsubscribed_at\na@example.org,2099-01-01\n", &choices).await.expect("a file");
        let journal = std::fs::read_to_string(app.site.journal.path().expect("a journal")).expect("it is there");
        assert_eq!(journal.lines().filter(|line| line.contains(" import")).count(), 1, "{journal}");
    }

    /// TRUST T3: a complaint that our own export tells of somebody is in the journal before it is done, as one that a state tells.
    async fn a_complaint_in_our_own_export_is_in_the_journal(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let file = "email,name,list,state,confirmed_at,suppression,suppressed_at\n\
            a@example.org,Ann,digest,confirmed,2025-01-01T00:00:00Z,complained,2026-02-03T04:05:06Z\n";
        take(&app, file).await;
        let journal = std::fs::read_to_string(app.site.journal.path().expect("a journal")).expect("it is there");
        let hash = Suppressions::new(&app.site).hash(&address("a@example.org"));
        assert!(journal.contains(&hash), "{journal}");
    }

    /// TRUST T3, T10: who left here stays so; who is here leaves by a newer file, in the journal first; who agreed by themselves since
    /// stays; and what the team let go again is not stopped by the same file.
    async fn what_happened_here_is_stronger_than_a_file(db: TestDb) {
        let app = TestApp::journalled(db).await;
        let moved = "email,unsubscribed_at\n";
        let mut choices = ImportChoices::default();
        choices.add_column("unsubscribed_at=left-at").expect("a column");
        app.reader("eve@example.org").await;
        import(&app, &format!("{moved}ann@example.org,\nbob@example.org,\n"), &choices).await.expect("a file");
        let bob = app.reader_row("bob@example.org").await;
        subscribers::leave_by_staff(&app.site, bob, app.list().await, "asked").await.expect("left");
        let file = format!("{moved}ann@example.org,2026-03-01\nbob@example.org,\neve@example.org,2022-02-02\n");
        let report = import(&app, &file, &choices).await.expect("a file");
        assert_eq!((report.added, report.left, report.unchanged), (0, 1, 2), "{report:?}");
        let standing = standings(&app).await;
        let state = |who: &str| standing[&format!("{who}@example.org")].clone();
        assert_eq!([state("ann"), state("bob"), state("eve")], ["left", "left", "confirmed"]);
        let journal = std::fs::read_to_string(app.site.journal.path().expect("a journal")).expect("it is there");
        assert!(journal.contains(" import"), "{journal}");

        let cleaned = "email,bounced_at\nfay@example.org,2026-03-01\n";
        let mut choices = ImportChoices::default();
        choices.add_column("bounced_at=bounced-at").expect("a column");
        assert_eq!(import(&app, cleaned, &choices).await.expect("a file").bounced, 1);
        let mut tx = app.site.db.begin().await.expect("a transaction");
        Suppressions::new(&app.site).lift(&mut tx, &address("fay@example.org")).await.expect("lifted");
        tx.commit().await.expect("a commit");
        assert_eq!(import(&app, cleaned, &choices).await.expect("a file").bounced, 0);
        assert_eq!(Suppressions::new(&app.site).reason(&address("fay@example.org")).await.expect("a read"), None);
        assert!(app.mails("fay@example.org").is_empty() && app.mails("ann@example.org").is_empty(), "no letters");
    }

    /// A complaint of elsewhere stops what waits for a reader here, and stands over a bounce.
    async fn a_complaint_of_elsewhere_stops_a_reader_here(app: TestApp) {
        app.readers(2).await;
        app.seal_edition("On its way").await;
        let mut choices = ImportChoices::default();
        choices.add_word("complained=complained").expect("a word");
        let report = import(&app, "email,status\nreader1@example.org,complained\n", &choices).await.expect("a file");
        assert_eq!(report.complained, 1, "{report:?}");
        app.drain().await;
        assert_eq!((app.mails("reader1@example.org").len(), app.mails("reader2@example.org").len()), (0, 1));
        let reason = Suppressions::new(&app.site).reason(&address("reader1@example.org")).await.expect("a read");
        assert_eq!(reason, Some(StopReason::Complained));
    }

    /// TRUST L6: a file of which nobody says how its people stand is not begun.
    async fn a_status_that_nobody_explained_stops_the_import(app: TestApp) {
        let file = "email,name\nok@example.org,Ok\n".to_owned() + "b@example.org,Unsubscribed\n";
        for file in ["email,member status\na@example.org,Active\nb@example.org,Lapsed\n", "email,remark\na@example.org,\nb@example.org,do not e-mail\n"] {
            let refused = import(&app, file, &ImportChoices::default()).await;
            assert!(matches!(refused, Err(ImportError::Unsaid(_))), "{file}: {refused:?}");
        }
        assert_eq!(take(&app, &file).await.added, 2, "a name is a name");
        assert_eq!(standings(&app).await.len(), 2);
    }

    /// Nothing is written by who only wants to know.
    async fn a_dry_run_says_the_same_and_writes_nothing(app: TestApp) {
        let (_, file, _) = EXPORTS[4];
        let file = &*file.replace("@X", "@example.org");
        let basis = basis();
        let choices = ImportChoices::default();
        let plan = Plan { list: app.list().await, basis: &basis, choices: &choices, makes_lists: true, is_dry: true };
        let dry = subscribers::import_as(&app.site, &file.as_bytes(), &plan, &mut |_| Ok(())).await.expect("a file");
        assert!(standings(&app).await.is_empty());
        let counts = |report: &ImportReport| (report.rows, report.added, report.left, report.complained, report.unconfirmed, report.refused);
        assert_eq!(counts(&dry), counts(&take(&app, file).await));
    }
}

fn site(db: &TestDb) -> Site {
    Site { clock: Clock::System, ..db.site("http://127.0.0.1:3000", Moment::from_unix_seconds(0)) }
}

fn settings(db: &TestDb) -> [(&str, &str); 2] {
    [("DATABASE_URL", db.url.as_str()), ("SUPPRESSION_SECRET", "0123456789-0123456789-0123456789")]
}

fn file(name: &str, content: &str) -> String {
    let path = scratch::folder().join(name);
    std::fs::write(&path, content).expect("a file");
    path.to_str().expect("a path of letters").to_owned()
}

/// The command stops with the line to add, takes the file by it, and says its sums to programs.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_asks_for_what_nobody_said() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let settings = settings(&db);
        publishing::ensure_first(&site(&db)).await.expect("a first list");
        let file = file(
            "members.csv",
            "email,status,town\nann@example.org,Active,Bonn\nbob@example.org,Gone,Ulm\nnobody,Active,\n",
        );
        let run = |more: &[&str]| broadside(&[&["subscribers", "import", &file], more].concat(), &settings);
        assert_eq!(run(&[]).status.code(), Some(2), "nobody says on what basis");
        let asked = run(&["--basis", "consent"]);
        assert_eq!(asked.status.code(), Some(2));
        let said = text(&asked.stderr);
        assert!(said.contains("--status 'active=on-list' --status 'gone=not-taken'"), "{said}");
        assert!(said.contains(" in 1 line: ") && said.contains(" in 2 lines: "), "{said}");
        assert_eq!(rows::<(i64,)>(&db.db, "select count(*) from subscriber").await, [(0,)]);
        let problems = scratch::folder().join("problems.csv");
        let problems = problems.to_str().expect("a path of letters");
        let answered = [
            "--basis",
            "consent",
            "--status",
            "active=on-list",
            "--status",
            "gone=left",
            "--map",
            "town=field:town",
        ];
        let dry = run(&[answered.as_slice(), &["--json", "--dry-run"]].concat());
        assert_eq!(
            rows::<(i64,)>(&db.db, "select count(*) from subscriber").await,
            [(0,)],
            "{}",
            text(&dry.stderr)
        );
        let done = run(&[answered.as_slice(), &["--json", "--problems", problems]].concat());
        let sums: serde_json::Value =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {done:?}"));
        let expected = serde_json::json!({
            "rows": 3, "added": 1, "added_to": {"The digest": 1}, "updated": 0, "unchanged": 0, "left": 1, "suppressed": 0, "unconfirmed": 0, "not_taken": 0,
            "refused": 1, "incomplete": 0, "new_fields": {"town": "text"}, "not_read": [], "preset": null,
        });
        assert_eq!(sums, expected);
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&dry.stdout).expect("JSON"), expected);
        assert_eq!(done.status.code(), Some(1), "a bad row is told by the exit code too");
        let told = std::fs::read_to_string(problems).expect("the file of problems");
        assert!(told.starts_with("file,line,problem\n") && told.contains("name@example.com"), "{told}");
        let wrong = run(&["--basis", "consent", "--map", "nothing=left-at"]);
        assert!(text(&wrong.stderr).contains("no column nothing"), "{wrong:?}");
    }
}

both_engines! {
    /// TRUST F23: a column becomes a field of the kind that all of it is, unless somebody wants text. What is none to its field later is
    /// told with its line, and the row is taken without it.
    async fn a_column_becomes_a_field_of_its_kind(app: TestApp) {
        let columns = |typed: &[&str]| {
            let mut choices = ImportChoices::default();
            typed.iter().for_each(|typed| choices.add_column(typed).expect("a column"));
            choices
        };
        let all = ["Age=field:age", "Born=field:born", "Member=field:member", "Postcode=field:postcode", "Since=text:since"];
        let file = "email,Age,Born,Member,Postcode,Since\n\
            ann@example.org,38.50,31.12.1980,TRUE,06120,2019\nbob@example.org,,2 January 1975,no,80331,2020\n";
        let report = import(&app, file, &columns(&all)).await.expect("taken");
        assert_eq!((report.added, report.incomplete, report.refused), (2, 0, 0), "{report:?}");
        let kinds: Vec<(String, String)> = rows(&app.site.db, "select name, kind from field order by name").await;
        let one = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
        let expected =
            [one("age", "number"), one("born", "date"), one("member", "yes-no"), one("postcode", "text"), one("since", "text")];
        assert_eq!(kinds, expected);
        let answers = async |who: &'static str| -> Vec<(String, String)> {
            let sql = "select r.email, f.name, v.value from field_value v join field f on f.id = v.field_id join subscriber r on r.id = v.subscriber_id order by f.name";
            let all: Vec<(String, String, String)> = rows(&app.site.db, sql).await;
            all.into_iter().filter(|(email, ..)| email.starts_with(who)).map(|(_, name, value)| (name, value)).collect()
        };
        assert_eq!(
            answers("ann").await,
            [one("age", "38.5"), one("born", "1980-12-31"), one("member", "yes"), one("postcode", "06120"), one("since", "2019")]
        );
        assert_eq!(answers("bob").await, [one("born", "1975-01-02"), one("member", "no"), one("postcode", "80331"), one("since", "2020")]);

        let later = "email,Age,Born,Member,Postcode,Since\n\
            cy@example.org,a dozen,05/12/2001,no,1,2\ndan@example.org,12,NULL,yes,,\nnobody,1,,,,\n";
        let (mut told, basis, choices) = (Vec::new(), basis(), columns(&all));
        let plan = Plan { list: app.list().await, basis: &basis, choices: &choices, makes_lists: true, is_dry: false };
        let mut tell = |problem: &subscribers::RowError| {
            told.push((problem.line, problem.why.clone()));
            Ok(())
        };
        let report = subscribers::import_kept(&app.site, &later.as_bytes(), &plan, &mut tell).await.expect("taken");
        assert_eq!((report.added, report.incomplete, report.refused), (2, 1, 1), "{report:?}");
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(
            (told[0].0, told[0].1.as_str()),
            (2, "taken without the answer to “Age”: instead of “a dozen” write a number, such as 12 or 12.5; \
            and without the answer to “Born”: instead of “05/12/2001” write a day as year, month and day, such as 2001-05-12")
        );
        assert_eq!(told[1].0, 4);
        assert_eq!(answers("cy").await, [one("member", "no"), one("postcode", "1"), one("since", "2")]);
        assert_eq!(answers("dan").await, [one("age", "12"), one("member", "yes")]);
        assert_eq!(standings(&app).await.get("cy@example.org").map(String::as_str), Some("confirmed"));
    }
}

both_engines! {
    /// TRUST F23: headings that no name has letters for are two fields, and no answer stands under another's question.
    async fn columns_in_other_scripts_are_fields_of_their_own(app: TestApp) {
        let mut choices = ImportChoices::default();
        ["Город=field:Город", "Профессия=field:Профессия"].iter().for_each(|typed| choices.add_column(typed).expect("a column"));
        let file = "email,Город,Профессия\nann@example.org,Казань,врач\nbo@example.org,,учитель\n";
        import(&app, file, &choices).await.expect("taken");
        let sql = "select f.label, r.email, v.value from field_value v join field f on f.id = v.field_id join subscriber r on r.id = v.subscriber_id order by f.label, r.email";
        let found: Vec<(String, String, String)> = rows(&app.site.db, sql).await;
        let found: Vec<_> = found.iter().map(|(label, email, value)| (label.as_str(), &email[..2], value.as_str())).collect();
        assert_eq!(found, [("Город", "an", "Казань"), ("Профессия", "an", "врач"), ("Профессия", "bo", "учитель")]);
    }
}

both_engines! {
    /// TRUST F23: headings that differ in signs alone are two fields, and each finds its own again, whatever stands where in a later file.
    async fn columns_that_differ_in_signs_are_two_fields(app: TestApp) {
        let columns = |typed: &[&str]| {
            let mut choices = ImportChoices::default();
            typed.iter().for_each(|typed| choices.add_column(typed).expect("a column"));
            choices
        };
        let both = columns(&["Town 1=field:Town 1", "Town-1=field:Town-1"]);
        import(&app, "email,Town 1,Town-1\nann@example.org,Ulm,Bern\n", &both).await.expect("taken");
        import(&app, "email,TOWN-1,Town 1\nbo@example.org,Rome,Paris\n", &columns(&["TOWN-1=field:TOWN-1", "Town 1=field:Town 1"])).await.expect("taken");
        // What is said of one of them is said of that alone.
        import(&app, "email,Town 1,Town-1\ncy@example.org,Oslo,Cork\n", &columns(&["Town-1=field:Town-1"])).await.expect("taken");
        let fields: Vec<(String, String)> = rows(&app.site.db, "select name, label from field order by id").await;
        let one = |name: &str, label: &str| (name.to_owned(), label.to_owned());
        assert_eq!(fields, [one("town_1", "Town 1"), one("town_1_2", "Town-1")]);
        let sql = "select r.email, f.label, v.value from field_value v join field f on f.id = v.field_id join subscriber r on r.id = v.subscriber_id order by r.email, f.label";
        let found: Vec<(String, String, String)> = rows(&app.site.db, sql).await;
        let mut found: Vec<_> = found.iter().map(|(email, label, value)| (&email[..2], label.as_str(), value.as_str())).collect();
        found.sort_unstable();
        let expected = [("an", "Town 1", "Ulm"), ("an", "Town-1", "Bern"), ("bo", "Town 1", "Paris"), ("bo", "Town-1", "Rome"), ("cy", "Town-1", "Cork")];
        assert_eq!(found, expected);
        // Whose question somebody changed is found by its name, as before.
        change(&app.site.db, "update field set label = 'Where do you live?' where name = 'town_1'").await;
        import(&app, "email,Town 1\ndan@example.org,Kiel\n", &columns(&["Town 1=field:Town 1"])).await.expect("taken");
        assert_eq!(rows::<(i64,)>(&app.site.db, "select count(*) from field").await, [(2,)]);
    }
}

/// TRUST A29: a quotation mark that is never closed is told with its line and what it swallowed, and nothing is taken.
#[tokio::test(flavor = "multi_thread")]
async fn an_unclosed_quotation_mark_is_told_with_its_line() {
    let db = TestDb::migrated(Engine::Sqlite).await.expect("SQLite is always there");
    publishing::ensure_first(&site(&db)).await.expect("a first list");
    let file = file("unclosed.csv", "email,name\n\"a@example.org,Ann\nb@example.org,Bob\nc@example.org,Cy\n");
    let refused = broadside(&["subscribers", "import", &file, "--basis", "consent"], &settings(&db));
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("opened in line 2") && text(&refused.stderr).contains("lines 2 to 4"),
        "{refused:?}"
    );
    assert_eq!(rows::<(i64,)>(&db.db, "select count(*) from subscriber").await, [(0,)]);
}

/// TRUST F24: `kill -9` in the middle; the same command again adds what is missing, once.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_is_done_again_without_a_second_effect() {
    const ROWS: usize = 20_000;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let Some(db) = TestDb::migrated(engine).await else { continue };
        let settings = settings(&db);
        publishing::ensure_first(&site(&db)).await.expect("a first list");
        let lines: String = (0..ROWS)
            .map(|n| format!("r{n}@example.org,{}\n", if n % 10 == 0 { "Gone" } else { "Active" }))
            .collect();
        let file = file("many.csv", &format!("email,status\n{lines}"));
        let arguments = [
            "subscribers",
            "import",
            &file,
            "--basis",
            "consent",
            "--status",
            "gone=left",
            "--status",
            "active=on-list",
        ];
        let mut child = Command::new(env!("CARGO_BIN_EXE_broadside"));
        child
            .args(arguments)
            .current_dir(scratch::folder())
            .env_clear()
            .envs(settings)
            .stdout(std::process::Stdio::null());
        let mut child = child.spawn().expect("the program starts");
        let count = async || rows::<(i64,)>(&db.db, "select count(*) from subscription").await[0].0;
        wait::until("some of the rows", async || (count().await > 3_000).then_some(())).await;
        child.kill().expect("our own child");
        child.wait().expect("our own child");
        let before = count().await;
        assert!(before < ROWS as i64, "killed after the end");
        let again = broadside(&arguments, &settings);
        assert!(again.status.success(), "{again:?}");
        let sums: Vec<(i64, i64, i64)> = rows(
            &db.db,
            "select (select count(*) from subscription where state = 'left'), (select count(*) from subscription where state = 'confirmed'),
                (select count(*) from consent_event)",
        )
        .await;
        assert_eq!(sums, [(2_000, 18_000, 20_000)], "killed at {before}");
    }
}

//! The room's own rules, on both engines. What readers see is tested through the pages, in `tests/it`.

use std::time::Duration;

use super::*;
use crate::{
    clock::{Moment, Stopwatch},
    delivery,
    email_address::EmailAddress,
    links::{Confirm, Name, Unsubscribe},
    settings::Settings,
    site::Site,
    support::database::{TestDb, both_engines},
    token::{self, Purpose},
};

const DAY: Duration = Duration::from_secs(86_400);

struct House {
    site: Site,
    settings: Settings,
    list: i64,
    /// What links call the list.
    list_name: String,
}

impl House {
    async fn new(db: &TestDb) -> Self {
        let site = db.site("http://localhost", Moment::from_unix_seconds(1_772_528_400));
        let mut tx = site.db.begin().await.expect("a transaction");
        lists::add(&mut tx, &site, "weekly", "The weekly", "").await.expect("a list");
        tx.commit().await.expect("a commit");
        let list = lists::all(&site.db).await.expect("lists").remove(0);
        let (list, list_name) = (list.id, list.public_id);
        let settings = Settings { contact_email: "desk@example.org".into(), ..Settings::default() };
        Self { site, settings, list, list_name }
    }

    async fn subscribe_from(&self, email: &str, name: &str, ip: &str) -> Result<()> {
        let new = NewSubscription {
            email: &address(email),
            name,
            lists: &[self.list],
            wording: "Yes, send it.",
            answers: "",
            by: By::source("subscribe"),
            lookout: None,
            trace: Trace { ip, user_agent: "a browser" },
            crowd: Crowd::Unasked,
        };
        subscribe(&self.site, &self.settings, new).await.map(drop)
    }

    async fn subscribe(&self, email: &str, name: &str) {
        self.subscribe_from(email, name, "127.0.0.1").await.expect("taken");
    }

    async fn reader(&self, email: &str) -> Subscriber {
        by_email(&self.site.db, &address(email)).await.expect("a read").expect("a reader")
    }

    async fn state(&self, email: &str) -> SubscriptionState {
        let reader = self.reader(email).await;
        subscriptions(&self.site.db, reader.id).await.expect("a read").remove(0).state
    }

    async fn confirm(&self, email: &str) {
        let reader = self.reader(email).await;
        let link =
            Confirm { subscriber: Name::id(&reader.public_id), lists: vec![Name::id(&self.list_name)] };
        // That of the mail, while the clock stands still.
        let link = link.sign(&self.site.keys, self.site.now().plus(DAY * 7));
        confirm(&self.site, &link, &[], Trace::default()).await.expect("confirmed");
    }

    async fn leaving_link(&self, email: &str) -> String {
        let reader = self.reader(email).await;
        let [subscriber, list, edition] =
            [&reader.public_id, &self.list_name, &token::public_id()].map(|id| Name::Id(id.clone().into()));
        Unsubscribe { subscriber, list, edition }.sign(&self.site.keys)
    }

    /// How many confirmation mails were enqueued.
    async fn mails(&self) -> i64 {
        delivery::letter_counts(&self.site.db)
            .await
            .expect("a count")
            .into_iter()
            .map(|(_, count)| count)
            .sum()
    }

    async fn import(&self, file: &str) -> ImportReport {
        let basis = Basis { basis: "consent".into(), source: "sheets of the spring fair".into() };
        import(&self.site, file.as_bytes(), self.list, &basis).await.expect("an import")
    }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

both_engines! {
    /// TRUST A24: at most one confirmation a day for an address, whatever the case it is typed in.
    async fn an_address_gets_one_confirmation_a_day(db: TestDb) {
        let house = House::new(&db).await;
        for email in ["ann@example.org", "ANN@example.org", "Ann@Example.ORG"] {
            house.subscribe(email, "").await;
        }
        assert_eq!(house.mails().await, 1);
        house.site.clock.advance(DAY);
        house.subscribe("ann@example.org", "").await;
        assert_eq!(house.mails().await, 2);
        house.site.clock.advance(DAY);
        house.subscribe("ann@example.org", "").await;
        house.site.clock.advance(DAY);
        house.subscribe("ann@example.org", "").await;
        assert_eq!(house.mails().await, 3, "and three a week");
    }

    /// TRUST A22: asking again is answered the same, tells who is on the list that they are, and renames nobody.
    async fn somebody_on_the_list_is_told_so_and_not_renamed_by_the_form(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("ann@example.org", "Ann").await;
        house.confirm("ann@example.org").await;
        house.site.clock.advance(DAY * 30);
        house.subscribe("ann@example.org", "{{rude}}").await;
        assert_eq!((house.mails().await, house.state("ann@example.org").await), (2, SubscriptionState::Confirmed));
        assert_eq!(house.reader("ann@example.org").await.name, "Ann");
    }

    /// TRUST A24: one place cannot sign up the whole world; from where everybody seems to come, only the sum counts.
    async fn one_place_is_stopped_after_twenty_sign_ups(db: TestDb) {
        let house = House::new(&db).await;
        for at in 0..20 {
            let email = format!("victim{at}@example.org");
            house.subscribe_from(&email, "", "203.0.113.9").await.expect("taken");
        }
        let stopped = house.subscribe_from("victim20@example.org", "", "203.0.113.9").await;
        assert!(matches!(stopped, Err(SubscriberError::TooMany(_))));
        house.subscribe_from("other@example.org", "", "203.0.113.10").await.expect("another place");
        house.subscribe_from("proxied@example.org", "", "10.0.0.1").await.expect("an undeclared proxy");
        house.site.clock.advance(Duration::from_secs(16 * 60));
        house.subscribe_from("later@example.org", "", "203.0.113.9").await.expect("later");
    }

    /// TRUST L1, T8: who agreed to what, when, by which words; another wording is another row.
    async fn the_proof_tells_the_whole_story(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("ann@example.org", "").await;
        house.confirm("ann@example.org").await;
        let link = house.leaving_link("ann@example.org").await;
        leave(&house.site, &link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        rejoin(&house.site, &link, Trace::default()).await.expect("back");
        let reader = house.reader("ann@example.org").await;
        let proof = consent::proof(&house.site.db, reader.id).await.expect("the proof");
        let told: Vec<_> = proof.iter().map(|event| (event.action, event.method)).collect();
        assert_eq!(
            told,
            [
                (ConsentAction::Asked, ConsentMethod::Form),
                (ConsentAction::Confirmed, ConsentMethod::Confirmation),
                (ConsentAction::Left, ConsentMethod::OneClick),
                (ConsentAction::Confirmed, ConsentMethod::UnsubscribePage)
            ]
        );
        assert_eq!(proof[0].wording.as_deref(), Some("Yes, send it."));
        assert_eq!((proof[0].ip.as_str(), proof[0].user_agent.as_str()), ("127.0.0.0/24", "a browser"));
    }

    /// Leaving is undone for a day, and only by somebody who had been on the list.
    async fn leaving_is_undone_for_a_day_and_never_joins_a_stranger(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("ann@example.org", "").await;
        house.subscribe("bob@example.org", "").await;
        house.confirm("ann@example.org").await;
        for email in ["ann@example.org", "bob@example.org"] {
            let link = house.leaving_link(email).await;
            leave(&house.site, &link, ConsentMethod::UnsubscribePage, Trace::default()).await.expect("left");
        }
        let (ann, bob) =
            (house.leaving_link("ann@example.org").await, house.leaving_link("bob@example.org").await);
        let left = rejoin(&house.site, &bob, Trace::default()).await.expect("an answer");
        assert!(!left.subscribed, "who never confirmed is not joined by undoing");
        house.site.clock.advance(DAY);
        let left = rejoin(&house.site, &ann, Trace::default()).await.expect("an answer");
        assert!(!left.subscribed && !left.can_undo, "a day is over");
    }

    /// TRUST A25: a confirmation from before leaving does not bring anybody back.
    async fn an_old_confirmation_does_not_bring_back_who_left(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("ann@example.org", "").await;
        house.confirm("ann@example.org").await;
        let link = house.leaving_link("ann@example.org").await;
        leave(&house.site, &link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        house.confirm("ann@example.org").await;
        assert_eq!(house.state("ann@example.org").await, SubscriptionState::Left);
    }

    /// TRUST A15, T8: doing it twice does it once, who left stays away, wrong rows are named.
    async fn an_import_is_repeatable_and_brings_nobody_back(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("gone@example.org", "").await;
        house.confirm("gone@example.org").await;
        let link = house.leaving_link("gone@example.org").await;
        leave(&house.site, &link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let file = "name,email\nAnn,ann@example.org\nBad,not an address\n'+61 400,bob@example.org\nGone,gone@example.org\nAnn again,ANN@example.org\n";
        let first = house.import(file).await;
        assert_eq!((first.added, first.unchanged), (2, 2));
        assert_eq!(first.errors.iter().map(|error| error.line).collect::<Vec<_>>(), [3]);
        let second = house.import(file).await;
        assert_eq!((second.added, second.unchanged), (0, 4));
        assert_eq!(house.state("gone@example.org").await, SubscriptionState::Left);
        assert_eq!(house.reader("bob@example.org").await.name, "+61 400");
        assert_eq!(house.mails().await, 1, "nobody who is imported is asked");
    }

    /// What spreadsheets save is taken as it is: their headings, semicolons, tabs and UTF-16.
    async fn files_of_spreadsheets_are_taken(db: TestDb) {
        let house = House::new(&db).await;
        let wide = |text: &str| {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xff, 0xfe].into_iter().chain(units).collect::<Vec<u8>>()
        };
        let basis = Basis { basis: "consent".to_owned(), source: "a sheet".to_owned() };
        for (at, file) in [
            "E-Mail;Name\na0@example.org;Zoë\n".as_bytes().to_vec(),
            "\u{feff}Name\tE-mail address\nZoë\ta1@example.org\n".as_bytes().to_vec(),
            wide("Mail\tName\r\na2@example.org\tZoë\r\n"),
            "\u{feff}\"Email\",\"Full name\"\na3@example.org,Zoë\n".as_bytes().to_vec(),
        ]
        .into_iter()
        .enumerate()
        {
            let report = import(&house.site, file.as_slice(), house.list, &basis).await.expect("an import");
            assert_eq!((report.added, report.errors), (1, Vec::new()), "file {at}");
            assert_eq!(house.reader(&format!("a{at}@example.org")).await.name, "Zoë");
        }
        let report =
            import(&house.site, b"email;name\nb@example.org;Zo\xeb\n".as_slice(), house.list, &basis).await;
        assert_eq!(report.expect("an import").added, 1);
        assert_eq!(house.reader("b@example.org").await.name, "Zoë", "in Windows-1252");
        // A line may say what stands between the columns; lines are counted as an editor sees them.
        for end in ["\n", "\r\n"] {
            let file = format!("sep=;{end}E-Mail;Name{end}c@example.org;Zoë, Ann{end}nobody;{end}");
            let report = import(&house.site, file.as_bytes(), house.list, &basis).await.expect("an import");
            assert_eq!((report.added + report.unchanged, report.errors.len()), (1, 1), "{end:?}");
            assert_eq!(report.errors[0].line, 4);
            assert_eq!(house.reader("c@example.org").await.name, "Zoë, Ann");
        }
        // Headings in Windows-1252, and UTF-16 that does not say so.
        let unmarked = "email;name\ne@example.org;D\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for file in [b"email;Pr\xe9nom\nd@example.org;D\n".to_vec(), unmarked] {
            let report = import(&house.site, file.as_slice(), house.list, &basis).await.expect("an import");
            assert_eq!(report.added, 1);
        }
        for address in ["d@example.org", "e@example.org"] {
            assert_eq!(house.reader(address).await.name, "D");
        }
    }

    /// TRUST A15: the exported file opens harmlessly, comes back as it was, and takes nobody along who left.
    /// A megabyte of quotes, of columns, of one field or of lines is read in seconds, and brings nobody in.
    async fn a_file_of_the_worst_is_read_quickly(db: TestDb) {
        let house = House::new(&db).await;
        let mega = 1_000_000;
        for (what, rows) in [
            ("quotes", "\"".repeat(mega)),
            ("quotes that end", "\"\"\"\",".repeat(mega / 5)),
            ("columns", ",".repeat(mega)),
            ("one field", format!("\"{}@example.org\"", "a".repeat(mega))),
            ("one field of another script", format!("a@{}", "é".repeat(mega / 2))),
            ("states", format!("a@example.org,{}", "x".repeat(mega))),
            ("lines", "a\n".repeat(mega / 2)),
        ] {
            let watch = Stopwatch::start();
            let basis = Basis { basis: "consent".to_owned(), source: "a sheet".to_owned() };
            let file = format!("email,state\n{rows}");
            let report = import(&house.site, file.as_bytes(), house.list, &basis).await;
            let report = report.unwrap_or_else(|error| {
                assert!(error.to_string().len() < 300, "{what}: {error}");
                ImportReport::default()
            });
            assert_eq!(report.added, 0, "{what}");
            assert!(report.errors.iter().all(|error| error.why.len() < 200), "{what}");
            assert!(watch.elapsed() < Duration::from_secs(20), "{what} took {:?}", watch.elapsed());
        }
    }

    async fn an_export_comes_back_in_another_house(db: TestDb) {
        let house = House::new(&db).await;
        house.import("email,name\nann@example.org,=1+1\nbob@example.org,Bob\n").await;
        let link = house.leaving_link("bob@example.org").await;
        leave(&house.site, &link, ConsentMethod::OneClick, Trace::default()).await.expect("left");
        let mut file = Vec::new();
        assert_eq!(export(&house.site, &mut file).await.expect("an export"), 2);
        let file = String::from_utf8(file).expect("text");
        assert!(file.contains("ann@example.org,'=1+1,weekly,confirmed"), "{file}");
        let db = TestDb::migrated(db.db.engine()).await.expect("the engine is there");
        let other = House::new(&db).await;
        let report = other.import(&file).await;
        assert_eq!((report.added, report.left, report.errors.len()), (1, 1, 0));
        assert_eq!(other.state("bob@example.org").await, SubscriptionState::Left);
        assert_eq!(other.reader("ann@example.org").await.name, "=1+1");
    }

    /// TRUST M4: a link touches its own list and serves its own purpose alone.
    async fn a_link_for_one_thing_opens_nothing_else(db: TestDb) {
        let house = House::new(&db).await;
        house.subscribe("ann@example.org", "").await;
        let id = house.reader("ann@example.org").await.public_id;
        let scope = format!("{id}.{}.{id}", house.list_name);
        for purpose in [Purpose::Confirm, Purpose::Preferences, Purpose::View, Purpose::Give] {
            let link = house.site.keys.sign(purpose, &scope, None);
            let answer = leave(&house.site, &link, ConsentMethod::OneClick, Trace::default()).await;
            assert!(matches!(answer, Err(SubscriberError::Link)), "{purpose:?}");
        }
        assert_eq!(house.state("ann@example.org").await, SubscriptionState::Pending);
    }
}

//! Composing, pressing Send, sealing: on both engines.

use std::time::Duration;

use super::{
    seal::{Step, write_chunk},
    *,
};
use crate::{
    articles::{self, WrittenArticle},
    delivery, editions,
    mail::Templates,
    settings::{self, Settings},
    support::database::{TestDb, both_engines},
};

crate::statements! {
    LIST = "insert into list (id, public_id, slug, name, description, visibility, created_at) values (1, 'listlistlistlistlistlistli', 'weekly', 'The weekly', '', 'public', 0)";
    READERS = rows(5) "insert into subscriber (id, public_id, email, email_key, name, created_at)
        select column1, column2, column3, column4, column5, 0 from (values {rows}) as v";
    /// Keys that were given do not move PostgreSQL's own counting.
    COUNTED = sqlite "select max(id) from subscriber",
        postgres "select setval(pg_get_serial_sequence('subscriber', 'id'), max(id)) from subscriber";
    SUBSCRIPTIONS = rows(2) "insert into subscription (subscriber_id, list_id, state, asked_at)
        select column1, 1, column2, 0 from (values {rows}) as v";
}

const _: usize = STATEMENTS.len();

/// A magazine with one list, one digest, two articles, and readers whose keys count up from one.
struct House {
    site: Site,
    templates: Templates,
}

impl House {
    async fn with_readers(db: &TestDb, count: i64) -> Self {
        let site = db.site("https://news.example.org", Moment::from_unix_seconds(1_794_528_000));
        let house = Self { site, templates: Templates::load().expect("templates") };
        fill(&house.site, count).await;
        house
    }

    /// An edition with both articles, at revision 2.
    async fn draft(&self) -> (i64, String) {
        let (id, public_id) = create_draft(&self.site, 1, None).await.expect("a draft");
        save_revision(&self.site, id, 1, content("Spring"), None).await.expect("a revision");
        (id, public_id)
    }

    async fn press(&self, id: i64, revision: i64) -> Result<Moment> {
        press_send(&self.site, &self.templates, id, revision, None, None).await
    }

    /// By somebody who looks at it as it is now.
    async fn undo(&self, public_id: &str) -> Result<()> {
        let version = find(&self.site.db, public_id).await.expect("an edition").version();
        undo(&self.site, public_id, &version, None).await
    }

    async fn seal_due(&self) -> usize {
        seal_due(&self.site, &self.templates).await.expect("sealing")
    }

    async fn state(&self, id: i64) -> EditionState {
        load(&self.site.db, id).await.expect("an edition").state
    }

    /// Everyone has exactly one row, the rows and the tallies agree, and all of them are still to go.
    async fn assert_sealed_for(&self, id: i64, readers: i64) {
        let audit = delivery::audit_copies(&self.site.db, id).await.expect("an audit");
        assert!(audit.holds(), "{} and {}", audit.rows, audit.tallies);
        assert_eq!((audit.rows.sealed, audit.rows.open), (readers, readers));
        assert_eq!(load(&self.site.db, id).await.expect("an edition").sealed_count, Some(readers));
    }
}

/// One list, one digest, two articles, everything the law wants said, and readers whose keys count up from one.
pub(crate) async fn fill(site: &Site, count: i64) {
    let mut tx = site.db.begin().await.expect("a transaction");
    tx.exec(LIST, ()).await.expect("a list");
    ensure_digest(&mut tx, site, "digest", "The digest", 1).await.expect("a digest");
    let readers = (1..=count).map(|id| {
        let address = format!("reader{id}@example.org");
        (id, format!("p{id}"), address.clone(), address, String::new())
    });
    tx.many(READERS, readers).await.expect("readers");
    tx.one::<(Option<i64>,)>(COUNTED, ()).await.expect("a count");
    tx.many(SUBSCRIPTIONS, (1..=count).map(|id| (id, "confirmed"))).await.expect("subscriptions");
    settings::save(&mut tx, site, None, |settings| {
        settings.legal_name = "Lamplighter Press".into();
        settings.postal_address = "1 Wick Lane".into();
        settings.contact_email = "desk@example.org".into();
    })
    .await
    .expect("settings");
    tx.commit().await.expect("a commit");
    for title in ["One", "Two"] {
        let written = WrittenArticle {
            title: title.into(),
            canonical_url: format!("https://magazine.example.org/{title}"),
            body_markdown: Some("Words.".into()),
            state: articles::ArticleState::Published,
            ..WrittenArticle::default()
        };
        articles::create(site, &written).await.expect("an article");
    }
}

fn content(subject: &str) -> Content {
    Content {
        subject: subject.into(),
        preview_text: "What the thaw brings".into(),
        intro_markdown: "Dear all.\n\nSpring *again*.".into(),
        blocks: Block::row([ArticleId(2), ArticleId(1)]),
        topic_ids: Vec::new(),
        rhythm: None,
        only_segment: None,
        except_segment: None,
    }
}

fn minute_later(house: &House) {
    house.site.clock.advance(UNDO);
}

both_engines! {
    async fn each_save_is_a_revision_and_two_writers_do_not_overwrite_each_other(db: TestDb) {
        let house = House::with_readers(&db, 1).await;
        let (id, _) = house.draft().await;
        let other = save_revision(&house.site, id, 1, content("Winter"), None).await;
        assert!(matches!(other, Err(Error::Changed)), "{other:?}");
        let again = save_revision(&house.site, id, 2, content("Late\r\nBcc: all@example.org"), None).await;
        assert_eq!(again.expect("based on the newest"), 3);
        let edition = load(&house.site.db, id).await.expect("an edition");
        assert_eq!(edition.content.subject, "Late Bcc: all@example.org", "TRUST A16: one line");
        assert_eq!(edition.content.article_ids(), [ArticleId(2), ArticleId(1)]);
    }

    /// TRUST F27: nothing can be changed once Send was pressed.
    async fn an_edition_on_its_way_is_locked(db: TestDb) {
        let house = House::with_readers(&db, 1).await;
        let (id, _) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        let save = save_revision(&house.site, id, 2, content("Other"), None).await;
        assert!(matches!(save, Err(Error::Locked)), "{save:?}");
    }

    /// TRUST F27: two people press Send at once; one wins, the other is told, and it goes out once.
    async fn of_two_people_who_press_send_one_wins(db: TestDb) {
        let house = House::with_readers(&db, 3).await;
        let (id, _) = house.draft().await;
        let (one, other) = tokio::join!(house.press(id, 2), house.press(id, 2));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let lost = if one.is_ok() { other } else { one };
        assert!(matches!(lost, Err(Error::AlreadyPressed)), "{lost:?}");
        minute_later(&house);
        assert_eq!(house.seal_due().await, 1);
        house.assert_sealed_for(id, 3).await;
    }

    async fn send_takes_the_revision_that_the_sender_saw(db: TestDb) {
        let house = House::with_readers(&db, 1).await;
        let (id, _) = house.draft().await;
        save_revision(&house.site, id, 2, content("Rewritten"), None).await.expect("a revision");
        let stale = house.press(id, 2).await;
        assert!(matches!(stale, Err(Error::Changed)), "{stale:?}");
        assert_eq!(house.state(id).await, EditionState::Draft);
    }

    async fn send_can_be_undone_for_a_minute_and_not_after(db: TestDb) {
        let house = House::with_readers(&db, 2).await;
        let (id, public_id) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        house.site.clock.advance(UNDO - Duration::from_secs(1));
        assert_eq!(house.seal_due().await, 0);
        house.undo(&public_id).await.expect("within the minute");
        assert_eq!(house.state(id).await, EditionState::Draft);
        minute_later(&house);
        assert_eq!(house.seal_due().await, 0, "what was undone does not go out");
        house.press(id, 2).await.expect("Send again");
        minute_later(&house);
        assert_eq!(house.seal_due().await, 1);
        let late = house.undo(&public_id).await;
        assert!(matches!(late, Err(Error::TooLate)), "{late:?}");
    }

    /// TRUST L4: without a legal name, an address and a contact nothing is scheduled; nor without readers or a subject.
    async fn an_edition_that_is_not_ready_is_not_scheduled(db: TestDb) {
        let house = House::with_readers(&db, 0).await;
        let (id, _) = house.draft().await;
        let mut tx = house.site.db.begin().await.expect("a transaction");
        settings::save(&mut tx, &house.site, None, |settings| settings.postal_address.clear())
            .await
            .expect("saved");
        tx.commit().await.expect("a commit");
        save_revision(&house.site, id, 2, Content { subject: String::new(), ..content("") }, None)
            .await
            .expect("saved");
        let Err(Error::NotReady(problems)) = house.press(id, 3).await else { panic!("it was scheduled") };
        assert_eq!(problems, [Problem::NoSubject, Problem::Setting("a postal address"), Problem::NoReaders]);
        assert_eq!(house.state(id).await, EditionState::Draft);
    }

    /// TRUST T1: a process that ends between two chunks loses nobody and writes nobody twice.
    async fn sealing_goes_on_where_it_was_broken_off(db: TestDb) {
        let house = House::with_readers(&db, 2 * CHUNK + 345).await;
        let (id, public_id) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        minute_later(&house);
        let due = editions::due(&house.site).await.expect("due")[0];
        assert_eq!(write_chunk(&house.site, due, 0).await.expect("a chunk"), Step::Written(CHUNK));
        assert_eq!(house.state(id).await, EditionState::Scheduled, "nobody gets a copy yet");
        let undone = house.undo(&public_id).await;
        assert!(matches!(undone, Err(Error::TooLate)), "{undone:?}");
        // A worker that was slow, and one that begins again.
        assert_eq!(write_chunk(&house.site, due, 0).await.expect("a chunk"), Step::SomebodyElse);
        assert_eq!(house.seal_due().await, 1);
        assert_eq!(house.state(id).await, EditionState::Sending);
        house.assert_sealed_for(id, 2 * CHUNK + 345).await;
    }

    /// TRUST T1, F14: two workers that seal at once write every row once.
    async fn two_workers_seal_an_edition_once(db: TestDb) {
        let house = House::with_readers(&db, 3 * CHUNK).await;
        let (id, _) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        minute_later(&house);
        let (one, other) = tokio::join!(house.seal_due(), house.seal_due());
        assert_eq!(one + other, 1);
        house.assert_sealed_for(id, 3 * CHUNK).await;
    }

    /// A worker that looked before the edition was undone, rewritten and sent again must not send the old text.
    async fn a_text_that_was_undone_is_not_sealed_in_the_place_of_the_new_one(db: TestDb) {
        let house = House::with_readers(&db, 2).await;
        let (id, public_id) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        minute_later(&house);
        let due = editions::due(&house.site).await.expect("due")[0];
        house.undo(&public_id).await.expect("not sealed yet");
        save_revision(&house.site, id, 2, content("Corrected"), None).await.expect("a revision");
        house.press(id, 3).await.expect("Send");
        assert_eq!(write_chunk(&house.site, due, 0).await.expect("no failure"), Step::SomebodyElse);
        minute_later(&house);
        assert_eq!(house.seal_due().await, 1);
        house.assert_sealed_for(id, 2).await;
    }

    /// TRUST L9: article links are the plain addresses, the same in every copy, and no picture counts who looked.
    async fn links_to_articles_tell_nobody_who_followed_them(db: TestDb) {
        let house = House::with_readers(&db, 1).await;
        let (id, _) = house.draft().await;
        let edition = load(&house.site.db, id).await.expect("an edition");
        let mut settings = Settings::load(&house.site.db).await.expect("settings");
        let here = preview(&house.site, &house.templates, &settings, &edition).await.expect("a preview");
        assert!(here.html.contains("href=\"https://news.example.org/articles/one\""), "{}", here.html);
        assert!(!here.html.contains("<img"));
        settings.articles_at = crate::settings::ArticlesAt::Elsewhere;
        let elsewhere = preview(&house.site, &house.templates, &settings, &edition).await.expect("a preview");
        assert!(elsewhere.html.contains("href=\"https://magazine.example.org/One\""));
        assert!(elsewhere.text.lines().any(|line| line.ends_with("https://magazine.example.org/One")));
    }

    async fn the_archive_shows_what_went_out_and_nothing_else(db: TestDb) {
        let house = House::with_readers(&db, 1).await;
        let (id, public_id) = house.draft().await;
        assert!(archive(&house.site.db, None, 10).await.expect("a list").is_empty());
        assert!(in_archive(&house.site, &public_id).await.is_err());
        house.press(id, 2).await.expect("Send");
        minute_later(&house);
        house.seal_due().await;
        assert_eq!(archive(&house.site.db, None, 10).await.expect("a list").len(), 1);
        assert!(in_archive(&house.site, &public_id).await.is_ok());
        assert!(copy_of(&house.site, id, 1, "http://localhost/view/x").await.is_ok());
        assert!(copy_of(&house.site, id, 2, "http://localhost/view/x").await.is_err(), "not in its audience");
    }

    async fn results_are_found_by_part_of_an_address_and_by_outcome(db: TestDb) {
        let house = House::with_readers(&db, 12).await;
        let (id, _) = house.draft().await;
        house.press(id, 2).await.expect("Send");
        minute_later(&house);
        house.seal_due().await;
        let found = async |search: &str, state: &str| {
            let rows =
                results(&house.site.db, id, WantedCopies { search, state, class: "" }, 0, 50).await.expect("results");
            rows.into_iter().map(|row| row.subscriber_id).collect::<Vec<_>>()
        };
        assert_eq!(found("READER1", "").await, [1, 10, 11, 12]);
        assert_eq!(found("reader_", "").await, [0_i64; 0], "an underscore is a character like others");
        assert_eq!(found("reader2@", "open").await, [2]);
        assert_eq!(found("", "failed").await, [0_i64; 0]);
        assert_eq!(copies_of(&house.site.db, 3, None, 10).await.expect("copies")[0].subject, "Spring");
    }
}

//! Editions that go to a segment of their list alone, or not to one of it.

use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::StatusCode;

use broadside::{
    email_address::EmailAddress,
    publishing::{self, Content, Edition, Problem},
    sandbox::{Rule, Stage},
    segments::{self, AnswerTest, Condition, ListStanding, Segment, SegmentError, SegmentTree},
    subscribers::{
        self,
        fields::{self, FieldKind, NewField, StandsIn},
    },
};

use crate::support::{TestApp, both_engines, database};

fn nth(n: usize) -> String {
    format!("reader{n}@example.org")
}

/// Who got a mail of that subject, by their numbers.
fn got(app: &TestApp, subject: &str) -> Vec<usize> {
    let to = |n: &usize| app.mails(&nth(*n)).iter().any(|mail| mail.subject == subject);
    (1..=9).filter(to).collect()
}

fn answered(field: i64, text: &str) -> SegmentTree {
    SegmentTree::Is(Condition::Field { field, answer: AnswerTest::Is(text.to_owned()) })
}

/// A field that the readers answered, each with a town.
async fn towns(app: &TestApp, towns: &[&str]) -> i64 {
    let new = NewField { label: "Town", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Desk };
    app.desk().await;
    fields::add(&app.site, 1, new).await.expect("made");
    let field = fields::all(&app.site.db).await.expect("a read")[0].id;
    for (n, town) in (1..).zip(towns) {
        let reader = app.reader_row(&nth(n)).await;
        let sql = format!(
            "insert into field_value (subscriber_id, field_id, value) values ({reader}, {field}, '{town}')
             on conflict (subscriber_id, field_id) do update set value = excluded.value"
        );
        database::change(&app.site.db, Box::leak(sql.into_boxed_str())).await;
    }
    field
}

async fn segment(app: &TestApp, name: &str, tree: SegmentTree) -> Segment {
    let id = segments::create(&app.site, None, name, tree).await.expect("made");
    newest(app, &id).await
}

async fn newest(app: &TestApp, public_id: &str) -> Segment {
    segments::find(&app.site.db, public_id).await.expect("a read").expect("it is there")
}

async fn draft(app: &TestApp, subject: &str, only: Option<i64>, except: Option<i64>) -> Edition {
    let draft = app.draft(subject).await;
    let content = Content { only_segment: only, except_segment: except, ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("a draft");
    publishing::load(&app.site.db, draft.id).await.expect("it is there")
}

async fn press(app: &TestApp, draft: &Edition) {
    publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None)
        .await
        .expect("nothing is in the way");
}

async fn seal(app: &TestApp) {
    app.advance(publishing::UNDO + Duration::from_secs(1));
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
    app.drain().await;
}

async fn send(app: &TestApp, draft: &Edition) {
    press(app, draft).await;
    seal(app).await;
}

both_engines! {
    /// TRUST T1: a list says to which segment its new editions go, and to which not. A draft begins with that, says so, and can say otherwise;
    /// what was begun before stays as it is, and nobody deletes a segment under it.
    async fn new_editions_begin_with_what_their_list_says(app: TestApp) {
        app.readers(4).await;
        let town = towns(&app, &["Berlin", "Berlin", "Paris", "Rome"]).await;
        let berlin = segment(&app, "In Berlin", answered(town, "Berlin")).await;
        let rome = segment(&app, "In Rome", answered(town, "Rome")).await;
        let before = app.draft("Before").await;
        let desk = app.desk().await;
        let lists = subscribers::lists::all(&app.site.db).await.expect("lists");
        let path = format!("/desk/lists/{}", lists[0].public_id);
        let form = desk.open(&path).await.form(&path).with("except", &berlin.id.to_string());
        desk.submit_and_follow(&form).await.says("Saved");
        let log: Vec<(String,)> =
            database::rows(&app.site.db, "select detail from audit_log where action = 'changed a list'").await;
        assert!(log.len() == 1 && log[0].0.contains("new editions not to “In Berlin”"), "{log:?}");

        // The page says it, and two who save it at once see one another.
        let form = desk.open(&path).await.form(&path);
        assert_eq!((form.value("only"), form.value("except")), (Some(""), Some(berlin.id.to_string().as_str())));
        desk.submit_and_follow(&form.clone().with("only", &rome.id.to_string()).with("except", "")).await.says("Saved");
        let late = desk.submit(&form).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("New editions go to").says("In Rome").says("New editions leave out").says("Nobody");
        let form = desk.open(&path).await.form(&path).with("only", "").with("except", &berlin.id.to_string());
        desk.submit_and_follow(&form).await.says("Saved");

        let digest = publishing::digests(&app.site.db).await.expect("digests")[0].id;
        let begun = async || {
            let (id, public_id) = publishing::create_draft(&app.site, digest, None).await.expect("a draft");
            let page = desk.open(&format!("/desk/editions/{public_id}")).await;
            (id, page.form(&format!("/desk/editions/{public_id}")))
        };
        let (id, form) = begun().await;
        assert_eq!(segments::segments_of(&app.site.db, id).await.expect("a read"), (None, Some(berlin.id)));
        assert_eq!(form.value("except"), Some(berlin.id.to_string().as_str()), "whoever writes it sees that");
        let saved = desk.submit(&form.with("subject", "As usual").with("intro", "Words.").with("act", "save")).await;
        assert_eq!(saved.status, StatusCode::SEE_OTHER);
        send(&app, &publishing::load(&app.site.db, id).await.expect("it is there")).await;
        assert_eq!(got(&app, "As usual"), [3, 4]);

        let (id, form) = begun().await;
        desk.submit(&form.with("subject", "Otherwise").with("intro", "Words.").with("except", "").with("act", "save")).await;
        send(&app, &publishing::load(&app.site.db, id).await.expect("it is there")).await;
        assert_eq!(got(&app, "Otherwise"), [1, 2, 3, 4]);
        assert_eq!(segments::segments_of(&app.site.db, before.id).await.expect("a read"), (None, None));
        send(&app, &before).await;
        assert_eq!(got(&app, "Before"), [1, 2, 3, 4]);

        let used = segments::delete(&app.site, None, &newest(&app, &berlin.public_id).await).await;
        assert!(matches!(&used, Err(SegmentError::InUse(by)) if by == "new editions of the list “The digest”"), "{used:?}");
        let form = desk.open(&path).await.form(&path).with("except", "");
        segments::delete(&app.site, None, &newest(&app, &rome.public_id).await).await.expect("deleted");
        let gone = desk.submit(&form.clone().with("only", &rome.id.to_string())).await;
        assert_eq!(gone.status, StatusCode::UNPROCESSABLE_ENTITY);
        gone.says("A segment that you chose has been deleted.");
        assert_eq!(segments::usual(&app.site.db, lists[0].id).await.expect("a read"), (None, Some(berlin.id)), "nothing was saved");
        desk.submit_and_follow(&form).await.says("Saved");
        let (id, _) = begun().await;
        assert_eq!(segments::segments_of(&app.site.db, id).await.expect("a read"), (None, None));
        segments::delete(&app.site, None, &newest(&app, &berlin.public_id).await).await.expect("deleted");
    }

    /// TRUST T1: an edition goes to those of its list whom its segments mean; to nobody who left or is stopped, in whichever segment they are; and a
    /// correction to whoever got the wrong copy, in whichever segment they are since.
    async fn an_edition_goes_to_whom_its_segments_mean(app: TestApp) {
        app.readers(6).await;
        let town = towns(&app, &["Berlin", "Berlin", "Paris", "berlin", "Berlin"]).await;
        let berlin = segment(&app, "In Berlin", answered(town, "Berlin")).await;
        let others = segment(&app, "Elsewhere", SegmentTree::Not(Box::new(SegmentTree::Is(Condition::Segment { segment: berlin.id })))).await;
        let first = segment(&app, "The first", SegmentTree::Is(Condition::Domain { domain: "example.org".to_owned() })).await;
        subscribers::leave_by_staff(&app.site, app.reader_row(&nth(4)).await, app.list().await, "a letter").await.expect("left");
        let blocked = EmailAddress::parse(&nth(5)).expect("an address");
        subscribers::block(&app.site, &blocked, "a test", None).await.expect("blocked");

        let only = draft(&app, "Only Berlin", Some(berlin.id), None).await;
        let counted = publishing::Readerships::default().of(&app.site, &only).await.expect("a count");
        assert_eq!((counted.readers, counted.not_meant, counted.about), (2, 2, false));
        let desk = app.desk().await;
        desk.open(&format!("/desk/editions/{}/send", only.public_id)).await
            .says("This goes to 2 readers")
            .says("It goes to nobody but In Berlin: Readers who answered “Berlin” to “Town”.");
        send(&app, &only).await;
        assert_eq!(got(&app, "Only Berlin"), [1, 2]);
        desk.open(&format!("/desk/editions/{}", only.public_id)).await.says("Only to In Berlin, version 1: Readers who answered “Berlin” to “Town”.");
        send(&app, &draft(&app, "Not Berlin", None, Some(berlin.id)).await).await;
        assert_eq!(got(&app, "Not Berlin"), [3, 6]);
        send(&app, &draft(&app, "Elsewhere", Some(others.id), None).await).await;
        assert_eq!(got(&app, "Elsewhere"), [3, 6]);
        send(&app, &draft(&app, "Both", Some(first.id), Some(others.id)).await).await;
        assert_eq!(got(&app, "Both"), [1, 2]);
        send(&app, &draft(&app, "All", None, None).await).await;
        assert_eq!(got(&app, "All"), [1, 2, 3, 6]);

        segments::save(&app.site, None, &berlin, answered(town, "Paris")).await.expect("saved");
        let correction = publishing::begin_correction(&app.site, &only.public_id, only.revision, None).await.expect("a draft");
        send(&app, &publishing::find(&app.site.db, &correction).await.expect("it is there")).await;
        assert_eq!(got(&app, "Correction: Only Berlin"), [1, 2]);
    }

    /// TRUST T1: what was approved is what counts. Saving a segment, or one that it takes in, changes nothing of an edition that waits; a page that was
    /// opened before is refused; and Send that was taken back approves nothing any more.
    async fn an_edition_goes_by_the_version_that_was_approved(app: TestApp) {
        app.readers(3).await;
        let town = towns(&app, &["Berlin", "Paris", "Rome"]).await;
        let inner = segment(&app, "Inner", answered(town, "Berlin")).await;
        let outer = segment(&app, "Outer", SegmentTree::Any(vec![SegmentTree::Is(Condition::Segment { segment: inner.id }), answered(town, "Rome")])).await;
        let approved = draft(&app, "Approved", Some(outer.id), None).await;
        press(&app, &approved).await;
        segments::save(&app.site, None, &inner, answered(town, "Paris")).await.expect("saved");
        segments::save(&app.site, None, &outer, answered(town, "Paris")).await.expect("saved");
        let used = segments::delete(&app.site, None, &newest(&app, &outer.public_id).await).await;
        assert!(matches!(&used, Err(SegmentError::InUse(by)) if by.contains("“Approved”")), "{used:?}");
        seal(&app).await;
        assert_eq!(got(&app, "Approved"), [1, 3]);

        let (inner, outer) = (newest(&app, &inner.public_id).await, newest(&app, &outer.public_id).await);
        let taken_back = draft(&app, "Taken back", Some(outer.id), None).await;
        let desk = app.desk().await;
        let path = format!("/desk/editions/{}/send", taken_back.public_id);
        let page = desk.open(&path).await;
        segments::save(&app.site, None, &outer, answered(town, "Rome")).await.expect("saved");
        let refused = desk.submit(&page.form(&path).with("act", "now")).await;
        refused.says("a segment that it goes by");
        press(&app, &taken_back).await;
        let waiting = publishing::load(&app.site.db, taken_back.id).await.expect("it is there");
        publishing::undo(&app.site, &waiting.public_id, &waiting.version(), None).await.expect("there is a minute");
        let outer = newest(&app, &outer.public_id).await;
        segments::save(&app.site, None, &outer, SegmentTree::Is(Condition::Segment { segment: inner.id })).await.expect("saved");
        send(&app, &publishing::load(&app.site.db, taken_back.id).await.expect("it is there")).await;
        assert_eq!(got(&app, "Taken back"), [2]);
        segments::delete(&app.site, None, &newest(&app, &outer.public_id).await).await.expect("its editions are over");
        desk.open(&format!("/desk/editions/{}", taken_back.public_id)).await.says("Only to Outer, version 4");
    }

    /// TRUST T1: a draft that lies open while its segment is deleted is not widened to everybody without a word: nothing is saved, and the page
    /// says why.
    async fn a_draft_is_not_saved_with_a_segment_that_was_deleted(app: TestApp) {
        app.readers(1).await;
        let town = towns(&app, &["Berlin"]).await;
        let gone = segment(&app, "Gone", answered(town, "Berlin")).await;
        let draft = app.draft("To whom").await;
        let desk = app.desk().await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let page = desk.open(&path).await;
        segments::delete(&app.site, None, &gone).await.expect("nobody uses it");
        for (which, number) in [("only", gone.id), ("except", gone.id), ("only", 999_999)] {
            let late = page.form(&path).with("subject", "Late words").with(which, &number.to_string());
            let refused = desk.submit(&late).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{which} {number}");
            refused.says("A segment that you chose has been deleted");
            assert!(refused.body.contains("Late words"), "what was typed is there");
        }
        assert_eq!(publishing::load(&app.site.db, draft.id).await.expect("it is there").content.subject, "To whom");
    }

    /// TRUST T1: what a segment takes in was approved with it. A page that was opened before the inner one was saved is refused, of those that are
    /// meant and of those that are left out, and says what the inner one asks; so does the log, by its version.
    async fn what_a_segment_takes_in_is_approved_with_it(app: TestApp) {
        app.readers(3).await;
        let town = towns(&app, &["Berlin", "Paris", "Rome"]).await;
        let inner = segment(&app, "Inner", answered(town, "Berlin")).await;
        let middle = segment(&app, "Middle", SegmentTree::Is(Condition::Segment { segment: inner.id })).await;
        let outer = segment(&app, "Outer", SegmentTree::Is(Condition::Segment { segment: middle.id })).await;
        let desk = app.desk().await;
        let mut saved = inner;
        for (subject, only, except, before, after) in
            [("Meant", Some(outer.id), None, "Paris", vec![2]), ("Left out", None, Some(outer.id), "Rome", vec![1, 2])]
        {
            let draft = draft(&app, subject, only, except).await;
            let path = format!("/desk/editions/{}/send", draft.public_id);
            let page = desk.open(&path).await;
            page.says("Outer: Readers who are in the segment Middle. Middle: Readers who are in the segment Inner. Inner: Readers who answered");
            segments::save(&app.site, None, &saved, answered(town, before)).await.expect("saved");
            saved = newest(&app, &saved.public_id).await;
            let refused = desk.submit(&page.form(&path).with("act", "now")).await;
            assert_eq!(refused.status.as_u16(), 409, "{subject}");
            refused.says("a segment that it goes by").says(&format!("Inner: Readers who answered “{before}”"));
            // Seen as it is, it goes.
            let sent = desk.submit(&refused.form(&path).with("act", "now")).await;
            assert!(sent.leads_to().is_some(), "{subject}: {}", sent.body);
            seal(&app).await;
            assert_eq!(got(&app, subject), after, "{subject}");
            let log = database::rows::<(String,)>(&app.site.db, "select detail from audit_log where detail like '%goes out%' order by id desc limit 1").await;
            let named = format!("“Outer” (version 1, with “Middle” in version 1, with “Inner” in version {})", saved.version);
            assert!(log.iter().any(|(detail,)| detail.contains(&named)), "{log:?}");
        }
    }

    /// TRUST T1: a draft to a segment that nobody is in goes to nobody: its page says so and why, and Send is refused. Another list than an empty
    /// one is not called empty.
    async fn an_edition_to_nobody_is_not_sent(app: TestApp) {
        app.readers(3).await;
        let nobody = segment(&app, "Nobody", SegmentTree::Is(Condition::Domain { domain: "example.com".to_owned() })).await;
        let everybody = segment(&app, "Everybody", SegmentTree::Is(Condition::Domain { domain: "example.org".to_owned() })).await;
        let desk = app.desk().await;
        for (subject, only, except) in
            [("Only", Some(nobody.id), None), ("Except", None, Some(everybody.id)), ("The same", Some(everybody.id), Some(everybody.id))]
        {
            let draft = draft(&app, subject, only, except).await;
            let page = desk.open(&format!("/desk/editions/{}/send", draft.public_id)).await;
            page.says("Nobody would get it: there are readers on this list, and by the segments that it goes by none of them is meant.");
            assert!(!page.body.contains("name=\"act\" value=\"now\""), "{subject}: there is no button");
            let refused = publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await;
            let Err(publishing::Error::NotReady(problems)) = refused else { panic!("{subject}: {refused:?}") };
            assert!(problems.iter().any(|problem| matches!(problem, Problem::NobodyMeant(_))), "{problems:?}");
        }
    }

    /// TRUST T1: copies that failed are tried again for those alone who are still meant.
    async fn who_is_not_meant_any_more_is_not_tried_again(app: TestApp) {
        app.readers(3).await;
        let town = towns(&app, &["Berlin", "Berlin", "Paris"]).await;
        let berlin = segment(&app, "In Berlin", answered(town, "Berlin")).await;
        for n in 1..=2 {
            app.sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(&nth(n)).reply(554, "5.3.0 not this one"));
        }
        let only = draft(&app, "Only Berlin", Some(berlin.id), None).await;
        press(&app, &only).await;
        seal(&app).await;
        app.sandbox.smtp_script().clear();
        towns_again(&app, town, &["Rome", "Rome"]).await;
        let retryable = async || publishing::retryable(&app.site, only.id).await.expect("a read").classes.len();
        assert_eq!(retryable().await, 0);
        towns_again(&app, town, &["Rome", "Berlin"]).await;
        assert_eq!(retryable().await, 1);
        let again = publishing::retry_failed(&app.site, &only.public_id, ("", only.revision), None).await;
        assert_eq!(again.expect("it is over"), 1);
        app.drain().await;
        assert_eq!(got(&app, "Only Berlin"), [2]);
    }

    /// TRUST T1: whoever is to be left out by an answer that is gone would be mailed: a draft says so, and what waits is held back.
    async fn what_asks_for_what_is_gone_goes_to_nobody(app: TestApp) {
        app.readers(2).await;
        let town = towns(&app, &["Berlin", "Paris"]).await;
        let berlin = segment(&app, "In Berlin", answered(town, "Berlin")).await;
        let waits = draft(&app, "Waits", None, Some(berlin.id)).await;
        press(&app, &waits).await;
        let unsent = draft(&app, "Unsent", None, Some(berlin.id)).await;
        let field = fields::all(&app.site.db).await.expect("a read").remove(0);
        fields::remove(&app.site, 1, (&field.name, field.changes)).await.expect("removed");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 0);
        app.drain().await;
        assert_eq!(got(&app, "Waits"), [0; 0]);
        let held = publishing::held(&app.site.db).await.expect("a read");
        assert_eq!(held.iter().map(|edition| edition.subject.as_str()).collect::<Vec<_>>(), ["Waits"]);
        let refused = publishing::press_send(&app.site, &app.templates, unsent.id, unsent.revision, None, None).await;
        let Err(publishing::Error::NotReady(problems)) = refused else { panic!("{refused:?}") };
        assert!(problems.iter().any(|problem| matches!(problem, Problem::Segment(why) if why.contains("“In Berlin”"))), "{problems:?}");
    }

    /// The desk: a draft is narrowed down by two lists to choose from, and says in words what they mean; a word that is none is refused.
    async fn the_desk_narrows_an_edition_down(app: TestApp) {
        app.readers(2).await;
        let desk = app.desk().await;
        let edition = app.draft("To some").await;
        let path = format!("/desk/editions/{}", edition.public_id);
        assert!(!desk.open(&path).await.body.contains("Leave out"), "there are no segments");
        let on = segment(&app, "On a list", SegmentTree::Is(Condition::List { list: None, stands: ListStanding::On })).await;
        let left = segment(&app, "Left one", SegmentTree::Is(Condition::List { list: None, stands: ListStanding::Left })).await;
        let form = desk.open(&path).await.form(&path).with("only", &on.id.to_string()).with("except", &left.id.to_string()).with("act", "save");
        let page = desk.submit_and_follow(&form).await;
        for words in ["Sent to: On a list. Readers who are on a list.", "Left out: Left one. Readers who left a list."] {
            assert!(page.body.contains(words), "{words:?} is not in {}", page.body);
        }
        let saved = publishing::load(&app.site.db, edition.id).await.expect("it is there");
        assert_eq!((saved.content.only_segment, saved.content.except_segment), (Some(on.id), Some(left.id)));
        let odd = desk.submit(&page.form(&path).with("only", "everybody").with("act", "save")).await;
        assert_eq!(odd.status.as_u16(), 400);
        let form = page.form(&path).with("only", "").with("except", "").with("act", "save");
        desk.submit_and_follow(&form).await;
        assert!(segments::of_edition(&app.site.db, edition.id).await.expect("a read").is_none());
    }
}

both_engines! {
    /// TRUST A14: a condition on a number stands behind others as it stands alone, and its pattern stays whole: on both engines.
    async fn a_number_is_asked_behind_other_conditions(app: TestApp) {
        app.readers(4).await;
        let new = NewField { label: "Children", kind: FieldKind::Number, choices: "", stands_in: StandsIn::Desk };
        app.desk().await;
        fields::add(&app.site, 1, new).await.expect("made");
        let field = fields::all(&app.site.db).await.expect("a read")[0].id;
        for (n, number) in (1..).zip(["-12.5", "2", "30"]) {
            let reader = app.reader_row(&nth(n)).await;
            let sql = format!("insert into field_value (subscriber_id, field_id, value) values ({reader}, {field}, '{number}')");
            database::change(&app.site.db, Box::leak(sql.into_boxed_str())).await;
        }
        let on = SegmentTree::Is(Condition::List { list: None, stands: ListStanding::On });
        for (least, most, n) in [(None, Some(0), 1), (Some(100), Some(200), 1), (Some(-1250), None, 3), (Some(3001), None, 0)] {
            let number = SegmentTree::Is(Condition::Field { field, answer: AnswerTest::Number { least, most } });
            let not = SegmentTree::Not(Box::new(number.clone()));
            for (tree, n) in [(number, n), (not, 4 - n)] {
                let behind = SegmentTree::All(vec![on.clone(), on.clone(), tree.clone()]);
                for tree in [tree, behind] {
                    let counted = segments::count(&app.site, &tree).await.expect("a count");
                    assert_eq!((counted.about, counted.n), (false, n), "{tree:?}");
                }
            }
        }
    }

    /// However busy the machine is: of some hundreds of readers the number is exact.
    async fn few_readers_are_counted_exactly(app: TestApp) {
        app.import_readers(700).await;
        let among = |keys: Vec<i64>| -> BoxFuture<'static, sqlx::Result<i64>> {
            Box::pin(async move {
                // Each step takes longer than all of them may.
                let began = broadside::clock::instant();
                while began.elapsed() < Duration::from_millis(200) {
                    std::hint::spin_loop();
                }
                Ok(i64::try_from(keys.len()).expect("few"))
            })
        };
        let counted = segments::count_each(&app.site.db, among).await.expect("a count");
        let (first, last) = database::rows::<(i64, i64)>(&app.site.db, "select min(id), max(id) from subscriber").await[0];
        assert_eq!((counted.about, counted.n), (false, last - first + 1));
    }
}

async fn towns_again(app: &TestApp, field: i64, towns: &[&str]) {
    for (n, town) in (1..).zip(towns) {
        let reader = app.reader_row(&nth(n)).await;
        let sql = format!(
            "update field_value set value = '{town}' where subscriber_id = {reader} and field_id = {field}"
        );
        database::change(&app.site.db, Box::leak(sql.into_boxed_str())).await;
    }
}

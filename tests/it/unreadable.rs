//! An edition whose text cannot be read at its moment: it waits, and people are told at once, once.

use std::time::Duration;

use broadside::{
    editions::EditionState,
    email_address::EmailAddress,
    jobs,
    publishing::{self, Edition},
    staff::{self, NewMember, Role},
};

use crate::support::{TestApp, app::OWNER, both_engines, database};

const EDITOR: &str = "ida@example.org";
const DAMAGE: &str = "update variant set headers = '[' || headers";
const MEND: &str = "update variant set headers = substr(headers, 2)";
/// It can be read, but no link of it can be written: that of every reader is too long for a header.
const TOO_LONG: &str = r#"update variant set headers = replace(headers, '"list":"',
    '"list":"' || replace(replace(replace('aaaaaaaaaa', 'a', 'bbbbbbbbbb'), 'b', 'cccccccccc'), 'c', '~~'))"#;
const SHORT_AGAIN: &str = "update variant set headers = replace(headers, '~', '')";

/// An editor presses Send.
async fn pressed(app: &TestApp, subject: &str) -> Edition {
    let email = EmailAddress::parse(EDITOR).expect("an address");
    let editor = NewMember { name: "Ida", email: &email, role: Role::Editor };
    staff::add_member(&app.site, None, editor).await.expect("a member");
    app.drain().await;
    // Who has no password yet is not written to about the house.
    let joined = "update staff set password_hash = 'chosen' where email_key = 'ida@example.org'";
    assert_eq!(database::change(&app.site.db, joined).await, 1);
    let members = staff::members(&app.site.db).await.expect("the team");
    let ida = members.iter().find(|one| one.name == "Ida").expect("she is on the team");
    let draft = app.draft(subject).await;
    let (id, revision) = (draft.id, draft.revision);
    let pressed = publishing::press_send(&app.site, &app.templates, id, revision, None, Some(ida.id));
    pressed.await.expect("nothing is in the way");
    draft
}

/// How many letters of that subject the owner and the editor have.
fn letters(app: &TestApp, subject: &str) -> [usize; 2] {
    [OWNER.0, EDITOR].map(|to| app.mails(to).iter().filter(|mail| mail.subject == subject).count())
}

async fn state(app: &TestApp, edition: &Edition) -> EditionState {
    publishing::load(&app.site.db, edition.id).await.expect("the edition").state
}

both_engines! {
    /// TRUST T10: before anybody is written down for it. Once a second an error in the log, for as long as it was due, was all.
    async fn an_edition_that_cannot_be_read_is_held_at_its_moment(app: TestApp) {
        app.readers(3).await;
        let edition = pressed(&app, "Of ink").await;
        assert_eq!(database::change(&app.site.db, DAMAGE).await, 1);
        app.advance(publishing::UNDO + Duration::from_secs(1));
        for _ in 0..3 {
            app.drain().await;
        }
        assert_eq!(state(&app, &edition).await, EditionState::Held);
        assert_eq!(letters(&app, "Held back: Of ink"), [1, 1]);
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/editions/{}", edition.public_id)).await;
        page.says("no email can be made of it");
        // Once readers are being written down there is no way back, and none is offered.
        database::change(&app.site.db, "update edition set seal_cursor = 1").await;
        let begun = desk.open(&format!("/desk/editions/{}", edition.public_id)).await;
        begun.says("Cancel it, and begin a new edition");
        assert!(!begun.body.contains("/undo") && begun.body.contains("/cancel"), "{}", begun.body);
        database::change(&app.site.db, "update edition set seal_cursor = null").await;
        // As it says: back to the draft, where it is made anew.
        desk.submit_and_follow(&page.form("/undo")).await.says("is a draft again");
        let pressed = publishing::press_send(&app.site, &app.templates, edition.id, edition.revision, None, None);
        pressed.await.expect("nothing is in the way");
        app.advance(publishing::UNDO + Duration::from_secs(1));
        app.drain().await;
        assert_eq!(app.mails("reader1@example.org").len(), 1);
    }

    /// On its way: none of its copies fails for it, and once it can be read again everybody gets theirs. All of them had ended as
    /// failed, and nobody was told.
    async fn an_edition_that_cannot_be_read_any_more_pauses(app: TestApp) {
        app.readers(3).await;
        let edition = pressed(&app, "Of paper").await;
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        assert_eq!(database::change(&app.site.db, DAMAGE).await, 1);
        for _ in 0..3 {
            app.drain().await;
            jobs::tell_news(&app.site).await.expect("people are told");
        }
        assert_eq!(state(&app, &edition).await, EditionState::Paused);
        assert_eq!(letters(&app, "Paused: Of paper"), [1, 1]);
        let desk = app.desk().await;
        let page = desk.open(&format!("/desk/editions/{}", edition.public_id)).await;
        page.says("its text, as it was kept when Send was pressed, cannot be read").says("No reader was passed over");
        let open: Vec<(i64,)> =
            database::rows(&app.site.db, "select count(*) from delivery where state in ('queued', 'claimed')").await;
        assert_eq!(open, [(3,)]);

        database::change(&app.site.db, MEND).await;
        app.resume(&edition.public_id).await;
        app.advance(Duration::from_secs(60));
        app.drain().await;
        assert_eq!(state(&app, &edition).await, EditionState::Finished);
        for reader in 1..=3 {
            assert_eq!(app.mails(&format!("reader{reader}@example.org")).len(), 1);
        }
    }

    /// TRUST F21: what is wrong with all copies alike pauses the edition, and what is wrong with one reader's fails that copy alone.
    /// Each of them had failed, one by one.
    async fn what_no_copy_can_be_written_of_pauses_and_one_reader_does_not(app: TestApp) {
        app.readers(3).await;
        let edition = pressed(&app, "Of thread").await;
        app.advance(publishing::UNDO + Duration::from_secs(1));
        publishing::seal_due(&app.site, &app.templates).await.expect("it is sealed");
        let poison = "update delivery set address = 'nowhere' where address = 'reader1@example.org'";
        assert_eq!(database::change(&app.site.db, poison).await, 1);
        assert_eq!(database::change(&app.site.db, TOO_LONG).await, 1);
        app.drain().await;
        jobs::tell_news(&app.site).await.expect("people are told");
        app.drain().await;
        assert_eq!(state(&app, &edition).await, EditionState::Paused);
        assert_eq!(letters(&app, "Paused: Of thread"), [1, 1]);
        let page = app.desk().await.open(&format!("/desk/editions/{}", edition.public_id)).await;
        page.says("No copy of it can be written").says("No reader was passed over");

        database::change(&app.site.db, SHORT_AGAIN).await;
        app.resume(&edition.public_id).await;
        app.advance(Duration::from_secs(60));
        app.drain().await;
        assert_eq!(state(&app, &edition).await, EditionState::Finished);
        let ended = "select state, coalesce(class, ''), count(*) from delivery group by 1, 2 order by 1";
        let ended: Vec<(String, String, i64)> = database::rows(&app.site.db, ended).await;
        let is = |state: &str, class: &str, count| (state.to_owned(), class.to_owned(), count);
        assert_eq!(ended, [is("accepted", "", 2), is("failed", "render", 1)]);
    }
}

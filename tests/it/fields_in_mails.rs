//! What readers answered, in the words of an edition: who writes it is told of every mistake, each reader sees their own, and
//! whoever has not answered the words for them.

use broadside::{
    publishing::{self, Content, Edition},
    settings,
    subscribers::fields::{self, FieldKind, NewField, StandsIn},
};
use reqwest::StatusCode;

use crate::support::{
    TestApp, both_engines,
    database::{change, rows},
};

const FIRST: &str = "reader1@example.org";
const SECOND: &str = "reader2@example.org";

async fn field(app: &TestApp, label: &str, kind: FieldKind, stands_in: StandsIn) -> String {
    fields::add(&app.site, 1, NewField { label, kind, choices: "", stands_in }).await.expect("made")
}

/// The first reader answered three fields; the second one none.
async fn answered(app: &TestApp) {
    app.readers(2).await;
    field(app, "First name", FieldKind::Text, StandsIn::Mails).await;
    field(app, "Born", FieldKind::Date, StandsIn::Mails).await;
    field(app, "Secret", FieldKind::Text, StandsIn::Desk).await;
    let sql = "insert into field_value (subscriber_id, field_id, value)
        select s.id, f.id, case f.name when 'first_name' then 'Zoë <b>{{name}}' when 'born' then '2001-05-12' else 'canary' end
        from subscriber s cross join field f where s.email = 'reader1@example.org'";
    assert_eq!(change(&app.site.db, sql).await, 3);
}

async fn greeted(app: &TestApp, greeting: &str) {
    let mut tx = app.site.db.begin().await.expect("a transaction");
    let saved = settings::save(&mut tx, &app.site, None, |settings| settings.greeting = greeting.to_owned());
    saved.await.expect("the settings are saved");
    tx.commit().await.expect("a commit");
}

/// A draft with those words.
async fn written(app: &TestApp, intro: &str) -> Edition {
    let draft = app.draft("Words for one").await;
    let content = Content { intro_markdown: intro.to_owned(), ..draft.content.clone() };
    publishing::save_revision(&app.site, draft.id, draft.revision, content, None).await.expect("saved");
    publishing::load(&app.site.db, draft.id).await.expect("the draft")
}

async fn press(app: &TestApp, draft: &Edition) -> publishing::Result<()> {
    publishing::press_send(&app.site, &app.templates, draft.id, draft.revision, None, None).await.map(drop)
}

async fn let_go(app: &TestApp) {
    app.advance(publishing::UNDO);
    assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
    app.drain().await;
}

both_engines! {
    /// TRUST A1, A2, A16: each reader sees what they answered, escaped and never read again, and nobody what is not for mails; whoever has not
    /// answered sees the words for them, and so does whoever opens the link to a copy.
    async fn each_reader_sees_their_own_answer_and_everybody_else_the_words_for_them(app: TestApp) {
        answered(&app).await;
        greeted(&app, "Hello {{field.first_name, else \"friend\"}} ({{name}}),").await;
        let intro = "Born {{field.born, else “once upon a time”}}.\n\n{{ field.first_name else 'You' }}, read on.";
        press(&app, &written(&app, intro).await).await.expect("nothing is in the way");
        let_go(&app).await;
        let first = app.last_mail(FIRST);
        assert!(first.text.contains("Hello Zoë <b>{{name}} (Reader 1),"), "{}", first.text);
        assert!(first.text.contains("Born 12 May 2001."), "{}", first.text);
        assert!(first.html.contains("Zoë &lt;b&gt;{{name}}, read on."), "{}", first.html);
        let second = app.last_mail(SECOND);
        assert!(second.text.contains("Hello friend (Reader 2),"), "{}", second.text);
        assert!(second.text.contains("Born once upon a time.") && second.text.contains("You, read on."), "{}", second.text);
        for mail in [&first, &second] {
            assert!(!mail.text.contains("canary") && !mail.html.contains("else"), "{}", mail.text);
        }
        app.visitor().open(&first.link("/view/")).await.says("Hello friend (reader),").says("You, read on.");
    }

    /// TRUST A1, A2: an editor’s words are bold, lead somewhere and stand in lists, in HTML and in plain text; markup is text.
    async fn a_letter_looks_as_it_was_meant(app: TestApp) {
        answered(&app).await;
        let intro = "## Soon\n\n**Dear {{field.first_name, else \"you\"}}**, read [what *we* wrote](https://example.org/a?b=1&c=2):\n\n\
            - one\n- two\n\n1. first\n2. second\n\n> They said it.\n\n<b>x</b> & a_b_c\\\nThe desk";
        press(&app, &written(&app, intro).await).await.expect("nothing is in the way");
        let_go(&app).await;
        let mail = app.last_mail(FIRST);
        let text = "Soon\n\nDear Zoë <b>{{name}}, read what we wrote (https://example.org/a?b=1&c=2):\n\n\
            - one\n- two\n\n1. first\n2. second\n\n> They said it.\n\n<b>x</b> & a_b_c\nThe desk\n";
        assert!(mail.text.replace("\r\n", "\n").contains(text), "{}", mail.text);
        let html = without_styles(&mail.html);
        for part in [
            "<h2>Soon</h2>",
            "<p><strong>Dear Zoë &lt;b&gt;{{name}}</strong>, read <a href=\"https://example.org/a?b=1&amp;c=2\">what </a>",
            "<a href=\"https://example.org/a?b=1&amp;c=2\"><em>we</em></a>",
            "<ul><li>one</li><li>two</li></ul><ol start=\"1\"><li>first</li><li>second</li></ol><blockquote>They said it.</blockquote>",
            "&lt;b&gt;x&lt;/b&gt; &amp; a_b_c<br>The desk</p>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        let second = app.last_mail(SECOND);
        assert!(without_styles(&second.html).contains("<strong>Dear you</strong>"), "{}", second.html);
    }

    /// TRUST F27: what was approved goes out though a field in it is taken away, or is for the desk alone again: with the words for
    /// whoever has not answered, and not with the answers to another field of that name.
    async fn a_field_that_goes_leaves_the_words_for_whoever_has_not_answered(app: TestApp) {
        answered(&app).await;
        let draft = written(&app, "A {{field.first_name, else \"you\"}} B {{field.born, else \"then\"}} C").await;
        press(&app, &draft).await.expect("nothing is in the way");
        let private = NewField { label: "First name", kind: FieldKind::Text, choices: "", stands_in: StandsIn::Desk };
        fields::change(&app.site, 1, ("first_name", 0), private).await.expect("saved");
        fields::remove(&app.site, 1, ("born", 0)).await.expect("gone");
        assert_eq!(field(&app, "Born", FieldKind::Text, StandsIn::Mails).await, "born");
        change(&app.site.db, "insert into field_value (subscriber_id, field_id, value)
            select s.id, max(f.id), 'canary' from subscriber s cross join field f where s.email = 'reader1@example.org' group by s.id").await;
        let_go(&app).await;
        let mail = app.last_mail(FIRST);
        assert!(mail.text.contains("A you B then C"), "{}", mail.text);
    }

    /// TRUST A2: what is no field, or none for mails, is told where it is typed, is saved all the same, and is not sent.
    async fn a_mistake_is_told_where_it_is_typed_and_is_not_sent(app: TestApp) {
        answered(&app).await;
        let desk = app.desk().await;
        let long = "Dear all. ".repeat(10_001).trim().to_owned();
        for (intro, told) in [
            ("Dear {{first_name}},", "two braces begin a field, and this is none"),
            ("Dear {{field.first_name}},", "Say what stands there for readers who have not answered"),
            ("Dear {{field.secret, else \"x\"}},", "There is no field “secret” that may stand in mails"),
            ("Read [us](example.org).", "“example.org” is where a link is to lead, and no mail can lead there"),
            ("Read [us](https://example.org/{{name}}).", "No field can stand here"),
            (&*long, "The letter is too long: please keep it under 100,000 characters"),
        ] {
            let draft = written(&app, intro).await;
            let path = format!("/desk/editions/{}", draft.public_id);
            let composer = desk.open(&path).await;
            composer.says(told).says("Before it can go out");
            assert!(composer.body.contains("<code>{{field.first_name, else &quot;reader&quot;}}</code>"), "{}", composer.body);
            assert_eq!(composer.form(&path).value("intro").map(str::trim), Some(intro));
            assert!(composer.body.contains("intro-error"), "it stands at the field");
            let refused = press(&app, &draft).await.expect_err("it is not sent");
            assert!(matches!(refused, publishing::Error::NotReady(_)), "{refused}");
        }
        let draft = written(&app, "Dear {{field.first_name, else \"reader\"}},").await;
        let path = format!("/desk/editions/{}", draft.public_id);
        let composer = desk.open(&path).await;
        composer.says("Ready to send");
        desk.open(&format!("{path}/preview")).await.says("Dear [First name],");
        let with_a_field = composer.form(&path).with("subject", "For {{name}}").with("act", "save");
        desk.submit_and_follow(&with_a_field).await.says("No field can stand here");
    }

    /// Who wrote the greeting is told the same; what a field is there no more is said before an edition goes, and keeps none back.
    async fn the_greeting_is_the_magazines(app: TestApp) {
        answered(&app).await;
        let desk = app.desk().await;
        let settings = desk.open("/desk/settings").await.form("/desk/settings")
            .with("legal_name", "Lamp Press").with("postal_address", "1 Lamp Street").with("contact_email", "desk@example.org");
        let unknown = desk.submit(&settings.clone().with("greeting", "Dear {{field.town, else \"all\"}},")).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        unknown.says("There is no field “town”");
        let appeal = settings.clone().with("appeal_text", "{{this}}");
        assert_eq!(desk.submit(&appeal).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        let right = settings.with("greeting", "Dear {{field.first_name, else \"all\"}},")
            .with("appeal_text", "Give, {{field.first_name, else \"dear reader\"}}.");
        desk.submit_and_follow(&right).await.says("Saved.");
        app.visitor().open("/donate").await.says("Give, dear reader.");
        let draft = written(&app, "Good morning.").await;
        fields::remove(&app.site, 1, ("first_name", 0)).await.expect("gone");
        desk.open(&format!("/desk/editions/{}", draft.public_id)).await
            .says("names the field “first_name”, and no such field may stand in mails any more").says("Ready to send");
        press(&app, &draft).await.expect("nothing is in the way");
        let_go(&app).await;
        let mail = app.last_mail(FIRST);
        assert!(mail.text.contains("Dear all,") && mail.text.contains("Give, dear reader."), "{}", mail.text);
    }

    /// Two of the team change a field at once: the second sees the other's version, and puts no old question back unseen.
    async fn a_stale_page_of_a_field_saves_nothing_unseen(app: TestApp) {
        answered(&app).await;
        let desk = app.desk().await;
        let path = "/desk/fields/first_name";
        let stale = desk.open(path).await.form(path);
        let removal = desk.open(&format!("{path}/remove")).await.form("/remove");
        desk.submit_and_follow(&stale.clone().with("label", "Your first name")).await.says("Your first name");
        let late = desk.submit(&stale.with("label", "Vorname")).await;
        assert_eq!(late.status, StatusCode::CONFLICT);
        late.says("Somebody else changed this field");
        let late_removal = desk.submit(&removal).await;
        assert_eq!(late_removal.status, StatusCode::CONFLICT);
        late_removal.says("Nothing was removed");
        let labels: Vec<(String,)> = rows(&app.site.db, "select label from field where name = 'first_name'").await;
        assert_eq!(labels, [("Your first name".to_owned(),)]);
        // Saving from what is shown now is meant.
        desk.submit_and_follow(&late.form(path)).await.says("Vorname");
    }

    /// More copies than are claimed at a time, by more connections than one: everybody has their own answer.
    async fn every_copy_of_a_large_edition_has_its_own_answer(app: TestApp) {
        app.import_readers(120).await;
        field(&app, "First name", FieldKind::Text, StandsIn::Mails).await;
        change(&app.site.db, "insert into field_value (subscriber_id, field_id, value)
            select s.id, f.id, 'own ' || s.email from subscriber s cross join field f where s.id % 3 <> 0").await;
        press(&app, &written(&app, "To {{field.first_name, else \"nobody\"}}.").await).await.expect("nothing is in the way");
        app.advance(publishing::UNDO);
        assert_eq!(publishing::seal_due(&app.site, &app.templates).await.expect("sealing"), 1);
        let mut options = app.engine(4);
        options.batch = 32;
        broadside::delivery::Engine::run_until_idle(app.site.clone(), app.templates.clone(), options).await.expect("sent");
        let known: Vec<(i64, String)> = rows(&app.site.db, "select id, email from subscriber").await;
        let mut wrong = String::new();
        for (id, email) in known {
            let text = app.last_mail(&email).text;
            let own = if id % 3 == 0 { "To nobody.".to_owned() } else { format!("To own {email}.") };
            if !text.contains(&own) {
                wrong.push_str(&email);
            }
        }
        assert_eq!(wrong, "");
    }
}

/// The letter in a mail, with its tags alone: what they look like stands in `style` and `class`.
fn without_styles(html: &str) -> String {
    let (_, letter) = html.split_once("<td class=\"ink prose\"").expect("a letter");
    let (letter, _) = letter.split_once("</td>").expect("its end");
    let mut letter = letter.replace(['\r', '\n'], "");
    for name in [" style=\"", " class=\""] {
        while let Some((before, after)) = letter.split_once(name) {
            let (_, after) = after.split_once('"').expect("an attribute ends");
            letter = format!("{before}{after}");
        }
    }
    letter
}

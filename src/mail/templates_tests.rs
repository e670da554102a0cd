use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::mail::{AlreadyReader, ConfirmSubscription, SignInLink, TeamInvite, Welcome};

fn templates() -> Templates {
    Templates::load().expect("the templates in the binary compile")
}

/// A set of templates with one mail, `sign_in_link`, made of these files.
fn with_files(files: &[(&str, &str)]) -> Result<Templates, TemplateError> {
    let mut source = Source::default();
    for (path, text) in files {
        source.add(path, (*text).to_owned());
    }
    Templates::compile(source)
}

fn problems_of(subject: &str) -> Vec<String> {
    let templates = with_files(&[
        ("sign_in_link/subject.txt.hbs", subject),
        ("sign_in_link/body.txt.hbs", "x"),
        ("sign_in_link/body.mjml.hbs", "<mjml><mj-body></mj-body></mjml>"),
    ]);
    let problems = templates.expect("well-formed templates").check();
    problems
        .into_iter()
        .filter(|problem| problem.file.starts_with("sign_in_link"))
        .map(|p| p.message)
        .collect()
}

#[test]
fn every_template_is_sound() {
    assert_eq!(templates().check(), []);
}

/// What readers get, word for word: a change of wording or of layout shows here.
#[test]
fn every_mail_reads_as_it_did() {
    let templates = templates();
    for (name, sample) in crate::mail::lint::samples() {
        let mail = templates.render_json(name, &sample).expect("a sample renders");
        insta::assert_snapshot!(format!("{name}.txt"), format!("Subject: {}\n\n{}", mail.subject, mail.text));
        // One tag a line, so that a change can be read.
        insta::assert_snapshot!(format!("{name}.html"), mail.html.replace("><", ">\n<"));
    }
}

/// A letter that is rendered once for many reads as if it were rendered for each, and holds the links of nobody else.
#[test]
fn letters_that_are_rendered_once_read_as_if_they_were_not() {
    fn check<T: EmailTemplate>(sample: &T) {
        let templates = templates();
        for turn in ["one", "another/and-longer_~%20:b?c=d", "a&b", "\"><b>", "one"] {
            let mut context = serde_json::to_value(sample).expect("JSON");
            for name in T::OWN {
                context[*name] = format!("https://news.example.org/{name}/{turn}").into();
            }
            let by_itself = templates.render_json(T::NAME, &context).expect("it renders");
            let context = Stands(context, std::marker::PhantomData::<fn() -> T>);
            assert_eq!(templates.render(&context).expect("it renders"), by_itself, "{} {turn}", T::NAME);
        }
    }
    struct Stands<T>(Value, std::marker::PhantomData<fn() -> T>);
    impl<T> serde::Serialize for Stands<T> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.0.serialize(serializer)
        }
    }
    impl<T: EmailTemplate> EmailTemplate for Stands<T> {
        const NAME: &'static str = T::NAME;
        const OWN: &'static [&'static str] = T::OWN;

        fn sample() -> Self {
            Self(Value::Null, std::marker::PhantomData)
        }
    }
    check(&ConfirmSubscription::sample());
    check(&AlreadyReader::sample());
    let greeted = Welcome::sample();
    check(&Welcome { by_form: !greeted.by_form, ..greeted.clone() });
    check(&greeted);
}

/// However many kinds there are, few are kept.
#[test]
fn no_more_letters_are_kept_than_there_is_room_for() {
    let templates = templates();
    for number in 0..MOST_KEPT * 2 {
        let lists = vec![format!("List {number}")];
        let letter = templates.render(&ConfirmSubscription { lists, ..ConfirmSubscription::sample() });
        assert!(letter.expect("it renders").text.contains(&format!("- List {number}\n")));
        assert!(templates.0.kept.lock().expect("nobody panicked").len() <= MOST_KEPT);
    }
}

/// The same of their other shape: whatever an `if` of a mail asks the other way round, and of each list the first line alone.
#[test]
fn every_mail_reads_as_it_did_in_its_other_shape() {
    let templates = templates();
    for (name, sample) in crate::mail::lint::samples() {
        let asked = asked_by(name);
        let other = other(&sample, "", &asked, false);
        let (mail, usual) = (templates.render_json(name, &other), templates.render_json(name, &sample));
        let (mail, usual) = (mail.expect("a sample renders"), usual.expect("a sample renders"));
        if (&mail.subject, &mail.text) == (&usual.subject, &usual.text) {
            assert!(asked.is_empty(), "{name} asks for {asked:?}, and says the same without");
            continue;
        }
        insta::assert_snapshot!(
            format!("{name}.other.txt"),
            format!("Subject: {}\n\n{}", mail.subject, mail.text)
        );
        insta::assert_snapshot!(format!("{name}.other.html"), mail.html.replace("><", ">\n<"));
    }
}

/// What an `if` or `unless` of a mail asks for; of an edition's, those of its parts, too.
fn asked_by(name: &str) -> BTreeSet<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("email_templates");
    let mut folders = vec![root.join(name)];
    if name == "digest" {
        folders.push(root);
    }
    let mut asked = BTreeSet::new();
    for entry in folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("our templates")) {
        let path = entry.expect("our templates").path();
        if path.is_file() {
            let text = std::fs::read_to_string(path).expect("our templates");
            let questions = text.split("{{#if ").skip(1).chain(text.split("{{#unless ").skip(1));
            let words =
                questions.filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            asked.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
        }
    }
    asked
}

fn other(value: &Value, key: &str, asked: &BTreeSet<String>, is_in_a_list: bool) -> Value {
    match value {
        Value::Bool(is) if asked.contains(key) => Value::Bool(!is),
        Value::Number(_) if asked.contains(key) => json!(0),
        Value::String(_) if asked.contains(key) => json!(""),
        Value::Array(_) if asked.contains(key) || is_in_a_list => json!([]),
        Value::Array(all) => all.iter().take(1).map(|one| other(one, "", asked, true)).collect(),
        Value::Object(all) => {
            all.iter().map(|(key, value)| (key.clone(), other(value, key, asked, is_in_a_list))).collect()
        }
        _ => value.clone(),
    }
}

/// TRUST A1: what looks like a template in a value is written as it is, and brings no element of its own.
#[test]
fn values_are_never_read_as_templates() {
    for hostile in
        ["{{secret}}", "{{#each this}}", "{{lookup . \"x\"}}", "<mj-include path=\"/etc/passwd\" />", "<b>"]
    {
        let mail = templates()
            .render(&TeamInvite { invited_by: hostile.to_owned(), ..TeamInvite::sample() })
            .expect("any value renders");
        assert!(mail.subject.contains(hostile) && mail.text.contains(hostile), "{}", mail.text);
        let escaped = hostile.replace('<', "&lt;").replace('>', "&gt;");
        assert!(mail.html.contains(&escaped), "{hostile}");
    }
}

/// TRUST A16: a value cannot put a second line into a subject.
#[test]
fn a_subject_is_one_line() {
    let invite = TeamInvite { invited_by: "Eve\r\nBcc: all@example.org\0".into(), ..TeamInvite::sample() };
    let mail = templates().render(&invite).expect("any value renders");
    assert_eq!(mail.subject, "Eve Bcc: all@example.org invites you to the desk of The Tidewater Review");
}

/// TRUST M29: the confirmation has nothing in it that the person who typed the address could choose, and automatic
/// mail loads nothing from anywhere.
#[test]
fn automatic_mail_carries_no_tracking_and_no_foreign_text() {
    let keys = serde_json::to_value(ConfirmSubscription::sample()).expect("JSON");
    let keys: Vec<&String> = keys.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["confirm_url", "lists", "sender", "valid_for"]);
    for (name, sample) in crate::mail::lint::samples().into_iter().filter(|(name, _)| *name != "digest") {
        let html = templates().render_json(name, &sample).expect("a sample renders").html;
        assert!(!html.contains("<img") && !html.contains("url(") && !html.contains("<link"), "{name}");
    }
}

#[test]
fn a_missing_value_is_an_error() {
    let error =
        templates().render_json(SignInLink::NAME, &json!({"sender": {}})).expect_err("nothing is there");
    assert!(matches!(error, TemplateError::Render { .. }), "{error}");
    let error = templates().render_json("nothing", &json!({})).expect_err("no such mail");
    assert!(matches!(error, TemplateError::Unknown(_)), "{error}");
}

#[test]
fn paths_that_lead_nowhere_are_found() {
    assert!(problems_of("{{#if valid_for}}{{sender.magazine}}{{/if}}").is_empty());
    for (subject, says) in [
        ("{{#if valid_fro}}x{{/if}}", "{{#if valid_fro}} leads nowhere"),
        ("{{#unless valid_for}}{{magazine}}{{/unless}}", "{{magazine}} leads nowhere"),
        ("{{sender}}", "{{sender}} is not a single value"),
        ("{{#each valid_for}}x{{/each}}", "{{#each valid_for}} is not a list"),
        ("{{{valid_for}}}", "{{{valid_for}}} would be written without escaping"),
        ("{{lookup sender valid_for}}", "there is no helper named \"lookup\""),
        ("{{> nobody}}", "there is no part named \"nobody\""),
    ] {
        assert_eq!(problems_of(subject), [says]);
    }
}

#[test]
fn a_personal_field_cannot_decide_nor_stand_in_the_subject() {
    let templates = with_files(&[
        ("digest/subject.txt.hbs", "{{personal.name}}"),
        ("digest/body.txt.hbs", "{{#if personal.name}}x{{/if}}"),
        ("digest/body.mjml.hbs", "<mjml><mj-body></mj-body></mjml>"),
    ]);
    let problems = templates.expect("well-formed templates").check();
    let about_digest: Vec<_> = problems.iter().filter(|p| p.file.starts_with("digest")).collect();
    assert_eq!(about_digest.len(), 2, "{about_digest:?}");
}

#[test]
fn parts_that_include_each_other_are_refused() {
    let error = with_files(&[("a.txt.hbs", "{{> b}}"), ("b.txt.hbs", "{{#if x}}{{else}}{{> a}}{{/if}}")]);
    assert_eq!(
        error.expect_err("a circle").to_string(),
        "email templates include each other in a circle: a > b > a"
    );
}

#[test]
fn output_without_end_is_cut_short() {
    let many = "{{#each lists}}".repeat(4) + "x" + &"{{/each}}".repeat(4);
    let many = many.replace("lists", "@root.lists");
    let templates = with_files(&[("confirm_subscription/subject.txt.hbs", &many)]).expect("well formed");
    let lists = vec!["x"; 100];
    let error = templates.render_json("confirm_subscription", &json!({ "lists": lists }));
    assert!(matches!(error, Err(TemplateError::TooLarge(_))), "{error:?}");
}

#[test]
fn an_address_on_several_lines_is_joined() {
    let mut context = SignInLink::sample();
    context.sender.postal_address = "14 Harbour Street,\r\nPorthaven\n\nPV1 2AB".into();
    let mail = templates().render(&context).expect("any value renders");
    assert!(mail.text.contains("\n14 Harbour Street, Porthaven, PV1 2AB\n"), "{}", mail.text);
}

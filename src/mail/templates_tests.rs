use super::*;
use crate::mail::{DigestContext, Sender, SignInLink, TeamInvite};

fn templates() -> Templates {
    Templates::load().expect("the templates in the binary compile")
}

#[test]
fn every_template_is_sound() {
    assert_eq!(templates().check(), []);
}

/// What readers get, word for word: a change of wording or of layout shows here.
#[test]
fn every_mail_reads_as_it_did() {
    let templates = templates();
    for (name, sample) in lint::samples() {
        let mail = templates.render_json(name, &sample).expect("a sample renders");
        insta::assert_snapshot!(format!("{name}.txt"), format!("Subject: {}\n\n{}", mail.subject, mail.text));
        // One tag a line, so that a change can be read.
        insta::assert_snapshot!(format!("{name}.html"), mail.html.replace("><", ">\n<"));
    }
}

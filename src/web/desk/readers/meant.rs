//! Addresses that are easily mistyped: whoever types one at the desk says which they mean, as whoever subscribes does.

use crate::{email_address::EmailAddress, web::Form};

/// How the two buttons below the field send it: the address that was proposed, or the one that was typed.
const USE: &str = "use";

/// The address that is meant; none where that is a question, which stands in the form then.
pub(super) fn settled(form: &mut Form, field: &str, typed: EmailAddress) -> Option<EmailAddress> {
    let Some(meant) = typed.meant() else { return Some(typed) };
    match form.text(USE) {
        "typed" => Some(typed),
        "meant" => {
            *form = std::mem::take(form).holding(field, meant.as_str());
            Some(meant)
        }
        _ => {
            form.mistake(field, question(&meant));
            None
        }
    }
}

/// The address that a form asks about.
pub(super) fn hint(form: &Form, field: &str) -> Option<EmailAddress> {
    let meant = EmailAddress::parse(form.text(field)).ok()?.meant()?;
    (form.error(field) == question(&meant)).then_some(meant)
}

fn question(meant: &EmailAddress) -> String {
    format!("Did you mean {meant}? Say which of the two is right.")
}

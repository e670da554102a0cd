//! What a reader is found by.

use crate::email_address::{EmailAddress, folded};

/// Address and name, as they are looked for.
pub(super) fn text_of(email: &EmailAddress, name: &str) -> String {
    let address = folded(email.as_str());
    let readable = folded(&email.readable());
    let other = if readable == address { String::new() } else { format!("{readable}\n") };
    format!("{address}\n{other}{}", folded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_by_how_people_read_it_and_by_how_it_is_kept() {
        let email = EmailAddress::parse("Ann@例え.jp").expect("an address");
        assert_eq!(text_of(&email, "Ann Özdemir"), "ann@xn--r8jz45g.jp\nann@例え.jp\nann ozdemir");
    }
}

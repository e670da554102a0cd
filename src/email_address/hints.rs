//! Domains that are easily mistyped: a question for the person, never a refusal.

use strsim::osa_distance;

/// Domains that many readers have. Whoever has one of them has typed it right.
const COMMON: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "yahoo.co.uk",
    "yahoo.de",
    "yahoo.fr",
    "ymail.com",
    "hotmail.com",
    "hotmail.co.uk",
    "hotmail.de",
    "hotmail.fr",
    "outlook.com",
    "outlook.de",
    "live.com",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.at",
    "gmx.ch",
    "web.de",
    "t-online.de",
    "freenet.de",
    "mail.com",
    "email.com",
    "mail.de",
    "mail.ru",
    "proton.me",
    "protonmail.com",
    "posteo.de",
    "mailbox.org",
    "fastmail.com",
    "zoho.com",
    "orange.fr",
    "free.fr",
    "laposte.net",
    "wanadoo.fr",
    "libero.it",
    "btinternet.com",
    "bigpond.com",
    "comcast.net",
    "verizon.net",
];

/// Whether many readers have one there.
pub(super) fn is_common(domain: &str) -> bool {
    COMMON.contains(&domain)
}

/// Ends that no domain has, and what was meant.
const ENDS: &[(&str, &str)] = &[
    ("con", "com"),
    ("cmo", "com"),
    ("ocm", "com"),
    ("comm", "com"),
    ("vom", "com"),
    ("xom", "com"),
    ("cpm", "com"),
    ("ney", "net"),
    ("nte", "net"),
    ("ogr", "org"),
    ("rog", "org"),
    ("prg", "org"),
];

/// The domain that was probably meant: `gmial.com` is one slip of the finger away from one that many have, and `.con` ends no
/// domain. None where nothing speaks against the domain as it was typed.
#[must_use]
pub fn meant(domain: &str) -> Option<String> {
    let ended = domain.rsplit_once('.').and_then(|(name, end)| {
        let (_, right) = ENDS.iter().find(|(wrong, _)| *wrong == end)?;
        Some(format!("{name}.{right}"))
    });
    let typed = ended.as_deref().unwrap_or(domain);
    if COMMON.contains(&typed) {
        return ended;
    }
    // Short names are close to one another, and all taken.
    let is_close = |common: &&&str| {
        common.len() >= 8
            && common.len().abs_diff(typed.len()) <= 1
            && osa_distance(typed, common) == 1
            && !(of_a_country(typed) && of_a_country(common))
    };
    COMMON.iter().find(is_close).map(|common| (*common).to_owned()).or(ended)
}

/// `hotmail.be` is no slip of the finger for `hotmail.de`.
fn of_a_country(domain: &str) -> bool {
    domain.rsplit('.').next().is_some_and(|end| end.len() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_asked_about() {
        for (typed, right) in [
            ("gmial.com", "gmail.com"),
            ("gmail.con", "gmail.com"),
            ("gmal.con", "gmail.com"),
            ("hotmial.com", "hotmail.com"),
            ("outlok.com", "outlook.com"),
            ("yaho.com", "yahoo.com"),
            ("iclould.com", "icloud.com"),
            ("example.con", "example.com"),
            ("example.ogr", "example.org"),
        ] {
            assert_eq!(meant(typed).as_deref(), Some(right), "{typed}");
        }
    }

    #[test]
    fn what_is_as_good_as_the_common_ones_is_left_alone() {
        for typed in COMMON.iter().chain(&[
            "example.org",
            "gmx.fr",
            "hotmail.be",
            "yahoo.ie",
            "mail.fr",
            "xn--r8jz45g.jp",
            "example.co",
        ]) {
            assert_eq!(meant(typed), None, "{typed}");
        }
    }
}

//! Which spellings of an address fill the same mailbox, for limits on what one person gets (TRUST A24).

/// What the variants of a mailbox have in common: no plus tag, no case, one domain of those that a provider has for it, and none of the signs
/// that it does not read: dots at Google, dots, hyphens and underscores at Proton.
///
/// It is for counting alone. Two readers may share it, and each keeps the address that they typed.
#[must_use]
pub fn mailbox(local: &str, domain: &str) -> String {
    let (local, domain) = (local.to_lowercase(), domain.to_lowercase());
    let domain = domain.trim_end_matches('.');
    let untagged = match local.split_once('+') {
        Some((before, _)) if !before.is_empty() => before,
        _ => &local,
    };
    match domain {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", untagged.replace('.', "")),
        "proton.me" | "protonmail.com" | "protonmail.ch" | "pm.me" => {
            format!("{}@proton.me", untagged.replace(['.', '-', '_'], ""))
        }
        "icloud.com" | "me.com" | "mac.com" => format!("{untagged}@icloud.com"),
        "ya.ru" | "yandex.ru" | "yandex.com" | "yandex.by" | "yandex.kz" | "yandex.ua" => {
            format!("{}@yandex.ru", untagged.replace('-', "."))
        }
        _ => match domain.strip_suffix(".fastmail.com").or_else(|| domain.strip_suffix(".fastmail.fm")) {
            // Anything before the name that stands as a subdomain there.
            Some(name) if !name.contains('.') => format!("{name}@fastmail.com"),
            _ => format!("{untagged}@{domain}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_mailbox_is_one() {
        for (local, domain) in [
            ("annsmith", "gmail.com"),
            ("Ann.Smith", "gmail.com"),
            ("a.n.n.s.m.i.t.h+news", "googlemail.com"),
            ("annsmith+a+b", "GMAIL.com."),
        ] {
            assert_eq!(mailbox(local, domain), "annsmith@gmail.com");
        }
        assert_eq!(mailbox("ann+x", "example.org"), mailbox("ANN", "Example.org"));
        assert_eq!(mailbox("an.n-s_m", "protonmail.com"), mailbox("annsm", "proton.me"));
        assert_eq!(mailbox("x1", "ann.fastmail.com"), mailbox("ann+y", "fastmail.com"));
        assert_eq!(mailbox("ann", "me.com"), mailbox("ann", "icloud.com"));
        assert_eq!(mailbox("ann-smith", "ya.ru"), mailbox("ann.smith", "yandex.com"));
    }

    #[test]
    fn other_people_have_other_mailboxes() {
        assert_ne!(
            mailbox("ann.smith", "example.org"),
            mailbox("annsmith", "example.org"),
            "dots count there"
        );
        assert_ne!(mailbox("ann", "example.org"), mailbox("ann", "example.com"));
        assert_eq!(mailbox("+ann", "example.org"), "+ann@example.org", "a tag of nobody is a name");
    }
}

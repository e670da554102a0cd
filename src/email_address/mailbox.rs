//! Which spellings of an address fill the same mailbox, for limits on what one person gets (TRUST A24).

/// What the variants of a mailbox have in common: no plus tag, no case, and where the provider reads none, no dots.
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
    if matches!(domain, "gmail.com" | "googlemail.com") {
        return format!("{}@gmail.com", untagged.replace('.', ""));
    }
    format!("{untagged}@{domain}")
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

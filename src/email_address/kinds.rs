//! Kinds of domains at which nobody reads for long, or at all.

/// Names that lead nowhere by agreement (RFC 2606, RFC 6761, RFC 6762): no reader has one.
const RESERVED: &[&str] = &[
    "invalid",
    "local",
    "localhost",
    "localdomain",
    "test",
    "example",
    "internal",
    "lan",
    "home",
    "corp",
    "onion",
];

/// Providers of addresses that are thrown away, in the form of their own pages. A small list of the largest: new ones come daily.
const DISPOSABLE: &[&str] = &[
    "10minutemail.com",
    "20minutemail.com",
    "33mail.com",
    "burnermail.io",
    "dispostable.com",
    "emailondeck.com",
    "fakeinbox.com",
    "getnada.com",
    "grr.la",
    "guerrillamail.com",
    "guerrillamail.info",
    "guerrillamail.net",
    "guerrillamail.org",
    "guerrillamailblock.com",
    "inboxkitten.com",
    "mailcatch.com",
    "maildrop.cc",
    "mailinator.com",
    "mailnesia.com",
    "mailsac.com",
    "mintemail.com",
    "moakt.com",
    "mohmal.com",
    "mytemp.email",
    "sharklasers.com",
    "spam4.me",
    "spamgourmet.com",
    "temp-mail.io",
    "temp-mail.org",
    "tempail.com",
    "tempmail.com",
    "throwawaymail.com",
    "trash-mail.com",
    "trashmail.com",
    "yopmail.com",
    "yopmail.fr",
];

/// Whether nobody can have an address there, whatever the DNS of this machine says. `example.com` and its like are names as others:
/// they say by themselves that they take no mail (RFC 7505).
#[must_use]
pub fn is_reserved(domain: &str) -> bool {
    let top = domain.rsplit('.').next().unwrap_or(domain);
    RESERVED.contains(&top)
}

/// Whether its addresses are made to be thrown away.
#[must_use]
pub fn is_disposable(domain: &str) -> bool {
    DISPOSABLE.iter().any(|one| is_within(domain, one))
}

/// Whether a domain is another one, or below it.
#[must_use]
pub fn is_within(domain: &str, other: &str) -> bool {
    domain.strip_suffix(other).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_of_a_kind_with_everything_below_it() {
        for (domain, reserved) in [
            ("printer.local", true),
            ("a.invalid", true),
            ("news.example", true),
            ("a.test", true),
            ("localhost.org", false),
            ("myexample.com", false),
            ("test.org", false),
        ] {
            assert_eq!(is_reserved(domain), reserved, "{domain}");
        }
        assert!(is_disposable("mailinator.com") && is_disposable("x.mailinator.com"));
        assert!(!is_disposable("notmailinator.com") && !is_disposable("gmail.com"));
    }
}

//! What an enhanced status code (RFC 3463 and the registry of RFC 5248) means for the reader whose mail came back.

use super::Reason;

/// Subject and detail of a code, without its first figure, and what they mean. The first line that fits counts; a detail
/// of `*` is every other detail of the subject.
const TABLE: &[(&str, &str, Reason)] = &[
    ("1", "1", Reason::NoMailbox),
    ("1", "2", Reason::NoHost),
    ("1", "3", Reason::NoMailbox),
    ("1", "6", Reason::Moved),
    // "Null MX" by the registry; Exchange Online says it of recipients it does not know. Final both ways.
    ("1", "10", Reason::NoMailbox),
    ("1", "351", Reason::NoMailbox),
    ("1", "7", Reason::Policy),
    ("1", "8", Reason::Policy),
    ("1", "9", Reason::Refused),
    ("1", "*", Reason::Refused),
    ("2", "1", Reason::Disabled),
    ("2", "2", Reason::Full),
    ("2", "3", Reason::TooBig),
    ("2", "*", Reason::Refused),
    ("3", "1", Reason::Full),
    ("3", "4", Reason::TooBig),
    ("3", "*", Reason::Server),
    ("4", "7", Reason::Expired),
    ("4", "*", Reason::Network),
    ("5", "*", Reason::Server),
    ("6", "*", Reason::Refused),
    ("7", "*", Reason::Policy),
];

/// What a code means; `None` for codes that say only that something was wrong.
pub fn reason(status: &str) -> Option<Reason> {
    let mut parts = status.split('.');
    let (_, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    let line = TABLE.iter().find(|(s, d, _)| *s == subject && (*d == detail || *d == "*"));
    line.map(|(_, _, reason)| *reason)
}

/// Whether a code speaks of the sender's rights and reputation, never of the reader.
pub fn is_policy(status: &str) -> bool {
    status.split('.').nth(1) == Some("7") || matches!(status.split_once('.'), Some((_, "1.7" | "1.8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST M23: the mapping of enhanced codes.
    #[test]
    fn enhanced_codes_mean_what_the_table_says() {
        for (status, meant) in [
            ("5.1.1", Some(Reason::NoMailbox)),
            ("5.1.10", Some(Reason::NoMailbox)),
            ("5.1.2", Some(Reason::NoHost)),
            ("5.1.6", Some(Reason::Moved)),
            ("5.2.2", Some(Reason::Full)),
            ("4.2.2", Some(Reason::Full)),
            ("5.3.4", Some(Reason::TooBig)),
            ("4.4.7", Some(Reason::Expired)),
            ("4.4.1", Some(Reason::Network)),
            ("5.4.4", Some(Reason::Network)),
            ("5.7.1", Some(Reason::Policy)),
            ("5.7.26", Some(Reason::Policy)),
            ("5.7.515", Some(Reason::Policy)),
            ("5.1.8", Some(Reason::Policy)),
            ("5.0.0", None),
            ("nonsense", None),
        ] {
            assert_eq!(reason(status), meant, "{status}");
        }
    }

    /// TRUST M23: only these are final for a reader, and no policy refusal is.
    #[test]
    fn policy_codes_never_end_a_subscription() {
        for status in ["5.7.1", "5.7.26", "5.7.515", "4.7.28", "5.1.8", "5.1.7"] {
            assert!(is_policy(status), "{status}");
            assert!(!reason(status).expect("known").is_final(), "{status}");
        }
        for status in ["5.1.1", "5.1.10", "5.1.2", "5.1.6"] {
            assert!(!is_policy(status), "{status}");
            assert!(reason(status).expect("known").is_final(), "{status}");
        }
        for status in ["5.2.2", "4.2.2", "4.4.7", "5.4.4", "5.3.4"] {
            assert!(!reason(status).expect("known").is_final(), "{status}");
        }
    }
}

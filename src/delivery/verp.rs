//! Return addresses and Message-IDs that tell which copy comes back, and prove it (TRUST M9, M10).
//!
//! `bounce+<edition>.<subscriber>.<proof>@example.org`: a variable envelope return path. Both numbers are written in base
//! 36 and the proof is 80 bits, so that the local part keeps within 64 characters (RFC 5321 section 4.5.3.1.1) with
//! every number that the ledger can hold. Whoever knows such an address can only speak of the copy that brought it to them.

use crate::{
    email_address::EmailAddress,
    token::{Keys, Purpose},
};

/// One copy: an edition to a subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    /// The edition.
    pub edition: i64,
    /// The subscriber.
    pub subscriber: i64,
}

impl Which {
    fn scope(self) -> String {
        format!("{}.{}", self.edition, self.subscriber)
    }

    fn names(self) -> String {
        format!("{}.{}", base36(self.edition), base36(self.subscriber))
    }

    /// From `edition.subscriber.proof`, if the proof is ours.
    fn proven(keys: &Keys, purpose: Purpose, text: &str) -> Option<Self> {
        // Servers on the way may have changed the case.
        let text = text.to_ascii_lowercase();
        let mut parts = text.split('.');
        let (edition, subscriber, proof) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let number = |part: &str| i64::from_str_radix(part, 36).ok().filter(|number| *number >= 0);
        let which = Self { edition: number(edition)?, subscriber: number(subscriber)? };
        // One spelling only: "+7" and "007" are numbers too.
        (which.names() == format!("{edition}.{subscriber}")
            && keys.knows_name(purpose, &which.scope(), proof))
        .then_some(which)
    }
}

const PROOF: usize = 16;

/// The return address of a copy.
#[must_use]
pub fn make(keys: &Keys, base: &EmailAddress, which: Which) -> String {
    let name = keys.name(Purpose::ReturnPath, &which.scope());
    let proof = name.get(..PROOF).unwrap_or(&name);
    format!("{}+{}.{proof}@{}", local(base.as_str()), which.names(), base.domain())
}

/// Which copy an address speaks of; `None` for addresses that we did not make.
#[must_use]
pub fn parse(keys: &Keys, base: &EmailAddress, address: &str) -> Option<Which> {
    let (name, domain) = address.rsplit_once('@')?;
    let base_local = local(base.as_str());
    let (start, rest) = name.split_at_checked(base_local.len())?;
    let ours = domain.eq_ignore_ascii_case(base.domain()) && start.eq_ignore_ascii_case(base_local);
    let rest = rest.strip_prefix('+').filter(|_| ours)?;
    Which::proven(keys, Purpose::ReturnPath, rest)
}

/// The Message-ID of a copy, without brackets: the same on every attempt.
#[must_use]
pub fn message_id(keys: &Keys, host: &str, which: Which) -> String {
    format!("{}.{}@{host}", which.names(), keys.name(Purpose::MessageId, &which.scope()))
}

/// Which copy a Message-ID is of; `None` for those that we did not make.
#[must_use]
pub fn parse_message_id(keys: &Keys, host: &str, id: &str) -> Option<Which> {
    let (name, domain) = id.trim_matches(['<', '>', ' ']).rsplit_once('@')?;
    if !domain.eq_ignore_ascii_case(host) {
        return None;
    }
    Which::proven(keys, Purpose::MessageId, name)
}

fn local(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

fn base36(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        rest /= 36;
        if rest == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::RootSecret;

    fn keys(id: u8) -> RootSecret {
        RootSecret { id, secret: vec![id; 32] }
    }

    fn base() -> EmailAddress {
        EmailAddress::parse("bounce@example.org").expect("an address")
    }

    /// TRUST M10: unique for each copy, within 64 characters, and only what we made is believed.
    #[test]
    fn a_return_address_names_its_copy_and_no_changed_one_does() {
        let keys = Keys::new(&keys(1), &[], b"s");
        for which in [
            Which { edition: 0, subscriber: 0 },
            Which { edition: 1, subscriber: 35 },
            Which { edition: 12, subscriber: 345_678 },
            Which { edition: i64::MAX, subscriber: i64::MAX },
        ] {
            let address = make(&keys, &base(), which);
            let (local, _) = address.split_once('@').expect("an address");
            assert!(local.len() <= 64, "{address}");
            assert!(EmailAddress::parse(&address).is_ok(), "{address}");
            assert_eq!(parse(&keys, &base(), &address), Some(which));
            assert_eq!(parse(&keys, &base(), &address.to_uppercase()), Some(which));
            for at in 0..local.len() {
                for other in ['a', '7', '.', '+'] {
                    let mut changed: Vec<char> = address.chars().collect();
                    if changed[at].eq_ignore_ascii_case(&other) {
                        continue;
                    }
                    changed[at] = other;
                    let changed: String = changed.into_iter().collect();
                    assert_eq!(parse(&keys, &base(), &changed), None, "{changed}");
                }
            }
        }
        let address = make(&keys, &base(), Which { edition: 1, subscriber: 2 });
        for forged in [
            "bounce@example.org".to_owned(),
            "bounce+1.2.@example.org".to_owned(),
            "bounce+1.2.aaaaaaaaaaaaaaaa@example.org".to_owned(),
            address.replace("example.org", "example.com"),
            address.replace("+1.2.", "+1.3."),
            address.replace("+1.2.", "+01.2."),
            address.get(..address.len() - 13).unwrap_or_default().to_owned() + "@example.org",
        ] {
            assert_eq!(parse(&keys, &base(), &forged), None, "{forged}");
        }
    }

    /// TRUST M9: the same on every attempt, on our host, and not interchangeable with a return address.
    #[test]
    fn a_message_id_names_its_copy() {
        let keys = Keys::new(&keys(1), &[], b"s");
        let which = Which { edition: 12, subscriber: 345 };
        let id = message_id(&keys, "news.example.org", which);
        assert_eq!(id, message_id(&keys, "news.example.org", which));
        assert_eq!(parse_message_id(&keys, "news.example.org", &format!("<{id}>")), Some(which));
        assert_eq!(parse_message_id(&keys, "other.example.org", &id), None);
        let proof = id.split(['.', '@']).nth(2).expect("a proof");
        let crossed = format!("bounce+c.9l.{}@example.org", proof.get(..16).expect("long enough"));
        assert_eq!(parse(&keys, &base(), &crossed), None);
    }

    /// TRUST M6: bounces of mail from before the secret was changed still count.
    #[test]
    fn an_old_secret_still_proves_its_copies() {
        let which = Which { edition: 3, subscriber: 4 };
        let address = make(&Keys::new(&keys(1), &[], b"s"), &base(), which);
        let rotated = Keys::new(&keys(2), &[keys(1)], b"s");
        assert_eq!(parse(&rotated, &base(), &address), Some(which));
        assert_eq!(parse(&Keys::new(&keys(2), &[], b"s"), &base(), &address), None);
    }
}

//! Return addresses and Message-IDs that tell which copy comes back, and prove it (TRUST M9, M10).
//!
//! `bounce+<reader>.<edition>.<proof>@example.org`: a variable envelope return path. Reader and edition are the beginnings
//! of their public ids, 80 and 50 bits, and the proof is 80 bits, so that the local part keeps within 64 characters
//! (RFC 5321 section 4.5.3.1.1). Whoever knows such an address can only speak of the copy that brought it to them.
//!
//! `bounce+<reader>.<list>.<proof>@example.org`, with a proof of another purpose, is what a mail program writes to for leaving that list
//! (RFC 2369). `bounce+<reader>.<address>.<proof>@example.org` is the return path of a letter to a reader, and speaks of the address that
//! they had then: the beginning of its keyed hash.
//!
//! Copies of editions that were frozen by earlier versions carry row numbers in base 36 instead, on every attempt.

use crate::{
    email_address::EmailAddress,
    token::{Keys, Purpose},
};

/// One copy: an edition to a subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// By the beginnings of their public ids.
    Named { subscriber: String, edition: String },
    /// By row numbers.
    Numbered { edition: i64, subscriber: i64 },
}

/// So much of a reader's public id, and of an edition's.
const SUBSCRIBER: usize = 16;
const EDITION: usize = 10;

impl Which {
    /// The copy of an edition to a subscriber, both by public id.
    #[must_use]
    pub fn named(edition: &str, subscriber: &str) -> Self {
        let start = |id: &str, length| id.get(..length).unwrap_or(id).to_owned();
        Self::Named { subscriber: start(subscriber, SUBSCRIBER), edition: start(edition, EDITION) }
    }

    /// Whether it is a copy of this edition: its row, and its public id.
    #[must_use]
    pub fn is_of(&self, row: i64, public_id: &str) -> bool {
        match self {
            Self::Named { edition, .. } => public_id.get(..EDITION) == Some(edition),
            Self::Numbered { edition, .. } => *edition == row,
        }
    }

    /// What the proof is made of.
    fn scope(&self) -> String {
        match self {
            Self::Named { .. } => self.names(),
            Self::Numbered { edition, subscriber } => format!("{edition}.{subscriber}"),
        }
    }

    fn names(&self) -> String {
        match self {
            Self::Named { subscriber, edition } => format!("{subscriber}.{edition}"),
            Self::Numbered { edition, subscriber } => format!("{}.{}", base36(*edition), base36(*subscriber)),
        }
    }

    /// From `reader.edition.proof`, if the proof is ours.
    fn proven(keys: &Keys, purpose: Purpose, text: &str) -> Option<Self> {
        // Servers on the way may have changed the case.
        let text = text.to_ascii_lowercase();
        let mut parts = text.split('.');
        let (one, other, proof) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        // No number has so many digits.
        let which = if one.len() == SUBSCRIBER {
            Self::Named { subscriber: one.to_owned(), edition: other.to_owned() }
        } else {
            let number = |part: &str| i64::from_str_radix(part, 36).ok().filter(|number| *number >= 0);
            Self::Numbered { edition: number(one)?, subscriber: number(other)? }
        };
        // One spelling only: "+7" and "007" are numbers too.
        (which.names() == format!("{one}.{other}") && keys.knows_name(purpose, &which.scope(), proof))
            .then_some(which)
    }
}

const PROOF: usize = 16;

/// The return address of a copy.
#[must_use]
pub fn make(keys: &Keys, base: &EmailAddress, which: &Which) -> String {
    let name = keys.name(Purpose::ReturnPath, &which.scope());
    let proof = name.get(..PROOF).unwrap_or(&name);
    format!("{}+{}.{proof}@{}", local(base.as_str()), which.names(), base.domain())
}

/// Which copy an address speaks of; `None` for addresses that we did not make.
#[must_use]
pub fn parse(keys: &Keys, base: &EmailAddress, address: &str) -> Option<Which> {
    Which::proven(keys, Purpose::ReturnPath, detail(base, address)?)
}

/// What stands behind the plus sign of an address at our mailbox.
fn detail<'a>(base: &EmailAddress, address: &'a str) -> Option<&'a str> {
    let (name, domain) = address.rsplit_once('@')?;
    let base_local = local(base.as_str());
    let (start, rest) = name.split_at_checked(base_local.len())?;
    let ours = domain.eq_ignore_ascii_case(base.domain()) && start.eq_ignore_ascii_case(base_local);
    rest.strip_prefix('+').filter(|_| ours)
}

/// Who asks by mail to leave which list, by the beginnings of their public ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    pub subscriber: String,
    pub list: String,
}

/// So much of a list's public id: as of an edition's.
const LIST: usize = EDITION;

/// What a mail program finds in such a mail's subject, and writes itself.
pub const LEAVING_SUBJECT: &str = "unsubscribe";

/// The address of the web (RFC 6068) by which a mail program leaves a list for its reader: it names them, and proves that a copy to
/// them brought it. `None` if a name of them is too short, or the mailbox's own is none that everybody writes.
#[must_use]
pub fn leaving_mailto(keys: &Keys, base: &EmailAddress, subscriber: &str, list: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+' | '@');
    if !base.as_str().chars().all(plain) {
        return None;
    }
    let names = format!("{}.{}", subscriber.get(..SUBSCRIBER)?, list.get(..LIST)?);
    let proof = keys.name(Purpose::LeaveByMail, &names);
    let (proof, name, domain) = (proof.get(..PROOF)?, local(base.as_str()), base.domain());
    Some(format!("mailto:{name}+{names}.{proof}@{domain}?subject={LEAVING_SUBJECT}"))
}

/// Who asks to leave what by a mail to this address; `None` for addresses that we did not make.
#[must_use]
pub fn parse_leaving(keys: &Keys, base: &EmailAddress, address: &str) -> Option<Leaving> {
    let (subscriber, list) = two_names(keys, base, address, (Purpose::LeaveByMail, LIST))?;
    Some(Leaving { subscriber, list })
}

/// A reader's name, and one of that length, if they are proven for that purpose.
fn two_names(
    keys: &Keys,
    base: &EmailAddress,
    address: &str,
    (purpose, length): (Purpose, usize),
) -> Option<(String, String)> {
    // Servers on the way may have changed the case.
    let text = detail(base, address)?.to_ascii_lowercase();
    let (names, proof) = text.rsplit_once('.')?;
    let (subscriber, other) = names.split_once('.')?;
    let is_ours = subscriber.len() == SUBSCRIBER
        && other.len() == length
        && proof.len() == PROOF
        && keys.knows_name(purpose, names, proof);
    is_ours.then(|| (subscriber.to_owned(), other.to_owned()))
}

/// A letter to a reader, by the beginnings of their public id and of the keyed hash of the address that it went to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToReader {
    pub subscriber: String,
    pub address: String,
}

/// So much of the keyed hash of an address.
const ADDRESS: usize = EDITION;

impl ToReader {
    /// Whether it went to the address of this hash.
    #[must_use]
    pub fn went_to(&self, hash: &str) -> bool {
        hash.get(..ADDRESS) == Some(&self.address)
    }
}

/// The return path of a letter to a reader at the address of that hash. `None` if a name of them is too short.
#[must_use]
pub fn letter_path(keys: &Keys, base: &EmailAddress, subscriber: &str, hash: &str) -> Option<String> {
    let names = format!("{}.{}", subscriber.get(..SUBSCRIBER)?, hash.get(..ADDRESS)?);
    let proof = keys.name(Purpose::LetterPath, &names);
    Some(format!("{}+{names}.{}@{}", local(base.as_str()), proof.get(..PROOF)?, base.domain()))
}

/// Which letter came back to this address; `None` for addresses that we did not make.
#[must_use]
pub fn parse_letter(keys: &Keys, base: &EmailAddress, address: &str) -> Option<ToReader> {
    let (subscriber, address) = two_names(keys, base, address, (Purpose::LetterPath, ADDRESS))?;
    Some(ToReader { subscriber, address })
}

/// The Message-ID of a copy, without brackets: the same on every attempt.
#[must_use]
pub fn message_id(keys: &Keys, host: &str, which: &Which) -> String {
    format!("{}.{}@{host}", which.names(), keys.name(Purpose::MessageId, &which.scope()))
}

/// Which copy a Message-ID is of; `None` for those that we did not make. The proof alone tells, for the host may have had
/// another name when the copy left.
#[must_use]
pub fn parse_message_id(keys: &Keys, id: &str) -> Option<Which> {
    let (name, _host) = id.trim_matches(['<', '>', ' ']).rsplit_once('@')?;
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

    /// As long as a name before the @ may be.
    fn longest() -> EmailAddress {
        EmailAddress::parse("nineteen-characters@example.org").expect("an address")
    }

    fn named() -> Which {
        Which::named("edition4aaaaaaaaaaaaaaaaaa", "reader2aaaaaaaaaaaaaaaaaaa")
    }

    /// TRUST M10: unique for each copy, within 64 characters, and only what we made is believed.
    #[test]
    fn a_return_address_names_its_copy_and_no_changed_one_does() {
        let keys = Keys::new(&keys(1), &[], b"s");
        for which in [
            Which::Numbered { edition: 0, subscriber: 0 },
            Which::Numbered { edition: 12, subscriber: 345_678 },
            Which::Numbered { edition: i64::MAX, subscriber: i64::MAX },
            named(),
        ] {
            let address = make(&keys, &longest(), &which);
            let (local, _) = address.split_once('@').expect("an address");
            assert!(local.len() <= 64, "{address}");
            let address = make(&keys, &base(), &which);
            let (local, _) = address.split_once('@').expect("an address");
            assert!(EmailAddress::parse(&address).is_ok(), "{address}");
            assert_eq!(parse(&keys, &base(), &address).as_ref(), Some(&which));
            assert_eq!(parse(&keys, &base(), &address.to_uppercase()).as_ref(), Some(&which));
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
        let address = make(&keys, &base(), &Which::Numbered { edition: 1, subscriber: 2 });
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
        for which in [named(), Which::Numbered { edition: 12, subscriber: 345 }] {
            let id = message_id(&keys, "news.example.org", &which);
            assert_eq!(id, message_id(&keys, "news.example.org", &which));
            let moved = id.replace("@news.", "@old.");
            for id in [format!("<{id}>"), id.to_uppercase(), moved] {
                assert_eq!(parse_message_id(&keys, &id).as_ref(), Some(&which), "{id}");
            }
            let other = self::keys(2);
            assert_eq!(parse_message_id(&Keys::new(&other, &[], b"s"), &id), None);
            let (name, _) = id.split_once('@').expect("a host");
            let crossed = format!("bounce+{}@example.org", name.get(..name.len() - 10).expect("long enough"));
            assert_eq!(parse(&keys, &base(), &crossed), None);
        }
    }

    /// TRUST M4, M6: the address for leaving names a reader and a list, within 64 characters; no changed one does, and it is no return
    /// address, nor is one of those an address for leaving.
    #[test]
    fn an_address_for_leaving_names_reader_and_list_and_no_changed_one_does() {
        let keys = Keys::new(&keys(1), &[], b"s");
        let (reader, list) = ("reader2aaaaaaaaaaaaaaaaaaa", "list2aaaaaaaaaaaaaaaaaaaaa");
        let wanted = Leaving { subscriber: reader[..SUBSCRIBER].to_owned(), list: list[..LIST].to_owned() };
        for base in [base(), longest()] {
            let uri = leaving_mailto(&keys, &base, reader, list).expect("it can be written");
            let address =
                uri.strip_prefix("mailto:").and_then(|rest| rest.split('?').next()).expect("an address");
            let (local, _) = address.split_once('@').expect("an address");
            assert!(local.len() <= 64 && EmailAddress::parse(address).is_ok(), "{address}");
            for spelled in [address.to_owned(), address.to_uppercase()] {
                assert_eq!(parse_leaving(&keys, &base, &spelled).as_ref(), Some(&wanted), "{spelled}");
            }
            for at in 0..local.len() {
                for other in ['a', '7', '.', '+'] {
                    let mut changed: Vec<char> = address.chars().collect();
                    if !changed[at].eq_ignore_ascii_case(&other) {
                        changed[at] = other;
                        let changed: String = changed.into_iter().collect();
                        assert_eq!(parse_leaving(&keys, &base, &changed), None, "{changed}");
                    }
                }
            }
            assert_eq!(parse(&keys, &base, address), None, "it speaks of no copy");
            assert_eq!(parse_leaving(&keys, &base, &make(&keys, &base, &named())), None);
            let rotated = Keys::new(&self::keys(2), &[self::keys(1)], b"s");
            assert_eq!(parse_leaving(&rotated, &base, address).as_ref(), Some(&wanted));
        }
        let odd = EmailAddress::parse("bou&nce@example.org").expect("an address");
        assert_eq!(leaving_mailto(&keys, &odd, reader, list), None);
        assert_eq!(leaving_mailto(&keys, &base(), "short", list), None);
    }

    /// TRUST M10: the return path of a letter names its reader and the address that it went to, within 64 characters; no changed one does,
    /// and none of another purpose is taken for one.
    #[test]
    fn the_return_path_of_a_letter_names_its_reader_and_address() {
        let keys = Keys::new(&keys(1), &[], b"s");
        let (reader, hash) = ("reader2aaaaaaaaaaaaaaaaaaa", "hash2aaaaaaaaaaaaaaaaaaaaaaa");
        for base in [base(), longest()] {
            let address = letter_path(&keys, &base, reader, hash).expect("they are long enough");
            let (local, _) = address.split_once('@').expect("an address");
            assert!(local.len() <= 64 && EmailAddress::parse(&address).is_ok(), "{address}");
            for spelled in [address.clone(), address.to_uppercase()] {
                let letter = parse_letter(&keys, &base, &spelled).expect("one of ours");
                assert_eq!(letter.subscriber, reader[..SUBSCRIBER]);
                assert!(letter.went_to(hash) && !letter.went_to("hash3aaaaaaaaaaaaaaaaaaaaaaa"));
            }
            for at in 0..local.len() {
                let mut changed: Vec<char> = address.chars().collect();
                changed[at] = if changed[at] == 'a' { '7' } else { 'a' };
                let changed: String = changed.into_iter().collect();
                assert_eq!(parse_letter(&keys, &base, &changed), None, "{changed}");
            }
            assert!(
                parse(&keys, &base, &address).is_none() && parse_leaving(&keys, &base, &address).is_none()
            );
            assert_eq!(parse_letter(&keys, &base, &make(&keys, &base, &named())), None);
            let leaving = leaving_mailto(&keys, &base, reader, hash).expect("long enough");
            let leaving = leaving.trim_start_matches("mailto:").split('?').next().expect("an address");
            assert_eq!(parse_letter(&keys, &base, leaving), None);
        }
        assert_eq!(letter_path(&keys, &base(), reader, "short"), None);
    }

    /// TRUST M6: bounces of mail from before the secret was changed still count.
    #[test]
    fn an_old_secret_still_proves_its_copies() {
        let which = named();
        let address = make(&Keys::new(&keys(1), &[], b"s"), &base(), &which);
        let rotated = Keys::new(&keys(2), &[keys(1)], b"s");
        assert_eq!(parse(&rotated, &base(), &address), Some(which));
        assert_eq!(parse(&Keys::new(&keys(2), &[], b"s"), &base(), &address), None);
    }
}

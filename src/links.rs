//! What the links in our mail say: one type a kind, made and read here and nowhere else.
//!
//! The rule: a link names people and things by their random public ids. A row number is given again when a backup is
//! restored, and then means somebody else. Links mailed before this rule carry numbers; they are still read, as
//! [`Name::Number`], and whoever looks a number up believes it only up to the last one given by then (`numbered_link`).

use std::{borrow::Cow, fmt};

use crate::{
    clock::Moment,
    token::{Keys, Purpose, TokenError},
};

/// What a link calls a reader, a list or an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// Its public id: never given to anybody else, whatever becomes of the database.
    Id(Cow<'a, str>),
    /// Its row number, in links mailed by earlier versions.
    Number(i64),
}

impl<'a> Name<'a> {
    /// By public id.
    #[must_use]
    pub const fn id(public_id: &'a str) -> Self {
        Self::Id(Cow::Borrowed(public_id))
    }

    /// A public id is longer than any number.
    fn parse(word: &str) -> Result<Name<'static>, TokenError> {
        match word.len() {
            1..=19 => word.parse().map(Name::Number).map_err(|_| TokenError::Invalid),
            20..=64 => Ok(Name::Id(Cow::Owned(word.to_owned()))),
            _ => Err(TokenError::Invalid),
        }
    }
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => f.write_str(id),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// What the link to leave names in the place of an edition, in the letter of welcome.
pub const WELCOME: &str = "the-letter-of-welcome";

/// The same, where somebody left by a mail to the address that their copy named.
pub const BY_MAIL: &str = "a-mail-that-asked-to-leave";

/// Leaving a list with one click (RFC 8058), and the page for it. The list stands in it beside the edition, so that it
/// works when the edition is not known any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Who leaves.
    pub subscriber: Name<'a>,
    /// What they leave.
    pub list: Name<'a>,
    /// Whose copy had the link.
    pub edition: Name<'a>,
}

impl Unsubscribe<'_> {
    /// The token. It works for good: mail is read long after it was sent.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        let Self { subscriber, list, edition } = self;
        keys.sign(Purpose::Unsubscribe, &format!("{subscriber}.{list}.{edition}"), None)
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<Unsubscribe<'static>, TokenError> {
        let [subscriber, list, edition] = read(keys, Purpose::Unsubscribe, token, now)?;
        Ok(Unsubscribe { subscriber, list, edition })
    }
}

/// Saying that a list may go on coming, by the button of an edition that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmAgain<'a> {
    /// Who says it.
    pub subscriber: Name<'a>,
    /// Of which list.
    pub list: Name<'a>,
    /// Which edition asked.
    pub edition: Name<'a>,
}

impl ConfirmAgain<'_> {
    /// The token. It works for good: mail is read long after it was sent.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        let Self { subscriber, list, edition } = self;
        keys.sign(Purpose::ConfirmAgain, &format!("{subscriber}.{list}.{edition}"), None)
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<ConfirmAgain<'static>, TokenError> {
        let [subscriber, list, edition] = read(keys, Purpose::ConfirmAgain, token, now)?;
        Ok(ConfirmAgain { subscriber, list, edition })
    }
}

/// A copy of an edition in the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View<'a> {
    pub edition: Name<'a>,
    /// Whose copy.
    pub subscriber: Name<'a>,
}

impl View<'_> {
    /// The token, for good.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        keys.sign(Purpose::View, &format!("{}.{}", self.edition, self.subscriber), None)
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<View<'static>, TokenError> {
        let [edition, subscriber] = read(keys, Purpose::View, token, now)?;
        Ok(View { edition, subscriber })
    }
}

/// A reader's own choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices<'a>(
    /// Whose.
    pub Name<'a>,
);

impl Choices<'_> {
    /// The path of the page.
    #[must_use]
    pub fn path(&self, keys: &Keys) -> String {
        format!("/preferences/{}", self.sign(keys))
    }

    /// The token, for good.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        keys.sign(Purpose::Preferences, &self.0.to_string(), None)
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<Choices<'static>, TokenError> {
        let [subscriber] = read(keys, Purpose::Preferences, token, now)?;
        Ok(Choices(subscriber))
    }
}

/// What is held about a reader, for themselves: made for that alone, so that a link to their choices that was handed on shows none
/// of it. It is good while the address is theirs that it was mailed to: whoever has that mailbox later reads nothing by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOfData<'a> {
    /// About whom.
    pub reader: Name<'a>,
    /// What the address is kept as.
    pub address: Cow<'a, str>,
}

impl CopyOfData<'_> {
    /// The token, until `expires`.
    #[must_use]
    pub fn sign(&self, keys: &Keys, expires: Moment) -> String {
        keys.sign(Purpose::CopyOfData, &format!("{}.{}", self.reader, self.address), Some(expires))
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<CopyOfData<'static>, TokenError> {
        let (reader, address) = read_mailed(keys, Purpose::CopyOfData, token, now)?;
        Ok(CopyOfData { reader, address })
    }
}

/// Being forgotten; good while the address is theirs that it was mailed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forget<'a> {
    /// Who.
    pub reader: Name<'a>,
    /// What the address is kept as.
    pub address: Cow<'a, str>,
}

impl Forget<'_> {
    /// The token, until `expires`.
    #[must_use]
    pub fn sign(&self, keys: &Keys, expires: Moment) -> String {
        keys.sign(Purpose::Forget, &format!("{}.{}", self.reader, self.address), Some(expires))
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<Forget<'static>, TokenError> {
        let (reader, address) = read_mailed(keys, Purpose::Forget, token, now)?;
        Ok(Forget { reader, address })
    }
}

/// Which mailbox a link about a new address was mailed to, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The old one, to agree.
    Old,
    /// The new one, to agree.
    New,
    /// The old one, to take it back.
    Back,
}

impl End {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Back => "back",
        }
    }
}

/// A reader's new address, as one of the two mailboxes sees it. A link that was mailed to one of them says nothing for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressChange<'a> {
    /// Which change.
    pub change: Name<'a>,
    pub end: End,
}

impl AddressChange<'_> {
    /// The path of the page, until `expires`.
    #[must_use]
    pub fn path(&self, keys: &Keys, expires: Moment) -> String {
        let scope = format!("{}.{}", self.change, self.end.as_str());
        format!("/address/{}", keys.sign(Purpose::AddressChange, &scope, Some(expires)))
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<AddressChange<'static>, TokenError> {
        let scope = keys.verify(Purpose::AddressChange, token, now)?;
        let (change, end) = scope.split_once('.').ok_or(TokenError::Invalid)?;
        let ends = [End::Old, End::New, End::Back];
        let end = ends.into_iter().find(|one| one.as_str() == end).ok_or(TokenError::Invalid)?;
        Ok(AddressChange { change: Name::parse(change)?, end })
    }
}

/// Giving, credited to an edition; who follows it is not told (TRUST L9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Give<'a>(
    /// The edition.
    pub Name<'a>,
);

impl Give<'_> {
    /// The token, for good.
    #[must_use]
    pub fn sign(&self, keys: &Keys) -> String {
        keys.sign(Purpose::Give, &self.0.to_string(), None)
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<Give<'static>, TokenError> {
        let [edition] = read(keys, Purpose::Give, token, now)?;
        Ok(Give(edition))
    }
}

/// Confirming what somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirm<'a> {
    pub subscriber: Name<'a>,
    /// The lists; at least one.
    pub lists: Vec<Name<'a>>,
}

impl Confirm<'_> {
    /// The token, until `expires`.
    #[must_use]
    pub fn sign(&self, keys: &Keys, expires: Moment) -> String {
        let lists = self.lists.iter().map(|list| format!(".{list}"));
        keys.sign(
            Purpose::Confirm,
            &format!("{}{}", self.subscriber, lists.collect::<String>()),
            Some(expires),
        )
    }

    /// What a token says.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn read(keys: &Keys, token: &str, now: Moment) -> Result<Confirm<'static>, TokenError> {
        let mut lists = names(keys, Purpose::Confirm, token, now)?;
        if lists.len() < 2 {
            return Err(TokenError::Invalid);
        }
        Ok(Confirm { subscriber: lists.remove(0), lists })
    }
}

/// A reader, and what the address is kept as that the link was mailed to.
fn read_mailed(
    keys: &Keys,
    purpose: Purpose,
    token: &str,
    now: Moment,
) -> Result<(Name<'static>, Cow<'static, str>), TokenError> {
    let [reader, Name::Id(address)] = read(keys, purpose, token, now)? else {
        return Err(TokenError::Invalid);
    };
    Ok((reader, address))
}

fn read<const N: usize>(
    keys: &Keys,
    purpose: Purpose,
    token: &str,
    now: Moment,
) -> Result<[Name<'static>; N], TokenError> {
    names(keys, purpose, token, now)?.try_into().map_err(|_| TokenError::Invalid)
}

fn names(keys: &Keys, purpose: Purpose, token: &str, now: Moment) -> Result<Vec<Name<'static>>, TokenError> {
    keys.verify(purpose, token, now)?.split('.').map(Name::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::{RootSecret, public_id};

    const NOW: Moment = Moment::from_unix_seconds(1_000_000);

    fn keys() -> Keys {
        Keys::new(&RootSecret { id: 1, secret: vec![1; 32] }, &[], b"s")
    }

    #[test]
    fn a_link_says_what_was_put_into_it() {
        let (keys, reader, list, edition) = (keys(), public_id(), public_id(), public_id());
        let leave =
            Unsubscribe { subscriber: Name::id(&reader), list: Name::id(&list), edition: Name::id(&edition) };
        assert_eq!(Unsubscribe::read(&keys, &leave.sign(&keys), NOW).as_ref(), Ok(&leave));
        let confirm =
            Confirm { subscriber: Name::id(&reader), lists: vec![Name::id(&list), Name::Number(7)] };
        let token = confirm.sign(&keys, NOW.plus(std::time::Duration::from_secs(1)));
        assert_eq!(Confirm::read(&keys, &token, NOW).as_ref(), Ok(&confirm));
    }

    /// What one mailbox got is no word of the other.
    #[test]
    fn a_link_about_an_address_says_which_mailbox_it_went_to() {
        let (keys, change) = (keys(), public_id());
        for end in [End::Old, End::New, End::Back] {
            let link = AddressChange { change: Name::id(&change), end };
            let path = link.path(&keys, NOW.plus(std::time::Duration::from_secs(1)));
            let token = path.strip_prefix("/address/").expect("a path");
            assert_eq!(AddressChange::read(&keys, token, NOW), Ok(link));
            let late = NOW.plus(std::time::Duration::from_secs(2));
            assert_eq!(AddressChange::read(&keys, token, late), Err(TokenError::Expired));
        }
    }

    /// TRUST M6: what was mailed before links had names is read as it was meant.
    #[test]
    fn links_of_earlier_versions_are_read_as_numbers() {
        let keys = keys();
        let token = keys.sign(Purpose::Unsubscribe, "7.1.3", None);
        let leave = Unsubscribe::read(&keys, &token, NOW).expect("ours");
        assert_eq!(
            leave,
            Unsubscribe { subscriber: Name::Number(7), list: Name::Number(1), edition: Name::Number(3) }
        );
        for scope in ["7.1", "7.1.3.4", "7..3", "7.one.3", ""] {
            let token = keys.sign(Purpose::Unsubscribe, scope, None);
            assert_eq!(Unsubscribe::read(&keys, &token, NOW), Err(TokenError::Invalid), "{scope}");
        }
    }
}

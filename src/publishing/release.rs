//! Releasing a part of an edition that a restored backup holds back: some of its readers have it already.
//!
//! The rule: who is said to have it gets no second copy, and the ledger says so in a word of its own: their copy may have
//! arrived. Everybody else waits until the edition goes on; until then it can be taken back.

use std::collections::HashSet;

use super::{Edition, Error, Result, find, home::check_at_home};
use crate::{
    db::{self, Db, Tx},
    delivery::{self, WaitingCopy, Which},
    editions::{self, Deed, EditionState, MoveError, MovedBy},
    email_address::EmailAddress,
    site::Site,
};

/// How many copies one transaction moves.
const CHUNK: i64 = 1_000;

/// Who has their copy already.
#[derive(Clone, Debug)]
pub enum HaveIt {
    /// Everybody up to this address, in the order in which copies are given out. Connections and workers overtake one another,
    /// and slow providers wait, so some of them may lack theirs.
    UpTo(EmailAddress),
    /// These: keys of addresses, such as a mail service's log names.
    Named(HashSet<String>),
    /// These copies, as a log proved them: [`super::SentLog`]. With the address that each went to, where the log says it.
    Sent(HashSet<(Which, Option<String>)>),
}

impl HaveIt {
    /// The addresses in a text of any form: a list, or the log of a mail service, of which lines that tell of something else
    /// than sending count for nothing.
    #[must_use]
    pub fn named_in(text: &str) -> Self {
        let is_part = |c: char| c.is_alphanumeric() || ".!#$%&'*+-/?^_{}~@".contains(c);
        let sent = text.lines().filter(|line| !line.contains("status=") || line.contains("status=sent"));
        let words = sent.flat_map(|line| line.split(|c| !is_part(c))).filter(|word| word.contains('@'));
        let parsed = words.filter_map(|word| EmailAddress::parse(word.trim_matches(['.', '\''])).ok());
        Self::Named(parsed.map(|address| address.key()).collect())
    }

    fn includes(&self, edition: &Edition, copy: &WaitingCopy) -> bool {
        let WaitingCopy { subscriber_id: subscriber, public_id, address } = copy;
        match self {
            Self::UpTo(_) => true,
            Self::Named(keys) => keys.contains(&address.key()),
            Self::Sent(sent) => {
                let named = Which::named(&edition.public_id, public_id);
                let numbered = Which::Numbered { edition: edition.id, subscriber: *subscriber };
                let key = Some(address.key());
                [(named.clone(), None), (named, key.clone()), (numbered.clone(), None), (numbered, key)]
                    .iter()
                    .any(|copy| sent.contains(copy))
            }
        }
    }
}

/// Lets the audience of an edition that was held before it was locked be written down, and holds it again: then it can be
/// said who has it. Nobody is mailed.
///
/// # Errors
/// [`Error::Move`] unless a restored backup holds it and it is not locked, [`Error::Doubtful`] before somebody said what the
/// database is: nobody's audience is written down then.
pub async fn lock_held(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<()> {
    let edition = find(&site.db, public_id).await?;
    let mut tx = site.db.begin().await?;
    check_at_home(&mut tx, site).await?;
    editions::lock_held(&mut tx, site, edition.id, MovedBy::staff(staff_id)).await?;
    tx.commit().await?;
    Ok(())
}

/// Says who has an edition already that a restored backup holds back: their open copies end as "may have arrived". Returns how
/// many; the edition stays held.
///
/// # Errors
/// [`Error::Move`] unless the edition is held and locked; [`Error::NotFound`] when nobody in it has that address.
pub async fn have_it(site: &Site, public_id: &str, who: &HaveIt, staff_id: Option<i64>) -> Result<u64> {
    let edition = find(&site.db, public_id).await?;
    let last = match who {
        HaveIt::UpTo(address) => {
            let found = delivery::subscriber_at(&site.db, edition.id, address).await?;
            found.ok_or(Error::NotFound)?
        }
        HaveIt::Named(_) | HaveIt::Sent(_) => i64::MAX,
    };
    let (mut after, mut moved) = (0, 0);
    loop {
        let mut tx = site.db.begin().await?;
        check(&mut tx, site, &edition).await?;
        let waiting = delivery::waiting_copies(&mut tx, edition.id, (after, last), CHUNK).await?;
        let Some(end) = waiting.last() else { break };
        after = end.subscriber_id;
        let has = waiting.iter().filter(|copy| who.includes(&edition, copy));
        let theirs: Vec<i64> = has.map(|copy| copy.subscriber_id).collect();
        if theirs.is_empty() {
            continue;
        }
        moved += delivery::had_before(&mut tx, site, edition.id, &theirs).await?;
        tx.commit().await?;
    }
    let mut tx = site.db.begin().await?;
    let detail = format!("{moved} readers have it already");
    let by = MovedBy { staff_id, detail: &detail };
    editions::record(&mut tx, site, &edition.public_id, Deed::SaidWhoHasIt, by).await?;
    tx.commit().await?;
    Ok(moved)
}

/// How many readers were said to have it.
pub async fn said_to_have_it(db: &Db, edition: &Edition) -> db::Result<i64> {
    delivery::had_before_count(db, edition.id).await
}

/// Takes it back, as long as the edition is held: they wait again. Returns how many.
///
/// # Errors
/// [`Error::Move`] unless the edition is held and locked.
pub async fn nobody_has_it(site: &Site, public_id: &str, staff_id: Option<i64>) -> Result<u64> {
    let edition = find(&site.db, public_id).await?;
    let mut moved = 0;
    loop {
        let mut tx = site.db.begin().await?;
        check(&mut tx, site, &edition).await?;
        let chunk = delivery::had_not_before(&mut tx, site, edition.id, CHUNK).await?;
        if chunk == 0 {
            let by = MovedBy { staff_id, detail: &format!("{moved} readers") };
            editions::record(&mut tx, site, &edition.public_id, Deed::TookBackWhoHasIt, by).await?;
            tx.commit().await?;
            return Ok(moved);
        }
        tx.commit().await?;
        moved += chunk;
    }
}

async fn check(tx: &mut Tx, site: &Site, edition: &Edition) -> Result<()> {
    let state = editions::state_for_update(tx, edition.id).await?;
    if state != EditionState::Held || edition.sealed_at.is_none() {
        return Err(MoveError::WrongState(state).into());
    }
    // Whoever looks at its page now sees other figures: what they press there is refused.
    Ok(editions::touch(tx, site, edition.id).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_of_a_mail_service_names_its_recipients() {
        let log = "Mar  3 09:00:01 mail postfix/smtp[4242]: 4F2B: to=<Ann.Lee+news@Example.org>, relay=mx.example.net[192.0.2.1]:25, status=sent (250 2.0.0 OK)\n\
            to=<late@example.org>, status=deferred (connection timed out)\n\
            \"bob@example.org\",delivered\n 17|eve@example.org|ok; x@ @y\n";
        let HaveIt::Named(keys) = HaveIt::named_in(log) else { panic!("they are named") };
        let mut keys: Vec<_> = keys.into_iter().collect();
        keys.sort();
        assert_eq!(keys, ["ann.lee+news@example.org", "bob@example.org", "eve@example.org"]);
    }
}

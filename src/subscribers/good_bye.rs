//! The letter to whoever has just left, where the magazine says good-bye.
//!
//! It goes to readers who left by themselves, once for a leaving and once a day at most; never to an address that is stopped for
//! whatever reason. It is enqueued in the transaction of the leaving; who comes back before it went gets none, and its marker asks once
//! more whether they are still off the list.

use super::{
    Result,
    consent::ConsentMethod,
    read::Subscriber,
    store::{self, leaving as leaving_store},
};
use crate::{
    clock::Moment,
    db::{self, Tx},
    delivery::{self, Letter, Suppressions},
    links::{Choices, Name},
    mail::{EmailTemplate as _, GoodBye},
    settings::{Letterhead, Settings},
    site::Site,
};

/// How long nobody gets a second one.
const ONCE_IN: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A letter that was written before the transaction of the leaving it is about.
pub(super) struct Written<'a> {
    reader: &'a Subscriber,
    letter: Letter,
    /// For who has moved meanwhile, and gets another.
    letterhead: Letterhead,
    fact: String,
    context: GoodBye,
}

/// Writes it for who leaves these lists, by name, at that moment; none where the magazine says no good-bye, or they do not leave by
/// themselves. `link` is what they leave by.
pub(super) async fn write<'a>(
    site: &Site,
    reader: &'a Subscriber,
    lists: Vec<String>,
    (method, link): (ConsentMethod, &str),
    at: Moment,
) -> Result<Option<Written<'a>>> {
    let by_themselves =
        matches!(method, ConsentMethod::UnsubscribePage | ConsentMethod::OneClick | ConsentMethod::Mailto);
    if lists.is_empty() || !by_themselves {
        return Ok(None);
    }
    let settings = Settings::load(&site.db).await?;
    if !settings.says_good_bye {
        return Ok(None);
    }
    let letterhead = settings.letterhead(site);
    let context = GoodBye {
        sender: letterhead.sender.clone(),
        lists,
        undo_url: site.url(&format!("/unsubscribe/{link}")),
        preferences_url: site.url(&Choices(Name::id(&reader.public_id)).path(&site.keys)),
    };
    let fact = format!("{}:{}:{}", GoodBye::NAME, reader.public_id, at.0);
    let letter = delivery::write_letter(site, &letterhead, ("", &reader.email), &fact, &context)?;
    Ok(Some(Written { reader, letter, letterhead, fact, context }))
}

impl Written<'_> {
    /// Enqueues it, in the transaction in which they left, to the address that they have in it; the caller holds the reader.
    pub(super) async fn say(&self, tx: &mut Tx, site: &Site) -> db::Result<()> {
        let now = site.now();
        let Some(reader) = store::by_id_in(tx, self.reader.id).await? else { return Ok(()) };
        if Suppressions::new(site).reason_in(tx, &reader.email).await?.is_some()
            || !leaving_store::say_good_bye(tx, reader.id, now, now.minus(ONCE_IN)).await?
        {
            return Ok(());
        }
        if reader.email == self.reader.email {
            delivery::enqueue(tx, &self.letter).await?;
        } else {
            let to = ("", &reader.email);
            delivery::tell(tx, site, &self.letterhead, to, &self.fact, &self.context).await?;
        }
        Ok(())
    }
}

/// They came back: a letter that did not go yet is not sent, and was none.
pub(super) async fn take_back(tx: &mut Tx, subscriber: i64, now: Moment) -> db::Result<()> {
    if delivery::withdraw_good_bye(tx, subscriber, now).await? > 0 {
        leaving_store::no_good_bye(tx, subscriber).await?;
    }
    Ok(())
}

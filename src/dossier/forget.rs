//! Forgetting a reader (TRUST L7). In one transaction, which holds all that hangs from them before it asks anything: what waits for them is
//! withdrawn, they go with their lists, answers and notes, and what the ledgers need stays without a word of whose it was. A keyed hash stays, so
//! that no file brings them back, beside whatever else stops mail to the address. The journal beside the database has it before, so a restored
//! backup forgets them again; doing it twice changes nothing.

use super::{held::NOBODY, rows::HeldMonthly, store};
use crate::{
    audit_log, bounces,
    clock::Moment,
    db::{self, Result},
    delivery::{self, Suppressions},
    donations,
    links::Forget,
    site::Site,
    subscribers::{self, Subscriber, SubscriberError, other_addresses, requests},
    withdrawals::{self, Withdrawal},
};

/// What a page says before somebody is forgotten.
#[derive(Clone, Debug)]
pub struct Farewell {
    pub reader: Subscriber,
    /// What goes on all the same until they end it.
    pub monthly: Vec<HeldMonthly>,
}

/// Who of the team does it, and why.
#[derive(Clone, Copy, Debug)]
pub struct ForgottenBy<'a> {
    /// None on the command line.
    pub staff_id: Option<i64>,
    pub why: &'a str,
}

/// Whom a link would forget; none if that was done. Changes nothing, for programs open links, too.
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`]; when the database fails.
pub async fn look_at_forgetting(
    site: &Site,
    link: &str,
) -> std::result::Result<Option<Farewell>, SubscriberError> {
    let Forget(name) = Forget::read(&site.keys, link, site.now())?;
    match subscribers::named(site, &name).await? {
        Some(reader) => Ok(Some(farewell(site, reader).await?)),
        None => Ok(None),
    }
}

/// What goes on of a reader who is forgotten.
///
/// # Errors
/// When the database fails.
pub async fn farewell(site: &Site, reader: Subscriber) -> Result<Farewell> {
    let gives_as = subscribers::gives_as(&site.db, reader.id).await?.unwrap_or(NOBODY.to_owned());
    let mut monthly = store::monthly(&site.db, &gives_as, i64::MAX, 20).await?;
    monthly.retain(|one| one.state.runs());
    Ok(Farewell { reader, monthly })
}

/// Forgets the reader of a link that was mailed to them for that. Doing it again changes nothing.
///
/// # Errors
/// As [`look_at_forgetting`]; then nothing was changed.
pub async fn forget(site: &Site, link: &str) -> std::result::Result<(), SubscriberError> {
    let Forget(name) = Forget::read(&site.keys, link, site.now())?;
    if let Some(reader) = subscribers::named(site, &name).await? {
        forget_reader(site, &reader, None).await?;
    }
    Ok(())
}

/// Forgets a reader; `false` if they were gone.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn forget_reader(site: &Site, reader: &Subscriber, by: Option<ForgottenBy<'_>>) -> Result<bool> {
    let hash = Suppressions::new(site).hash(&reader.email);
    let erased = Withdrawal::Erased { reader: reader.public_id.clone(), hash };
    withdrawals::write(site, &[erased]).await;
    db::again(|| once(site, &reader.public_id, None, site.now(), by)).await
}

/// A reader was forgotten, says the journal beside the database, which may not know: whoever it still has by that name is forgotten, and the hash
/// is kept, unless its owner came back since. `false` if there was nothing to do.
///
/// # Errors
/// When the database fails, and then nothing was changed.
pub async fn forget_as_written(site: &Site, public_id: &str, hash: &str, at: Moment) -> Result<bool> {
    db::again(|| once(site, public_id, Some(hash), at, None)).await
}

/// `written` is the hash that the journal has.
async fn once(
    site: &Site,
    public_id: &str,
    written: Option<&str>,
    at: Moment,
    by: Option<ForgottenBy<'_>>,
) -> Result<bool> {
    let suppressions = Suppressions::new(site);
    let mut tx = site.db.begin().await?;
    suppressions.close(&mut tx).await?;
    let reader = subscribers::hold_to_forget(&mut tx, public_id).await?;
    if let Some(reader) = &reader {
        let hash = suppressions.hash(&reader.email);
        delivery::forget_copies_of(&mut tx, site, reader.id).await?;
        delivery::forget_letters(&mut tx, &reader.email, site.now()).await?;
        for other in other_addresses(&mut tx, reader.id).await? {
            delivery::forget_letters(&mut tx, &other, site.now()).await?;
        }
        bounces::forget(&mut tx, &hash, reader.id, &reader.email).await?;
        suppressions.forget(&mut tx, &hash).await?;
        requests::forget(&mut tx, site, &reader.email).await?;
        let gives_as = subscribers::gives_as_in(&mut tx, reader.id).await?.unwrap_or(NOBODY.to_owned());
        let donor = donations::forget(&mut tx, &gives_as).await?;
        subscribers::forget(&mut tx, reader, &hash, at, donor).await?;
        if let Some(ForgottenBy { staff_id, why }) = by {
            audit_log::record(&mut tx, site, staff_id, "forgot a reader", public_id, why).await?;
        }
    }
    let noted = match written {
        Some(hash) => subscribers::note_forgotten(&mut tx, hash, at).await?,
        None => false,
    };
    tx.commit().await?;
    Ok(reader.is_some() || noted)
}

/// Supporters who were kept when they were forgotten as readers, since they gave every month: they are forgotten once that is over. Returns how
/// many were.
///
/// # Errors
/// When the database fails; whoever was forgotten until then is.
pub async fn forget_supporters(site: &Site) -> Result<u64> {
    let (mut after, mut gone) = (0, 0);
    loop {
        let waiting = subscribers::forgotten_supporters(&site.db, after).await?;
        for (hash, donor) in &waiting {
            after = *donor;
            let mut tx = site.db.begin().await?;
            if donations::forget_donor(&mut tx, *donor).await? {
                subscribers::forgotten_supporter_is_gone(&mut tx, hash).await?;
                gone += 1;
            }
            tx.commit().await?;
        }
        if waiting.is_empty() {
            return Ok(gone);
        }
    }
}

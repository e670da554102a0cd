//! The link to a reader's own page, by mail, for who lost it.
//!
//! Anybody can type anybody's address, so the answer tells nothing of it, and the letter goes to nobody but who is on a list, or was; it has
//! the link alone, for whoever reads the mailbox. A mailbox gets one a day, and one a week where its reader has left. Nothing of it counts for the mails that ask to confirm, nor
//! the other way round, so neither is used up by the other. Where more than usual come, a browser does some work first, as for
//! sign-ups (TRUST A22, A24).

use std::time::Duration;

use super::{
    Crowd, Result, SubscriberError,
    by_staff::ByStaff,
    machines,
    read::{Subscriber, SubscriptionState, held},
    store,
    their_choices::choices_path,
};
use crate::{
    attempts::{self, Attempt, Limit, Refusal, Shared},
    audit_log,
    db::{self, Tx},
    delivery::{self, Suppressions},
    email_address::EmailAddress,
    mail::{ChoicesLink, EmailTemplate as _},
    network::Network,
    settings::Settings,
    site::Site,
};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What it is called where it is said that more came than usual.
pub const WHAT: &str = "choices";

/// The brake on the page: how often one network asks.
const OF_A_NETWORK: Shared = Shared::new(WHAT, 10, 1_000);
/// So many ask in an hour without any proof, whatever they typed: what nothing came of counts too, or the brake would tell who is a
/// reader.
const WITHOUT_WORK: Limit = Limit::within("choices, without work", 120, HOUR);
/// And so many with it.
const WITH_WORK: Limit = Limit::within("choices, with work", 1_000, HOUR);

/// Somebody asks for the link to the choices of whoever has an address. If that is a reader who may be written to, a letter is on its
/// way to them.
///
/// # Errors
/// [`SubscriberError::TooMany`] for a network that asks too often, or when very many do; [`SubscriberError::Crowded`] when a browser
/// is to work first; when the database fails. Then nothing is sent.
pub async fn ask_for_link(
    site: &Site,
    settings: &Settings,
    (email, ip): (&EmailAddress, &str),
    crowd: Crowd<'_>,
) -> Result<()> {
    let network: Option<Network> = ip.parse().ok().and_then(Network::of);
    count(site, &OF_A_NETWORK.apart(network)).await?;
    pass(site, crowd).await?;
    let told = db::again(|| tell_if_reader(site, settings, email)).await?;
    if !told {
        delivery::rehearse(site, &settings.letterhead(site), &ChoicesLink::sample());
    }
    Ok(())
}

async fn count(site: &Site, limits: &[attempts::Limited]) -> Result<()> {
    match Attempt::begin(site, limits).await {
        Ok(_stays_counted) => Ok(()),
        Err(Refusal::TooMany(wait)) => Err(SubscriberError::TooMany(wait)),
        Err(Refusal::Database(error)) => Err(error.into()),
    }
}

/// As everybody may, until more than usual came; then whoever worked for it.
async fn pass(site: &Site, crowd: Crowd<'_>) -> Result<()> {
    match (count(site, &[WITHOUT_WORK.on("everybody")]).await, crowd) {
        (Err(SubscriberError::TooMany(_)), Crowd::Nobody) => Ok(()),
        (Err(SubscriberError::TooMany(_)), Crowd::Worked(challenge, answer)) => {
            let mut tx = site.db.begin().await?;
            if !machines::accept(&mut tx, site, (challenge, answer), site.now()).await? {
                return Err(SubscriberError::Crowded);
            }
            tx.commit().await?;
            count(site, &[WITH_WORK.on("everybody")]).await
        }
        (Err(SubscriberError::TooMany(_)), Crowd::Unasked | Crowd::Waits) => {
            attempts::note_used_up(site, WHAT).await?;
            Err(SubscriberError::Crowded)
        }
        (passed, _) => passed,
    }
}

/// The same questions are asked of every address, and something is written of each.
async fn tell_if_reader(site: &Site, settings: &Settings, email: &EmailAddress) -> db::Result<bool> {
    let mailbox = email.mailbox();
    let mut tx = site.db.begin().await?;
    let known = store::by_key_in(&mut tx, &email.key()).await?;
    // As they are from here on: whoever has moved meanwhile is not at this address any more.
    let reader = held(&mut tx, known.map_or(0, |reader| reader.id)).await?;
    let reader = reader.filter(|reader| reader.email.key() == email.key());
    let stands = stands(&mut tx, reader.as_ref()).await?;
    let stopped = Suppressions::new(site).stops_letter(&mut tx, email, true).await?;
    let goes_to = reader.filter(|_| stands != Stands::Nowhere && !stopped);
    // Whoever types spellings of a mailbox that are nobody's uses up nothing of its reader's.
    let whose = if goes_to.is_some() { "link to choices" } else { "link to nobody’s choices" };
    let mut first = attempts::once(&mut tx, site, (whose, &mailbox), DAY).await?;
    if first && goes_to.is_some() && stands == Stands::HasLeft {
        first = attempts::once(&mut tx, site, ("link to choices of who left", &mailbox), WEEK).await?;
    }
    let goes_to = goes_to.filter(|_| first);
    if let Some(reader) = &goes_to {
        tell(&mut tx, site, settings, reader).await?;
    }
    tx.commit().await?;
    Ok(goes_to.is_some())
}

/// How somebody stands who asks for the link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    OnAList,
    /// What is held about them is theirs to read all the same, and to have forgotten (TRUST L7, L8).
    HasLeft,
    /// They are nobody, or asked once and never confirmed.
    Nowhere,
}

async fn stands(tx: &mut Tx, reader: Option<&Subscriber>) -> db::Result<Stands> {
    let known = store::subscriptions_in(tx, reader.map_or(0, |reader| reader.id)).await?;
    Ok(match known {
        known if known.iter().any(|one| one.state == SubscriptionState::Confirmed) => Stands::OnAList,
        known if known.iter().any(|one| one.left_at.is_some()) => Stands::HasLeft,
        _ => Stands::Nowhere,
    })
}

async fn tell(tx: &mut Tx, site: &Site, settings: &Settings, reader: &Subscriber) -> db::Result<()> {
    let letterhead = settings.letterhead(site);
    let context = ChoicesLink {
        sender: letterhead.sender.clone(),
        preferences_url: site.url(&choices_path(site, &reader.public_id)),
    };
    let fact = format!("{}:{}:{}", ChoicesLink::NAME, reader.public_id, site.now().0);
    // Whoever has that link may have typed the name.
    delivery::tell(tx, site, &letterhead, ("", &reader.email), &fact, &context).await?;
    Ok(())
}

/// What became of a link that staff want to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkSent {
    /// It is on its way.
    Sent,
    /// The team sent one within the last hour.
    Lately,
    /// Mail to the address is stopped.
    Stopped,
    /// They are on no list, and never were.
    OnNoList,
}

/// Staff send a reader the link to their choices, because they asked; the log keeps who did.
///
/// # Errors
/// When the database fails, and then nothing is sent.
pub async fn send_link(
    site: &Site,
    settings: &Settings,
    reader: &Subscriber,
    by: ByStaff<'_>,
) -> Result<LinkSent> {
    let mut tx = site.db.begin().await?;
    let Some(reader) = &held(&mut tx, reader.id).await? else { return Ok(LinkSent::OnNoList) };
    if stands(&mut tx, Some(reader)).await? == Stands::Nowhere {
        return Ok(LinkSent::OnNoList);
    }
    if Suppressions::new(site).stops_letter(&mut tx, &reader.email, true).await? {
        return Ok(LinkSent::Stopped);
    }
    if !attempts::once(&mut tx, site, ("link to choices by the team", &reader.public_id), HOUR).await? {
        return Ok(LinkSent::Lately);
    }
    tell(&mut tx, site, settings, reader).await?;
    let (who, id) = (Some(by.staff_id), &reader.public_id);
    audit_log::record(&mut tx, site, who, "sent the link to their choices", id, by.why).await?;
    tx.commit().await?;
    Ok(LinkSent::Sent)
}

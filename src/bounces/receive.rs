//! From a report to what is done about it.
//!
//! The rules that must hold (TRUST M24-M28, F26):
//! - A report counts only with proof that it answers a copy of ours: a return address, a Message-ID or a link of ours, each
//!   with its MAC; or the signature of the mail service that sent it.
//! - One report counts once, however often it is delivered; the line and its effect are one transaction.
//! - Nothing here touches the ledger's outcome of a copy: a bounce that comes before our own record of "accepted" is kept
//!   beside it, and no record that comes later takes its effect back. Only staff do, by lifting the suppression.

use std::time::Duration;

use super::{
    Action, BounceClass, BounceReport, Reason, ReportedRecipient, judge_said,
    leaving::{self, Leave, LeavingMail},
    mime::Message,
    person,
    states::Change,
    without_addresses,
};
pub use super::{effect::Effect, states::Source};
use crate::{
    bounces::store::bounces::{self as store, NewBounce},
    clock::Moment,
    db::{self, Db, Result, Tx},
    delivery::{self, CopyId, Suppressions, ToReader, Weighed, Which},
    editions::{self, Cause},
    email_address::EmailAddress,
    heavy::{self, Each},
    links::Unsubscribe,
    replies::{self, Said},
    site::Site,
    token,
    withdrawals::{self, Withdrawal},
};

/// So many editions must fail for a reader, over at least so long, before a reason that may pass counts as one that does not.
const SOFT_EDITIONS: i64 = 3;
const SOFT_SPAN: Duration = Duration::from_secs(7 * 86_400);
/// Failures older than this are forgotten.
const SOFT_MEMORY: Duration = Duration::from_secs(90 * 86_400);

/// A report that names no copy is about the newest one that left for its reader, if that is no older.
const REPORTS_COME_WITHIN: Duration = Duration::from_secs(14 * 86_400);

/// Complaints per hundred thousand accepted copies: where staff are warned, and where the edition is held back.
const WARN_ABOVE: i64 = 100;
const PAUSE_ABOVE: i64 = 300;

/// Takes in a message that came by mail; `leave` takes off a list whoever asks for that by it. The same bytes again change nothing.
///
/// # Errors
/// When the database fails; then nothing was kept, and the message can be given again.
pub async fn receive_mail(site: &Site, bytes: &[u8], leave: Leave) -> Result<Effect> {
    let bytes = &bytes[..bytes.len().min(super::mime::READ)];
    let report = super::inspected(bytes.to_vec()).await;
    let key = token::hash(&String::from_utf8_lossy(bytes));
    if let Some(asked) = leaving::asked(site, &report).filter(|_| report.recipients.is_empty()) {
        let (mail, now) = (bytes.to_vec(), site.now());
        let read = heavy::aside(move || {
            let message = Message::read(&mail);
            leaving::is_meant(&message).then(|| leaving::sent_at(&message, now))
        });
        // What a program wrote by itself asks for nothing, whoever it is from.
        let Ok(Some(sent_at)) = read.await else { return Ok(Effect::Unproven) };
        let mail = LeavingMail { key, sent_at };
        return Ok(if leave(site, &asked, &mail).await? { Effect::Left } else { Effect::Known });
    }
    let effect = receive(site, Source::Mail, &key, &report).await?;
    if effect == Effect::Unproven && report.recipients.is_empty() {
        return db::again(|| receive_letter(site, bytes, &key, &report)).await;
    }
    Ok(effect)
}

/// Mail that reports nothing may be a person's.
async fn receive_letter(site: &Site, bytes: &[u8], key: &str, report: &BounceReport) -> Result<Effect> {
    let mail = bytes.to_vec();
    let written = heavy::aside(move || person::read(&Message::read(&mail))).await;
    let Ok(Some(written)) = written else { return Ok(Effect::Unproven) };
    let copy = match identify(site, report) {
        Some(proof) => proof.copy(&site.db).await?,
        None => None,
    };
    Ok(if person::keep(site, key, &written, copy).await? { Effect::Letter } else { Effect::Known })
}

/// Takes in a report; `key` is what makes it the same report when it comes again.
///
/// # Errors
/// When the database fails; then nothing was kept, and it can be given again.
pub async fn receive(site: &Site, source: Source, key: &str, report: &BounceReport) -> Result<Effect> {
    db::again(|| receive_once(site, source, key, report)).await
}

async fn receive_once(site: &Site, source: Source, key: &str, report: &BounceReport) -> Result<Effect> {
    let proof = identify(site, report);
    let signed = !matches!(source, Source::Mail | Source::Reply);
    // Anybody can send us mail: what proves nothing costs no transaction.
    if report.recipients.is_empty() || (proof.is_none() && !signed) {
        return Ok(Effect::Unproven);
    }
    let which = match &proof {
        Some(proof) => proof.copy(&site.db).await?,
        None => None,
    };
    // A restored backup does not know every copy, and still whom a complaint is from. A letter is no copy.
    let without_copy = match &proof {
        Some(proof) if !signed => proof.reader(site).await?,
        _ => None,
    };
    let is_letter = matches!(proof, Some(Proof::Letter(_)));
    // All letters to an address have one return path: which one it was, the report says.
    let sent_at = match (is_letter, &without_copy, &report.returned_id) {
        (true, Some(address), Some(id)) => delivery::letter_sent(&site.db, address, id).await?,
        _ => None,
    };
    let mut tx = site.db.begin().await?;
    let copy = match which {
        Some(which) => store::copy(&mut tx, which.edition, which.subscriber).await?,
        None => None,
    };
    let known = which.zip(copy).and_then(|(which, (address, at))| {
        let address = EmailAddress::parse(&address).ok()?;
        Some(About { which: Some(which), address, at: Some(at) })
    });
    let is_lost = known.is_none() && without_copy.is_some() && !is_letter;
    let known = known.or(without_copy.map(|address| About { which: None, address, at: sent_at }));
    let Some((about, recipient)) = subject(signed, report, known) else { return Ok(Effect::Unproven) };
    if is_lost && due(&recipient) != Effect::Complained {
        return Ok(Effect::Unproven);
    }
    let key = format!("{}:{key}", source.as_str());
    let effect = take_in(&mut tx, site, source, &key, &about, &recipient).await?;
    // Written before whoever brought it is told that it was taken; who brings it again may not have been told. What was no complaint to
    // act on is none when it comes again, nor is one after which the team let mail go.
    let complained = match (effect, due(&recipient)) {
        (Effect::Complained, _) => Some(Suppressions::new(site).hash(&about.address)),
        (Effect::Known, Effect::Complained) => store::stopped_by(&mut tx, &key).await?,
        _ => None,
    };
    let complained = complained.map(|hash| Withdrawal::Complained { hash });
    let at = site.now();
    withdrawals::commit(tx, site, complained.into_iter().collect(), at).await?;
    Ok(effect)
}

/// Whose copy it is.
struct About {
    which: Option<CopyId>,
    address: EmailAddress,
    /// When the copy's row last changed, or the letter was sent.
    at: Option<Moment>,
}

/// What in a report proves that it answers a copy of ours.
enum Proof {
    /// A return address or Message-ID.
    Which(Which),
    /// The link to unsubscribe.
    Link(Unsubscribe<'static>),
    /// The return path of a letter.
    Letter(ToReader),
}

impl Proof {
    /// The copy; `None` once the edition or the reader is not known any more.
    async fn copy(&self, db: &Db) -> Result<Option<CopyId>> {
        match self {
            Self::Which(which) => delivery::copy_by_name(db, which).await,
            Self::Link(link) => delivery::copy_by_link(db, &link.edition, &link.subscriber).await,
            Self::Letter(_) => Ok(None),
        }
    }

    /// The address that its reader has now; of a letter, if it is the one that it went to.
    async fn reader(&self, site: &Site) -> Result<Option<EmailAddress>> {
        let address = match self {
            Self::Which(which) => delivery::address_by_name(&site.db, which).await?,
            Self::Link(link) => delivery::address_by_link(&site.db, &link.subscriber).await?,
            Self::Letter(letter) => return delivery::address_of_letter(site, letter).await,
        };
        Ok(address.and_then(|address| EmailAddress::parse(&address).ok()))
    }
}

/// Which copy a report answers, by any proof in it.
fn identify(site: &Site, report: &BounceReport) -> Option<Proof> {
    let base = site.bounce_address.as_ref();
    let returned = |address: &str| delivery::parse_return_address(&site.keys, base?, address);
    let by_address = report.sent_to.iter().chain(&report.returned_path).find_map(|address| returned(address));
    let of_letter = |address: &str| delivery::parse_letter(&site.keys, base?, address);
    let of_letter = report.sent_to.iter().chain(&report.returned_path).find_map(|address| of_letter(address));
    let by_id = || delivery::parse_message_id(&site.keys, report.returned_id.as_deref()?);
    let by_link = || {
        let (_, token) = report.returned_link.as_deref()?.split_once("/unsubscribe/")?;
        // A header may name a second way behind the first (RFC 2369).
        let token = token.split(['>', ',', ' ']).next()?;
        Unsubscribe::read(&site.keys, token, site.now()).ok()
    };
    let copy = by_address.or_else(by_id).map(Proof::Which);
    copy.or_else(|| of_letter.map(Proof::Letter)).or_else(|| by_link().map(Proof::Link))
}

/// Of what a report says, that which is about the copy.
fn subject(signed: bool, report: &BounceReport, known: Option<About>) -> Option<(About, ReportedRecipient)> {
    let named = |address: &EmailAddress| {
        let same = |one: &&ReportedRecipient| {
            EmailAddress::parse(&one.address).is_ok_and(|parsed| parsed.key() == address.key())
        };
        // What was said of them last, or by another server, may be worse than what was said first.
        report.recipients.iter().filter(same).rev().max_by_key(|one| weight(one)).cloned()
    };
    if let Some(about) = known {
        if let Some(recipient) = named(&about.address) {
            return Some((about, recipient));
        }
        let mut recipient = report.recipients.first()?.clone();
        // Complaints often hide the address; their proof says enough. A failure of another address is that of one that
        // the reader's mail is passed on to: it may be mended without them.
        if recipient.class == BounceClass::Hard && !recipient.address.is_empty() {
            (recipient.class, recipient.reason) = (BounceClass::Soft, Reason::Refused);
        }
        return Some((about, recipient));
    }
    // A mail service that signed it knows whom it sent our mail to.
    if !signed {
        return None;
    }
    let recipient = report.recipients.first()?.clone();
    let address = EmailAddress::parse(&recipient.address).ok()?;
    Some((About { which: None, address, at: None }, recipient))
}

/// Of two things that are said of one reader, the one that decides.
fn weight(recipient: &ReportedRecipient) -> u8 {
    match due(recipient) {
        Effect::Complained => 4,
        Effect::Bounced => 3,
        Effect::Counted => 2,
        Effect::Policy => 1,
        _ => 0,
    }
}

async fn take_in(
    tx: &mut Tx,
    site: &Site,
    source: Source,
    key: &str,
    about: &About,
    recipient: &ReportedRecipient,
) -> Result<Effect> {
    let suppressions = Suppressions::new(site);
    let due = due(recipient);
    if !matches!(due, Effect::None | Effect::Policy) {
        // What is counted next stays true until the commit: of two reports at once the second sees the first.
        suppressions.close(tx).await?;
    }
    if store::known(tx, key).await? {
        return Ok(Effect::Known);
    }
    let hash = suppressions.hash(&about.address);
    let lifted = store::lifted(tx, &hash).await?;
    let effect = match due {
        Effect::None | Effect::Policy => due,
        _ if about.at.zip(lifted).is_some_and(|(at, lifted)| at < lifted) => Effect::Outdated,
        Effect::Counted => soft(tx, site, &hash, lifted, about).await?,
        effect => effect,
    };
    let edition = about.which.map(|which| which.edition);
    let weighed = match (effect, about.which) {
        (Effect::Bounced, None) => {
            let since = site.now().minus(REPORTS_COME_WITHIN);
            store::newest_copy(tx, &about.address.key(), since).await?
        }
        (Effect::Bounced, which) => which,
        _ => None,
    };
    let effect = match weighed {
        Some(copy) => {
            match delivery::weigh_returned(tx, site, copy.edition, (&hash, about.address.domain())).await? {
                Weighed::Counts => Effect::Bounced,
                Weighed::Held => Effect::Held,
                Weighed::AboutUs => Effect::Policy,
            }
        }
        None => effect,
    };
    let counts_for = match (edition, effect) {
        (None, Effect::Complained) => store::going_out(tx, &about.address.key()).await?,
        _ => None,
    };
    let new = NewBounce {
        key,
        source,
        class: recipient.class,
        action: recipient.action,
        reason: recipient.reason,
        status: recipient.status.as_deref(),
        reply: recipient.reply.as_deref(),
        words: &without_addresses(&recipient.words),
        // A soft failure stays countable even when it is the one too many.
        effect: if matches!(effect, Effect::Bounced | Effect::Held) && recipient.class == BounceClass::Soft {
            Change::Counted
        } else {
            effect.change()
        },
        edition_id: edition,
        subscriber_id: about.which.or(weighed).map(|copy| copy.subscriber),
        counts_for,
        held: effect == Effect::Held,
        weighed_with: weighed.map(|copy| copy.edition).filter(|_| effect != Effect::Policy),
        address_hash: &hash,
        masked: &about.address.masked(),
    };
    if !store::add(tx, new, site.now()).await? {
        return Ok(Effect::Known);
    }
    match effect {
        Effect::Bounced => suppress(tx, site, about, delivery::StopReason::Bounced, recipient).await?,
        Effect::Complained => {
            // The edition's row comes before its copies.
            if let Some(edition) = edition.or(counts_for) {
                brake(tx, site, edition).await?;
            }
            suppress(tx, site, about, delivery::StopReason::Complained, recipient).await?;
        }
        _ => {}
    }
    Ok(effect)
}

/// What a report calls for by itself (TRUST M23-M26).
fn due(recipient: &ReportedRecipient) -> Effect {
    let policy = recipient.reason.about() == replies::About::Us;
    match recipient.action {
        Action::Complained => Effect::Complained,
        Action::Failed if policy => Effect::Policy,
        Action::Failed if recipient.class == BounceClass::Hard => Effect::Bounced,
        Action::Failed if recipient.class == BounceClass::Soft => Effect::Counted,
        Action::Failed | Action::Delayed | Action::Delivered | Action::Other => Effect::None,
    }
}

/// Whether this soft failure is the one too many.
async fn soft(tx: &mut Tx, site: &Site, hash: &str, lifted: Option<Moment>, about: &About) -> Result<Effect> {
    let now = site.now();
    let since = now.minus(SOFT_MEMORY).max(lifted.unwrap_or(Moment(0)));
    let (editions, first) =
        store::soft(tx, hash, (since, now), about.which.map(|which| which.edition)).await?;
    let long = first.is_some_and(|first| now.since(first) >= SOFT_SPAN);
    Ok(if editions + 1 >= SOFT_EDITIONS && long { Effect::Bounced } else { Effect::Counted })
}

async fn suppress(
    tx: &mut Tx,
    site: &Site,
    about: &About,
    reason: delivery::StopReason,
    recipient: &ReportedRecipient,
) -> Result<()> {
    let suppressions = Suppressions::new(site);
    let detail = without_addresses(&recipient.words);
    if reason == delivery::StopReason::Complained
        && suppressions.reason_in(tx, &about.address).await? == Some(delivery::StopReason::Bounced)
    {
        // The weightier word stays, so that nobody lifts a complaint for a full mailbox.
        suppressions.lift(tx, &about.address).await?;
    }
    suppressions.add(tx, &about.address, reason, &detail).await?;
    // The reader may have another address by now than the copy went to.
    if let Some(which) = about.which {
        delivery::withdraw_because(tx, site, which.subscriber, None, reason.into()).await?;
    }
    Ok(())
}

/// Complaints per hundred thousand accepted copies.
#[must_use]
pub fn complaint_rate(complaints: i64, accepted: i64) -> i64 {
    complaints.saturating_mul(100_000) / accepted.max(1)
}

/// How an edition stands with complaints (TRUST M28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaints {
    /// As few as there always are.
    Few,
    /// More than one in a thousand: staff should look.
    Many,
    /// More than three in a thousand: mail services begin to refuse everything; the edition is held back.
    TooMany,
}

impl Complaints {
    /// By the rate.
    #[must_use]
    pub fn of(complaints: i64, accepted: i64) -> Self {
        match complaint_rate(complaints, accepted) {
            rate if rate > PAUSE_ABOVE => Self::TooMany,
            rate if rate > WARN_ABOVE => Self::Many,
            _ => Self::Few,
        }
    }
}

async fn brake(tx: &mut Tx, site: &Site, edition: i64) -> Result<()> {
    let complaints = store::complaints(tx, edition).await?;
    let accepted = store::accepted(tx, edition).await?;
    match Complaints::of(complaints, accepted) {
        Complaints::Few => {}
        Complaints::Many => {
            tracing::warn!(edition, complaints, accepted, "many readers complain of this edition");
        }
        Complaints::TooMany => {
            let why = format!(
                "Too many readers say that it is spam: {complaints} of the {} who have it. Mail providers begin to refuse everything at that point",
                // A complaint that is faster than our own record of the copy says that it arrived.
                accepted.max(complaints)
            );
            if editions::pause_because(tx, site, edition, &why, Cause::NoCopies).await? {
                tracing::warn!(edition, complaints, accepted, "the edition is paused: too many complaints");
            }
        }
    }
    Ok(())
}

/// Attempts that are read at once.
const STRETCH: i64 = 20_000;
/// Numbers near the end of the log may still be filled by transactions that are not yet committed: they are read again.
const OVERLAP: i64 = 20_000;

/// Takes in the final refusals that the log of attempts has gained. Returns how many.
pub async fn receive_refusals(site: &Site) -> Result<usize> {
    let (read, newest) = store::cursor(&site.db).await?;
    let (mut taken, mut each) = (0, Each::default());
    let mut at = (read - OVERLAP).max(0);
    while at < newest {
        let until = newest.min(at + STRETCH);
        for refusal in store::refusals(&site.db, at, until).await? {
            if let Some(effect) = each.one(receive_refusal(site, &refusal)).await {
                taken += usize::from(effect?.is_some_and(|effect| effect != Effect::Known));
            }
        }
        at = until;
    }
    // What broke off is read again.
    each.end();
    if newest > read {
        let mut tx = site.db.begin().await?;
        store::move_cursor(&mut tx, newest).await?;
        tx.commit().await?;
    }
    Ok(taken)
}

/// None when its copy is no more.
async fn receive_refusal(site: &Site, refusal: &store::Refusal) -> Result<Option<Effect>> {
    let which = CopyId { edition: refusal.edition_id, subscriber: refusal.subscriber_id };
    let mut tx = site.db.begin().await?;
    let copy = store::copy(&mut tx, which.edition, which.subscriber).await?;
    let address = copy.as_ref().and_then(|(address, _)| EmailAddress::parse(address).ok());
    let Some((address, (_, row_at))) = address.zip(copy) else { return Ok(None) };
    let said = Said::from(refusal.stage);
    let mut recipient = judge_said(address.to_string(), Action::Failed, said, None, &[&refusal.reply], &[]);
    // What was read when it came is what the desk shows and the edition was judged by.
    if let Some(reason) = refusal.reason {
        if !reason.is_final() {
            recipient.class = BounceClass::Soft;
        }
        recipient.reason = reason;
    }
    let about = About { which: Some(which), address, at: Some(row_at) };
    let key = format!("reply:{}", refusal.id);
    let effect = take_in(&mut tx, site, Source::Reply, &key, &about, &recipient).await?;
    tx.commit().await?;
    Ok(Some(effect))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipient(
        action: Action,
        class: BounceClass,
        reason: Reason,
        status: Option<&str>,
    ) -> ReportedRecipient {
        let status = status.map(str::to_owned);
        ReportedRecipient {
            address: String::new(),
            class,
            status,
            reply: None,
            action,
            reason,
            words: String::new(),
        }
    }

    /// TRUST M23, M24, M25: what each report calls for.
    #[test]
    fn reports_call_for_what_the_table_says() {
        for (action, class, reason, status, wanted) in [
            (Action::Failed, BounceClass::Hard, Reason::NoMailbox, Some("5.1.1"), Effect::Bounced),
            (Action::Failed, BounceClass::Soft, Reason::Full, Some("5.2.2"), Effect::Counted),
            (Action::Failed, BounceClass::Soft, Reason::Policy, None, Effect::Policy),
            (Action::Failed, BounceClass::Soft, Reason::TooBig, Some("5.3.4"), Effect::Policy),
            (Action::Delayed, BounceClass::Soft, Reason::Network, Some("4.4.1"), Effect::None),
            (Action::Delayed, BounceClass::Hard, Reason::NoMailbox, Some("4.1.1"), Effect::None),
            (Action::Delivered, BounceClass::Delivered, Reason::Unknown, Some("2.0.0"), Effect::None),
            (Action::Complained, BounceClass::Complaint, Reason::Complaint, None, Effect::Complained),
            (Action::Other, BounceClass::Complaint, Reason::Complaint, None, Effect::None),
            (Action::Other, BounceClass::AutoReply, Reason::Away, None, Effect::None),
        ] {
            let one = recipient(action, class, reason, status);
            assert_eq!(due(&one), wanted, "{one:?}");
        }
    }

    /// TRUST M28.
    #[test]
    fn the_complaint_brake_warns_above_one_and_stops_above_three_in_a_thousand() {
        assert_eq!(Complaints::of(0, 0), Complaints::Few);
        assert_eq!(Complaints::of(10, 10_000), Complaints::Few);
        assert_eq!(Complaints::of(11, 10_000), Complaints::Many);
        assert_eq!(Complaints::of(30, 10_000), Complaints::Many);
        assert_eq!(Complaints::of(31, 10_000), Complaints::TooMany);
    }
}

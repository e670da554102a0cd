//! What a reader asks on the page of their choices and gets by mail: a link for that alone, to their own address.

use std::{borrow::Cow, time::Duration};

use crate::{
    attempts::{Attempt, Limit, Refusal},
    audit_log, db,
    delivery::{self, Suppressions},
    links::{CopyOfData, Forget, Name},
    mail::{self, EmailTemplate as _, EraseRequest},
    settings::Settings,
    site::Site,
    subscribers::{
        self, Subscriber, SubscriberError,
        requests::{self, RequestKind},
    },
    token, words,
};

const DAY: Duration = Duration::from_secs(86_400);
/// How long the links work.
const LINK_LASTS: Duration = DAY;
const VALID_FOR: &str = "a day";
/// So many letters of a kind go to one reader within a day.
const MOST: i64 = 3;

words! {
    /// What they ask.
    pub enum Asks {
        /// To see what is held about them.
        Copy = "copy",
        /// To be forgotten.
        Erasure = "erasure",
    }
}

impl Asks {
    const fn kind(self) -> RequestKind {
        match self {
            Self::Copy => RequestKind::Access,
            Self::Erasure => RequestKind::Erasure,
        }
    }

    const fn limit(self) -> Limit {
        let what = match self {
            Self::Copy => "copy of data",
            Self::Erasure => "request to be forgotten",
        };
        Limit::within(what, MOST, DAY)
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskOutcome {
    /// The link is on its way to their address, unless three of a kind went within a day.
    Mailed,
    /// No letter goes to their address: the team was told to do it.
    Stopped,
}

/// Sends the reader whose choices a link opens another link, by a letter to the address that they have; it is good while they have it.
/// Three letters of a kind within a day are all there are; whoever asks is told the same whether or not one goes. Where mail to them is
/// stopped, what they ask is a request for the team: one of a kind, until it is closed.
///
/// # Errors
/// [`SubscriberError::Link`] when the link is not one of ours; when the database fails.
pub async fn ask(site: &Site, choices: &str, asks: Asks) -> Result<AskOutcome, SubscriberError> {
    let reader = subscribers::whose_choices(site, choices).await?;
    let counts = match Attempt::begin(site, &[asks.limit().on(&reader.public_id)]).await {
        Ok(_stays_counted) => true,
        Err(Refusal::TooMany(_)) => false,
        Err(Refusal::Database(error)) => return Err(error.into()),
    };
    let settings = Settings::load(&site.db).await?;
    let put_right = subscribers::may_be_taken_back(site, reader.id).await?.is_some();
    db::again(|| ask_once(site, &settings, (reader.id, asks), (counts, put_right))).await
}

async fn ask_once(
    site: &Site,
    settings: &Settings,
    (reader, asks): (i64, Asks),
    (counts, put_right): (bool, bool),
) -> Result<AskOutcome, SubscriberError> {
    let mut tx = site.db.begin().await?;
    let reader = subscribers::held(&mut tx, reader).await?.ok_or(SubscriberError::Link)?;
    let suppressions = Suppressions::new(site);
    if suppressions.stops_letter(&mut tx, &reader.email, false).await? {
        requests::add_of_reader(&mut tx, site, (asks.kind(), &reader), &settings.time_zone).await?;
        tx.commit().await?;
        return Ok(AskOutcome::Stopped);
    }
    if !counts {
        return Ok(AskOutcome::Mailed);
    }
    if put_right {
        let action = match asks {
            Asks::Copy => "sent a link to what is held",
            Asks::Erasure => "sent a link to being forgotten",
        };
        let why = "asked for on the page of their choices, after the team put their address right";
        audit_log::record(&mut tx, site, None, action, &reader.public_id, why).await?;
    }
    let letterhead = settings.letterhead(site);
    let until = site.now().plus(LINK_LASTS);
    let (name, address) = (Name::id(&reader.public_id), Cow::Owned(suppressions.hash(&reader.email)));
    // Each press is a fact of its own.
    let fact = |letter: &str| format!("{letter}:{}:{}", reader.public_id, token::public_id());
    // Whoever has the link to their choices may have typed the name.
    let to = ("", &reader.email);
    let (sender, valid_for) = (letterhead.sender.clone(), VALID_FOR.to_owned());
    match asks {
        Asks::Copy => {
            let link = CopyOfData { reader: name, address }.sign(&site.keys, until);
            let copy_url = site.url(&format!("/your-data/{link}"));
            let letter = mail::CopyOfData { sender, copy_url, valid_for };
            let fact = fact(mail::CopyOfData::NAME);
            delivery::tell(&mut tx, site, &letterhead, to, &fact, &letter).await?;
        }
        Asks::Erasure => {
            let link = Forget { reader: name, address }.sign(&site.keys, until);
            let forget_url = site.url(&format!("/forget-me/{link}"));
            let letter = EraseRequest { sender, forget_url, valid_for };
            delivery::tell(&mut tx, site, &letterhead, to, &fact(EraseRequest::NAME), &letter).await?;
        }
    }
    tx.commit().await?;
    Ok(AskOutcome::Mailed)
}

/// Whom a link means that was mailed to them for that; none if they are forgotten.
pub(super) async fn whom(
    site: &Site,
    reader: &Name<'_>,
    address: &str,
) -> Result<Option<Subscriber>, SubscriberError> {
    let Some(reader) = subscribers::named(site, reader).await? else { return Ok(None) };
    // Whoever has the mailbox now is not the reader.
    if Suppressions::new(site).hash(&reader.email) == address {
        Ok(Some(reader))
    } else {
        Err(SubscriberError::Changed)
    }
}

//! What a reader asks on the page of their choices and gets by mail: a link for that alone, to their own address.

use std::time::Duration;

use crate::{
    attempts::{Attempt, Limit, Refusal},
    delivery,
    links::{CopyOfData, Forget, Name},
    mail::{self, EmailTemplate as _, EraseRequest},
    settings::Settings,
    site::Site,
    subscribers::{self, SubscriberError},
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
    const fn limit(self) -> Limit {
        let what = match self {
            Self::Copy => "copy of data",
            Self::Erasure => "request to be forgotten",
        };
        Limit::within(what, MOST, DAY)
    }
}

/// Sends the reader whose choices a link opens another link, by a letter to the address that they have. Three letters of a kind within
/// a day are all there are; whoever asks is told the same whether or not one goes.
///
/// # Errors
/// [`SubscriberError::Link`] when the link is not one of ours; when the database fails.
pub async fn ask(site: &Site, choices: &str, asks: Asks) -> Result<(), SubscriberError> {
    let reader = subscribers::look_at_choices(site, choices).await?.reader;
    match Attempt::begin(site, &[asks.limit().on(&reader.public_id)]).await {
        Ok(_stays_counted) => {}
        Err(Refusal::TooMany(_)) => return Ok(()),
        Err(Refusal::Database(error)) => return Err(error.into()),
    }
    let letterhead = Settings::load(&site.db).await?.letterhead(site);
    let (until, name) = (site.now().plus(LINK_LASTS), Name::id(&reader.public_id));
    // Each press is a fact of its own.
    let fact = |letter: &str| format!("{letter}:{}:{}", reader.public_id, token::public_id());
    // Whoever has the link to their choices may have typed the name.
    let to = ("", &reader.email);
    let (sender, valid_for) = (letterhead.sender.clone(), VALID_FOR.to_owned());
    let mut tx = site.db.begin().await?;
    match asks {
        Asks::Copy => {
            let copy_url = site.url(&format!("/your-data/{}", CopyOfData(name).sign(&site.keys, until)));
            let letter = mail::CopyOfData { sender, copy_url, valid_for };
            let fact = fact(mail::CopyOfData::NAME);
            delivery::tell(&mut tx, site, &letterhead, to, &fact, &letter).await?;
        }
        Asks::Erasure => {
            let forget_url = site.url(&format!("/forget-me/{}", Forget(name).sign(&site.keys, until)));
            let letter = EraseRequest { sender, forget_url, valid_for };
            delivery::tell(&mut tx, site, &letterhead, to, &fact(EraseRequest::NAME), &letter).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

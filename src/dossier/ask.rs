//! What a reader asks on the page of their choices, or a supporter on theirs, and gets by mail: a link for that alone, to their own address.

use std::{borrow::Cow, time::Duration};

use crate::{
    attempts::{Attempt, Limit, Refusal},
    audit_log,
    clock::Moment,
    db::{self, Tx},
    delivery::{self, Suppressions},
    donations::{self, Supporter},
    email_address::EmailAddress,
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
    /// The link is on its way to their address.
    Mailed,
    /// Three of a kind went there within a day, and that is all there are.
    MailedBefore,
    /// No letter goes to their address: the team was told to do it.
    Stopped,
}

/// Sends the reader whose choices a link opens another link, by a letter to the address that they have; it is good while they have it.
/// Three letters of a kind within a day are all there are. Where mail to them is stopped, what they ask is a request for the team: one of
/// a kind, until it is closed.
///
/// # Errors
/// [`SubscriberError::Link`] when the link is not one of ours; when the database fails.
pub async fn ask(site: &Site, choices: &str, asks: Asks) -> Result<AskOutcome, SubscriberError> {
    let reader = subscribers::whose_choices(site, choices).await?;
    ask_as(site, Person::Reader(reader), asks).await
}

/// The same for a supporter by the link to their own page, who may be a reader, too: then it is about all that is held.
///
/// # Errors
/// [`SubscriberError::NotFound`] where they are forgotten by now; when the database fails.
pub async fn ask_as_supporter(
    site: &Site,
    supporter: &Supporter,
    asks: Asks,
) -> Result<AskOutcome, SubscriberError> {
    let email = supporter.email().ok_or(SubscriberError::NotFound)?;
    let person = Person::at(site, supporter.public_id(), email).await?;
    ask_as(site, person, asks).await
}

async fn ask_as(site: &Site, person: Person, asks: Asks) -> Result<AskOutcome, SubscriberError> {
    let counts = match Attempt::begin(site, &[asks.limit().on(person.public_id())]).await {
        Ok(_stays_counted) => true,
        Err(Refusal::TooMany(_)) => false,
        Err(Refusal::Database(error)) => return Err(error.into()),
    };
    let settings = Settings::load(&site.db).await?;
    let put_right = person.not_before(site).await?.is_some();
    db::again(|| ask_once(site, &settings, (&person, asks), (counts, put_right))).await
}

async fn ask_once(
    site: &Site,
    settings: &Settings,
    (person, asks): (&Person, Asks),
    (counts, put_right): (bool, bool),
) -> Result<AskOutcome, SubscriberError> {
    let mut tx = site.db.begin().await?;
    let (public_id, email) = (person.public_id(), person.held(&mut tx).await?);
    let suppressions = Suppressions::new(site);
    if suppressions.stops_letter(&mut tx, &email, false).await? {
        requests::add_by_themselves(&mut tx, site, (asks.kind(), &email), &settings.time_zone).await?;
        tx.commit().await?;
        return Ok(AskOutcome::Stopped);
    }
    if !counts {
        return Ok(AskOutcome::MailedBefore);
    }
    if put_right {
        let action = match asks {
            Asks::Copy => "sent a link to what is held",
            Asks::Erasure => "sent a link to being forgotten",
        };
        let why = "asked for on a page of theirs, after the team put their address right";
        audit_log::record(&mut tx, site, None, action, public_id, why).await?;
    }
    let letterhead = settings.letterhead(site);
    let until = site.now().plus(LINK_LASTS);
    let (name, address) = (Name::id(public_id), Cow::Owned(suppressions.hash(&email)));
    // Each press is a fact of its own.
    let fact = |letter: &str| format!("{letter}:{public_id}:{}", token::public_id());
    // Whoever has the link to their page may have typed the name.
    let to = ("", &email);
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

/// Who asks, or whom a link means.
#[derive(Clone, Debug)]
pub(super) enum Person {
    /// A reader, who may give, too.
    Reader(Subscriber),
    /// Somebody who gives and is no reader.
    Supporter { public_id: String, email: EmailAddress },
}

impl Person {
    /// Whoever gives by that address: the reader of it, if it is one's.
    async fn at(site: &Site, public_id: &str, email: EmailAddress) -> db::Result<Self> {
        Ok(match subscribers::by_email(&site.db, &email).await? {
            Some(reader) => Self::Reader(reader),
            None => Self::Supporter { public_id: public_id.to_owned(), email },
        })
    }

    fn public_id(&self) -> &str {
        match self {
            Self::Reader(reader) => &reader.public_id,
            Self::Supporter { public_id, .. } => public_id,
        }
    }

    /// Their address.
    pub(super) const fn email(&self) -> &EmailAddress {
        match self {
            Self::Reader(reader) => &reader.email,
            Self::Supporter { email, .. } => email,
        }
    }

    /// The day before which the mailbox of before may take back that mail moved here.
    pub(super) async fn not_before(&self, site: &Site) -> db::Result<Option<Moment>> {
        match self {
            Self::Reader(reader) => subscribers::may_be_taken_back(site, reader.id).await,
            Self::Supporter { .. } => Ok(None),
        }
    }

    /// Their address as it is now, held.
    async fn held(&self, tx: &mut Tx) -> Result<EmailAddress, SubscriberError> {
        match self {
            Self::Reader(reader) => {
                let reader = subscribers::held(tx, reader.id).await?.ok_or(SubscriberError::Link)?;
                Ok(reader.email)
            }
            Self::Supporter { public_id, .. } => {
                let email = donations::supporter_named(tx, public_id).await?;
                email.map(EmailAddress::from_store).ok_or(SubscriberError::NotFound)
            }
        }
    }
}

/// Whom a link means that was mailed to them for that; none if they are forgotten.
pub(super) async fn whom(
    site: &Site,
    name: &Name<'_>,
    address: &str,
) -> Result<Option<Person>, SubscriberError> {
    let person = match (subscribers::named(site, name).await?, name) {
        (Some(reader), _) => Person::Reader(reader),
        (None, Name::Id(public_id)) => match donations::supporter_address(&site.db, public_id).await? {
            Some(email) => Person::at(site, public_id, EmailAddress::from_store(email)).await?,
            None => return Ok(None),
        },
        (None, Name::Number(_)) => return Ok(None),
    };
    // Whoever has the mailbox now is not they.
    if Suppressions::new(site).hash(person.email()) == address {
        Ok(Some(person))
    } else {
        Err(SubscriberError::Changed)
    }
}

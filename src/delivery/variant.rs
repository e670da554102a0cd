//! Frozen variants: the body and headers that are the same for every subscriber of an edition's revision who shares them.
//!
//! Frozen when the edition is sealed, so that a change of settings or content while it is sent changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    dkim::{self, DkimError},
    store::{
        ledger::{self as store, Claim, StoredHeaders},
        notices::ClaimedNotice,
    },
    verp,
};
use crate::{
    clock::Moment,
    db::{Result, Tx},
    email_address::EmailAddress,
    mail::{
        BulkHeaders, Compiled, CompiledFormatError, CopyHeaders, EditionHeaders, FeedbackId, Mailbox,
        NoticeHeaders, Personal, Templates,
        dkim::{Signer, sign_all},
        notice_message,
    },
    site::Site,
    token::{self, Purpose},
};

/// What stands in the headers of every copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    /// The edition's public id, for complaint reports.
    pub edition: String,
    /// The name in From.
    pub from_name: String,
    /// The address in From, and in the envelope where the settings name no address for bounces.
    pub from_email: String,
    /// Where answers go.
    pub reply_to: String,
    /// When the edition was sealed: the Date of every copy, on every attempt.
    pub date: Moment,
    /// The list's id, for the links to leave it.
    pub list_id: i64,
    /// The list's short name, the first label of List-Id.
    pub list_slug: String,
    /// The list's name as readers know it.
    pub list_name: String,
}

/// Freezes a variant within the sealing transaction; freezing the same revision and key again keeps the first. Returns its id.
///
/// # Errors
/// When the database fails.
pub async fn freeze(
    tx: &mut Tx,
    site: &Site,
    (edition_id, revision, key): (i64, i64, &str),
    headers: &Headers,
    body: &Compiled,
) -> Result<i64> {
    let headers = serde_json::to_string(headers).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    store::add_variant(tx, (edition_id, revision, key), &headers, &body.to_bytes(), site.now()).await
}

/// The links that belong to one reader's copy of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Leaving the list: the page and the one-click target in one (RFC 8058).
    pub unsubscribe: String,
    /// Choosing lists and changing the name.
    pub preferences: String,
    /// This copy in the browser.
    pub view: String,
    /// Giving once, credited to the edition.
    pub give_once: String,
    /// Giving every month, credited to the edition.
    pub give_monthly: String,
}

impl Links {
    /// The links of a copy. They work for good: mail is read long after it was sent.
    #[must_use]
    pub fn new(site: &Site, edition_id: i64, list_id: i64, subscriber_id: i64) -> Self {
        let (give_once, give_monthly) = give_links(site, edition_id);
        let sign = |purpose, scope: String| site.keys.sign(purpose, &scope, None);
        let unsubscribe = sign(Purpose::Unsubscribe, format!("{subscriber_id}.{list_id}.{edition_id}"));
        let preferences = sign(Purpose::Preferences, subscriber_id.to_string());
        let view = sign(Purpose::View, format!("{edition_id}.{subscriber_id}"));
        Self {
            unsubscribe: site.url(&format!("/unsubscribe/{unsubscribe}")),
            preferences: site.url(&format!("/preferences/{preferences}")),
            view: site.url(&format!("/view/{view}")),
            give_once,
            give_monthly,
        }
    }

    /// As the mail room wants them, with the reader's name.
    #[must_use]
    pub fn personal<'a>(&'a self, name: &'a str) -> Personal<'a> {
        Personal {
            name,
            unsubscribe_url: &self.unsubscribe,
            preferences_url: &self.preferences,
            view_url: &self.view,
            give_once_url: &self.give_once,
            give_monthly_url: &self.give_monthly,
        }
    }
}

/// The same for every reader of an edition: who gives is not told by the link (TRUST L9).
fn give_links(site: &Site, edition_id: i64) -> (String, String) {
    let token = site.keys.sign(Purpose::Give, &edition_id.to_string(), None);
    (site.url(&format!("/donate?every=once&e={token}")), site.url(&format!("/donate?every=month&e={token}")))
}

/// A reader's copy as it was frozen, for the browser: HTML with the reader's own links. `None` if there is no such copy.
///
/// # Errors
/// When the database fails, or what it stored cannot be read.
pub async fn copy_html(site: &Site, edition_id: i64, subscriber_id: i64) -> Result<Option<String>> {
    let Some((headers, body, name)) = store::body_of_copy(&site.db, edition_id, subscriber_id).await? else {
        return Ok(None);
    };
    let headers: Headers = serde_json::from_str(&headers).map_err(unreadable)?;
    let links = Links::new(site, edition_id, headers.list_id, subscriber_id);
    shown(&body, &links.personal(&name)).map(|(html, _)| Some(html))
}

/// The newest version of an edition as it was frozen, addressed to nobody: its links lead to the pages for everybody.
/// `here` is its own address. `None` if nothing was frozen yet.
///
/// # Errors
/// As [`copy_html`].
pub async fn public_html(site: &Site, edition_id: i64, here: &str) -> Result<Option<String>> {
    let Some((_, body, _)) = store::newest_body(&site.db, edition_id).await? else { return Ok(None) };
    let subscribe = site.url("/subscribe");
    let (give_once, give_monthly) = give_links(site, edition_id);
    let personal = Personal {
        name: "",
        unsubscribe_url: &subscribe,
        preferences_url: &subscribe,
        view_url: here,
        give_once_url: &give_once,
        give_monthly_url: &give_monthly,
    };
    shown(&body, &personal).map(|(html, _)| Some(html))
}

/// A revision as it was frozen, HTML and text, with personal fields of the caller's. `None` if it was not.
///
/// # Errors
/// As [`copy_html`].
pub async fn revision_shown(
    site: &Site,
    edition_id: i64,
    revision: i64,
    personal: &Personal<'_>,
) -> Result<Option<(String, String)>> {
    let frozen = store::body_of_revision(&site.db, edition_id, revision).await?;
    frozen.map(|(_, body, _)| shown(&body, personal)).transpose()
}

fn shown(body: &[u8], personal: &Personal<'_>) -> Result<(String, String)> {
    let body = Compiled::from_bytes(body).map_err(unreadable)?;
    body.shown(personal).ok_or_else(|| unreadable(CompiledFormatError))
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// A message ready for DATA: its lines begin with no dot, and it ends with CRLF.
pub(super) struct Message {
    pub(super) from: String,
    pub(super) bytes: Vec<u8>,
}

/// A variant as it was frozen, ready to be written copy by copy.
pub(super) struct Frozen {
    headers: Headers,
    bulk: EditionHeaders,
    body: Compiled,
    signers: Vec<Signer>,
}

impl Frozen {
    pub(super) fn from_stored(
        site: &Site,
        stored: &StoredHeaders,
        body: &[u8],
    ) -> std::result::Result<Self, String> {
        let headers: Headers = serde_json::from_str(&stored.json).map_err(|error| error.to_string())?;
        let signers = dkim::signers(&site.keys, &stored.keys, &headers.from_email)
            .map_err(|error| error.to_string())?;
        let body = Compiled::from_bytes(body).map_err(|error| error.to_string())?;
        // Stable for this host, and in the form that complaint reports want: 5 to 15 characters.
        let sender = token::hash(site.host());
        let sender = sender.get(..12).unwrap_or_default();
        // A field of a complaint report has room for 40 characters, a host name for 253.
        let host = if site.host().len() <= 40 { site.host() } else { sender };
        let bulk = EditionHeaders::new(&BulkHeaders {
            from: Mailbox { name: &headers.from_name, address: &headers.from_email },
            reply_to: Some(Mailbox { name: "", address: &headers.reply_to }),
            subject: body.subject(),
            list_name: &headers.list_name,
            list_id: &format!("{}.{}", headers.list_slug, site.host()),
            feedback_id: FeedbackId {
                edition: &headers.edition,
                stream: &headers.list_slug,
                site: host,
                sender,
            },
        });
        Ok(Self { bulk: bulk.map_err(|error| error.to_string())?, headers, body, signers })
    }

    /// Writes one copy into the memory given, whose content is lost.
    pub(super) fn compose(
        &self,
        site: &Site,
        claim: &Claim,
        mut bytes: Vec<u8>,
    ) -> std::result::Result<Message, String> {
        let links = Links::new(site, claim.edition_id, self.headers.list_id, claim.subscriber_id);
        let which = verp::Which { edition: claim.edition_id, subscriber: claim.subscriber_id };
        let message_id = verp::message_id(&site.keys, site.host(), which);
        let own = || self.headers.from_email.clone();
        let from = site.bounce_address.as_ref().map_or_else(own, |base| verp::make(&site.keys, base, which));
        let copy = CopyHeaders {
            to: Mailbox { name: &claim.name, address: &claim.address },
            message_id: &message_id,
            date: self.headers.date,
            unsubscribe_url: &links.unsubscribe,
            unsubscribe_mailto: None,
        };
        bytes.clear();
        self.bulk.write(&copy, &mut bytes).map_err(|error| error.to_string())?;
        self.body.write_body(&links.personal(&claim.name), &mut bytes);
        sign(&self.signers, &mut bytes, site.now()).map_err(|error| error.to_string())?;
        Ok(Message { from, bytes })
    }
}

/// Puts the signatures before a message; nothing without keys.
fn sign(signers: &[Signer], message: &mut Vec<u8>, at: Moment) -> std::result::Result<(), DkimError> {
    let signatures = sign_all(signers, message, at)?;
    message.splice(0..0, signatures.into_bytes());
    Ok(())
}

pub(super) fn compose_notice(
    site: &Site,
    templates: &Templates,
    notice: &ClaimedNotice,
) -> std::result::Result<Vec<u8>, String> {
    let context: Value = serde_json::from_str(&notice.context).map_err(|error| error.to_string())?;
    let rendered = templates.render_json(&notice.template, &context).map_err(|error| error.to_string())?;
    // Whoever answers an automatic email reaches people: every context names who writes, with their address.
    let contact = context.pointer("/sender/contact_email").and_then(Value::as_str).unwrap_or_default();
    let contact = EmailAddress::parse(contact).ok();
    let headers = NoticeHeaders {
        from: Mailbox { name: &notice.from_name, address: &notice.from_email },
        to: Mailbox { name: &notice.name, address: &notice.address },
        reply_to: contact.as_ref().map(|contact| Mailbox { name: "", address: contact.as_str() }),
        message_id: &notice.message_id,
        date: notice.created_at,
    };
    let mut message = notice_message(&headers, &rendered).map_err(|error| error.to_string())?;
    let signed = dkim::signers(&site.keys, &notice.keys, &notice.from_email)
        .and_then(|signers| sign(&signers, &mut message, site.now()));
    signed.map_err(|error| error.to_string())?;
    Ok(message)
}

//! Frozen variants: the body and headers that are the same for every subscriber of an edition's revision who shares them.
//!
//! Frozen when somebody approves it, by pressing Send or by letting a corrected edition go on, so that no change of settings
//! or articles between that and the last copy changes anything.

use std::{panic::AssertUnwindSafe, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::copy_names::CopyNames;
use super::{
    copy_names::CopyId,
    store::{
        ledger::{self as store, Claim, StoredHeaders},
        notices::ClaimedNotice,
    },
};
use crate::{
    clock::Moment,
    db::{Db, Result, Tx},
    dkim::{self, DkimError},
    email_address::EmailAddress,
    links::{Choices, ConfirmAgain, Give, Name, Unsubscribe, View},
    mail::{
        BulkHeaders, Compiled, CompiledFormatError, CopyHeaders, EditionHeaders, FeedbackId, Mailbox,
        NoticeHeaders, Personal, SeenParts, Signer, Templates, notice_message, sign_all,
    },
    site::Site,
    token,
};

/// What stands in the headers of every copy.
///
/// Stored as it is: whatever a later version adds has a default, so that it reads what this one froze.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VariantHeaders {
    /// The edition's public id, for complaint reports.
    pub edition: String,
    pub from_name: String,
    /// The address in From, and in the envelope where the settings name no address for bounces.
    pub from_email: String,
    /// Where answers go.
    pub reply_to: String,
    /// When it was approved, and from the sealing on when that was: the Date of every copy, on every attempt.
    pub date: Moment,
    /// The list's row, in links of editions that were frozen by earlier versions.
    pub list_id: i64,
    /// The list's public id, for the links to leave it; empty in what earlier versions froze: there links carry row numbers.
    pub list: String,
    /// The list's short name, the first label of List-Id.
    pub list_slug: String,
    /// The list's name as readers know it.
    pub list_name: String,
}

impl VariantHeaders {
    /// Whether links, return addresses and Message-IDs of its copies carry row numbers, as they did when it was frozen: a copy
    /// that is sent a second time says the same.
    pub(super) const fn is_numbered(&self) -> bool {
        self.list.is_empty()
    }

    /// What the copy of a subscriber is called.
    fn names<'a>(&'a self, copy: CopyId, subscriber: &'a str) -> CopyNames<'a> {
        if self.is_numbered() {
            return CopyNames::numbered(copy, self.list_id);
        }
        CopyNames {
            edition: Name::id(&self.edition),
            subscriber: Name::id(subscriber),
            list: Name::id(&self.list),
        }
    }
}

/// The one version that every reader of a revision gets.
const EVERYONE: &str = "everyone";

/// Freezes the body of a revision within the transaction that approves it; freezing the same revision again keeps the first.
/// `fingerprint` says in one word what it was made of. Returns its id.
pub async fn freeze(
    tx: &mut Tx,
    site: &Site,
    (edition_id, revision): (i64, i64),
    headers: &VariantHeaders,
    body: &Compiled,
    fingerprint: &str,
) -> Result<i64> {
    let (headers, body) = (to_json(headers)?, body.to_bytes());
    let content = (body.as_slice(), fingerprint);
    store::add_variant(tx, (edition_id, revision, EVERYONE), &headers, content, site.now()).await
}

/// The frozen body of a revision; `None` if none was frozen.
pub async fn frozen(tx: &mut Tx, edition_id: i64, revision: i64) -> Result<Option<i64>> {
    store::variant_id(tx, (edition_id, revision, EVERYONE)).await
}

/// What the frozen body of a revision was made of, empty where an older program froze it; `None` if none was frozen.
pub async fn fingerprint(db: &Db, edition_id: i64, revision: i64) -> Result<Option<String>> {
    store::fingerprint(db, (edition_id, revision, EVERYONE)).await
}

/// Whether copies can be written of the frozen body of a revision; so it is if none was frozen.
pub async fn is_whole(site: &Site, edition_id: i64, revision: i64) -> Result<bool> {
    let frozen = store::body_of_revision(&site.db, edition_id, revision).await?;
    Ok(frozen.is_none_or(|(json, body, _)| {
        Frozen::from_stored(site, &StoredHeaders { json, keys: Vec::new() }, &body).is_ok()
    }))
}

/// Dates a frozen body now, within the transaction that begins to seal it.
///
/// # Errors
/// When the database fails, or what it stored cannot be read.
pub async fn date(tx: &mut Tx, site: &Site, variant_id: i64) -> Result<()> {
    let mut headers: VariantHeaders =
        serde_json::from_str(&store::headers(tx, variant_id).await?).map_err(unreadable)?;
    headers.date = site.now();
    store::set_headers(tx, variant_id, &to_json(&headers)?).await
}

/// Forgets the frozen bodies of an edition that no copy carries: what was approved is taken back.
pub async fn thaw(tx: &mut Tx, edition_id: i64) -> Result<()> {
    store::drop_unused(tx, edition_id).await
}

fn to_json(headers: &VariantHeaders) -> Result<String> {
    serde_json::to_string(headers).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

/// The links that belong to one reader's copy of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyLinks {
    /// Leaving the list: the page and the one-click target in one (RFC 8058).
    pub unsubscribe: String,
    /// Choosing lists and changing the name.
    pub preferences: String,
    /// Saying that it may go on coming.
    pub again: String,
    /// This copy in the browser.
    pub view: String,
    /// Giving, credited to the edition.
    pub give: Arc<GiveLinks>,
}

/// The links for giving, the same for every reader of an edition: who gives is not told by the link (TRUST L9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveLinks {
    /// Giving once.
    pub once: String,
    /// Giving every month.
    pub monthly: String,
}

impl GiveLinks {
    fn new(site: &Site, edition: Name<'_>) -> Self {
        let token = Give(edition).sign(&site.keys);
        Self {
            once: site.url(&format!("/donate?every=once&e={token}")),
            monthly: site.url(&format!("/donate?every=month&e={token}")),
        }
    }
}

impl CopyLinks {
    /// The links of a copy. They work for good: mail is read long after it was sent.
    #[must_use]
    pub fn new(site: &Site, names: &CopyNames<'_>) -> Self {
        Self::with(site, names, Arc::new(GiveLinks::new(site, names.edition.clone())))
    }

    fn with(site: &Site, names: &CopyNames<'_>, give: Arc<GiveLinks>) -> Self {
        let CopyNames { edition, subscriber, list } = names.clone();
        let keys = &site.keys;
        let unsubscribe =
            Unsubscribe { subscriber: subscriber.clone(), list: list.clone(), edition: edition.clone() }
                .sign(keys);
        let again =
            ConfirmAgain { subscriber: subscriber.clone(), list, edition: edition.clone() }.sign(keys);
        let choices = Choices(subscriber.clone()).sign(keys);
        let view = View { edition, subscriber }.sign(keys);
        Self {
            unsubscribe: site.url(&format!("/unsubscribe/{unsubscribe}")),
            preferences: site.url(&format!("/preferences/{choices}")),
            again: site.url(&format!("/again/{again}")),
            view: site.url(&format!("/view/{view}")),
            give,
        }
    }

    /// As the mail room wants them, with the reader's name, what they answered, and which parts they see.
    #[must_use]
    pub fn personal<'a>(
        &'a self,
        name: &'a str,
        answers: &'a [(i64, String)],
        parts: SeenParts,
    ) -> Personal<'a> {
        Personal {
            name,
            answers,
            parts,
            unsubscribe_url: &self.unsubscribe,
            preferences_url: &self.preferences,
            view_url: &self.view,
            give_once_url: &self.give.once,
            give_monthly_url: &self.give.monthly,
            again_url: &self.again,
        }
    }
}

/// A reader's copy as it was frozen, for the browser. The link to it is what readers hand on, so it is addressed to nobody, as
/// [`public_html`] is. `None` if there is no such copy.
///
/// # Errors
/// When the database fails, or what it stored cannot be read.
pub async fn copy_html(
    site: &Site,
    edition_id: i64,
    subscriber_id: i64,
    here: &str,
) -> Result<Option<String>> {
    let frozen = store::body_of_copy(&site.db, edition_id, subscriber_id).await?;
    frozen.map(|(headers, body, _)| to_nobody(site, &headers, &body, here)).transpose()
}

/// The newest version of an edition as it was frozen, addressed to nobody: its links lead to the pages for everybody.
/// `here` is its own address. `None` if nothing was frozen yet.
///
/// # Errors
/// As [`copy_html`].
pub async fn public_html(site: &Site, edition_id: i64, here: &str) -> Result<Option<String>> {
    let frozen = store::newest_body(&site.db, edition_id).await?;
    frozen.map(|(headers, body, _)| to_nobody(site, &headers, &body, here)).transpose()
}

fn to_nobody(site: &Site, headers: &str, body: &[u8], here: &str) -> Result<String> {
    let headers: VariantHeaders = serde_json::from_str(headers).map_err(unreadable)?;
    let explanation = site.url("/sample-link");
    let give = GiveLinks::new(site, Name::id(&headers.edition));
    let personal = Personal {
        name: "",
        unsubscribe_url: &explanation,
        preferences_url: &explanation,
        view_url: here,
        give_once_url: &give.once,
        give_monthly_url: &give.monthly,
        again_url: &explanation,
        answers: &[],
        // Neither a reader who hands it on nor the archive tells who gives.
        parts: SeenParts::STRANGER,
    };
    shown(body, &personal).map(|(html, _)| html)
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

/// Why a copy cannot be written, for people.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// For what is known of its reader: all others can be.
    This(String),
    /// For what they share: none can be.
    Any(String),
}

/// A variant as it was frozen, ready to be written copy by copy.
pub(super) struct Frozen {
    headers: VariantHeaders,
    bulk: EditionHeaders,
    body: Compiled,
    /// None where links carry row numbers: those of copies, which it does not know.
    give: Option<Arc<GiveLinks>>,
    signers: Vec<Signer>,
    /// The fields that stand in it; mostly none.
    asks: Vec<i64>,
}

/// How it begins what people are told of an edition of which no copy can be written.
pub const NO_COPY: &str = "No copy of it can be written";

impl Frozen {
    /// The error says why no copy can be written, for people.
    pub(super) fn from_stored(
        site: &Site,
        stored: &StoredHeaders,
        body: &[u8],
    ) -> std::result::Result<Self, String> {
        let unreadable = |error: &dyn std::fmt::Display| {
            format!("its text, as it was kept when Send was pressed, cannot be read ({error})")
        };
        let headers: VariantHeaders =
            serde_json::from_str(&stored.json).map_err(|error| unreadable(&error))?;
        let signers = dkim::signers(&site.keys, &stored.keys, &headers.from_email)
            .map_err(|error| format!("its key cannot sign: {error}"))?;
        let body = Compiled::from_bytes(body).map_err(|error| unreadable(&error))?;
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
        let bulk = bulk.map_err(|error| unreadable(&error))?;
        let give =
            (!headers.is_numbered()).then(|| Arc::new(GiveLinks::new(site, Name::id(&headers.edition))));
        Ok(Self { asks: body.asks(), headers, bulk, body, give, signers })
    }

    /// The fields whose answers a copy of it wants.
    pub(super) fn asks(&self) -> &[i64] {
        &self.asks
    }

    /// Writes one copy into the memory given, whose content is lost. Whose fault it is that one cannot be written, a copy for a reader
    /// of whom nothing can be wrong tells.
    pub(super) fn compose(
        &self,
        site: &Site,
        claim: &Claim,
        bytes: Vec<u8>,
    ) -> std::result::Result<Message, Unwritten> {
        self.tried(site, claim, bytes).map_err(|why| {
            let (public_id, name) = ("reader".to_owned(), "Reader".to_owned());
            let (address, answers) = ("reader@example.org".to_owned(), Vec::new());
            let anybody = Claim { public_id, name, address, answers, ..claim.clone() };
            match self.tried(site, &anybody, Vec::new()) {
                Ok(_) => Unwritten::This(why),
                Err(why) => Unwritten::Any(why),
            }
        })
    }

    /// A text that makes us stumble costs one copy, and not the connection with all that is behind it.
    fn tried(&self, site: &Site, claim: &Claim, bytes: Vec<u8>) -> std::result::Result<Message, String> {
        std::panic::catch_unwind(AssertUnwindSafe(|| self.write(site, claim, bytes)))
            .unwrap_or_else(|_| Err("writing it failed in a way that nobody foresaw".to_owned()))
    }

    fn write(&self, site: &Site, claim: &Claim, mut bytes: Vec<u8>) -> std::result::Result<Message, String> {
        let names = self.headers.names(claim.copy(), &claim.public_id);
        let links = match &self.give {
            Some(give) => CopyLinks::with(site, &names, give.clone()),
            None => CopyLinks::new(site, &names),
        };
        let message_id = names.message_id(site).ok_or("the reader is not known any more")?;
        let from = names.return_address(site).unwrap_or_else(|| self.headers.from_email.clone());
        let mailto = names.leaving_mailto(site);
        let copy = CopyHeaders {
            to: Mailbox { name: &claim.name, address: &claim.address },
            message_id: &message_id,
            date: self.headers.date,
            unsubscribe_url: &links.unsubscribe,
            unsubscribe_mailto: mailto.as_deref(),
        };
        bytes.clear();
        self.bulk.write(&copy, &mut bytes).map_err(|error| error.to_string())?;
        self.body
            .write_body(&links.personal(&claim.name, &claim.answers, SeenParts(claim.parts)), &mut bytes);
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

/// An automatic email as it goes out now: as it was written when it was enqueued, and signed.
pub(super) fn compose_notice(
    site: &Site,
    templates: &Templates,
    notice: &ClaimedNotice,
) -> std::result::Result<Vec<u8>, String> {
    let mut message = match &notice.message {
        Some(written) => written.clone(),
        None => from_context(templates, notice)?,
    };
    let signed = dkim::signers(&site.keys, &notice.keys, &notice.from_email)
        .and_then(|signers| sign(&signers, &mut message, site.now()));
    signed.map_err(|error| error.to_string())?;
    Ok(message)
}

/// Written now: an older program enqueued it, or it could not be written then.
fn from_context(templates: &Templates, notice: &ClaimedNotice) -> std::result::Result<Vec<u8>, String> {
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
        leaves: None,
    };
    notice_message(&headers, &rendered).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in databases. A field that is added has a default, or an upgrade makes editions unreadable that wait.
    #[test]
    fn what_this_version_freezes_is_read_by_later_ones() {
        const FROZEN: &str = r#"{"edition":"ed1","from_name":"The Lamplighter","from_email":"post@example.org","reply_to":"hello@example.org",
            "date":1772528400000000,"list_id":7,"list":"li1","list_slug":"weekly","list_name":"Weekly"}"#;
        const NUMBERED: &str = r#"{"edition":"ed1","from_name":"","from_email":"post@example.org","reply_to":"hello@example.org",
            "date":1772528400000000,"list_id":7,"list_slug":"weekly","list_name":"Weekly"}"#;
        let headers: VariantHeaders = serde_json::from_str(FROZEN).expect("the form of today");
        assert_eq!((headers.from_email.as_str(), headers.list_id), ("post@example.org", 7));
        assert_eq!(headers.date, Moment::from_unix_seconds(1_772_528_400));
        assert!(!headers.is_numbered());
        let same: serde_json::Value = serde_json::from_str(FROZEN).expect("JSON");
        assert_eq!(
            serde_json::to_value(&headers).expect("JSON"),
            same,
            "and nothing is written that is not in it"
        );
        let older: VariantHeaders = serde_json::from_str(NUMBERED).expect("a form of before");
        assert!(older.is_numbered());
    }
}

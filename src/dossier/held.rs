//! What is held about somebody: the newest of each kind for a page, and all of it as JSON, a page of rows at a time.

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    ask::{Person, whom},
    rows::{
        CameBack, Forgotten, FormerAddress, Gift, HeldCopy, HeldDeed, HeldLetter, HeldMember, HeldMonthly,
        HeldNote, HeldReason, HeldSupporter, HeldWho, Moved, Stop, TheyWrote, Typed, Within, WrittenDown,
    },
    store,
};
use crate::{
    audit_log, bounces,
    clock::Moment,
    db::Result,
    delivery::Suppressions,
    email_address::EmailAddress,
    links::CopyOfData,
    site::Site,
    subscribers::{
        self, Subscriber, SubscriberError, consent, fields,
        requests::{self, Request},
    },
    words,
};

/// So many of each kind stand on a page.
pub const NEWEST: usize = 50;
/// No address is called so.
pub(super) const NOBODY: &str = "-";
/// So many rows are held at a time.
const CHUNK: usize = 200;

/// Somebody, by their address: a reader or not.
#[derive(Clone, Debug)]
pub struct Whose {
    /// As it was asked for.
    pub address: EmailAddress,
    pub reader: Option<Subscriber>,
    key: String,
    /// By which addresses their gifts are known; none where those are another reader's.
    gives_as: Vec<String>,
    /// Of the address, and of those that they had, which are no reader's by now.
    hashes: Vec<String>,
    /// Until then nothing is said of gifts, nor of what hangs from other addresses than this one.
    pub gifts_from: Option<Moment>,
}

impl Whose {
    async fn new(site: &Site, address: EmailAddress, reader: Option<Subscriber>) -> Result<Self> {
        let (key, mut hashes) = (address.key(), vec![Suppressions::new(site).hash(&address)]);
        let gives_as = match &reader {
            Some(reader) => {
                let former = subscribers::former_addresses(&site.db, reader.id).await?;
                hashes.extend(former.into_iter().map(|(hash, _)| hash));
                let gave_as = subscribers::gave_as(&site.db, reader.id).await?;
                subscribers::gives_as(&site.db, reader.id).await?.into_iter().chain(gave_as).collect()
            }
            None => vec![key.clone()],
        };
        Ok(Self { address, reader, key, gives_as, hashes, gifts_from: None })
    }

    /// As whoever has the mailbox may see it before it is certain that it is theirs.
    fn without_gifts(mut self, until: Moment) -> Self {
        self.gives_as.clear();
        self.hashes.truncate(1);
        Self { gifts_from: Some(until), ..self }
    }

    /// A change of address, as whoever reads the file may see it: until it stands, they may be a stranger whom a slip of the team wrote to.
    fn seen_move(&self, moved: Moved) -> Moved {
        match self.gifts_from {
            Some(_) => Moved { old_email: EmailAddress::from_store(moved.old_email).masked(), ..moved },
            None => moved,
        }
    }

    fn seen(&self, who: HeldWho) -> HeldWho {
        match self.gifts_from {
            Some(_) => HeldWho { supporter: None, last_gift_at: None, gives_as: None, ..who },
            None => who,
        }
    }

    /// Whose letters to former addresses are shown.
    fn former_of(&self) -> i64 {
        if self.gifts_from.is_some() { 0 } else { self.reader_id() }
    }

    /// Whether there is anything to forget, of somebody who is no reader.
    pub(super) async fn is_anything_held(&self, site: &Site) -> Result<bool> {
        let held = Held::look(site, self).await?;
        let Held { letters, came_back, they_wrote, stops, supporter, gifts, monthly, requests, .. } = held;
        // What says no more whose it is was forgotten before.
        Ok(!(letters.rows.is_empty()
            && they_wrote.rows.is_empty()
            && supporter.is_empty()
            && gifts.rows.is_empty()
            && monthly.rows.is_empty())
            || came_back.rows.iter().any(|one| !one.masked.is_empty())
            || stops.rows.iter().any(|one| !one.masked.is_empty() || !one.detail.is_empty())
            || requests.iter().any(Request::may_be_corrected))
    }

    /// The address that they have.
    fn hash(&self) -> &str {
        self.hashes.first().map_or("", String::as_str)
    }

    /// No row has 0.
    fn reader_id(&self) -> i64 {
        self.reader.as_ref().map_or(0, |reader| reader.id)
    }
}

/// Who has that address.
///
/// # Errors
/// When the database fails.
pub async fn of_address(site: &Site, address: EmailAddress) -> Result<Whose> {
    let reader = subscribers::by_email(&site.db, &address).await?;
    Whose::new(site, address, reader).await
}

/// About whom a link is that was mailed to them for that.
///
/// # Errors
/// [`SubscriberError::Link`] and [`SubscriberError::Expired`]; [`SubscriberError::Changed`] where it was mailed to an address that they
/// have no more; when the database fails.
pub async fn of_link(site: &Site, link: &str) -> std::result::Result<Whose, SubscriberError> {
    let CopyOfData { reader, address } = CopyOfData::read(&site.keys, link, site.now())?;
    let person = whom(site, &reader, &address).await?.ok_or(SubscriberError::Link)?;
    let not_before = person.not_before(site).await?;
    let whose = match person {
        Person::Reader(reader) => Whose::new(site, reader.email.clone(), Some(reader)).await?,
        Person::Supporter { email, .. } => Whose::new(site, email, None).await?,
    };
    Ok(match not_before {
        Some(until) => whose.without_gifts(until),
        None => whose,
    })
}

/// Somebody of the team takes a copy away: it is written down before they have it, with why, and without the address.
///
/// # Errors
/// When the database fails, and then they get none.
pub async fn taken_away(site: &Site, reader: &Subscriber, staff_id: i64, why: &str) -> Result<()> {
    let mut tx = site.db.begin().await?;
    let action = "took away what is held about a reader";
    audit_log::record(&mut tx, site, Some(staff_id), action, &reader.public_id, why).await?;
    tx.commit().await
}

/// The newest of a kind, and whether there is more of it.
#[derive(Clone, Debug)]
pub struct Newest<T> {
    pub rows: Vec<T>,
    pub more: bool,
}

impl<T> From<Vec<T>> for Newest<T> {
    fn from(mut rows: Vec<T>) -> Self {
        let more = rows.len() > NEWEST;
        rows.truncate(NEWEST);
        Self { rows, more }
    }
}

/// What is held about somebody, for a page.
#[derive(Clone, Debug)]
pub struct Held {
    pub who: Option<HeldWho>,
    /// Addresses that they had.
    pub former: Vec<FormerAddress>,
    pub lists: Vec<Within>,
    pub reasons: Vec<HeldReason>,
    pub consent: Newest<consent::Event>,
    /// The question, and the answer.
    pub answers: Vec<(String, String)>,
    pub typed: Option<Typed>,
    pub sign_ups: Vec<WrittenDown>,
    pub copies: Newest<HeldCopy>,
    pub letters: Newest<HeldLetter>,
    pub came_back: Newest<CameBack>,
    pub they_wrote: Newest<TheyWrote>,
    pub stops: Newest<Stop>,
    /// Of each address under which they gave.
    pub supporter: Vec<HeldSupporter>,
    pub gifts: Newest<Gift>,
    pub monthly: Newest<HeldMonthly>,
    pub notes: Newest<HeldNote>,
    pub requests: Vec<Request>,
    pub deeds: Newest<HeldDeed>,
    pub member: Option<HeldMember>,
    pub forgotten: Option<Forgotten>,
}

impl Held {
    /// Looks it up: a bounded number of rows, however much there is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn look(site: &Site, whose: &Whose) -> Result<Self> {
        let (db, id, key, hashes) = (&site.db, whose.reader_id(), whose.key.as_str(), &*whose.hashes);
        let (all, most) = (i64::MAX, NEWEST as i64 + 1);
        let consent: Vec<_> =
            consent::page(db, id, None, most).await?.into_iter().map(|(_, one)| one).collect();
        Ok(Self {
            who: store::who(db, id).await?.map(|who| whose.seen(who)),
            former: store::former(db, whose.former_of()).await?,
            lists: store::within(db, id).await?,
            reasons: store::reasons(db, id).await?,
            consent: consent.into(),
            answers: answers(site, id).await?,
            typed: store::typed(db, id).await?,
            sign_ups: store::sign_ups(db, &whose.key).await?,
            copies: store::copies(db, id, all, most).await?.into(),
            letters: store::letters(db, (key, whose.former_of(), &whose.gives_as), all, most).await?.into(),
            came_back: store::came_back(db, hashes, id, all, most).await?.into(),
            they_wrote: they_wrote(site, whose, all, most).await?.into(),
            stops: store::stops(db, hashes, all, most).await?.into(),
            supporter: store::supporter(db, &whose.gives_as).await?,
            gifts: store::gifts(db, &whose.gives_as, all, most).await?.into(),
            monthly: store::monthly(db, &whose.gives_as, all, most).await?.into(),
            notes: store::notes(db, id, all, most).await?.into(),
            requests: requests::about(site, hashes).await?,
            deeds: deeds(site, whose, all, most).await?.into(),
            member: store::member(db, key).await?,
            forgotten: store::forgotten(db, whose.hash()).await?,
        })
    }
}

/// The letters that they wrote, by any address of theirs: a letter bears it as it was written.
async fn they_wrote(site: &Site, whose: &Whose, before: i64, limit: i64) -> Result<Vec<TheyWrote>> {
    let ids = bounces::letters_of(site, &whose.hashes, whose.reader_id()).await?;
    store::they_wrote(&site.db, &ids, before, limit).await
}

async fn answers(site: &Site, reader: i64) -> Result<Vec<(String, String)>> {
    let answered = fields::of_reader(&site.db, reader).await?;
    Ok(answered.into_iter().map(|(field, value)| (field.label, value)).collect())
}

/// A line of the log names a reader, or nobody whom an address would find.
async fn deeds(site: &Site, whose: &Whose, before: i64, limit: i64) -> Result<Vec<HeldDeed>> {
    let Some(reader) = &whose.reader else { return Ok(Vec::new()) };
    let mut deeds = store::deeds(&site.db, &reader.public_id, before, limit).await?;
    for deed in &mut deeds {
        // Some say how somebody came, as their proof does.
        deed.why = consent::without_names(&deed.why).to_owned();
    }
    Ok(deeds)
}

words! {
    /// The parts of the whole, in their order.
    pub enum Section {
        Who = "who_you_are",
        Moved = "changes_of_address",
        Former = "former_addresses",
        Lists = "lists",
        Reasons = "why_you_left",
        Consent = "what_you_agreed_to",
        Answers = "answers",
        Typed = "typed_and_not_confirmed",
        SignUps = "sign_ups_not_looked_at",
        Copies = "editions_sent_to_you",
        Letters = "letters_sent_to_you",
        CameBack = "what_came_back",
        TheyWrote = "letters_from_you",
        Stops = "mail_to_you_stopped",
        Supporter = "supporter",
        Gifts = "gifts",
        Monthly = "monthly_gifts",
        Notes = "notes_of_the_team",
        Requests = "what_you_asked_by_law",
        Deeds = "what_the_team_did",
        Looks = "days_on_which_the_team_looked",
        Member = "place_on_the_team",
        Asked = "questions_counted_this_week",
        Forgotten = "forgotten",
        Kept = "kept_as_proof",
    }
}

/// Where else traces of a reader are, that the database does not have.
const ELSEWHERE: &[&str] = &[
    "Backups of the database hold what it held when they were made, until whoever looks after the server deletes them.",
    "A file beside the database keeps that somebody left a list or came back, paused, chose topics or how often, moved to another address, complained, ended a gift or asked to be forgotten: under names and hashes, without an address.",
    "The mail services through which the magazine sends keep logs of their own of what they delivered.",
    "The payment service keeps what a gift was paid with. Of a card that pays a regular gift the magazine knows its make, its last four figures and until when it is good, and no more.",
    "The web server in front of the magazine may keep internet addresses for a time.",
];

/// All of it, as JSON text in pieces.
#[derive(Debug)]
pub struct Whole {
    site: Site,
    whose: Whose,
    magazine: String,
    /// Which section comes next; past the last of them, the end.
    at: usize,
    /// Behind which row of it.
    before: i64,
    /// Whether nothing of that section was written yet.
    fresh: bool,
    begun: bool,
}

impl Whole {
    /// Nothing is read yet.
    #[must_use]
    pub const fn new(site: Site, magazine: String, whose: Whose) -> Self {
        Self { site, whose, magazine, at: 0, before: i64::MAX, fresh: true, begun: false }
    }

    /// The next piece; none when all was given.
    ///
    /// # Errors
    /// When the database fails: what was given until then is cut off, and no JSON.
    pub async fn piece(&mut self) -> Result<Option<String>> {
        if !self.begun {
            self.begun = true;
            return Ok(Some(self.head()));
        }
        let Some(section) = Section::ALL.get(self.at).copied() else { return Ok(None) };
        let rows = self.rows(section).await?;
        let mut text = String::new();
        if self.fresh {
            text = format!(",\n  \"{section}\": [");
            self.fresh = false;
        }
        let mut first = self.before == i64::MAX;
        for (key, row) in &rows {
            self.before = *key;
            text.push_str(if first { "\n    " } else { ",\n    " });
            first = false;
            text.push_str(&row.to_string());
        }
        if rows.len() < CHUNK {
            text.push(']');
            (self.at, self.before, self.fresh) = (self.at + 1, i64::MAX, true);
            if self.at == Section::ALL.len() {
                text.push_str("\n}\n");
            }
        }
        Ok(Some(text))
    }

    fn head(&self) -> String {
        let head = json!({
            "magazine": self.magazine,
            "address": self.whose.address.as_str(),
            "made_at": self.site.now().to_string(),
            "gifts_are_told_from": self.whose.gifts_from.map(|at| at.to_string()),
            "where_else_traces_are": ELSEWHERE,
        });
        let text = format!("{head:#}");
        text.trim_end().trim_end_matches('}').trim_end().to_owned()
    }

    /// The rows of a section after the last one, each with its key. Sections of few rows give all of them at once.
    async fn rows(&self, section: Section) -> Result<Vec<(i64, Value)>> {
        let Self { site, whose, before, .. } = self;
        let (db, id, key, hashes) = (&site.db, whose.reader_id(), whose.key.as_str(), &*whose.hashes);
        let (before, most, gives_as, hash) = (*before, CHUNK as i64, &*whose.gives_as, whose.hash());
        Ok(match section {
            Section::Who => few(store::who(db, id).await?.map(|who| whose.seen(who))),
            Section::Moved => {
                few(store::moved(db, id).await?.into_iter().map(|moved| whose.seen_move(moved)))
            }
            Section::Former => few(store::former(db, whose.former_of()).await?),
            Section::Lists => few(store::within(db, id).await?),
            Section::Reasons => few(store::reasons(db, id).await?),
            Section::Consent => {
                let page = consent::page(db, id, Some(before), most).await?;
                page.into_iter().map(|(key, event)| (key, event.told())).collect()
            }
            Section::Answers => few(answers(site, id)
                .await?
                .into_iter()
                .map(|(question, answer)| json!({ "question": question, "answer": answer }))),
            Section::Typed => few(store::typed(db, id).await?),
            Section::SignUps => few(store::sign_ups(db, key).await?.into_iter().map(WrittenDown::told)),
            Section::Copies => many(store::copies(db, id, before, most).await?, |row| row.edition_id),
            Section::Letters => {
                many(store::letters(db, (key, whose.former_of(), gives_as), before, most).await?, |row| {
                    row.id
                })
            }
            Section::CameBack => many(store::came_back(db, hashes, id, before, most).await?, |row| row.id),
            Section::TheyWrote => many(they_wrote(site, whose, before, most).await?, |row| row.id),
            Section::Stops => many(store::stops(db, hashes, before, most).await?, |row| row.id),
            Section::Supporter => few(store::supporter(db, gives_as).await?),
            Section::Gifts => many(store::gifts(db, gives_as, before, most).await?, |row| row.id),
            Section::Monthly => many(store::monthly(db, gives_as, before, most).await?, |row| row.id),
            Section::Notes => many(store::notes(db, id, before, most).await?, |row| row.id),
            Section::Requests => few(requests::about(site, hashes).await?.iter().map(request)),
            Section::Deeds => many(deeds(site, whose, before, most).await?, |row| row.id),
            Section::Looks => match &whose.reader {
                Some(reader) => many(store::looks(db, &reader.public_id, before, most).await?, |row| row.id),
                None => Vec::new(),
            },
            Section::Member => few(store::member(db, key).await?),
            Section::Asked => few(store::asked(db, id).await?),
            Section::Forgotten => few(store::forgotten(db, hash).await?),
            Section::Kept => many(store::kept(db, hash, before, most).await?, |row| row.id),
        })
    }
}

fn value(row: impl Serialize) -> Value {
    serde_json::to_value(row).unwrap_or_default()
}

fn many<T: Serialize>(rows: Vec<T>, key: impl Fn(&T) -> i64) -> Vec<(i64, Value)> {
    rows.into_iter().map(|row| (key(&row), value(row))).collect()
}

/// Rows of which there is never a second page: as many as one holds, less one.
fn few<T: Serialize>(rows: impl IntoIterator<Item = T>) -> Vec<(i64, Value)> {
    rows.into_iter().take(CHUNK - 1).map(|row| (0, value(row))).collect()
}

fn request(request: &Request) -> Value {
    let text = |at: Moment| at.to_string();
    json!({
        "kind": request.kind.as_str(),
        "address": request.address,
        "detail": request.detail,
        "received_at": text(request.received_at),
        "due_at": text(request.due_at),
        "outcome": request.outcome,
        "closed_at": request.closed_at.map(text),
    })
}

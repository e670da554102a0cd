//! Who got an edition, out of a mail service's log: a restored backup does not know it.
//!
//! The rule: only a Message-ID of this edition with our proof in it names a copy (TRUST M9), so another mail to the same reader
//! counts for nothing, and so does a copy of ours to somebody else, such as an archive that gets all mail. A log of any size is
//! read line by line; what is kept of it grows with the edition's audience alone.

use std::{
    collections::{HashMap, HashSet},
    io::{self, BufRead, Read as _},
};

use serde_json::Value;

use super::{Edition, HaveIt};
use crate::{
    delivery::{self, Which},
    email_address::EmailAddress,
    site::Site,
    token::Keys,
};

/// Longer lines are no log's: a thousand events at once come to one megabyte.
const LONGEST_LINE: u64 = 4 << 20;

/// What logs say of one edition. Read the oldest first: a queue names its message once, and then speaks of it by number.
#[derive(Debug)]
pub struct SentLog<'a> {
    keys: &'a Keys,
    edition: &'a Edition,
    /// Copies, and the address that each went to, where the log says it.
    sent: HashSet<(Which, Option<String>)>,
    /// Copies that a mail server has in its queue, by its number.
    queue: HashMap<String, Queued>,
    /// Copies that a mail service told of, and whether it is done with them. Its lists may begin with the newest.
    with_service: HashMap<Which, bool>,
    /// How the lines of a table are read, once its header was seen.
    table: Option<Table>,
    lines: u64,
    understood: u64,
}

#[derive(Debug)]
struct Queued {
    which: Which,
    /// Whom it waits for; none is told before the first try.
    waits_for: Option<HashSet<String>>,
}

impl<'a> SentLog<'a> {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(site: &'a Site, edition: &'a Edition) -> Self {
        Self {
            keys: &site.keys,
            edition,
            sent: HashSet::new(),
            queue: HashMap::new(),
            with_service: HashMap::new(),
            table: None,
            lines: 0,
            understood: 0,
        }
    }

    /// Reads one file to its end. Returns how many lines of it were understood.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&mut self, mut file: impl BufRead) -> io::Result<u64> {
        let before = self.understood;
        self.table = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(self.understood - before);
            }
            if !line.ends_with(b"\n") {
                file.skip_until(b'\n')?;
            }
            self.lines += 1;
            self.understood += u64::from(self.line(String::from_utf8_lossy(&line).trim()));
        }
    }

    /// How many lines were read.
    #[must_use]
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// How many of them tell what became of a message, anybody's.
    #[must_use]
    pub const fn understood(&self) -> u64 {
        self.understood
    }

    /// How many copies of the edition the mail server, or service, still had when the log ended: it sends them by itself, later.
    #[must_use]
    pub fn in_queue(&self) -> usize {
        let waits = |one: &&Queued| one.waits_for.as_ref().is_none_or(|whom| !whom.is_empty());
        let with_service = self.with_service.values().filter(|done| !**done);
        self.queue.values().filter(waits).count() + with_service.count()
    }

    /// Whom it names.
    #[must_use]
    pub fn have_it(self) -> HaveIt {
        HaveIt::Sent(self.sent)
    }

    fn line(&mut self, line: &str) -> bool {
        if line.starts_with(['{', '[']) {
            return self.events(line);
        }
        self.postfix(line) || self.exim(line) || self.row(line)
    }

    /// `cleanup` tells the Message-ID of a number; `smtp` what became of each recipient; `qmgr` when it is done with it.
    fn postfix(&mut self, line: &str) -> bool {
        fn number(before: &str) -> Option<&str> {
            let number = before.rsplit(' ').next()?;
            let fits = (5..=20).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_alphanumeric());
            fits.then_some(number)
        }
        if let Some((before, id)) = line.split_once(": message-id=") {
            let Some(number) = number(before) else { return false };
            // A number is given again to another message.
            self.queued(number, id);
            return true;
        }
        if let Some((before, rest)) = line.split_once(": to=<") {
            let (Some(number), Some((to, rest))) = (number(before), rest.split_once(">,")) else {
                return false;
            };
            // The server's answer, which may say anything, stands behind the status.
            let Some((between, status)) = rest.split_once(" status=") else { return false };
            let before_alias = between.split_once("orig_to=<").and_then(|(_, rest)| rest.split_once('>'));
            self.tried(number, to, status.starts_with("deferred"));
            if status.starts_with("sent") {
                self.sent(number, [Some(to), before_alias.map(|(address, _)| address)]);
            }
            return true;
        }
        if let Some(number) = line.strip_suffix(": removed").and_then(number) {
            self.queue.remove(number);
            return true;
        }
        false
    }

    /// `<=` tells the Message-ID of a message that came; `=>` and `->` whom it was delivered to; `==` and `**` whom not.
    fn exim(&mut self, line: &str) -> bool {
        let mut words = line.split_ascii_whitespace().skip_while(|word| !is_exim_number(word));
        let (Some(number), Some(mark)) = (words.next(), words.next()) else { return false };
        match mark {
            "<=" => {
                // What the sender writes, such as the subject, stands behind it.
                if let Some(id) = words.find_map(|word| word.strip_prefix("id=")) {
                    self.queued(number, id);
                }
            }
            "=>" | "->" => {
                let to = words.next();
                // Where it was addressed to; before it may stand what it became on the way. Then fields follow.
                let before_alias =
                    words.take_while(|word| !word.contains('=')).find(|word| word.starts_with('<'));
                for address in [to, before_alias].into_iter().flatten() {
                    self.tried(number, address.trim_matches(['<', '>']), false);
                }
                self.sent(number, [to, before_alias]);
            }
            "Completed" => {
                self.queue.remove(number);
            }
            "==" | "**" => self.tried(number, words.next().unwrap_or_default(), mark == "=="),
            _ => return false,
        }
        true
    }

    /// What a mail service reports: an object a line, or several in a list. A journal wraps a mail server's lines the same way.
    fn events(&mut self, line: &str) -> bool {
        let Ok(value) = serde_json::from_str(line) else { return false };
        let events = match value {
            Value::Array(events) => events,
            event => vec![event],
        };
        let mut understood = false;
        for event in events {
            let mut told = Told::default();
            told.look_at("", &event);
            understood |= self.take(&told)
                || told.texts.iter().any(|text| self.postfix(text.trim()) || self.exim(text));
        }
        understood
    }

    /// A table of a mail service: its first line names the columns.
    fn row(&mut self, line: &str) -> bool {
        // The header stands on top; services that put several exports into one file repeat it.
        let names = plain(line);
        if NAMES_ITS_MESSAGES.iter().any(|name| names.contains(name))
            && let Some(header) = Table::headed_by(line)
        {
            self.table = Some(header);
            return false;
        }
        let Some(table) = &self.table else { return false };
        let mut told = Told::default();
        for (at, field) in table.fields(line).iter().enumerate() {
            if table.events.contains(&at) {
                told.word(field);
            }
            told.texts.push(field.to_owned());
        }
        self.take(&told)
    }

    fn take(&mut self, told: &Told) -> bool {
        let Told { sent, failed, waits, other, .. } = *told;
        if sent || failed || waits {
            for which in told.texts.iter().filter_map(|text| self.ours(text)).collect::<Vec<_>>() {
                *self.with_service.entry(which.clone()).or_default() |= sent || failed;
                if sent && !failed {
                    // Such a service gets one recipient a message from us, and adds none.
                    self.sent.insert((which, None));
                }
            }
        }
        sent || failed || waits || other
    }

    fn queued(&mut self, number: &str, message_id: &str) {
        match self.ours(message_id) {
            Some(which) => self.queue.insert(number.to_owned(), Queued { which, waits_for: None }),
            None => self.queue.remove(number),
        };
    }

    fn tried(&mut self, number: &str, to: &str, waits: bool) {
        let Some(queued) = self.queue.get_mut(number) else { return };
        let whom = queued.waits_for.get_or_insert_default();
        if waits {
            whom.insert(to.to_lowercase());
        } else {
            whom.remove(&to.to_lowercase());
        }
    }

    fn sent(&mut self, number: &str, to: [Option<&str>; 2]) {
        let Some(Queued { which, .. }) = self.queue.get(number) else { return };
        for address in to.into_iter().flatten() {
            let Ok(address) = EmailAddress::parse(address.trim_matches(['<', '>'])) else { continue };
            self.sent.insert((which.clone(), Some(address.key())));
        }
    }

    /// The copy of this edition that a Message-ID is of.
    fn ours(&self, message_id: &str) -> Option<Which> {
        let which = delivery::parse_message_id(self.keys, message_id)?;
        which.is_of(self.edition.id, &self.edition.public_id).then_some(which)
    }
}

/// `1rgAbc-0001Xy-2z`, since Exim 4.97 `1rgAbc-000000001Xy-2zAb`.
fn is_exim_number(word: &str) -> bool {
    let lengths = word.split('-').map(str::len);
    (lengths.clone().eq([6, 6, 2]) || lengths.eq([6, 11, 4]))
        && word.bytes().all(|c| c == b'-' || c.is_ascii_alphanumeric())
}

/// What one event of a mail service says.
#[derive(Default)]
struct Told {
    sent: bool,
    failed: bool,
    /// The service has it, and is not done with it.
    waits: bool,
    other: bool,
    /// All texts in it; a Message-ID of ours is known by its proof wherever it stands.
    texts: Vec<String>,
}

/// Where such services say what happened, in letters and figures alone.
const EVENT: &[&str] = &[
    "event",
    "eventtype",
    "notificationtype",
    "recordtype",
    "type",
    "status",
    "state",
    "lastevent",
    "deliverystatus",
];
const SENT: &[&str] = &["delivered", "delivery", "sent", "send"];
const FAILED: &[&str] = &[
    "bounce",
    "bounced",
    "hardbounce",
    "failed",
    "undelivered",
    "dropped",
    "reject",
    "rejected",
    "blocked",
    "error",
    "expired",
];
const WAITS: &[&str] = &[
    "accepted",
    "processed",
    "queued",
    "request",
    "injection",
    "deferred",
    "delayed",
    "deliverydelay",
    "softbounce",
];
const OTHER: &[&str] = &[
    "open",
    "opened",
    "click",
    "clicked",
    "complaint",
    "complained",
    "spam",
    "spamcomplaint",
    "spamreport",
    "subscriptionchange",
    "unsubscribe",
    "unsubscribed",
];

impl Told {
    fn look_at(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) => {
                if EVENT.contains(&plain(name).as_str()) {
                    self.word(text);
                }
                self.texts.push(text.clone());
            }
            Value::Array(values) => values.iter().for_each(|value| self.look_at("", value)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.look_at(name, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn word(&mut self, text: &str) {
        let word = plain(text.rsplit('.').next().unwrap_or(text));
        let is_in = |words: &[&str]| words.contains(&word.as_str());
        self.sent |= is_in(SENT);
        self.failed |= is_in(FAILED);
        self.waits |= is_in(WAITS);
        self.other |= is_in(OTHER);
    }
}

#[derive(Debug)]
struct Table {
    delimiter: u8,
    /// The columns that say what happened.
    events: Vec<usize>,
}

/// What the column of Message-IDs is called, or ends with.
const NAMES_ITS_MESSAGES: [&str; 2] = ["messageid", "smtpid"];

impl Table {
    fn headed_by(line: &str) -> Option<Self> {
        [b',', b';', b'\t'].into_iter().find_map(|delimiter| {
            let mut table = Self { delimiter, events: Vec::new() };
            let names: Vec<_> = table.fields(line).iter().map(plain).collect();
            let says_which = names.iter().any(|name| NAMES_ITS_MESSAGES.iter().any(|id| name.ends_with(id)));
            let events = names.iter().enumerate().filter(|(_, name)| EVENT.contains(&name.as_str()));
            table.events = events.map(|(at, _)| at).collect();
            (says_which && !table.events.is_empty()).then_some(table)
        })
    }

    fn fields(&self, line: &str) -> csv::StringRecord {
        let mut row = csv::ReaderBuilder::new();
        let mut rows = row.has_headers(false).delimiter(self.delimiter).from_reader(line.as_bytes());
        rows.records().next().and_then(Result::ok).unwrap_or_default()
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

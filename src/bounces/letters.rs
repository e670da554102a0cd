//! Bounces as letters: what servers without status notifications (qmail, Exim, Domino, old Exchange …) write to people.
//!
//! They have one shape: a greeting, then the addresses, each with the reason beside or below it, then the message that is
//! returned, below a line that says so.

use super::{
    Action, Reason, ReportedRecipient, Said, judge_said,
    mime::{Headers, Message, decoded},
    replies, scan,
};

const LONGEST: usize = 64 * 1024;
const MOST_BLOCKS: usize = 100;
const LONGEST_BLOCK: usize = 4 * 1024;

/// The text of a message, cut where the returned message begins.
pub struct Letter {
    /// What the server wrote.
    pub human: String,
    /// What comes below it.
    pub returned: String,
    subject: String,
    from: String,
    own: Vec<String>,
    ours: Vec<String>,
    no_return: bool,
    failed: Vec<String>,
    returns: bool,
}

/// An address and what is said of it.
pub struct Block {
    /// Whom it is about.
    pub address: String,
    /// What is said.
    pub words: String,
}

impl Letter {
    /// Of a message.
    pub fn new(message: &Message) -> Self {
        let text: Vec<&str> = message
            .parts
            .iter()
            .filter(|part| is_letter(&part.kind))
            .map(|part| part.text.as_str())
            .collect();
        let text = text.iter().find(|text| !text.trim().is_empty()).copied().unwrap_or_default();
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let cut = returned_at(text);
        let headers = &message.headers;
        let mut own: Vec<String> = Vec::new();
        for name in ["to", "delivered-to", "x-original-to", "envelope-to"] {
            own.extend(
                headers
                    .all(name)
                    .take(5)
                    .flat_map(scan::addresses)
                    .map(|(_, one)| one.to_lowercase())
                    .take(20),
            );
        }
        let path = headers.get("return-path").unwrap_or("-").to_ascii_lowercase();
        let failed = headers.all("x-failed-recipients").take(20);
        let returns = cut < text.len() || message.part(&["message/rfc822", "text/rfc822-headers"]).is_some();
        Self {
            returns,
            ours: own.clone(),
            human: text[..cut].to_owned(),
            returned: text[cut..].to_owned(),
            subject: decoded(headers.get("subject").unwrap_or_default()).to_lowercase(),
            from: decoded(headers.get("from").unwrap_or_default()).to_lowercase(),
            own,
            no_return: path.is_empty() || path == "<>" || is_daemon(&path),
            failed: failed
                .flat_map(scan::addresses)
                .map(|(_, one)| one.to_owned())
                .take(MOST_BLOCKS)
                .collect(),
        }
    }

    /// Whom the returned message names as its sender is us, too.
    pub fn know_sender(&mut self, returned: &Headers) {
        let named = ["return-path", "from", "sender", "reply-to"].map(|name| returned.get(name));
        let addresses = named.into_iter().flatten().filter_map(scan::address);
        self.ours.extend(addresses.map(str::to_owned));
    }

    /// Addresses of ours: where it was sent to, and who sent what it returns.
    pub fn ours(&self) -> &[String] {
        &self.ours
    }

    /// Whether it only says that the server is still trying.
    pub fn is_delay(&self) -> bool {
        const SIGNS: &[&str] = &[
            "this is a warning message only",
            "you do not need to resend",
            "has been delayed",
            "is delayed for",
            "has not yet been delivered",
            "not yet been delivered",
            "will keep trying",
            "still being retried",
            "temporary failure report",
            "will be retried",
            "delivery attempts will continue",
            "message is delayed",
            "we will continue to try",
            "no action is required on your part",
        ];
        let human = scan::plain(&self.human[..self.human.floor_char_boundary(4_096)]);
        let given_up =
            ["gave up", "given up", "giving up", "permanent"].iter().any(|sign| human.contains(sign));
        let subject = ["delayed", "(delay)", "warning: could not send", "still being retried"];
        subject.iter().any(|sign| self.subject.contains(sign))
            || !given_up && SIGNS.iter().any(|sign| human.contains(sign))
    }

    /// Whether it says that the message arrived.
    fn is_delivered(&self) -> bool {
        const SIGNS: &[&str] = &[
            "successfully delivered",
            "was delivered to",
            "has been delivered",
            "was successfully",
            "delivery was successful",
            "successful delivery",
            "delivered successfully",
            "were successfully",
        ];
        let human = scan::plain(&self.human[..self.human.floor_char_boundary(4_096)]);
        let failed = ["not been delivered", "not delivered", "fail", "undeliver", "error"]
            .iter()
            .any(|sign| human.contains(sign));
        let subject = ["(success)", "delivered:", "successful", "delivery receipt"];
        !failed
            && (subject.iter().any(|sign| self.subject.contains(sign))
                || SIGNS.iter().any(|sign| human.contains(sign)))
    }

    /// The subject, in lower case.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What the subject alone says, if it says why.
    fn subject_tells(&self) -> bool {
        replies::read(Said::Somewhere, None, None, &[&self.subject]).reason != Reason::Unknown
    }

    /// Whether several things speak for a bounce; a person's letter about a failure has one at most.
    fn is_bounce(&self) -> bool {
        const SUBJECTS: &[&str] = &[
            "undeliver",
            "returned mail",
            "returned message",
            "failure",
            "failed",
            "delivery status",
            "delivery error",
            "delivery problem",
            "delivery notification",
            "delivery report",
            "mail error",
            "mail system error",
            "could not be",
            "couldn't be",
            "not delivered",
            "nondeliverable",
            "non-deliverable",
            "error sending",
            "delivery",
            "unzustellbar",
            "non remis",
            "no se puede entregar",
            "mancato recapito",
            "bounce",
            "mailbox full",
            "user unknown",
            "delay",
            "rejected",
        ];
        const TEXTS: &[&str] = &[
            "could not be delivered",
            "couldn't be delivered",
            "can't be delivered",
            "cannot be delivered",
            "was not delivered",
            "wasn't delivered",
            "not be delivered",
            "did not reach",
            "undeliverable",
            "unable to deliver",
            "delivery failed",
            "delivery has failed",
            "failed to deliver",
            "delivery to the following",
            "delivery errors",
            "delivery problems",
            "permanent error",
            "permanent fatal error",
            "fatal errors",
            "transcript of session",
            "error delivering",
            "error occurred while",
            "following address",
            "failure reasons",
            "returned to sender",
            "did not receive this message",
            "error message below",
            "invalid user",
            "rejected by a remote",
            "mail delivery",
            "message returned",
            "unknown user",
            "user unknown",
            "wasn't able to deliver",
            "is delayed",
            "undelivered",
            "not yet been delivered",
            "problems delivering",
            "trouble delivering",
            "delivery failure",
            "non-delivery",
        ];
        let human = scan::plain(&self.human);
        let signs = [
            is_daemon(&self.from),
            self.no_return,
            SUBJECTS.iter().any(|sign| self.subject.contains(sign))
                || self.subject_tells() && self.is_by_a_machine(),
            TEXTS.iter().any(|sign| human.contains(sign)),
            !self.failed.is_empty(),
            self.returns,
        ];
        signs.iter().filter(|sign| **sign).count() >= 2 && (signs[0] || signs[2] || signs[3] || signs[4])
    }

    fn is_by_a_machine(&self) -> bool {
        self.no_return || is_daemon(&self.from)
    }

    /// What is said of whom. With `wanted`, of these only.
    pub fn blocks(&self, wanted: &[&str]) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut current: Option<usize> = None;
        // Addresses that stand right above one another share what is said below the last of them.
        let mut above: Vec<usize> = Vec::new();
        let mut shared: Vec<(usize, usize)> = Vec::new();
        for mut line in self.human.lines() {
            // Beside one another they share it, too.
            while let Some((address, rest)) = opening(line)
                && self.may_be(address, wanted)
                && let Some(next) = beginning_with_another(rest)
                && blocks.len() < MOST_BLOCKS
            {
                if !blocks.iter().any(|block| block.address.eq_ignore_ascii_case(address)) {
                    above.push(blocks.len());
                    blocks.push(Block { address: address.to_owned(), words: String::new() });
                }
                line = next;
            }
            if let Some((address, rest)) = opening(line)
                && self.may_be(address, wanted)
            {
                let known = blocks.iter().position(|block| block.address.eq_ignore_ascii_case(address));
                let place = known.unwrap_or(blocks.len());
                if known.is_none() {
                    if blocks.len() >= MOST_BLOCKS {
                        break;
                    }
                    blocks.push(Block { address: address.to_owned(), words: String::new() });
                }
                if rest.trim_matches(['>', ':', ',', ' ', '\t', ')']).is_empty() && known.is_none() {
                    above.push(place);
                } else {
                    shared.extend(above.drain(..).map(|one| (one, place)));
                }
                current = Some(place);
                append(&mut blocks[place].words, rest);
                continue;
            }
            // Where Sendmail goes on to the next host.
            if line.contains("(smtp)...")
                || line.trim_start().to_ascii_lowercase().starts_with("while talking to")
            {
                current = None;
            }
            if let Some(place) = current {
                append(&mut blocks[place].words, line);
            }
            if !line.trim().is_empty()
                && let Some(last) = above.pop()
            {
                shared.extend(above.drain(..).map(|one| (one, last)));
            }
        }
        for (one, last) in shared {
            if blocks[one].words.trim().is_empty() {
                blocks[one].words = blocks[last].words.clone();
            }
        }
        blocks
    }

    fn may_be(&self, address: &str, wanted: &[&str]) -> bool {
        if wanted.is_empty() {
            return !self.is_own(address) && !is_daemon(&address.to_ascii_lowercase());
        }
        wanted.iter().any(|one| one.eq_ignore_ascii_case(address))
    }

    fn is_own(&self, address: &str) -> bool {
        self.own.contains(&address.to_lowercase())
    }
}

/// What a letter says; `None` where it is no bounce.
pub fn read(message: &Message, letter: &Letter, returned: &Headers) -> Option<Vec<ReportedRecipient>> {
    if !letter.is_bounce() {
        return None;
    }
    let mut blocks = letter.blocks(&letter.failed.iter().map(String::as_str).collect::<Vec<_>>());
    if blocks.is_empty() {
        blocks = anywhere(letter, returned);
    }
    if blocks.is_empty() {
        return None;
    }
    let action = if letter.is_delay() {
        Action::Delayed
    } else if letter.is_delivered() {
        Action::Delivered
    } else {
        Action::Failed
    };
    let alone = blocks.len() == 1;
    let subject = decoded(message.headers.get("subject").unwrap_or_default());
    let recipients = blocks.into_iter().map(|block| {
        // What stands before the address, or in the subject, is about it too where there is no other.
        let (human, subject) = match (alone, block.words.trim().is_empty()) {
            (true, _) => (letter.human.as_str(), subject.as_str()),
            (false, true) => (letter.human.as_str(), ""),
            (false, false) => ("", ""),
        };
        judge_said(
            block.address,
            action,
            Said::Somewhere,
            None,
            &[&block.words, human, subject],
            letter.ours(),
        )
    });
    Some(recipients.collect())
}

/// Without a line that begins with an address: the header that names it, any address in the text, the returned message's.
fn anywhere(letter: &Letter, returned: &Headers) -> Vec<Block> {
    let block = |address: &str| Block { address: address.to_owned(), words: String::new() };
    if !letter.failed.is_empty() {
        return letter.failed.iter().map(|address| block(address)).collect();
    }
    let strange = |address: &&str| !letter.is_own(address) && !is_daemon(&address.to_ascii_lowercase());
    let helpful = |address: &str| {
        ["support@", "help", "abuse@", "admin"]
            .iter()
            .any(|start| address.to_ascii_lowercase().starts_with(start))
    };
    let found =
        scan::addresses(&letter.human).map(|(_, address)| address).filter(|one| !helpful(one)).find(strange);
    let in_subject = || scan::addresses(&letter.subject).map(|(_, address)| address).find(strange);
    let to = || returned.get("to").and_then(scan::address);
    let own = || scan::address(&letter.human);
    let named: Vec<Block> =
        found.or_else(in_subject).or_else(to).or_else(own).map(block).into_iter().collect();
    // Nobody is named: a return address of ours tells whose copy it was, if the words tell anything at all.
    if named.is_empty() && letter.is_by_a_machine() && letter.subject_tells() {
        vec![block("")]
    } else {
        named
    }
}

/// The fields that stand, perhaps indented, in the text of a returned message.
pub fn headers_of(returned: &str) -> Headers {
    let is_field = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| {
            !name.is_empty() && name.len() < 40 && !name.contains(char::is_whitespace)
        })
    };
    let lines: Vec<&str> = returned
        .lines()
        .skip_while(|line| !is_field(line))
        .take_while(|line| !line.trim().is_empty())
        .take(300)
        .collect();
    Headers::read(lines.join("\n").as_bytes()).0
}

/// A line that begins with an address, perhaps behind a reply code or brackets; with what follows it.
fn opening(line: &str) -> Option<(&str, &str)> {
    let (at, address) = scan::addresses(line).next()?;
    let before =
        line[..at].trim().trim_start_matches(">>>").trim_matches(['<', '"', '\'', '-', '*', '(', '[', ':']);
    let before = before.trim();
    // Reply and status codes in front, as in `550 5.1.1 <ann@example.org>... User unknown`.
    let code = before.split_whitespace().all(|word| {
        word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'#')
    });
    let fields = ["to", "rfc822", "recipient", "failed recipient", "mailto"];
    let named = fields.contains(&before.trim_end_matches([':', ';', '<', ' ']).to_ascii_lowercase().as_str());
    (before.is_empty() || code || named && !line.trim_start().to_ascii_lowercase().starts_with("to:"))
        .then(|| (address, &line[at + address.len()..]))
}

/// What follows an address, if that is another one at once.
fn beginning_with_another(rest: &str) -> Option<&str> {
    let next = rest
        .trim_start_matches(['>', ' ', '\t'])
        .strip_prefix([',', ';'])?
        .trim_start_matches([' ', '\t', '<']);
    scan::addresses(next).next().filter(|(at, _)| *at == 0).map(|_| next)
}

fn append(words: &mut String, line: &str) {
    if words.len() + line.len() < LONGEST_BLOCK {
        words.push_str(line.trim_matches(['>', ':', ' ', '\t']));
        words.push('\n');
    }
}

fn is_letter(kind: &str) -> bool {
    matches!(kind, "text/plain" | "text/html" | "text/enriched")
}

/// Whether the address is one that mail servers write reports from.
pub fn is_daemon(address: &str) -> bool {
    [
        "mailer-daemon",
        "mailer daemon",
        "mailerdaemon",
        "postmaster",
        "post_master",
        "poostmaster",
        "mail delivery",
        "mail deliver",
        "mail-daemon",
        "maildaemon",
        "mail_daemon",
        "mailadmin",
        "system administrator",
        "sysadmin",
        "mail administrator",
        "bounce@",
        "delivery subsystem",
    ]
    .iter()
    .any(|name| address.contains(name))
}

/// Where the returned message begins: below a line that says so, or at the first line of its header.
fn returned_at(text: &str) -> usize {
    let mut at = 0;
    let mut written = false;
    for line in text.split_inclusive('\n') {
        if written && (announces(line) || begins_header(line)) {
            return at;
        }
        written |= !line.trim().is_empty();
        at += line.len();
    }
    text.len()
}

fn announces(line: &str) -> bool {
    let line = line.trim().to_lowercase();
    if line.len() > 120 || line.contains('@') {
        return false;
    }
    let bare = line.trim_matches(['-', '_', '=', '*', ' ', '.', ':', '#', '>']);
    let ruled = bare.len() + 4 <= line.len() || line.starts_with("--");
    const NAMED: &[&str] = &[
        "original message",
        "returned message",
        "original mail",
        "message header",
        "message follows",
        "returned mail",
        "non-delivered message",
        "undelivered message",
    ];
    const SENTENCES: &[&str] = &[
        "copy of the message",
        "copy of your message",
        "copy of the original",
        "original message follows",
        "message headers follow",
        "header of the original message",
        "headers of the original",
        "unsent message follows",
        "message header",
        "original message headers",
        "message is included below",
        "original message is below",
        "message text follows",
        "original message follow",
        "beginning of the original message",
        "included below is",
        "your original message",
    ];
    ruled && NAMED.iter().any(|name| bare.contains(name))
        || line.len() < 90 && SENTENCES.iter().any(|words| bare.contains(words))
        || matches!(bare, "original message" | "original message headers")
}

fn begins_header(line: &str) -> bool {
    ["return-path:", "received: ", "dkim-signature:", "message-id:", "mime-version:"].iter().any(|name| {
        line.len() >= name.len()
            && line.is_char_boundary(name.len())
            && line[..name.len()].eq_ignore_ascii_case(name)
    })
}

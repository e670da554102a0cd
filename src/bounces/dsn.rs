//! Delivery status notifications (RFC 3464): the fields of each recipient.

use super::scan;

/// What the fields say of one recipient.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// The address that was tried, or the one that was asked for.
    pub address: String,
    /// The address that was asked for, where it is another one.
    pub original: Option<String>,
    /// `failed`, `delayed`, `delivered`, `relayed`, `expanded`, in lower case; empty where it is missing.
    pub action: String,
    /// The Status field's code.
    pub status: Option<String>,
    /// The other server's words, without their type.
    pub diagnostic: String,
    /// Whether these are the words of a program on the other machine, not of a mail server.
    pub by_program: bool,
}

const MOST: usize = 200;

/// The recipients of the fields in a text; what is no field is passed over, for many servers write them into their letter.
pub fn read(text: &str) -> Vec<Fields> {
    let mut found: Vec<Fields> = Vec::new();
    let mut current = Fields::default();
    let mut last = Field::Other;
    for line in text.lines() {
        if line.trim().is_empty() {
            finish(&mut found, &mut current);
            last = Field::Other;
            continue;
        }
        if line.starts_with([' ', '\t']) && last != Field::Other {
            match last {
                Field::Diagnostic => {
                    current.diagnostic.push(' ');
                    current.diagnostic.push_str(line.trim());
                }
                Field::Recipient if current.address.is_empty() => set_recipient(&mut current, line),
                _ => {}
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            // A line that lost its indentation on the way belongs to the words of the server.
            if last == Field::Diagnostic && current.diagnostic.len() < 2_000 {
                current.diagnostic.push(' ');
                current.diagnostic.push_str(line.trim());
            }
            continue;
        };
        let value = value.trim();
        last = Field::Other;
        match name.trim().to_ascii_lowercase().as_str() {
            "final-recipient" => {
                // Two recipients without an empty line between them.
                if !current.address.is_empty() && current.original.as_ref() != Some(&current.address) {
                    finish(&mut found, &mut current);
                }
                current.address.clear();
                set_recipient(&mut current, value);
                last = Field::Recipient;
            }
            "original-recipient" => {
                let original = scan::address(value).map(str::to_owned);
                if current.address.is_empty() {
                    current.address = original.clone().unwrap_or_default();
                }
                current.original = original;
            }
            "action" => current.action = first_word(value),
            "status" => current.status = scan::statuses(value).next().map(str::to_owned),
            "diagnostic-code" => {
                current.diagnostic = untyped(value);
                current.by_program = value.to_ascii_lowercase().starts_with("x-unix");
                last = Field::Diagnostic;
            }
            _ => {}
        }
        if found.len() >= MOST {
            return found;
        }
    }
    finish(&mut found, &mut current);
    found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Recipient,
    Diagnostic,
    Other,
}

fn finish(found: &mut Vec<Fields>, current: &mut Fields) {
    if current.address.is_empty() {
        // An empty line within one recipient's fields: keep what was read for the next group.
        return;
    }
    let fields = std::mem::take(current);
    // Some servers put Status and Diagnostic-Code into a group of their own; an address alone says nothing.
    let says_something =
        !fields.action.is_empty() || fields.status.is_some() || !fields.diagnostic.is_empty();
    if says_something {
        found.push(fields);
    } else {
        *current = fields;
    }
}

fn set_recipient(fields: &mut Fields, value: &str) {
    let value = value.split_once(';').map_or(value, |(_, address)| address).trim();
    fields.address = scan::address(value).unwrap_or_else(|| value.trim_matches(['<', '>'])).to_owned();
}

/// `failed (bad destination mailbox)` is `failed`.
fn first_word(value: &str) -> String {
    value.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase()
}

/// `smtp; 550 …` is `550 …`.
fn untyped(value: &str) -> String {
    match value.split_once(';') {
        Some((kind, words)) if kind.len() < 20 && !kind.contains(' ') => words.trim().to_owned(),
        _ => value.to_owned(),
    }
}

//! Messages: the headers of digests and of notices, and a whole notice.
//!
//! A digest has the headers of bulk mail and none of automatic mail; a notice the other way round (RFC 8058, RFC 2369,
//! RFC 2919, RFC 3834 section 5.2). No value with a control character is ever written.

use super::{address, encode::HeaderLine, mime, personal::clean_line, templates::Rendered};
use crate::clock::Moment;

/// The longest display name, in characters.
const LONGEST_NAME: usize = 100;

/// The longest URI in a header, so that its line stays far below the 998 octets of RFC 5322.
const LONGEST_URI: usize = 900;

/// Why a header was not written. The value itself is not repeated: it may be somebody's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not an address that we write to.
    #[error("the address in {0} is not one that mail can be sent with")]
    Address(&'static str),
    /// A line break or another control character.
    #[error("{0} holds a line break or another control character")]
    Control(&'static str),
    /// Not `local@domain` in plain ASCII.
    #[error("the Message-ID is not of the form local@domain")]
    MessageId,
    /// Not a host-like name, or longer than 255 characters with its title (RFC 2919).
    #[error("the List-Id is not of the form id.domain, or is too long")]
    ListId,
    /// A field that is empty, has other characters, or a sender id not of 5 to 15 characters.
    #[error("a field of the Feedback-ID is missing or malformed")]
    FeedbackId,
    /// Not an https address (or http on this very machine), or not a mailto one.
    #[error("the address in {0} is not one of the web that begins with https://")]
    Uri(&'static str),
}

/// A display name, which may be empty, and an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mailbox<'a> {
    /// The name; cleaned when written.
    pub name: &'a str,
    /// The address; refused if it is not a plain one.
    pub address: &'a str,
}

/// What receivers report complaints by: `edition:stream:site:sender`, nothing about one reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedbackId<'a> {
    pub edition: &'a str,
    /// The kind of mail, such as the list's short name.
    pub stream: &'a str,
    /// The magazine's short name.
    pub site: &'a str,
    /// The sender, 5 to 15 characters, never changed.
    pub sender: &'a str,
}

/// The headers that are the same in every copy of a version.
#[derive(Clone, Copy, Debug)]
pub struct BulkHeaders<'a> {
    /// Who writes.
    pub from: Mailbox<'a>,
    /// Where replies go, if not to `from`.
    pub reply_to: Option<Mailbox<'a>>,
    /// The subject; see [`super::Compiled::subject`].
    pub subject: &'a str,
    /// The list's name for people.
    pub list_name: &'a str,
    /// The list's lasting id on our domain, such as "weekly.news.example.org".
    pub list_id: &'a str,
    /// For receivers' complaint reports.
    pub feedback_id: FeedbackId<'a>,
}

/// The headers of one copy.
#[derive(Clone, Copy, Debug)]
pub struct CopyHeaders<'a> {
    /// The reader.
    pub to: Mailbox<'a>,
    /// `local@domain` without brackets; the same whenever this copy is tried again.
    pub message_id: &'a str,
    /// When this copy was first written.
    pub date: Moment,
    /// The address that takes the one-click POST (RFC 8058).
    pub unsubscribe_url: &'a str,
    /// A mailto address that does the same, if there is one.
    pub unsubscribe_mailto: Option<&'a str>,
}

/// The headers of an edition, checked and encoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditionHeaders(Vec<u8>);

impl EditionHeaders {
    /// Checks and encodes what is the same in every copy.
    ///
    /// # Errors
    /// The first value that may not be written.
    pub fn new(bulk: &BulkHeaders<'_>) -> Result<Self, HeaderError> {
        let mut out = Vec::with_capacity(512);
        mailbox("From", bulk.from, &mut out)?;
        if let Some(reply_to) = bulk.reply_to {
            mailbox("Reply-To", reply_to, &mut out)?;
        }
        subject(bulk.subject, &mut out)?;
        list_id(bulk.list_name, bulk.list_id, &mut out)?;
        out.extend_from_slice(ONE_CLICK);
        feedback_id(&bulk.feedback_id, &mut out)?;
        Ok(Self(out))
    }

    /// Appends all headers of one copy to `out`; [`super::Compiled::write_body`] goes on from there.
    ///
    /// # Errors
    /// A value of this copy that may not be written; `out` is then as long as it was.
    pub fn write(&self, copy: &CopyHeaders<'_>, out: &mut Vec<u8>) -> Result<(), HeaderError> {
        let start = out.len();
        out.extend_from_slice(&self.0);
        let written = write_copy(copy, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// The address of the web in List-Unsubscribe takes a POST.
const ONE_CLICK: &[u8] = b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";

fn write_copy(copy: &CopyHeaders<'_>, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    mailbox("To", copy.to, out)?;
    date_and_id(copy.date, copy.message_id, out)?;
    ways_out(copy.unsubscribe_url, copy.unsubscribe_mailto, out)
}

fn ways_out(url: &str, mailto: Option<&str>, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    if !is_secure(url) || !is_uri(url) {
        return Err(HeaderError::Uri("List-Unsubscribe"));
    }
    out.extend_from_slice(b"List-Unsubscribe: <");
    out.extend_from_slice(url.as_bytes());
    out.push(b'>');
    if let Some(mailto) = mailto {
        if !mailto.starts_with("mailto:") || !is_uri(mailto) {
            return Err(HeaderError::Uri("List-Unsubscribe"));
        }
        out.extend_from_slice(b",\r\n <");
        out.extend_from_slice(mailto.as_bytes());
        out.push(b'>');
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

/// The headers of a notice, but for its subject.
#[derive(Clone, Copy, Debug)]
pub struct NoticeHeaders<'a> {
    /// Who writes.
    pub from: Mailbox<'a>,
    /// Who gets it.
    pub to: Mailbox<'a>,
    /// Where replies go, if not to `from`.
    pub reply_to: Option<Mailbox<'a>>,
    /// `local@domain` without brackets; the same whenever this notice is tried again.
    pub message_id: &'a str,
    /// When it was first written.
    pub date: Moment,
    /// How its reader leaves the list, of a letter that is mail of one: by one click (RFC 8058), and by a mail if there is a mailbox.
    pub leaves: Option<(&'a str, Option<&'a str>)>,
}

/// A whole notice for DATA, ending in CRLF, without the final dot; no line begins with a dot, so nothing is to be stuffed.
///
/// # Errors
/// A header value that may not be written.
pub fn notice_message(headers: &NoticeHeaders<'_>, rendered: &Rendered) -> Result<Vec<u8>, HeaderError> {
    let mut out = Vec::with_capacity(1024 + rendered.text.len() + rendered.html.len() * 5 / 4);
    mailbox("From", headers.from, &mut out)?;
    if let Some(reply_to) = headers.reply_to {
        mailbox("Reply-To", reply_to, &mut out)?;
    }
    mailbox("To", headers.to, &mut out)?;
    subject(&rendered.subject, &mut out)?;
    date_and_id(headers.date, headers.message_id, &mut out)?;
    out.extend_from_slice(b"Auto-Submitted: auto-generated\r\n");
    if let Some((url, mailto)) = headers.leaves {
        out.extend_from_slice(ONE_CLICK);
        ways_out(url, mailto, &mut out)?;
    }
    let boundary = mime::boundary(&[rendered.text.as_bytes(), rendered.html.as_bytes()]);
    let body = mime::alternative(&boundary, &rendered.text.clone().into(), &rendered.html.clone().into());
    out.extend_from_slice(&body.bytes);
    Ok(out)
}

fn mailbox(header: &'static str, mailbox: Mailbox<'_>, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    let address = address::header_form(mailbox.address).ok_or(HeaderError::Address(header))?;
    let name = clean_line(mailbox.name, LONGEST_NAME);
    let mut line = HeaderLine::begin(header, out);
    if name.is_empty() {
        line.word(&address);
    } else {
        line.phrase(&name);
        line.word(&format!("<{address}>"));
    }
    line.end();
    Ok(())
}

fn subject(subject: &str, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    if subject.contains(char::is_control) {
        return Err(HeaderError::Control("Subject"));
    }
    let mut line = HeaderLine::begin("Subject", out);
    line.text(subject);
    line.end();
    Ok(())
}

fn date_and_id(date: Moment, id: &str, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    let atom = |part: &str| {
        !part.is_empty()
            && part.split('.').all(|atom| {
                !atom.is_empty()
                    && atom.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+'))
            })
    };
    let well_formed =
        id.len() <= 250 && id.split_once('@').is_some_and(|(local, domain)| atom(local) && atom(domain));
    if !well_formed {
        return Err(HeaderError::MessageId);
    }
    out.extend_from_slice(format!("Date: {}\r\nMessage-ID: <{id}>\r\n", date.rfc5322()).as_bytes());
    Ok(())
}

fn list_id(name: &str, id: &str, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if !id.contains('.') || !id.split('.').all(label) {
        return Err(HeaderError::ListId);
    }
    if name.contains(char::is_control) {
        return Err(HeaderError::Control("List-Id"));
    }
    let start = out.len();
    let mut line = HeaderLine::begin("List-Id", out);
    line.phrase(&clean_line(name, LONGEST_NAME));
    line.word(&format!("<{id}>"));
    line.end();
    if out.len() - start > 255 {
        return Err(HeaderError::ListId);
    }
    Ok(())
}

fn feedback_id(id: &FeedbackId<'_>, out: &mut Vec<u8>) -> Result<(), HeaderError> {
    let well_formed = |field: &str| {
        (1..=40).contains(&field.len())
            && field.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let fields = [id.edition, id.stream, id.site, id.sender];
    if !fields.into_iter().all(well_formed) || !(5..=15).contains(&id.sender.len()) {
        return Err(HeaderError::FeedbackId);
    }
    out.extend_from_slice(format!("Feedback-ID: {}\r\n", fields.join(":")).as_bytes());
    Ok(())
}

/// https, or http to this very machine, which only a demo uses.
fn is_secure(uri: &str) -> bool {
    let host = |uri: &str| uri.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let Some(rest) = uri.strip_prefix("http://") else { return uri.starts_with("https://") };
    let host = host(rest);
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host.as_str() }
    });
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

fn is_uri(uri: &str) -> bool {
    uri.len() <= LONGEST_URI
        && uri.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\\'))
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;

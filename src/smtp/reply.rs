//! Replies of an SMTP server (RFC 5321 section 4.2), read strictly enough to never take noise for a yes.

use std::fmt;

/// One reply: its code and its text, multi-line texts joined by a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// The server's words, without codes and line ends, at most [`Reply::LONGEST`] bytes.
    pub text: String,
    /// The texts of the lines, as EHLO needs them.
    pub lines: Vec<String>,
}

impl Reply {
    /// As much of the server's words as is kept.
    pub const LONGEST: usize = 512;

    /// 2xx.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 5xx: will not work by trying again.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.code / 100 == 5
    }

    /// The enhanced status code (RFC 3463), such as `5.1.1`, if the text begins with one of the reply's own class.
    #[must_use]
    pub fn enhanced(&self) -> Option<&str> {
        let word = self.text.split(' ').next()?;
        let mut parts = word.split('.');
        let class = parts.next()?.parse::<u16>().ok()?;
        let numbers =
            parts.filter(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
        (class == self.code / 100 && numbers.count() == 2 && word.matches('.').count() == 2).then_some(word)
    }
}

/// The code and the words.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Puts a reply together line by line.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    code: Option<u16>,
    lines: Vec<String>,
    bytes: usize,
}

/// More text than this in one reply is noise (TRUST F12).
const MOST_BYTES: usize = 64 * 1024;

impl Assembler {
    /// Takes one line without its end; the reply when it was the last one; an error when it is none.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, &'static str> {
        self.bytes += line.len();
        if self.bytes > MOST_BYTES {
            return Err("the reply is too long");
        }
        let (digits, rest) = line.split_at_checked(3).ok_or("the reply has no code")?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err("the reply has no code");
        }
        let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
        if !(200..600).contains(&code) || self.code.is_some_and(|first| first != code) {
            return Err("the reply has no sensible code");
        }
        let (last, text) = match rest.split_first() {
            None => (true, &b""[..]),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err("the reply has no sensible code"),
        };
        self.code = Some(code);
        self.lines.push(clean(text));
        if !last {
            return Ok(None);
        }
        let lines = std::mem::take(&mut self.lines);
        *self = Self::default();
        let mut text = String::new();
        for line in &lines {
            // In a multi-line reply each line repeats the enhanced code; once is enough to read.
            let line = if text.is_empty() { line.as_str() } else { without_repeated_code(&text, line) };
            if !text.is_empty() && !line.is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
        truncate(&mut text, Reply::LONGEST);
        Ok(Some(Reply { code, text, lines }))
    }
}

/// Printable text: what a server says is shown to staff and written to logs.
fn clean(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

fn without_repeated_code<'a>(text: &str, line: &'a str) -> &'a str {
    match (text.split(' ').next(), line.split_once(' ')) {
        (Some(code), Some((first, rest))) if code == first && code.contains('.') => rest,
        _ => line,
    }
}

fn truncate(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<Reply>, &'static str> {
        let mut assembler = Assembler::default();
        let mut reply = Ok(None);
        for line in lines {
            reply = assembler.take(line.as_bytes());
            if reply.is_err() {
                break;
            }
        }
        reply
    }

    #[test]
    fn a_reply_of_several_lines_is_one_reply() {
        let reply =
            read(&["550-5.1.1 no such", "550 5.1.1 user"]).expect("a good reply").expect("a whole one");
        assert_eq!(
            (reply.code, reply.text.as_str(), reply.enhanced()),
            (550, "5.1.1 no such user", Some("5.1.1"))
        );
        assert_eq!(read(&["250-one"]), Ok(None));
        assert_eq!(read(&["250"]).map(|reply| reply.map(|r| r.code)), Ok(Some(250)));
    }

    /// TRUST F12: noise is an error, never a yes and never a panic.
    #[test]
    fn noise_is_not_taken_for_a_reply() {
        for noise in ["", "2", "25", "abc", "25x ok", "250_ok", "999 no", "100 no", "\u{1}\u{2}\u{3} x"] {
            assert!(read(&[noise]).is_err(), "{noise:?} was taken");
        }
        assert!(read(&["250-one", "550 two"]).is_err());
        assert!(read(&[&format!("250 {}", "x".repeat(70_000))]).is_err());
        assert_eq!(read(&["250 a\u{1b}[31mb"]).ok().flatten().map(|r| r.text), Some("a [31mb".to_owned()));
    }
}

//! Finding the end of a message in the stream, and taking the stuffed dots out.
//!
//! The rule: strictly, only CRLF ends a line and only CRLF "." CRLF ends a message (RFC 5321 section 2.3.8); a message with a
//! bare CR or LF is read to its real end and then refused. Leniently, as the servers that SMTP smuggling worked on, any
//! of CR, LF and CRLF ends a line, and a dot alone between two of them ends the message.

use std::io::BufRead;

/// Which line ends the server believes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// CRLF alone; a bare CR or LF refuses the message.
    #[default]
    Strict,
    /// CR, LF or CRLF, as a careless server reads them.
    Lenient,
}

/// A message on its way in.
#[derive(Debug)]
pub(super) struct Body {
    ends: LineEnds,
    limit: usize,
    bytes: Vec<u8>,
    too_large: bool,
    bare: bool,
    at_line_start: bool,
}

/// What became of the bytes given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many bytes were used, and the end has not come.
    More(usize),
    /// So many bytes were used, the last of them ending the message.
    End(usize),
}

impl Body {
    pub(super) fn new(ends: LineEnds, limit: usize) -> Self {
        Self { ends, limit, bytes: Vec::new(), too_large: false, bare: false, at_line_start: true }
    }

    /// Whether it held a bare CR or LF, which a strict server refuses.
    pub(super) fn has_bare_line_end(&self) -> bool {
        self.bare
    }

    /// Whether it is larger than the limit; what came after the limit was thrown away.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// The message as it was before its dots were stuffed.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Reads as much as it can of what has arrived; bytes not used must be given again, with more behind them.
    pub(super) fn read(&mut self, input: &[u8]) -> Progress {
        let mut used = 0;
        while let Some(line) = self.next_line(&input[used..]) {
            used += line.len();
            // A line's own end decides; its start was decided by the line before.
            let is_line = self.ends == LineEnds::Lenient || line.ends_with(b"\r\n");
            let content = &line[..line.len() - end_length(line)];
            if self.at_line_start && content == b"." && is_line {
                return Progress::End(used);
            }
            let stuffed = self.at_line_start && line.first() == Some(&b'.');
            let kept = if stuffed { &line[1..] } else { line };
            if self.ends == LineEnds::Strict && (!is_line || content.contains(&b'\r')) {
                self.bare = true;
            }
            self.at_line_start = is_line;
            if self.bytes.len() + kept.len() > self.limit {
                self.too_large = true;
            } else {
                self.bytes.extend_from_slice(kept);
            }
        }
        Progress::More(used)
    }

    /// The next line with its end, once it is whole.
    fn next_line<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let mut reader = rest;
        // The search is the standard library's own, which is fast in a build without optimisation too.
        let length = reader.skip_until(b'\n').ok()?;
        let line = &rest[..length];
        let whole = line.last() == Some(&b'\n');
        if self.ends == LineEnds::Lenient
            && let Some(at) = line.iter().position(|byte| *byte == b'\r')
        {
            // A CR at the very end of what arrived may be half of a CRLF.
            return match line.get(at + 1) {
                None => None,
                Some(b'\n') => Some(&line[..at + 2]),
                Some(_) => Some(&line[..=at]),
            };
        }
        whole.then_some(line)
    }
}

fn end_length(line: &[u8]) -> usize {
    if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n") || line.ends_with(b"\r")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in_pieces(ends: LineEnds, stream: &[u8], piece: usize) -> (Body, usize) {
        let mut body = Body::new(ends, 1_000);
        let (mut start, mut end) = (0, 0);
        loop {
            end = (end + piece).min(stream.len());
            match body.read(&stream[start..end]) {
                Progress::End(used) => return (body, start + used),
                Progress::More(used) => start += used,
            }
            assert!(end < stream.len(), "no end in {stream:?}");
        }
    }

    #[test]
    fn stuffed_dots_come_out_however_the_bytes_arrive() {
        for piece in 1..20 {
            let stream = b"Subject: x\r\n\r\n..\r\n..a\r\na.\r\n.\r\nNEXT";
            let (body, used) = read_in_pieces(LineEnds::Strict, stream, piece);
            assert_eq!(&stream[used..], b"NEXT");
            assert!(!body.has_bare_line_end());
            assert_eq!(body.into_bytes(), b"Subject: x\r\n\r\n.\r\n.a\r\na.\r\n");
        }
    }

    /// TRUST A17: a strict reader is not led astray by any of the ends that smuggling uses.
    #[test]
    fn strictly_nothing_but_the_real_end_ends_a_message() {
        for fake in ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n"] {
            let stream = format!("a{fake}MAIL FROM:<x@example.org>\r\n.\r\n");
            for piece in 1..stream.len() {
                let (body, used) = read_in_pieces(LineEnds::Strict, stream.as_bytes(), piece);
                assert_eq!(used, stream.len(), "{fake:?} in pieces of {piece}");
                assert!(body.has_bare_line_end(), "{fake:?}");
            }
        }
    }

    /// TRUST A17: the lenient reader is the bait; it ends where a careless server would.
    #[test]
    fn leniently_every_kind_of_line_end_ends_a_message() {
        for fake in ["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n"] {
            let stream = format!("a{fake}MAIL FROM:<x@example.org>\r\n.\r\n");
            for piece in 1..stream.len() {
                let (_, used) = read_in_pieces(LineEnds::Lenient, stream.as_bytes(), piece);
                assert_eq!(used, 1 + fake.len(), "{fake:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_message_over_the_limit_is_read_to_its_end_and_marked() {
        let stream = format!("{}\r\n.\r\n", "x".repeat(2_000));
        let (body, used) = read_in_pieces(LineEnds::Strict, stream.as_bytes(), 64);
        assert_eq!(used, stream.len());
        assert!(body.is_too_large());
    }
}

//! The two directions of a connection: lines in, replies out.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    LineEnds,
    session::{Next, Session},
};

/// Longer than any command with its extensions may be (RFC 5321 section 4.5.3.1, RFC 4954).
const LINE_LIMIT: usize = 12_288;

impl Session {
    /// Puts a reply in line; a text of several lines becomes a reply of several lines (RFC 5321 section 4.2.1).
    pub(super) fn say(&mut self, code: u16, text: &str) -> Next {
        let mut lines = text.split('\n').peekable();
        while let Some(line) = lines.next() {
            let mark = if lines.peek().is_some() { '-' } else { ' ' };
            self.output.extend_from_slice(format!("{code}{mark}{line}\r\n").as_bytes());
        }
        self.last = Some((code, text.to_owned()));
        if code == 421 { Next::Close } else { Next::Listen }
    }

    /// The next command line without its end, once all replies are on their way; `None` when the client is gone.
    pub(super) async fn line(&mut self) -> io::Result<Option<Result<String, (u16, &'static str)>>> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(Some(self.check(&line)));
            }
            if self.input.len() > LINE_LIMIT {
                self.say(421, "4.5.2 The line is too long");
                self.flush().await?;
                return Ok(None);
            }
            self.flush().await?;
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    fn check(&self, line: &[u8]) -> Result<String, (u16, &'static str)> {
        let ended = match (line.strip_suffix(b"\r\n"), self.server.script.line_ends()) {
            (Some(line), _) => line,
            (None, LineEnds::Lenient) => &line[..line.len() - 1],
            (None, LineEnds::Strict) => return Err((500, "5.5.2 A command ends with CRLF")),
        };
        if ended.len() > LINE_LIMIT {
            return Err((500, "5.5.6 The line is too long"));
        }
        if ended.iter().any(|byte| matches!(byte, b'\r' | b'\0')) {
            return Err((500, "5.5.2 CR and NUL have no place in a command"));
        }
        String::from_utf8(ended.to_vec()).map_err(|_| (500, "5.5.2 The command is not UTF-8"))
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        Ok(())
    }

    /// Waits for more bytes; `false` when the client has gone.
    pub(super) async fn fill(&mut self) -> io::Result<bool> {
        self.input.reserve(64 * 1024);
        self.stream.is_awaited();
        let came = self.stream.read_buf(&mut self.input).await?;
        self.stream.was_heard();
        Ok(came > 0)
    }
}

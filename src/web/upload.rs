//! A file that a form sends (RFC 7578): read piece by piece as it comes.
//!
//! The rule: a form that sends a file holds the session's token in its first field, which is read before anything else is, and the file
//! behind it, alone. What is taken is only ever read; nothing gives it back as it came.

use std::io;

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody as _},
    http::{HeaderMap, header},
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::WebError;

/// The token stands within so many bytes, and so do the headings of a part.
const BEGINNING: usize = 8 * 1024;
const BROKEN: WebError = WebError::BadRequest("The file did not arrive as a form sends it. Choose it again.");

/// What stands between the parts of a form, if it is one that may hold a file.
pub(super) fn boundary(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = kind.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// The token in the first field, and the body as it came.
pub(super) async fn token(body: Body, boundary: &str, limit: usize) -> Result<(String, Body), WebError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(WebError::TooLarge);
    }
    let mut pieces = body.into_data_stream();
    let mut beginning = Vec::new();
    let token = loop {
        if let Some(token) = first_field(&beginning, boundary) {
            break token;
        }
        match pieces.next().await {
            Some(piece) if beginning.len() < BEGINNING => {
                beginning.extend_from_slice(&piece.map_err(WebError::of_body)?);
            }
            _ => break String::new(),
        }
    };
    let first = stream::once(async { Ok::<_, io::Error>(Bytes::from(beginning)) });
    Ok((token, Body::from_stream(first.chain(pieces.map_err(io::Error::other)))))
}

/// What the field `csrf` holds, if it is the first one and has come whole.
fn first_field(beginning: &[u8], boundary: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&beginning[..beginning.len().min(BEGINNING)]);
    let field = text.strip_prefix("--")?.strip_prefix(boundary)?.strip_prefix("\r\n")?;
    let (headings, rest) = field.split_once("\r\n\r\n")?;
    let (value, _) = rest.split_once("\r\n--")?;
    (parameter(headings, "name").as_deref() == Some("csrf")).then(|| value.to_owned())
}

/// A parameter of `Content-Disposition`, as browsers write it.
fn parameter(headings: &str, name: &str) -> Option<String> {
    let line = headings.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let mut rest = line;
    let wanted = format!("{name}=\"");
    while let Some(at) = rest.find(&wanted) {
        let (before, value) = rest.split_at(at);
        let value = &value[wanted.len()..];
        let end = value.find('"')?;
        if before.ends_with([' ', ';']) {
            return Some(value[..end].replace("%22", "\""));
        }
        rest = &value[end..];
    }
    None
}

/// The parts of a form, as they come.
pub(super) struct Parts {
    pieces: BodyDataStream,
    /// What came and was not taken yet.
    came: Vec<u8>,
    /// What ends a part.
    end: Vec<u8>,
    /// In the middle of a part.
    is_within: bool,
    is_over: bool,
}

/// A part.
pub(super) struct Part {
    pub name: String,
    /// What its file is called; none where it is no file.
    pub file: Option<String>,
}

impl Parts {
    pub(super) fn of(body: Body, boundary: &str) -> Self {
        // Each but the first stands behind the end of a line: with one before it, they are all alike.
        let (came, end) = (b"\r\n".to_vec(), format!("\r\n--{boundary}").into_bytes());
        Self { pieces: body.into_data_stream(), came, end, is_within: true, is_over: false }
    }

    async fn more(&mut self) -> Result<(), WebError> {
        let piece = self.pieces.next().await.ok_or(BROKEN)?;
        self.came.extend_from_slice(&piece.map_err(WebError::of_body)?);
        Ok(())
    }

    fn find(&self, wanted: &[u8]) -> Option<usize> {
        let first = *wanted.first()?;
        let mut from = 0;
        while let Some(at) = self.came.get(from..)?.iter().position(|byte| *byte == first) {
            if self.came[from + at..].starts_with(wanted) {
                return Some(from + at);
            }
            from += at + 1;
        }
        None
    }

    /// The next part; whatever is left of the one before is passed over.
    pub(super) async fn next(&mut self) -> Result<Option<Part>, WebError> {
        while self.is_within {
            self.bytes().await?;
        }
        if self.is_over {
            return Ok(None);
        }
        let headings = loop {
            if let Some(at) = self.find(b"\r\n\r\n") {
                break String::from_utf8_lossy(&self.came.drain(..at + 4).collect::<Vec<_>>()).into_owned();
            }
            if self.came.len() > BEGINNING {
                return Err(BROKEN);
            }
            self.more().await?;
        };
        self.is_within = true;
        let name = parameter(&headings, "name").ok_or(BROKEN)?;
        Ok(Some(Part { name, file: parameter(&headings, "filename") }))
    }

    /// What the file of the form is called, behind which its bytes come; none where none was chosen.
    pub(super) async fn file(&mut self) -> Result<Option<String>, WebError> {
        while let Some(part) = self.next().await? {
            match (part.name.as_str(), part.file) {
                // It was read before; it is no longer than what was looked through for it.
                ("csrf", None) => {}
                ("file", Some(file)) => return Ok(Some(file).filter(|file| !file.is_empty())),
                _ => return Err(WebError::BadRequest("The form held a field that it does not have.")),
            }
        }
        Ok(None)
    }

    /// All of this part, with the end of the form behind it; none where it has more bytes than that.
    pub(super) async fn whole(&mut self, most: usize) -> Result<Option<Vec<u8>>, WebError> {
        let mut bytes = Vec::new();
        while let Some(some) = self.bytes().await? {
            if bytes.len() + some.len() > most {
                return Ok(None);
            }
            bytes.extend_from_slice(&some);
        }
        self.end().await?;
        Ok(Some(bytes))
    }

    /// The form has an end, or it broke off.
    pub(super) async fn end(&mut self) -> Result<(), WebError> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// More of this part; none at its end.
    pub(super) async fn bytes(&mut self) -> Result<Option<Vec<u8>>, WebError> {
        while self.is_within {
            if let Some(at) = self.find(&self.end) {
                // Behind it stand two signs: the end of the line, or that it was the last.
                if self.came.len() < at + self.end.len() + 2 {
                    self.more().await?;
                    continue;
                }
                let some: Vec<u8> = self.came.drain(..at).collect();
                let signs: Vec<u8> = self.came.drain(..self.end.len() + 2).skip(self.end.len()).collect();
                match signs.as_slice() {
                    b"\r\n" => {}
                    b"--" => self.is_over = true,
                    _ => return Err(BROKEN),
                }
                self.is_within = false;
                return Ok((!some.is_empty()).then_some(some));
            }
            let safe = self.came.len().saturating_sub(self.end.len());
            if safe > 0 {
                return Ok(Some(self.came.drain(..safe).collect()));
            }
            self.more().await?;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--x--y\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n--x--y\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a \\ %22b%22.csv\"\r\nContent-Type: text/csv\r\n\r\n\
        email\r\n--x--\r\n--x\r\nann@example.org\r\n\r\n--x--y--\r\n";

    /// In pieces of so many bytes.
    fn body(size: usize) -> Body {
        let pieces: Vec<_> =
            FORM.chunks(size).map(|piece| Ok::<_, io::Error>(Bytes::from_static(piece))).collect();
        Body::from_stream(stream::iter(pieces))
    }

    /// TRUST A6: whatever the pieces are in which it comes, a file is what was sent, to the byte.
    #[tokio::test]
    async fn a_file_is_what_was_sent_however_it_comes() {
        for size in [1, 2, 3, 7, 16, 64, FORM.len()] {
            let (token, body) = token(body(size), "x--y", 1_000_000).await.expect("a form");
            assert_eq!(token, "token", "in pieces of {size}");
            let mut parts = Parts::of(body, "x--y");
            let mut found = Vec::new();
            while let Some(part) = parts.next().await.expect("a part") {
                let mut bytes = Vec::new();
                while let Some(some) = parts.bytes().await.expect("bytes") {
                    bytes.extend(some);
                }
                found.push((part.name, part.file, String::from_utf8(bytes).expect("text")));
            }
            let file = (
                "file".to_owned(),
                Some("a \\ \"b\".csv".to_owned()),
                "email\r\n--x--\r\n--x\r\nann@example.org\r\n".to_owned(),
            );
            assert_eq!(found, [("csrf".to_owned(), None, "token".to_owned()), file], "in pieces of {size}");
        }
    }

    #[tokio::test]
    async fn what_breaks_off_is_no_file() {
        for end in [10, 60, 150, FORM.len() - 5] {
            let mut parts = Parts::of(Body::from(&FORM[..end]), "x--y");
            let all = async {
                while parts.next().await?.is_some() {
                    while parts.bytes().await?.is_some() {}
                }
                Ok::<_, WebError>(())
            };
            assert!(all.await.is_err(), "cut off at {end}");
        }
    }

    #[test]
    fn the_token_is_the_first_field_or_none() {
        assert_eq!(
            first_field(b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\ncsrf\r\n--x", "x"),
            None
        );
        assert_eq!(first_field(b"--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nto", "x"), None);
        let headings = "Content-Disposition: form-data; filename=\"name=\"; name=\"file\"";
        assert_eq!(parameter(headings, "name").as_deref(), Some("file"));
    }
}

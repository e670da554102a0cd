//! `multipart/alternative`: the plain text first, then the HTML (RFC 2046 section 5.1.4).

use super::{
    quoted_printable::Encoder,
    segments::{Body, Slot},
};

/// Text with places in it that are filled for each copy.
#[derive(Debug, Default)]
pub(super) struct Slotted {
    /// The text around the places: one piece more than there are places.
    pub(super) pieces: Vec<String>,
    pub(super) slots: Vec<Slot>,
}

impl From<String> for Slotted {
    fn from(text: String) -> Self {
        Self { pieces: vec![text], slots: Vec::new() }
    }
}

/// A boundary that no quoted-printable text can hold, because `=_` is not an escape; the same for the same content.
pub(super) fn boundary(content: &[&[u8]]) -> String {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for piece in content {
        hash.update(piece);
    }
    format!("=_{}", &data_encoding::HEXLOWER.encode(hash.finish().as_ref())[..24])
}

/// Both parts with the headers that announce them, from `MIME-Version` on, ending in CRLF.
pub(super) fn alternative(boundary: &str, text: &Slotted, html: &Slotted) -> Body {
    let mut body = Body::default();
    body.raw(&format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n\r\n"
    ));
    for (kind, part) in [("text/plain", text), ("text/html", html)] {
        body.raw(&format!(
            "--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        ));
        encode(part, &mut body);
    }
    body.raw(&format!("--{boundary}--\r\n"));
    body
}

fn encode(part: &Slotted, body: &mut Body) {
    let mut slots = part.slots.iter();
    let mut encoder = Encoder::new(&mut body.bytes);
    for piece in &part.pieces {
        let mut lines = piece.split('\n');
        if let Some(first) = lines.next() {
            encoder.piece(first.trim_end_matches('\r').as_bytes());
        }
        for line in lines {
            encoder.hard_break();
            encoder.piece(line.trim_end_matches('\r').as_bytes());
        }
        if let Some(slot) = slots.next() {
            // The value stands on lines of its own between two soft breaks, so that neither side need know the other's
            // length.
            if !encoder.at_line_start() {
                encoder.soft_break();
            }
            body.slots.push(slot.at(encoder.position()));
            encoder.soft_break();
        }
    }
    encoder.hard_break();
}

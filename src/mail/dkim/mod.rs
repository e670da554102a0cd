//! DKIM signatures of our own mail (RFC 6376; RSA-SHA256, and Ed25519-SHA256 of RFC 8463), relaxed/relaxed.
//!
//! The rule: a signature covers everything a reader or a receiver acts on. All of the body, never a part of it (no `l=`);
//! every header of the list below that the message has; and those that could be added to deceive are named once more than
//! they stand in the message, so that adding one breaks the signature.
//!
//! The bytes that are signed are the bytes that go into DATA: our bodies have no line that begins with a dot.

mod canonical;

use std::fmt::Write as _;

use aws_lc_rs::{
    digest::{Context, Digest, SHA256},
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa,
    signature::{self, Ed25519KeyPair, KeyPair as _, RsaKeyPair},
};
use data_encoding::BASE64;

use crate::{clock::Moment, words};

/// The headers that are signed where a message has them, and whether one more of it would break the signature.
const SIGNED: [(&str, bool); 14] = [
    ("From", true),
    ("To", true),
    ("Subject", true),
    ("Date", false),
    ("Message-ID", false),
    ("Reply-To", true),
    ("List-Unsubscribe", false),
    ("List-Unsubscribe-Post", false),
    ("List-Id", false),
    ("Feedback-ID", false),
    ("Auto-Submitted", false),
    ("MIME-Version", false),
    ("Content-Type", false),
    ("Content-Transfer-Encoding", false),
];

/// The longest line of a signature.
const LONGEST_LINE: usize = 76;

words! {
    /// The two ways of signing, as they stand in a key's DNS record (`k=`) and in our database.
    pub enum Algorithm {
        /// `rsa-sha256`: every receiver knows it.
        Rsa = "rsa",
        /// `ed25519-sha256`: shorter and faster; some receivers do not know it yet, so it goes beside an RSA key.
        Ed25519 = "ed25519",
    }
}

impl Algorithm {
    const fn tag(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

/// A key could not be made or read, or did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not a private key of that kind, or an RSA key of fewer than 2048 bits (RFC 8301 section 3.2).
    #[error("the private key cannot be read")]
    Unreadable,
    /// The library refused without saying why.
    #[error("the cryptographic library failed")]
    Failed,
}

/// Makes a private key, as PKCS #8.
///
/// # Errors
/// [`KeyError::Failed`].
pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, KeyError> {
    let failed = |_| KeyError::Failed;
    match algorithm {
        Algorithm::Rsa => {
            let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(failed)?;
            Ok(pair_bytes(&pair)?.as_ref().to_vec())
        }
        Algorithm::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            Ok(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
        }
    }
}

fn pair_bytes(pair: &rsa::KeyPair) -> Result<Pkcs8V1Der<'static>, KeyError> {
    pair.as_der().map_err(|_| KeyError::Failed)
}

#[derive(Debug)]
enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// A private key and the name under which its public half stands in DNS.
#[derive(Debug)]
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

impl Signer {
    /// Reads a private key in PKCS #8.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`]; the library itself refuses RSA keys of fewer than 2048 bits.
    pub fn new(domain: &str, selector: &str, algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::Rsa => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::Unreadable)?;
                Key::Rsa(Box::new(pair))
            }
            Algorithm::Ed25519 => {
                let pair =
                    Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|_| KeyError::Unreadable)?;
                Key::Ed25519(Box::new(pair))
            }
        };
        Ok(Self { domain: domain.to_owned(), selector: selector.to_owned(), key })
    }

    /// The domain that vouches for the mail.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Rsa(_) => Algorithm::Rsa,
            Key::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The text of the key's DNS record, to be published at `selector._domainkey.domain` (RFC 6376 section 3.6.1).
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn record(&self) -> Result<String, KeyError> {
        let public = match &self.key {
            Key::Rsa(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Failed)?;
                BASE64.encode(der.as_ref())
            }
            Key::Ed25519(pair) => BASE64.encode(pair.public_key().as_ref()),
        };
        Ok(format!("v=DKIM1; k={}; p={public}", self.algorithm().as_str()))
    }

    /// The `DKIM-Signature` header of a message whose lines end in CRLF, to be put before it.
    ///
    /// # Errors
    /// [`KeyError::Failed`].
    pub fn sign(&self, message: &[u8], at: Moment) -> Result<String, KeyError> {
        self.sign_digested(&Digested::new(message), at)
    }

    fn sign_digested(&self, message: &Digested, at: Moment) -> Result<String, KeyError> {
        let algorithm = self.algorithm().tag();
        let mut header = Folded::begin("DKIM-Signature:");
        for tag in ["v=1;".to_owned(), format!("a={algorithm};"), "c=relaxed/relaxed;".to_owned()] {
            header.word(&tag);
        }
        header.word(&format!("d={};", self.domain));
        header.word(&format!("s={};", self.selector));
        header.word(&format!("t={};", at.unix_seconds()));
        header.list("h=", &message.signed);
        header.word(&format!("bh={};", message.body));
        header.word("b=");
        let signature = self.signature(&finish(message.headers.clone(), &header.text))?;
        header.base64(&BASE64.encode(&signature));
        header.text.push_str("\r\n");
        Ok(header.text)
    }

    fn signature(&self, digest: &Digest) -> Result<Vec<u8>, KeyError> {
        match &self.key {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign_digest(&signature::RSA_PKCS1_SHA256, digest, &mut signature)
                    .map_err(|_| KeyError::Failed)?;
                Ok(signature)
            }
            // The hash is what is signed, as a message (RFC 8463 section 3).
            Key::Ed25519(pair) => {
                let signature = pair.try_sign(digest.as_ref()).map_err(|_| KeyError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// The signatures of several keys, one header each; the message is hashed once. Nothing without keys.
///
/// # Errors
/// [`KeyError::Failed`]; mail that should be signed does not go out unsigned.
pub fn sign_all<'a>(
    signers: impl IntoIterator<Item = &'a Signer>,
    message: &[u8],
    at: Moment,
) -> Result<String, KeyError> {
    let mut digested = None;
    let mut headers = String::new();
    for signer in signers {
        let digested = digested.get_or_insert_with(|| Digested::new(message));
        headers.push_str(&signer.sign_digested(digested, at)?);
    }
    Ok(headers)
}

/// A DNS record's text in the form that zone files want: quoted strings of at most 255 characters (RFC 1035 section 3.3).
#[must_use]
pub fn zone_file_strings(record: &str) -> String {
    let mut text = String::with_capacity(record.len() + 8);
    for (number, piece) in record.as_bytes().chunks(255).enumerate() {
        let space = if number == 0 { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{space}\"{}\"", String::from_utf8_lossy(piece));
    }
    text
}

/// What all signatures of one message share.
struct Digested {
    /// `bh=`
    body: String,
    /// `h=`, in the order in which the headers were hashed.
    signed: Vec<&'static str>,
    headers: Context,
}

impl Digested {
    fn new(message: &[u8]) -> Self {
        let (head, body) = canonical::split(message);
        let mut hash = Context::new(&SHA256);
        canonical::body(body, |bytes| hash.update(bytes));
        let body = BASE64.encode(hash.finish().as_ref());

        let fields = canonical::fields(head);
        let mut headers = Context::new(&SHA256);
        let mut signed = Vec::with_capacity(SIGNED.len() + 4);
        let mut line = Vec::with_capacity(256);
        for (name, oversigned) in SIGNED {
            // Of several the last is signed first (RFC 6376 section 5.4.2).
            for field in fields.iter().rev().filter(|field| field.is(name)) {
                line.clear();
                field.canonical(&mut line);
                headers.update(&line);
                signed.push(name);
            }
            if oversigned {
                signed.push(name);
            }
        }
        Self { body, signed, headers }
    }
}

/// Hashes the signature's own header, as it stands before the signature is filled in, and without a line end.
fn finish(mut headers: Context, signature_header: &str) -> Digest {
    let mut line = Vec::with_capacity(signature_header.len());
    for field in canonical::fields(signature_header.as_bytes()) {
        field.canonical(&mut line);
    }
    headers.update(line.strip_suffix(b"\r\n").unwrap_or(&line));
    headers.finish()
}

/// A header that is folded as it grows.
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    fn begin(name: &str) -> Self {
        Self { text: name.to_owned(), column: name.len() }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }

    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() > LONGEST_LINE {
            self.fold();
        } else {
            self.push(" ");
        }
        self.push(word);
    }

    /// Names with colons between them; space may stand around a colon.
    fn list(&mut self, tag: &str, names: &[&str]) {
        self.word(tag);
        for (number, name) in names.iter().enumerate() {
            let end = if number + 1 == names.len() { ";" } else { ":" };
            if self.column + name.len() + end.len() > LONGEST_LINE {
                self.fold();
            }
            self.push(name);
            self.push(end);
        }
    }

    /// Base64, in which space may stand anywhere.
    fn base64(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            if self.column >= LONGEST_LINE {
                self.fold();
            }
            let (piece, after) = rest.split_at(rest.len().min(LONGEST_LINE - self.column));
            self.push(piece);
            rest = after;
        }
    }
}

#[cfg(test)]
mod tests;

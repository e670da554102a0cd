//! Whom we believe when a server says over TLS who it is: mail services, the mailbox that bounces come to, and the
//! payment provider.

use std::{fmt, io, path::Path, sync::Arc};

use jiff::{civil::DateTime, tz::TimeZone};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        CertificateError, ClientConfig, Error, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    },
};

use crate::clock::{Moment, Zone};

/// The authorities whose certificates are believed. It remembers what was agreed with each server, so that the next
/// conversation with it begins sooner. Cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

/// Shows nothing of what was agreed.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The authorities that browsers believe; servers' names are checked, and nothing older than TLS 1.2 is spoken.
    #[must_use]
    pub fn public() -> Self {
        Self::of(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Beside them those of a file, for servers of one's own: one or several certificates in PEM.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn and_those_of(path: &Path) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let known = roots.len();
        let unusable = || "what stands in it between BEGIN and END lines is no certificate".to_owned();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|_| "it cannot be read".to_owned())? {
            let certificate = certificate.map_err(|_| unusable())?;
            roots.add(certificate).map_err(|_| unusable())?;
        }
        if roots.len() == known {
            return Err("it holds no certificate between BEGIN and END lines".to_owned());
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// The same for a client that speaks HTTP.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        (*self.0).clone()
    }

    /// Agrees on TLS with a server that must show a certificate for this host.
    ///
    /// # Errors
    /// The server is not believed, or the connection broke.
    pub async fn agree(&self, stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
        // An IPv6 address stands in brackets in a URL.
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        TlsConnector::from(self.0.clone()).connect(name, stream).await.map_err(explained)
    }
}

/// The commonest failures, with what to do about them.
fn explained(error: io::Error) -> io::Error {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()).and_then(not_believed) {
        Some(NotBelieved::Unknown) => io::Error::other(
            "nobody we know vouches for its certificate; if the server is yours, name the file with its authority in MAIL_CA_FILE",
        ),
        Some(NotBelieved::Ended(at)) => io::Error::other(format!(
            "its certificate ended on {}; whoever runs the server has to renew it",
            at.date_time(&Zone::UTC)
        )),
        None => error,
    }
}

/// Why a certificate is not believed, where there is something to say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBelieved {
    /// Nobody we know vouches for it.
    Unknown,
    /// It ended then.
    Ended(Moment),
}

/// Reads it from an error, or from what caused it.
#[must_use]
pub fn why_not_believed(error: &(dyn std::error::Error + 'static)) -> Option<NotBelieved> {
    let mut next = Some(error);
    while let Some(error) = next {
        // What an error of input and output wraps is not among its sources.
        let wrapped = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        let here = error.downcast_ref::<Error>().or_else(|| wrapped?.downcast_ref());
        if let Some(why) = here.and_then(not_believed) {
            return Some(why);
        }
        next = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn not_believed(error: &Error) -> Option<NotBelieved> {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(NotBelieved::Unknown),
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            let seconds = i64::try_from(not_after.as_secs()).ok()?;
            Some(NotBelieved::Ended(Moment::from_unix_seconds(seconds)))
        }
        _ => None,
    }
}

/// Until when the certificate is good that a server has shown.
#[must_use]
pub fn shown_until(stream: &TlsStream<TcpStream>) -> Option<Moment> {
    let (_, session) = stream.get_ref();
    good_until(session.peer_certificates()?.first()?)
}

/// Until when a certificate is good: `notAfter` (RFC 5280 section 4.1.2.5), the second of the two times that stand after the version,
/// which may be missing, the number, the algorithm and the issuer.
#[must_use]
pub fn good_until(certificate: &[u8]) -> Option<Moment> {
    const VERSION: u8 = 0xa0;
    const SHORT_YEAR: u8 = 0x17;

    let (_, certificate, _) = part(certificate)?;
    let (_, mut fields, _) = part(certificate)?;
    if let (VERSION, _, rest) = part(fields)? {
        fields = rest;
    }
    for _ in 0..3 {
        (_, _, fields) = part(fields)?;
    }
    let (_, times, _) = part(fields)?;
    let (_, _, times) = part(times)?;
    let (kind, text, _) = part(times)?;
    let text = std::str::from_utf8(text).ok()?;
    let (year, rest) = text.split_at_checked(if kind == SHORT_YEAR { 2 } else { 4 })?;
    let year: i16 = year.parse().ok()?;
    let year = if kind != SHORT_YEAR { year } else { year + if year < 50 { 2_000 } else { 1_900 } };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i8>().ok();
    let at = DateTime::new(year, two(0)?, two(2)?, two(4)?, two(6)?, two(8)?, 0).ok()?;
    at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().into())
}

/// The kind of a part in DER, what is in it, and what stands behind it.
fn part(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[kind, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(length & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (inside, rest) = rest.split_at_checked(length)?;
    Some((kind, inside, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Until 2049 a year has two digits, and four from then on.
    #[test]
    fn a_certificate_says_until_when_it_is_good() {
        for (year, wanted) in [(2031, "2031-03-03T00:00:00Z"), (2061, "2061-03-03T00:00:00Z")] {
            let mut made = rcgen::CertificateParams::new(["mail.example.org".to_owned()]).expect("a name");
            made.not_after = rcgen::date_time_ymd(year, 3, 3);
            let key = rcgen::KeyPair::generate().expect("a key");
            let certificate = made.self_signed(&key).expect("a certificate");
            assert_eq!(good_until(certificate.der()).map(|at| at.to_string()).as_deref(), Some(wanted));
        }
        assert_eq!(good_until(b"0\x82"), None);
    }
}

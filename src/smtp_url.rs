//! Where mail goes out: `smtp://user:password@host:587?tls=required`, parsed once from the settings.

use std::{fmt, str::FromStr};

use url::Url;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Never: for a relay on the same machine.
    None,
    /// STARTTLS if the server offers it.
    Opportunistic,
    /// STARTTLS, or nothing is sent.
    Required,
    /// TLS from the first byte (RFC 8314).
    Implicit,
}

/// An SMTP server and how to speak to it.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl {
    /// Name or address.
    pub host: String,
    /// 465 for `smtps`, 587 for `smtp` unless given.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// User name and password for AUTH.
    pub credentials: Option<(String, String)>,
}

/// Why the text is no SMTP URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write smtp://user:password@host:587?tls=required or smtps://user:password@host")]
pub struct SmtpUrlError(String);

impl FromStr for SmtpUrl {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let wrong = |why: &str| SmtpUrlError(why.to_owned());
        let url = Url::parse(text).map_err(|_| wrong("it is not a URL"))?;
        let implicit = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(wrong("it must begin with smtp: or smtps:")),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut tls = if implicit { Tls::Implicit } else { Tls::Required };
        for (name, value) in url.query_pairs() {
            tls = match (name.as_ref(), value.as_ref(), implicit) {
                ("tls", "none", false) => Tls::None,
                ("tls", "opportunistic", false) => Tls::Opportunistic,
                ("tls", "required", _) => tls,
                ("tls", _, true) => return Err(wrong("smtps: is always TLS")),
                ("tls", ..) => return Err(wrong("tls must be none, opportunistic or required")),
                _ => return Err(wrong("tls is the only parameter")),
            };
        }
        let decode =
            |part: &str| percent_decode(part).ok_or_else(|| wrong("its user or password is not UTF-8"));
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((decode(user)?, decode(password)?)),
            _ => return Err(wrong("a user needs a password")),
        };
        if credentials.is_some() && tls == Tls::Opportunistic {
            return Err(wrong(
                "a password must not travel over a connection that may be plain: use tls=required",
            ));
        }
        Ok(Self { host, port: url.port().unwrap_or(if implicit { 465 } else { 587 }), tls, credentials })
    }
}

/// The text that was percent-encoded (RFC 3986 section 2.1); `None` if it is not UTF-8.
#[must_use]
pub fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Without the password.
impl fmt::Display for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls == Tls::Implicit { "smtps" } else { "smtp" };
        let user = if self.credentials.is_some() { "***@" } else { "" };
        let tls = match self.tls {
            Tls::None => "?tls=none",
            Tls::Opportunistic => "?tls=opportunistic",
            Tls::Required | Tls::Implicit => "",
        };
        write!(f, "{scheme}://{user}{}:{}{tls}", self.host, self.port)
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_host_port_protection_and_credentials() {
        let url: SmtpUrl = "smtp://ann%40example.org:p%3Aw@mail.example.org".parse().expect("a good URL");
        assert_eq!((url.host.as_str(), url.port, url.tls), ("mail.example.org", 587, Tls::Required));
        assert_eq!(url.credentials, Some(("ann@example.org".to_owned(), "p:w".to_owned())));
        assert!(!format!("{url:?} {url}").contains("p:w"));
        let url: SmtpUrl = "smtps://mail.example.org".parse().expect("a good URL");
        assert_eq!((url.port, url.tls), (465, Tls::Implicit));
        let url: SmtpUrl = "smtp://127.0.0.1:2525?tls=none".parse().expect("a good URL");
        assert_eq!((url.port, url.tls), (2525, Tls::None));
    }

    #[test]
    fn a_wrong_url_is_refused_with_the_reason() {
        for bad in [
            "mail.example.org",
            "http://x",
            "smtp://h?tls=maybe",
            "smtps://h?tls=none",
            "smtp://u@h",
            "smtp://u:p@h?tls=opportunistic",
        ] {
            assert!(bad.parse::<SmtpUrl>().is_err(), "{bad} was taken");
        }
    }
}

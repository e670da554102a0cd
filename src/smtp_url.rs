//! Where mail goes out: `smtp://user:password@host:587?tls=required`, parsed once from the settings.
//!
//! A relay is such an address with its own limits as further parameters, because they come in one letter from whoever runs
//! it: `smtps://user:password@host?weight=2&per_day=50000&warm_up=500`.

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
    /// What the password is.
    pub auth: Auth,
}

/// How the password is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// A password: AUTH PLAIN, or LOGIN where that is all the server offers.
    #[default]
    Password,
    /// An OAuth 2 access token: AUTH XOAUTH2.
    XOAuth2,
}

/// How much one relay is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayLimits {
    /// Its share among several; with 0 it is used only while no other can be. Usually 1.
    pub weight: Option<u32>,
    /// How many conversations at once.
    pub connections: Option<usize>,
    /// A connection is opened anew after this many messages.
    pub messages_per_connection: Option<u32>,
    /// The most messages in a second.
    pub per_second: Option<u32>,
    /// The most messages in an hour of the clock, UTC.
    pub per_hour: Option<u32>,
    /// The most messages in a day of the calendar, UTC.
    pub per_day: Option<u32>,
    /// The most messages on the first day it is used; half as many more each day after, until nothing holds it back.
    pub warm_up: Option<u32>,
}

/// A relay as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelaySettings {
    /// Where it is.
    pub url: SmtpUrl,
    /// How much it is given.
    pub limits: RelayLimits,
}

/// One or several relays, separated by spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relays(pub Vec<RelaySettings>);

impl FromStr for Relays {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let relays = text.split_whitespace().map(str::parse).collect::<Result<Vec<RelaySettings>, _>>()?;
        let wrong = |why: &str| Err(SmtpUrlError(why.to_owned()));
        if relays.is_empty() {
            return wrong("it names no mail service");
        }
        if relays.iter().all(|relay| relay.limits.weight == Some(0)) {
            return wrong("every relay has the weight 0, so none would ever be used first");
        }
        let mut names: Vec<String> = relays.iter().map(|relay| relay.url.name()).collect();
        names.sort();
        names.dedup();
        if names.len() < relays.len() {
            return wrong("the same host and port stand twice");
        }
        Ok(Self(relays))
    }
}

impl FromStr for RelaySettings {
    type Err = SmtpUrlError;

    fn from_str(text: &str) -> Result<Self, SmtpUrlError> {
        let wrong = |why: String| SmtpUrlError(why);
        let mut whole = Url::parse(text).map_err(|_| wrong("it is not a URL".to_owned()))?;
        let mut limits = RelayLimits::default();
        let mut address = Vec::new();
        for (name, value) in whole.query_pairs() {
            let number = |least: u32| {
                let number = value.parse::<u32>().ok().filter(|number| *number >= least);
                number.ok_or_else(|| wrong(format!("{name} must be a whole number from {least}"))).map(Some)
            };
            match name.as_ref() {
                "weight" => limits.weight = number(0)?,
                "connections" => limits.connections = number(1)?.and_then(|n| usize::try_from(n).ok()),
                "messages_per_connection" => limits.messages_per_connection = number(1)?,
                "per_second" => limits.per_second = number(1)?,
                "per_hour" => limits.per_hour = number(1)?,
                "per_day" => limits.per_day = number(1)?,
                "warm_up" => limits.warm_up = number(1)?,
                _ => address.push((name.into_owned(), value.into_owned())),
            }
        }
        whole.set_query(None);
        if !address.is_empty() {
            whole.query_pairs_mut().extend_pairs(address);
        }
        Ok(Self { url: whole.as_str().parse()?, limits })
    }
}

/// Without passwords.
impl fmt::Display for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|relay| relay.url.to_string()).collect();
        f.write_str(&names.join(" "))
    }
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
        let mut auth = Auth::Password;
        for (name, value) in url.query_pairs() {
            if name == "auth" {
                auth = match value.as_ref() {
                    "password" => Auth::Password,
                    "xoauth2" => Auth::XOAuth2,
                    _ => return Err(wrong("auth must be password or xoauth2")),
                };
                continue;
            }
            tls = match (name.as_ref(), value.as_ref(), implicit) {
                ("tls", "none", false) => Tls::None,
                ("tls", "opportunistic", false) => Tls::Opportunistic,
                ("tls", "required", _) => tls,
                ("tls", _, true) => return Err(wrong("smtps: is always TLS")),
                ("tls", ..) => return Err(wrong("tls must be none, opportunistic or required")),
                _ => return Err(SmtpUrlError(format!("it has no parameter {name}"))),
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
        Ok(Self {
            host,
            port: url.port().unwrap_or(if implicit { 465 } else { 587 }),
            tls,
            credentials,
            auth,
        })
    }
}

impl SmtpUrl {
    /// What the relay is called in logs, at the desk and in the database: `mail.example.org:587`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
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
    fn several_relays_stand_side_by_side_each_with_its_limits() {
        let text = "smtp://a.example.org?weight=3&per_day=50000&warm_up=500 smtps://u:p@b.example.org?weight=0&auth=xoauth2";
        let relays: Relays = text.parse().expect("two relays");
        let [a, b] = relays.0.as_slice() else { panic!("{relays:?}") };
        assert_eq!((a.limits.weight, a.limits.per_day, a.limits.warm_up), (Some(3), Some(50_000), Some(500)));
        assert_eq!((a.url.name().as_str(), a.limits.connections), ("a.example.org:587", None));
        assert_eq!((b.limits.weight, b.url.auth), (Some(0), Auth::XOAuth2));
        assert!(!format!("{relays} {relays:?}").contains("u:p"));
    }

    #[test]
    fn wrong_relays_are_refused_with_the_reason() {
        for (bad, why) in [
            ("", "names no mail service"),
            ("smtp://a?per_day=0", "whole number from 1"),
            ("smtp://a?weight=0", "weight 0"),
            ("smtp://a smtp://a:587", "twice"),
            ("smtp://a?per_week=7", "no parameter per_week"),
            ("smtp://a?auth=kerberos", "auth must be"),
        ] {
            let error = bad.parse::<Relays>().expect_err(bad).to_string();
            assert!(error.contains(why), "{bad}: {error}");
        }
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

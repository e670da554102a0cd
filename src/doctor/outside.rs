//! The public address as others come to it, the payment provider, and what time it is there.

use std::error::Error as _;

use reqwest::{Client, StatusCode, header, redirect::Policy, tls::TlsInfo};

use super::{
    Doctor, Finding, PATIENCE,
    here::{self, BroughtBy, Here, HereAnswer},
    in_time,
    mail::good_until,
};
use crate::{
    authorities::{NotBelieved, good_until as certificate_until, why_not_believed},
    clock::{Ahead, Clock, Moment, Zone},
    payments::{PaymentProvider as _, ProviderError, Stripe, StripeSettings, setup},
    token,
};

const ADDRESS: &str = "public address";
const VISITORS: &str = "visitors";
/// The payment provider's news is not believed when it seems to be older, and signatures of mail from the future are refused.
pub(super) const CLOCKS_APART: i64 = 60;
const LARGEST_ANSWER: usize = 4_096;
/// How the time stands in HTTP (RFC 9110 section 5.6.7).
const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

impl Doctor {
    /// Comes to the public address as a visitor does: is it there, may it be believed, and does it lead to this instance?
    pub(super) async fn public_address(&self, here: Option<&Here>) -> Vec<Finding> {
        let url = self.base_url.as_str();
        let is_open = self.in_production && self.base_url.scheme() == "http";
        let mut findings = Vec::new();
        if is_open {
            // Under a name of its own: while this stays as it is, the address may be gone, and that is news.
            findings.push(Finding::problem(
                "https",
                format!("{url} is http: passwords and links are for everybody on the way to read. Put a proxy with a certificate before us, and write its https address into BASE_URL"),
            ));
        }
        let nonce = token::public_id();
        let (found, brought) = match in_time(self.visit(&nonce)).await {
            Ok(Ok((answer, until))) => match here {
                Some(here) if !here.is(&nonce, &answer.name) => {
                    let words = format!(
                        "another instance of Broadside answers at {url}, or one on another database: readers' links lead there. Is an old server still running, or does the DNS or the proxy lead to the wrong place?"
                    );
                    (Finding::problem(ADDRESS, words), None)
                }
                Some(_) => (good_until(ADDRESS, format!("{url} leads here"), until), Some(answer.by)),
                None => {
                    (good_until(ADDRESS, format!("an instance of Broadside answers at {url}"), until), None)
                }
            },
            Ok(Err(why)) => (self.not_there(why), None),
            Err(why) => (
                self.not_there(format!(
                    "{url} {why}. Does the proxy run, and does a firewall keep this machine from it?"
                )),
                None,
            ),
        };
        findings.push(found);
        findings.extend(self.visitors(brought));
        findings
    }

    /// On a developer's machine, and before the first start, nobody answers.
    fn not_there(&self, why: String) -> Finding {
        if self.in_production { Finding::problem(ADDRESS, why) } else { Finding::note(ADDRESS, why) }
    }

    /// Whether one visitor can be told from another.
    fn visitors(&self, by: Option<BroughtBy>) -> Option<Finding> {
        let named = !self.trusted_proxies.is_empty();
        match by {
            Some(BroughtBy::Proxy) => Some(Finding::ok(
                VISITORS,
                "the proxy in front of us says whom it brings, and TRUSTED_PROXIES names it",
            )),
            Some(BroughtBy::Stranger) => Some(Finding::problem(
                VISITORS,
                "a proxy is in front of us that TRUSTED_PROXIES does not name, so limits count all visitors as one. Write its address there as it comes to us: 127.0.0.1 if it runs on this machine",
            )),
            Some(BroughtBy::Itself) if named => Some(Finding::problem(
                VISITORS,
                "TRUSTED_PROXIES names a proxy, and it does not say whom it brings, so limits count all visitors as one. Let it send X-Forwarded-For (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for)",
            )),
            _ if self.base_url.scheme() == "https" && !named => Some(Finding::note(
                VISITORS,
                "BASE_URL is https, so a proxy is in front of us, and TRUSTED_PROXIES does not name it: limits count all visitors as one. Write its address there: 127.0.0.1 if it runs on this machine",
            )),
            _ => None,
        }
    }

    /// What the public address answers, and until when its certificate is good; or why there is no such answer, and what to do.
    async fn visit(&self, nonce: &str) -> Result<(HereAnswer, Option<Moment>), String> {
        let url = format!("{}{}{nonce}", self.base_url.as_str().trim_end_matches('/'), here::PATH);
        let base = self.base_url.as_str();
        let asked = client(true)?.get(url).send().await;
        let mut answer = asked.map_err(|error| unreached(base, &error))?;
        let tls = answer.extensions().get::<TlsInfo>();
        let until = tls.and_then(TlsInfo::peer_certificate).and_then(certificate_until);
        if answer.status().is_redirection() {
            let to =
                answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            // What stands behind a ? may be somebody's key.
            let to = to.split(['?', '#']).next().unwrap_or_default();
            return Err(format!(
                "{base} sends visitors on to {to}. Write the address into BASE_URL that they end at"
            ));
        }
        if matches!(answer.status(), StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) {
            return Err(format!(
                "the proxy at {base} does not reach us ({}). Is serve running, and does the proxy know its address (LISTEN)?",
                answer.status()
            ));
        }
        let status = answer.status();
        let mut text = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| unreached(base, &error))? {
            text.extend_from_slice(&piece);
            if text.len() > LARGEST_ANSWER {
                break;
            }
        }
        let answer = serde_json::from_slice(&text).map_err(|_| {
            format!("something else than this version of Broadside answers at {base} ({status}). Does the DNS, or the proxy, lead to the right place?")
        })?;
        Ok((answer, until))
    }

    /// `clock` is the one that webhooks are judged by.
    pub(super) async fn payment_provider(&self, clock: &Clock) -> Vec<Finding> {
        const CHECK: &str = "payments";
        let Some(settings) = &self.payments else {
            return vec![Finding::note(CHECK, "STRIPE_SECRET_KEY is not set, so donations are switched off")];
        };
        let base = &settings.api_base;
        let asked = in_time(async { Stripe::new(settings)?.probe().await });
        let (asked, time, news) =
            tokio::join!(asked, in_time(time_at(base.as_str())), self.payment_news(settings));
        // Of a provider that does not answer no more is said than that.
        let news = news.into_iter().filter(|_| matches!(asked, Ok(Ok(()))));
        let found = match &asked {
            Ok(Ok(())) => Finding::ok(CHECK, format!("{base} knows our key")),
            Ok(Err(error)) => Finding::problem(CHECK, error.to_string()),
            Err(why) => Finding::problem(CHECK, format!("{base} {why}")),
        };
        let clock = time.ok().flatten().map(|time| clocks(&format!("that of {base}"), time, clock));
        std::iter::once(found).chain(clock).chain(news).collect()
    }

    /// Whether the provider's news find their way to us; not on somebody's own machine, where the sandbox brings them.
    async fn payment_news(&self, settings: &StripeSettings) -> Vec<Finding> {
        const CHECK: &str = "payment news";
        if !self.in_production {
            return Vec::new();
        }
        let endpoints = in_time(async { Stripe::new(settings)?.endpoints().await }).await;
        let troubles = match endpoints {
            Ok(Ok(endpoints)) => setup::troubles(&endpoints, &self.payments_wanted),
            Ok(Err(ProviderError::Refused { status: 401 | 403, .. })) => {
                let words =
                    "our key may not look at webhook endpoints, so it is not known whether the news reach us";
                return vec![Finding::note(CHECK, words)];
            }
            Ok(Err(error)) => return vec![Finding::note(CHECK, error.to_string())],
            Err(why) => return vec![Finding::note(CHECK, format!("{} {why}", settings.api_base))],
        };
        if troubles.is_empty() {
            return vec![Finding::ok(CHECK, format!("they are sent to {}", self.payments_wanted.url))];
        }
        troubles.into_iter().map(|words| Finding::problem(CHECK, words)).collect()
    }
}

fn client(shows_certificate: bool) -> Result<Client, String> {
    let client =
        Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy().tls_info(shows_certificate);
    client.build().map_err(|error| format!("TLS cannot be set up: {error}"))
}

/// Why an address cannot be reached, and what to do.
fn unreached(url: &str, error: &reqwest::Error) -> String {
    match why_not_believed(error) {
        Some(NotBelieved::Ended(at)) => {
            return format!(
                "the certificate of {url} ended on {}, so browsers turn away. Renew it, and let the proxy load it",
                at.date_time(&Zone::UTC)
            );
        }
        Some(NotBelieved::Unknown) => {
            return format!(
                "nobody vouches for the certificate of {url}, so browsers turn away. Get one of a public authority, with its whole chain"
            );
        }
        None => {}
    }
    let mut why = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        why = next.to_string();
        cause = next.source();
    }
    format!(
        "{url} cannot be reached from this machine: {why}. Is serve running, and the proxy in front of it?"
    )
}

/// What time a server says that it is.
async fn time_at(url: &str) -> Option<Moment> {
    let answer = client(false).ok()?.head(url).send().await.ok()?;
    let date = answer.headers().get(header::DATE)?.to_str().ok()?;
    let read = jiff::fmt::strtime::parse(HTTP_DATE, date).ok()?.to_datetime().ok()?;
    read.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp().into())
}

/// Whether our clock is where another one is.
fn clocks(whose: &str, theirs: Moment, clock: &Clock) -> Finding {
    // The same for all machines on one server: owners are told of it once.
    let (check, ours) = match clock {
        Clock::OfTheServer(_) => ("clock of the database server", "the database server's clock"),
        Clock::System | Clock::Manual(_) => ("clock", "this machine's clock"),
    };
    let ahead = clock.now().unix_seconds() - theirs.unix_seconds();
    if ahead.abs() < CLOCKS_APART {
        return Finding::ok(check, format!("{ours} and {whose} agree"));
    }
    let ahead = Ahead(ahead * 1_000_000);
    Finding::problem(check, format!("{ours} is {ahead} {whose}. Set it by the net: timedatectl set-ntp true"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock, doctor::Grade};

    #[test]
    fn a_clock_that_differs_is_told_with_its_way_and_its_span() {
        let at = Moment::from_unix_seconds;
        let ours = |seconds| Clock::manual(at(seconds));
        assert_eq!(clocks("that of x", at(1_000), &ours(1_030)).grade, Grade::Ok);
        let ahead = clocks("that of x", at(1_000), &ours(1_000 + 86_400 * 3));
        assert!(
            ahead.grade == Grade::Problem && ahead.words.contains("3 days ahead of that of x"),
            "{ahead}"
        );
        assert!(clocks("that of x", at(1_600), &ours(1_000)).words.contains("10 minutes behind"));
        let of_the_server = Clock::of_the_server(Clock::System);
        of_the_server.heard(at(1_000), clock::instant());
        let words = clocks("that of x", at(1_600), &of_the_server).words;
        assert!(words.starts_with("the database server's clock is"), "{words}");
    }
}

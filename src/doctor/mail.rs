//! Mail: the services that take ours, where it comes back to, the DNS.

use std::{fs, net::SocketAddr, path::Path, time::Duration};

use futures_util::future::join_all;

use super::{Doctor, Finding, Grade, in_time};
use crate::{
    bounces::{ImapError, ImapMailbox},
    clock::{Clock, Moment, Zone},
    delivery,
    dns::{Dns, NoAnswer},
    email_address::for_the_log,
    heavy, private,
    relays::{Answer, SignIn, Trouble},
    site::Site,
    smtp::{Connection, Failure, Relay, Stage},
};

/// A certificate that ends so soon should have been renewed by now.
const SOON: Duration = Duration::from_secs(14 * 86_400);

impl Doctor {
    /// Whether the mail services take us in. `site` is this instance, where it is known; `refused` are those that are known to refuse
    /// our sign-in.
    pub async fn mail_services(&self, site: Option<&Site>, refused: &[Trouble]) -> Vec<Finding> {
        if self.relays.is_empty() {
            return vec![Finding::problem("mail service", "SMTP_URL is not set, so serve will not start")];
        }
        let several = self.relays.len() > 1;
        let looked = self.relays.iter().map(|relay| {
            let name = relay.url.name();
            mail_service(relay, several, refused.iter().find(|trouble| trouble.relay == name), site)
        });
        join_all(looked).await
    }

    /// Whether the mail services greet us; nobody signs in where the database cannot be asked whether we may.
    pub async fn greetings(&self) -> Vec<Finding> {
        let several = self.relays.len() > 1;
        join_all(self.relays.iter().map(|relay| greets(relay, several))).await
    }

    /// Where mail comes back to.
    pub(super) async fn returned_mail(&self) -> Vec<Finding> {
        let mailbox = async {
            match &self.bounce_mailbox {
                Some(mailbox) => Some(look_into(mailbox).await),
                None => None,
            }
        };
        // Away from the threads that serve: it may lie on a disk that hangs.
        let maildir = async {
            let folder = self.bounce_maildir.clone()?;
            let looked = heavy::aside(move || maildir(&folder)).await;
            Some(looked.unwrap_or_else(|cause| Finding::problem("bounce maildir", cause.to_string())))
        };
        let (domain, mailbox, maildir) = tokio::join!(self.return_domain(), mailbox, maildir);
        domain.into_iter().chain(maildir).chain(mailbox).collect()
    }

    /// Whether mail to BOUNCE_ADDRESS finds a server. Towards a sandbox nothing comes back.
    async fn return_domain(&self) -> Option<Finding> {
        const CHECK: &str = "bounce address";
        let (address, lookout) = (self.bounce_address.as_ref()?, self.lookout.as_ref()?);
        let domain = address.domain();
        let asked = in_time(async {
            let servers = lookout.dns.mx(domain).await?;
            let addresses =
                if servers.is_empty() { lookout.dns.addresses(domain).await? } else { Vec::new() };
            Ok::<_, NoAnswer>((servers, addresses))
        });
        Some(match asked.await {
            // RFC 7505: a single dot says that it takes none.
            Ok(Ok((servers, _))) if servers.iter().any(|(_, host)| host.is_empty()) => Finding::problem(
                CHECK,
                format!(
                    "{domain} says that it takes no mail, so nothing can come back to {address}. Choose another BOUNCE_ADDRESS"
                ),
            ),
            Ok(Ok((servers, addresses))) if servers.is_empty() && addresses.is_empty() => Finding::problem(
                CHECK,
                format!(
                    "{domain} has no mail server (no MX record), so nothing can come back to {address}. Publish one, or choose another BOUNCE_ADDRESS"
                ),
            ),
            Ok(Ok((servers, _))) => {
                let taken = servers.first().map_or(domain, |(_, host)| host);
                Finding::ok(CHECK, format!("{taken} takes the mail to {address}"))
            }
            Ok(Err(no_answer)) => Finding::note(CHECK, no_answer.to_string()),
            Err(why) => Finding::note(CHECK, format!("the DNS {why}")),
        })
    }

    /// Whether the DNS can be asked, and knows us. Nothing where BASE_URL is a number, as on a developer's machine.
    pub(super) async fn dns(&self) -> Option<Finding> {
        const CHECK: &str = "DNS";
        let host = self.base_url.domain().filter(|host| *host != "localhost")?;
        let server = server(self.dns_resolver);
        let dns = match Dns::new(self.dns_resolver) {
            Ok(dns) => dns,
            Err(error) => {
                return Some(Finding::problem(CHECK, format!("{error}. Name a server in DNS_RESOLVER")));
            }
        };
        Some(match in_time(dns.addresses(host)).await {
            Ok(Ok(addresses)) if addresses.is_empty() => Finding::problem(
                CHECK,
                format!(
                    "{host}, the name in BASE_URL, has no address, says {server}. Publish one (A, AAAA) that leads to this machine or its proxy"
                ),
            ),
            Ok(Ok(addresses)) => {
                let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                Finding::ok(CHECK, format!("{server} answers: {host} is at {}", addresses.join(", ")))
            }
            Ok(Err(no_answer)) => Finding::problem(
                CHECK,
                format!(
                    "{server} gives no answer for {host} ({}). Name one that does in DNS_RESOLVER, such as 9.9.9.9:53",
                    no_answer.why
                ),
            ),
            Err(why) => Finding::problem(
                CHECK,
                format!("{server} {why}. Name one that does in DNS_RESOLVER, such as 9.9.9.9:53"),
            ),
        })
    }
}

/// The DNS server, as people find it.
fn server(named: Option<SocketAddr>) -> String {
    if let Some(address) = named {
        return format!("{address} (DNS_RESOLVER)");
    }
    let known = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let servers: Vec<&str> =
        known.lines().filter_map(|line| line.trim().strip_prefix("nameserver")).map(str::trim).collect();
    if servers.is_empty() {
        "the system's DNS server".to_owned()
    } else {
        format!("{} (/etc/resolv.conf)", servers.join(", "))
    }
}

async fn mail_service(
    relay: &Relay,
    several: bool,
    refused: Option<&Trouble>,
    site: Option<&Site>,
) -> Finding {
    let url = &relay.url;
    let check = if several { format!("mail service {}", url.name()) } else { "mail service".to_owned() };
    if let Some(Trouble { since, words, .. }) = refused {
        let (since, words) = (since.date_time(&Zone::UTC), for_the_log(words));
        return Finding::problem(
            &check,
            format!(
                "{url} has refused our sign-in since {since}: {words}. Correct user and password in SMTP_URL"
            ),
        );
    }
    let sign_in = site.and_then(|site| Some((site, SignIn::at(relay, &site.keys)?)));
    let pass = match &sign_in {
        Some((site, sign_in)) => match sign_in.ask(site).await {
            Ok(Answer::Yes(pass)) => Some((*site, pass)),
            Ok(Answer::No { is_refused: true }) => {
                let words = format!(
                    "{url} refused our sign-in, and is not asked again so soon: accounts are locked for that. Correct user and password in SMTP_URL"
                );
                return Finding::problem(&check, words);
            }
            Ok(Answer::No { is_refused: false }) => {
                return Finding::note(
                    &check,
                    format!("one of us signs in at {url} just now; look again in a minute"),
                );
            }
            // A database that cannot say it is a finding of its own.
            Err(_) => return Box::pin(greets(relay, several)).await,
        },
        None => None,
    };
    let opened = in_time(Connection::open(relay)).await;
    if let Some((site, pass)) = pass {
        // What cannot be noted holds for as long as a refusal.
        let _ = match &opened {
            Ok(Ok(_)) => pass.was_taken(site).await,
            Ok(Err(failure)) if failure.refuses_sign_in() => {
                pass.was_refused(site, &for_the_log(&delivery::words_of_outcome(&Err(failure.clone())))).await
            }
            Ok(Err(failure)) if !failure.breaks_sign_in_off() => pass.was_not_tried(site).await,
            _ => {
                pass.was_broken_off();
                Ok(())
            }
        };
    }
    let why = match opened {
        Ok(Ok(connection)) => {
            let until = connection.certificate_until();
            connection.quit().await;
            let does = if url.credentials.is_some() { "takes our password" } else { "greets us" };
            return good_until(&check, format!("{url} {does}"), until);
        }
        Ok(Err(
            Failure::Refused { stage: Stage::Auth, reply } | Failure::Closing { stage: Stage::Auth, reply },
        )) => {
            let reply = for_the_log(&reply.to_string());
            format!("{url} does not take our password: {reply}. Correct user and password in SMTP_URL")
        }
        Ok(Err(Failure::Refused { reply, .. } | Failure::Closing { reply, .. })) => {
            let reply = for_the_log(&reply.to_string());
            format!("{url} refuses us: {reply}. Ask whoever runs it")
        }
        Ok(Err(Failure::Broken { why, .. })) if why.contains(&url.name()) => {
            format!("{why}. Is it running, and does SMTP_URL name the right host and port?")
        }
        Ok(Err(Failure::Broken { why, .. })) => format!("{url}: {why}"),
        Ok(Err(other)) => format!("{url}: {other:?}"),
        Err(why) => format!("{url} {why}. Is it the right port, and does a firewall keep us from it?"),
    };
    Finding::problem(&check, why)
}

/// Whether it greets us, where the database cannot say whether we may sign in.
async fn greets(relay: &Relay, several: bool) -> Finding {
    let signs_in = relay.url.credentials.is_some();
    let mut relay = relay.clone();
    relay.url.credentials = None;
    let mut found = mail_service(&relay, several, None, None).await;
    if signs_in && found.grade != Grade::Problem {
        found.grade = Grade::Note;
        found.words.push_str(
            ". We did not sign in: the database cannot be asked whether that was refused lately, and accounts are locked for tries",
        );
    }
    found
}

/// What is well, but for a certificate that ends soon.
pub(super) fn good_until(check: &str, words: String, until: Option<Moment>) -> Finding {
    let now = Clock::System.now();
    match until.filter(|until| until.since(now) < SOON) {
        None => Finding::ok(check, words),
        Some(until) => Finding::note(
            check,
            format!(
                "{words}, but its certificate ends on {}. Have it renewed before that",
                until.date_time(&Zone::UTC)
            ),
        ),
    }
}

async fn look_into(mailbox: &ImapMailbox) -> Finding {
    const CHECK: &str = "bounce mailbox";
    let name = mailbox.name();
    match in_time(mailbox.look()).await {
        Ok(Ok(until)) => good_until(CHECK, format!("{name} lets us in"), until),
        Ok(Err(ImapError::Protocol(async_imap::error::Error::No(said)))) => Finding::problem(
            CHECK,
            format!(
                "{name} does not let us in: {}. Correct user, password and folder in BOUNCE_IMAP_URL",
                for_the_log(&said)
            ),
        ),
        Ok(Err(error)) => {
            Finding::problem(CHECK, format!("{name}: {error}. BOUNCE_IMAP_URL says where it is looked for"))
        }
        Err(why) => {
            Finding::problem(CHECK, format!("{name} {why}. BOUNCE_IMAP_URL says where it is looked for"))
        }
    }
}

/// Whether a mail server can deliver into it, and we can take in what it delivers.
fn maildir(folder: &Path) -> Finding {
    const CHECK: &str = "bounce maildir";
    let at = folder.display();
    let new = folder.join("new");
    if !new.is_dir() {
        return Finding::problem(
            CHECK,
            format!(
                "{at} is no maildir: it has no folder new. BOUNCE_MAILDIR has to name the folder that your mail server delivers to; most make it with the first mail"
            ),
        );
    }
    let cur = folder.join("cur");
    let places = [new.join("probe"), if cur.is_dir() { cur.join("probe") } else { cur }];
    let why = fs::read_dir(&new).err().map(|error| format!("{} cannot be read: {error}", new.display()));
    match why.or_else(|| places.iter().find_map(|place| private::why_not_ours(place))) {
        None => Finding::ok(CHECK, format!("{at} can be read and emptied")),
        Some(why) => Finding::problem(
            CHECK,
            format!(
                "{why}, so nothing that comes back is read. Give the user that the service runs as the right to read and write there"
            ),
        ),
    }
}

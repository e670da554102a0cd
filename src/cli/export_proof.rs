//! `broadside subscribers proof`, and `broadside export-proof`, as it was called before: everything on record about what one reader agreed to (TRUST L1).

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::json;

use super::instance;
use crate::{
    audit_log,
    config::Config,
    email_address::EmailAddress,
    site::Site,
    subscribers::{
        self, Subscriber, Subscription,
        consent::{self, Event},
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The reader's address.
    email: String,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let site = instance::open_site(config).await?;
    let code = print(&site, arguments).await;
    site.db.close().await;
    code
}

pub(super) async fn print(site: &Site, Arguments { email }: Arguments) -> anyhow::Result<ExitCode> {
    let address = EmailAddress::parse(&email).with_context(|| format!("{email} is no email address"))?;
    let Some(reader) = subscribers::by_email(&site.db, &address).await? else {
        match subscribers::who_had(site, &address).await? {
            Some(reader) => anyhow::bail!(
                "a reader had the address {email} who has another by now: ask for the proof of {}",
                reader.email
            ),
            None => anyhow::bail!("no reader has the address {email}"),
        }
    };
    let events = consent::proof(&site.db, reader.id).await?;
    let lists = subscribers::subscriptions(&site.db, reader.id).await?;
    audit_log::note(site, None, "printed a proof", &reader.public_id, "").await?;
    println!("{}", serde_json::to_string_pretty(&proof(&reader, &lists, &events))?);
    Ok(ExitCode::SUCCESS)
}

/// It is read by people: times as RFC 3339 writes them, in UTC.
fn proof(reader: &Subscriber, lists: &[Subscription], events: &[Event]) -> serde_json::Value {
    let until = |one: &Subscription| {
        one.implied_until.map(|until| json!({ "list": one.name, "until": until.to_string() }))
    };
    let implied = lists.iter().filter_map(until);
    json!({
        "reader": {
            "id": reader.id,
            "public_id": reader.public_id,
            "email": reader.email,
            "name": reader.name,
            "created_at": reader.created_at.to_string(),
        },
        "implied_consent": implied.collect::<Vec<_>>(),
        "events": events.iter().map(Event::told).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Moment,
        subscribers::{ConsentAction, ConsentMethod},
    };

    /// TRUST L1: whoever is shown the proof reads when it was.
    #[test]
    fn times_are_written_for_people() {
        let at = Moment::from_unix_seconds(1_790_000_000);
        let email = EmailAddress::parse("ann@example.org").expect("an address");
        let reader = Subscriber { id: 1, public_id: "a".into(), email, name: "Ann".into(), created_at: at };
        let word = String::new;
        let event = Event {
            action: ConsentAction::Asked,
            method: ConsentMethod::Form,
            list: "Digest".into(),
            wording: None,
            source: word(),
            form: None,
            campaign: word(),
            version: 0,
            ip: word(),
            user_agent: word(),
            at,
        };
        let shown = proof(&reader, &[], &[event]);
        assert_eq!(shown["reader"]["created_at"], "2026-09-21T14:13:20Z");
        assert_eq!(shown["events"][0]["at"], "2026-09-21T14:13:20Z");
        assert!(!shown.to_string().contains("1790000000"), "{shown}");
    }
}

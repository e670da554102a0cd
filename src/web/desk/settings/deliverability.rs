//! `/desk/deliverability`: whether receivers believe that the magazine's mail is its own, and what to do about it.

use serde::Serialize;

use crate::{
    clock::{Moment, Zone},
    deliverability::{self, Check, Finding, Grade, Provider, Record, Share},
    dkim::{self, DkimKey, KeyState},
    mail::Algorithm,
    settings::{self, Settings},
    web::{Desk, Outcome, Posted, WebError, answers::conflict, session::see_other, words::grouped},
};

const TITLE: &str = "Deliverability";
const TEMPLATE: &str = "desk/settings/deliverability";
const PAGE: &str = "/desk/deliverability";
/// How many editions the trend goes back.
const EDITIONS: i64 = 5;
/// How many providers have a row of their own.
const PROVIDERS: usize = 8;

#[derive(Serialize)]
struct Page {
    /// Empty before the settings hold an address.
    domain: String,
    from: String,
    /// Whether the DNS can be asked at all.
    can_look: bool,
    looked: Option<Looked>,
    keys: Vec<KeyView>,
    /// The kinds of key that are not there yet.
    makes: Vec<Make>,
    send_unproven: bool,
    /// What is in force, for whoever changes it.
    unproven_now: &'static str,
    /// Why nothing was done.
    trouble: Option<String>,
    providers: Vec<ProviderView>,
}

#[derive(Serialize)]
struct Looked {
    when: String,
    headline: &'static str,
    look: &'static str,
    next: Vec<Next>,
    findings: Vec<FindingView>,
}

#[derive(Serialize)]
struct Next {
    name: &'static str,
    words: String,
}

#[derive(Serialize)]
struct FindingView {
    name: &'static str,
    title: &'static str,
    look: &'static str,
    state: &'static str,
    found: String,
    next: String,
    records: Vec<RecordView>,
}

#[derive(Serialize)]
struct RecordView {
    name: String,
    value: String,
    is_long: bool,
    is_published: bool,
}

#[derive(Serialize)]
struct KeyView {
    selector: String,
    kind: &'static str,
    state: String,
    look: &'static str,
    name: String,
    value: String,
    is_long: bool,
    is_published: bool,
    is_waiting: bool,
    is_retired: bool,
    /// While it waits: the key that it takes over from.
    replaces: Option<String>,
}

#[derive(Serialize)]
struct Make {
    algorithm: &'static str,
    label: &'static str,
    hint: &'static str,
}

#[derive(Serialize)]
struct ProviderView {
    name: String,
    copies: String,
    accepted: String,
    delayed: String,
    failed: String,
    width: usize,
    words: String,
    columns: Vec<Column>,
}

/// One edition's column of the chart, 20 units high.
#[derive(Serialize)]
struct Column {
    x: usize,
    accepted_y: i64,
    accepted_height: i64,
    failed_height: i64,
}

/// `GET /desk/deliverability`
pub(crate) async fn show(desk: Desk) -> Outcome {
    desk.page(TEMPLATE, TITLE, &page(&desk).await?).await
}

/// The page as it is now, for somebody who acted on one that was out of date.
pub(super) async fn stale(desk: &Desk, trouble: String) -> Outcome {
    again(desk, Page { trouble: Some(trouble), ..page(desk).await? }).await
}

async fn again(desk: &Desk, page: Page) -> Outcome {
    desk.page(TEMPLATE, TITLE, &page).await.map(conflict)
}

async fn page(desk: &Desk) -> Result<Page, WebError> {
    let site = desk.site();
    let settings = &desk.settings;
    let from = settings.sender_email();
    let domain = dkim::domain_of(from).unwrap_or_default();
    let mut keys = dkim::all(&site.db).await.map_err(WebError::internal)?;
    keys.retain(|key| key.domain == domain && is_of_interest(key, site.now()));
    let report = deliverability::last(&site.db, from).await?;
    let published = |key: &DkimKey| {
        let records = report.iter().flat_map(|report| &report.findings).flat_map(|finding| &finding.records);
        records.into_iter().any(|record| record.is_published && record.name == key.dns_name())
    };
    Ok(Page {
        trouble: None,
        can_look: desk.app.lookout.is_some(),
        makes: makes(&keys),
        keys: keys
            .iter()
            .map(|key| KeyView {
                replaces: dkim::replaced_by(key, &keys).map(|old| old.selector.clone()),
                ..key_view(key, published(key), site.now(), desk.zone())
            })
            .collect(),
        looked: report.as_ref().map(|report| looked(&report.findings, report.at, desk.zone())),
        send_unproven: settings.send_unproven,
        unproven_now: word(settings.send_unproven),
        providers: deliverability::providers(&site.db, EDITIONS, PROVIDERS)
            .await?
            .iter()
            .map(provider_view)
            .collect(),
        from: from.to_owned(),
        domain,
    })
}

/// `POST /desk/deliverability`: looks again.
pub(crate) async fn submit(desk: Desk) -> Outcome {
    let Some(lookout) = &desk.app.lookout else { return Ok(see_other(PAGE)) };
    lookout.look(desk.site(), desk.settings.sender_email()).await.map_err(WebError::internal)?;
    Ok(see_other("/desk/deliverability?done=looked"))
}

/// `POST /desk/deliverability/large`: whether large editions go out without proof.
pub(crate) async fn large(desk: Desk, posted: Posted) -> Outcome {
    let form = posted.form(&["send_unproven", "seen"])?;
    let wanted = form.text("send_unproven") == "yes";
    let (site, id) = (desk.site(), Some(desk.who.staff.id));
    let is_as_seen =
        |_: i64, now: &Settings| now.send_unproven == wanted || form.text("seen") == word(now.send_unproven);
    let change = |settings: &mut Settings| settings.send_unproven = wanted;
    if !settings::decide(site, id, is_as_seen, change).await? {
        let now = Settings::load(&site.db).await?.send_unproven;
        let trouble = format!(
            "Somebody else decided about large editions since you opened this page: they {} now. What you chose is below, not saved \
             yet. Saving now puts it in the place of their decision.",
            if now { "go out even if something is missing" } else { "are held back if something is missing" }
        );
        let page = Page {
            trouble: Some(trouble),
            send_unproven: wanted,
            unproven_now: word(now),
            ..page(&desk).await?
        };
        return again(&desk, page).await;
    }
    Ok(see_other("/desk/deliverability?done=saved"))
}

const fn word(send_unproven: bool) -> &'static str {
    if send_unproven { "yes" } else { "no" }
}

fn looked(findings: &[Finding], at: Moment, zone: &Zone) -> Looked {
    let worst = |grade| findings.iter().any(|finding| finding.grade == grade);
    let (headline, look) = if worst(Grade::Failure) {
        ("Some of your mail may be taken for spam", "bad")
    } else if worst(Grade::Unknown) {
        ("Not everything could be looked at", "warn")
    } else if worst(Grade::Warning) {
        ("Your mail is believed; something could be better", "good")
    } else {
        ("Receivers can see that your mail is yours", "good")
    };
    let next = findings.iter().filter(|finding| !finding.next.is_empty());
    Looked {
        when: at.date_time(zone),
        headline,
        look,
        next: next.map(|finding| Next { name: finding.check.name(), words: finding.next.clone() }).collect(),
        findings: findings.iter().map(finding_view).collect(),
    }
}

fn finding_view(finding: &Finding) -> FindingView {
    let (look, state) = match finding.grade {
        Grade::Ok => ("good", "✓ in order"),
        Grade::Warning => ("warn", "worth a look"),
        Grade::Failure => ("bad", "to do"),
        Grade::Unknown => ("", "no answer"),
    };
    let title = match finding.check {
        Check::Spf => "Who may send for you",
        Check::Dkim => "Your signature",
        Check::Dmarc => "What happens to mail in your name that is not yours",
        Check::Ptr => "Your mail server’s name",
        Check::Tls => "The way to your mail service",
    };
    // The keys have their records further down.
    let records = if finding.check == Check::Dkim { &[] } else { finding.records.as_slice() };
    FindingView {
        name: finding.check.name(),
        title,
        look,
        state,
        found: finding.found.clone(),
        next: finding.next.clone(),
        records: records.iter().map(record_view).collect(),
    }
}

fn record_view(record: &Record) -> RecordView {
    RecordView {
        name: record.name.clone(),
        value: record.value.clone(),
        is_long: is_long(&record.value),
        is_published: record.is_published,
    }
}

fn is_long(value: &str) -> bool {
    value.len() > 80
}

fn is_of_interest(key: &DkimKey, now: Moment) -> bool {
    key.state() != KeyState::Retired || key.keep_record_until().is_some_and(|until| until > now)
}

fn key_view(key: &DkimKey, is_published: bool, now: Moment, zone: &Zone) -> KeyView {
    let day = |at: Option<Moment>| at.unwrap_or(now).date(zone);
    let (look, state) = match key.state() {
        KeyState::Waiting => ("warn", "waits for its record".to_owned()),
        KeyState::Signing => ("good", format!("signs since {}", day(key.active_at))),
        KeyState::Retired => {
            ("", format!("retired; leave its record until {}", day(key.keep_record_until())))
        }
    };
    KeyView {
        kind: if key.algorithm == Algorithm::Rsa { "RSA" } else { "Ed25519" },
        look,
        state,
        name: key.dns_name(),
        value: key.record.clone(),
        is_long: is_long(&key.record),
        is_published,
        is_waiting: key.state() == KeyState::Waiting,
        is_retired: key.state() == KeyState::Retired,
        selector: key.selector.clone(),
        replaces: None,
    }
}

/// What can be made: a first key, one to rotate to, one of the other kind. One key of a kind waits at a time.
fn makes(keys: &[DkimKey]) -> Vec<Make> {
    let waits =
        |algorithm| keys.iter().any(|key| key.algorithm == algorithm && key.state() == KeyState::Waiting);
    let signs =
        |algorithm| keys.iter().any(|key| key.algorithm == algorithm && key.state() == KeyState::Signing);
    let mut makes = Vec::new();
    if !waits(Algorithm::Rsa) {
        let (label, hint) = if signs(Algorithm::Rsa) {
            ("Make a key to change to", "Once a year is a good habit.")
        } else {
            (
                "Make a key",
                "Your mail is then signed here. If your mail service signs for your domain, you need none.",
            )
        };
        makes.push(Make { algorithm: Algorithm::Rsa.as_str(), label, hint });
    }
    if signs(Algorithm::Rsa) && !waits(Algorithm::Ed25519) && !signs(Algorithm::Ed25519) {
        makes.push(Make {
            algorithm: Algorithm::Ed25519.as_str(),
            label: "Make a second key of the newer kind",
            hint: "Ed25519. Mail then carries both signatures; some receivers know only the first.",
        });
    }
    makes
}

fn percent(part: i64, whole: i64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    // Never 100 % of what was not all, nor 0 % of what was not nothing.
    let tenths = (part * 1_000 / whole).max(i64::from(part > 0));
    if tenths % 10 == 0 || tenths >= 1_000 {
        format!("{} %", tenths / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

fn provider_view(provider: &Provider) -> ProviderView {
    let Share { copies, accepted, failed, delayed } = provider.total;
    let words: Vec<String> =
        provider.editions.iter().map(|share| percent(share.accepted, share.copies)).collect();
    let column = |(at, share): (usize, &Share)| {
        let height = |part: i64| if share.copies == 0 { 0 } else { part * 20 / share.copies };
        // What was refused is shown, however little it is.
        let failed_height = height(share.failed).max(i64::from(share.failed > 0));
        let accepted_height = height(share.accepted).min(20 - failed_height);
        Column { x: at * 14, accepted_y: 20 - accepted_height, accepted_height, failed_height }
    };
    ProviderView {
        name: provider.domain.clone(),
        copies: grouped(copies),
        accepted: percent(accepted, copies),
        delayed: percent(delayed, copies),
        failed: percent(failed, copies),
        width: (provider.editions.len() * 14).saturating_sub(4),
        words: format!("Taken, oldest edition first: {}", words.join(", ")),
        columns: provider.editions.iter().enumerate().map(column).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(999_999, 1_000_000), "99.9 %");
        assert_eq!(percent(1, 1_000_000), "0.1 %");
        assert_eq!(percent(5, 5), "100 %");
        assert_eq!(percent(0, 5), "0 %");
        assert_eq!(percent(0, 0), "–");
    }
}

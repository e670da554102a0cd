//! The main job, step by step: articles, readers, an edition, unsubscribing, gifts.

use std::{future::Future, time::Duration};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::{
    super::running::Running,
    magazine, mailbox,
    visitor::{Page, Visitor},
};
use crate::{
    articles::{self, FeedArrives},
    clock::Stopwatch,
    delivery::{self, CopyState},
    donations,
    editions::{self, EditionState, MovedBy},
    email_address::EmailAddress,
    publishing::{self, Block, Content},
    sandbox::{Rule, Sandbox, Stage},
    site::Site,
    subscribers::{self, SubscriptionState},
};

/// What the demo is to do.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) readers: usize,
    /// Whose articles; the sample magazine's without it.
    pub(super) feed: Option<&'a str>,
}

/// How long any one thing may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(50);
/// Readers who fill in the form at the same time.
const AT_ONCE: usize = 8;
/// How many articles the edition holds.
const ARTICLES: i64 = 6;
/// Mailboxes that are gone by the time the edition goes out.
const GONE: [usize; 2] = [41, 142];

const GIFTS_ONCE: [(&str, &str); 8] = [
    ("25", "Ada Abara"),
    ("10", "Chidi Abara"),
    ("50", "Dana Abara"),
    ("15", "Farid Abara"),
    ("5", "Greta Abara"),
    ("100", "Ivo Abara"),
    ("12.50", "Kemi Abara"),
    ("20", "Mina Abara"),
];
const GIFTS_MONTHLY: [(&str, &str); 4] =
    [("5", "Noor Abara"), ("10", "Pia Abara"), ("8", "Rosa Abara"), ("15", "Tove Abara")];

pub(super) async fn run(running: &Running, plan: &Plan<'_>) -> anyhow::Result<()> {
    let site = &running.site;
    let sandbox = running.sandbox.as_ref().context("the demo runs with the sandbox")?;
    if magazine::set_up(site).await? {
        say("set up The Tidewater Review, a sample magazine");
    }
    import(running, plan.feed).await?;
    let missing = missing(site, plan.readers).await?;
    if !missing.is_empty() {
        say(&format!("{} readers fill in the form and confirm by mail", missing.len()));
        subscribe(site, sandbox, missing).await?;
    }
    if delivery::ever_sealed(&site.db).await?.is_empty() {
        say("an editor composes an edition and presses Send");
        let edition = compose_and_send(site, sandbox).await?;
        wait_until_finished(site, edition).await?;
        say("a reader presses the one-click unsubscribe of their mail program");
        unsubscribe(sandbox, 7).await?;
    } else {
        for edition in delivery::ever_sealed(&site.db).await? {
            wait_until_finished(site, edition).await?;
        }
    }
    if donations::totals(&site.db).await?.is_empty() {
        say("supporters give, once and monthly; one card is declined");
        give(site).await?;
    }
    wait_for_receipts(site).await
}

fn say(what: &str) {
    println!("· {what}");
}

async fn import(running: &Running, feed: Option<&str>) -> anyhow::Result<()> {
    let site = &running.site;
    let report = match feed {
        Some(source) => {
            say(&format!("importing {source}"));
            articles::import_source(site, &running.fetcher, source, FeedArrives::Published)
                .await
                .context("the feed cannot be imported")?
        }
        None => articles::import_bytes(site, articles::SAMPLE_FEED.to_vec()).await?,
    };
    say(&format!("{} articles new from the feed, {} unchanged", report.new, report.unchanged));
    Ok(())
}

/// The numbers of the readers who have not confirmed yet, however far an earlier run came; whoever left did confirm.
async fn missing(site: &Site, readers: usize) -> anyhow::Result<Vec<usize>> {
    let mut missing = Vec::new();
    for number in 0..readers {
        let email = EmailAddress::parse(&magazine::reader(number).1)?;
        let subscriptions = match subscribers::by_email(&site.db, &email).await? {
            Some(reader) => subscribers::subscriptions(&site.db, reader.id).await?,
            None => Vec::new(),
        };
        if subscriptions.iter().all(|subscription| subscription.state == SubscriptionState::Pending) {
            missing.push(number);
        }
    }
    Ok(missing)
}

async fn subscribe(site: &Site, sandbox: &Sandbox, readers: Vec<usize>) -> anyhow::Result<()> {
    let work = readers.into_iter().map(|number| async move {
        let (name, email) = magazine::reader(number);
        let mut visitor = Visitor::new()?;
        let form = visitor.open(&site.url("/subscribe")).await?.form("/subscribe")?;
        let form = form.with("email", &email).with("name", &name).with("consent", "yes");
        succeeded(visitor.submit(&form).await?)?;
        let what = format!("the confirmation mail to {email}");
        let link = wait_for(&what, || async {
            let mails = sandbox.mailbox().to(&email);
            let raw = mails.last().and_then(|mail| sandbox.mailbox().raw(mail.seq).ok())?;
            mailbox::path(&raw, "/confirm/")
        });
        // An earlier run may have asked them, on another port: there is no second mail then.
        let form = visitor.open(&site.url(&link.await?)).await?.form("/confirm/")?;
        succeeded(visitor.submit(&form).await?)
    });
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

async fn compose_and_send(site: &Site, sandbox: &Sandbox) -> anyhow::Result<i64> {
    for number in GONE {
        let (_, email) = magazine::reader(number);
        sandbox.smtp_script().add(Rule::at(Stage::Rcpt).to(&email).reply(550, "5.1.1 This mailbox is gone"));
    }
    let digest = publishing::digests(&site.db).await?.into_iter().next().context("there is no digest")?;
    let (edition, _) = publishing::create_draft(site, digest.id, None).await?;
    let draft = publishing::load(&site.db, edition).await?;
    let chosen = articles::latest(site, ARTICLES).await?;
    let first = chosen.first().context("the feed has no articles")?;
    let content = Content {
        subject: first.title.clone(),
        preview_text: first.standfirst.clone(),
        intro_markdown: "Here is what we have been writing. Read it slowly, and pass it on.".to_owned(),
        blocks: Block::row(chosen.iter().map(|article| article.id)),
        topic_ids: Vec::new(),
        rhythm: None,
        only_segment: None,
        except_segment: None,
    };
    publishing::save_revision(site, edition, draft.revision, content, None).await?;
    // At once, without the minute to undo that people get at the desk.
    let mut tx = site.db.begin().await?;
    editions::schedule(&mut tx, site, edition, site.now(), MovedBy::default()).await?;
    tx.commit().await?;
    Ok(edition)
}

async fn wait_until_finished(site: &Site, edition: i64) -> anyhow::Result<()> {
    wait_for("the end of the edition", || async {
        let state = publishing::load(&site.db, edition).await.ok()?.state;
        matches!(state, EditionState::Finished | EditionState::Cancelled).then_some(())
    })
    .await
}

/// As a mail program does it (RFC 8058): one POST to the address in the header, with no cookie and no questions.
async fn unsubscribe(sandbox: &Sandbox, number: usize) -> anyhow::Result<()> {
    let (_, email) = magazine::reader(number);
    let mails = sandbox.mailbox().to(&email);
    let mut headers = mails.iter().filter_map(|mail| {
        let raw = sandbox.mailbox().raw(mail.seq).ok()?;
        mailbox::header(&raw, "List-Unsubscribe")
    });
    let header = headers.next_back().context("no edition reached the reader who wants to leave")?;
    let url = header.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
    let response = reqwest::Client::new()
        .post(&url)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("List-Unsubscribe=One-Click")
        .send()
        .await?;
    ensure!(response.status() == 200, "one-click unsubscribing answered {}", response.status());
    Ok(())
}

async fn give(site: &Site) -> anyhow::Result<()> {
    for (every, gifts) in [("once", &GIFTS_ONCE[..]), ("month", &GIFTS_MONTHLY)] {
        for (amount, name) in gifts {
            pay(site, every, amount, name, "pay").await?;
        }
    }
    pay(site, "once", "30", "Quinn Abara", "decline").await
}

async fn pay(site: &Site, every: &str, amount: &str, name: &str, button: &str) -> anyhow::Result<()> {
    let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
    let mut supporter = Visitor::new()?;
    let form = supporter.open(&site.url("/donate")).await?.form("/donate")?;
    let form = form.with("every", every).with("own_amount", amount).with("email", &email).with("name", name);
    let checkout = supporter.submit(&form).await?;
    let form = checkout.form("/c/pay/")?.with("what", button);
    succeeded(supporter.submit(&form).await?)
}

/// Every charge of the provider is booked, and every paid gift has its receipt in the mailbox.
async fn wait_for_receipts(site: &Site) -> anyhow::Result<()> {
    wait_for("the receipts", || async {
        let unfinished = donations::unfinished(&site.db).await.ok()?;
        let waiting = crate::delivery::letter_counts(&site.db).await.ok()?;
        let open = waiting.iter().any(|(state, _)| matches!(state, CopyState::Queued | CopyState::Claimed));
        (unfinished.waiting + unfinished.calls == 0 && !open).then_some(())
    })
    .await
}

fn succeeded(page: Page) -> anyhow::Result<()> {
    // A declined card leads back to its page with 402: that is what was to be shown.
    if page.status.is_success()
        || page.status == 402
        || page.status == 422 && page.url.path().starts_with("/c/pay/")
    {
        return Ok(());
    }
    bail!("{} answered {}: {}", page.url, page.status, page.text())
}

async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> anyhow::Result<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(found) = ask().await {
            return Ok(found);
        }
        if watch.elapsed() > PATIENCE {
            bail!("waited {} s in vain for {what}", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

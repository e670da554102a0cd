//! A whole instance for a test: a database, a clock that the test moves, and the web server on a real port.
//!
//! A test that ends well must leave nothing behind: no automatic email, copy or event that still waits or went wrong,
//! unless the test says that it meant to ([`TestApp::leaves_work`]).

use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use broadside::{
    articles::Fetcher,
    authorities::Trust,
    clock::Moment,
    db::Db,
    delivery,
    doctor::Doctor,
    door::Limits,
    email_address::EmailAddress,
    journal::{self, Disk, Journal, OwnDisk},
    mail::Templates,
    origin::FormerNames,
    payments::{Payments, Stripe, StripeSettings, WebhookSecrets, setup::SetupWanted},
    publishing,
    relays::RelayOptions,
    sandbox::{Sandbox, SandboxConfig, Webhook},
    site::Site,
    smtp::{Relay, Timeouts, Wire},
    smtp_url::RelayLimits,
    staff::{self, FirstOwner, PasswordCost},
    web::{App, BounceHooks, serve},
};
use tokio::{net::TcpListener, task::AbortHandle};
use url::Url;

pub use super::database::{SECRET, SUPPRESSION_SECRET};
use super::{Fixture, TestDb, scratch, visitor::Visitor};

/// Tuesday, 3 March 2026, 09:00 UTC: when every test begins.
pub const BEGINNING: Moment = Moment::from_unix_seconds(1_772_528_400);

/// The first owner's address and password.
pub const OWNER: (&str, &str) = ("owner@example.org", "a lamp for every street");

/// What Mailgun signs its reports with.
pub const MAILGUN_KEY: &str = "the key of a test";

/// The instance. Cheap to clone.
#[derive(Clone)]
pub struct TestApp(Arc<Inner>);

/// What a test can look at.
pub struct Inner {
    pub site: Site,
    pub templates: Templates,
    /// The outside world: it takes the mail and the money, and says what really came.
    pub sandbox: Sandbox,
    /// Where mail goes out.
    pub relay: Relay,
    pub payments: Payments,
    /// Who calls it by a name that it had.
    pub former: FormerNames,
    /// What `DATABASE_URL` would be.
    pub database_url: String,
    leaves_work: AtomicBool,
    server: AbortHandle,
}

impl Deref for TestApp {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Fixture for TestApp {
    async fn start(db: TestDb) -> Self {
        let app = Self::without_owner(db).await;
        make_magazine(&app.site).await;
        app
    }

    async fn finish(self) {
        let asked = self.site.db.was_asked_while_held();
        assert!(!asked, "something asked the pool for a connection while it held a transaction");
        if self.leaves_work.load(Ordering::SeqCst) {
            return;
        }
        let left = left_behind(&self).await;
        assert!(left.is_empty(), "the test left behind: {left:?}");
    }
}

/// A site whose public address is a port of this machine, with an address that mail comes back to.
async fn at_a_port(db: &TestDb, now: Moment) -> (TcpListener, Site) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("a bound port");
    let bounce_address = Some(EmailAddress::parse("bounce@example.org").expect("an address"));
    let site = Site { bounce_address, ..db.site(&format!("http://{address}"), now) };
    (listener, site)
}

impl TestApp {
    /// The instance as it is before anybody set it up.
    pub async fn without_owner(db: TestDb) -> Self {
        let (listener, site) = at_a_port(&db, BEGINNING).await;
        let outside = outside(&site).await;
        Self::with(db, listener, site, outside)
    }

    /// A magazine with a journal of withdrawals, in a folder of its own; others have none.
    pub async fn journalled(db: TestDb) -> Self {
        Self::journalled_on(db, Box::new(OwnDisk)).await
    }

    /// The same on a disk of the test's making.
    pub async fn journalled_on(db: TestDb, disk: Box<dyn Disk>) -> Self {
        let (listener, site) = at_a_port(&db, BEGINNING).await;
        let path = scratch::folder().join(journal::NAME);
        let journal = Journal::on(path, delivery::suppression_proof(&site.keys), disk);
        let site = Site { journal, ..site };
        let outside = outside(&site).await;
        let app = Self::with(db, listener, site, outside);
        make_magazine(&app.site).await;
        app
    }

    /// The magazine of a restored backup, at the moment at which this one is, with the payment provider of this one: the world
    /// outside goes on. Its mail goes to a mailbox of its own.
    pub async fn restored_from(&self, backup: TestDb) -> Self {
        let (listener, site) = at_a_port(&backup, self.site.now()).await;
        let site = Site {
            bounce_address: self.site.bounce_address.clone(),
            journal: self.site.journal.clone(),
            ..site
        };
        let (sandbox, relay, _) = outside(&site).await;
        Self::with(backup, listener, site, (sandbox, relay, self.payments.clone()))
    }

    /// The pages of this instance as another process has them that was told nothing more: no donations, forms that take their time.
    pub fn bare_pages(&self) -> App {
        let fetcher = Fetcher::new(true).expect("a fetcher");
        App::new(self.site.clone(), self.templates.clone(), fetcher).expect("the pages are in order")
    }

    fn with(
        db: TestDb,
        listener: TcpListener,
        site: Site,
        (sandbox, relay, payments): (Sandbox, Relay, Payments),
    ) -> Self {
        let templates = Templates::load().expect("the email templates are in order");
        // The servers of tests are on this machine, which feeds may otherwise not be read from.
        let fetcher = Fetcher::new(true).expect("a fetcher");
        let mut web = App::new(site.clone(), templates.clone(), fetcher)
            .expect("the pages are in order")
            .with_payments(payments.clone());
        web.password_cost = PasswordCost::CHEAP;
        // Nobody takes any time while the clock stands still.
        web.quickest_form = Duration::ZERO;
        web.relays = Arc::new([five_thousand_a_day(&relay)]);
        web.doctor = Some((Arc::new(doctor(&site, &relay)), "test".into()));
        web.bounce_hooks =
            Arc::new(BounceHooks { mailgun: Some(MAILGUN_KEY.to_owned()), ..BounceHooks::default() });
        let former = web.former.clone();
        let serve = serve(listener, web, Limits::USUAL, std::future::pending());
        let server = tokio::spawn(serve).abort_handle();
        let leaves_work = AtomicBool::new(false);
        let database_url = db.url.clone();
        Self(Arc::new(Inner {
            site,
            templates,
            sandbox,
            relay,
            payments,
            former,
            database_url,
            leaves_work,
            server,
        }))
    }

    /// Somebody who has never been here.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.site.base_url)
    }

    /// The owner, signed in at the desk through its own form.
    pub async fn desk(&self) -> Visitor {
        let visitor = self.visitor();
        let form = visitor.open("/desk/sign-in").await.form("/desk/sign-in");
        let form = form.with("email", OWNER.0).with("password", OWNER.1);
        visitor.submit_and_follow(&form).await.says("Overview");
        visitor
    }

    /// The whole address of a path.
    pub fn url(&self, path: &str) -> String {
        self.site.url(path)
    }

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        self.site.clock.advance(span);
    }

    /// Says that work which still waits, or went wrong, is what this test is about.
    pub fn leaves_work(&self) {
        self.leaves_work.store(true, Ordering::SeqCst);
    }
}

/// Starts the sandbox, on the test's own clock, and what it takes to reach it.
async fn outside(site: &Site) -> (Sandbox, Relay, Payments) {
    let secret = "whsec_of_a_test".to_owned();
    let mut config = SandboxConfig::new(scratch::folder(), site.clock.clone());
    config.webhook = Some(Webhook { url: site.url("/hooks/stripe"), secret: secret.clone() });
    let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
    let url = format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse().expect("an SMTP address");
    let relay = Relay {
        url,
        trust: Trust::public(),
        hello: "test.example.org".to_owned(),
        timeouts: Timeouts::scaled(0.05),
        messages_per_connection: 100,
        wire: Wire::default(),
    };
    let api_base = Url::parse(&format!("http://{}", sandbox.http_addr())).expect("an address");
    let stripe = Stripe::new(&StripeSettings { secret_key: "sk_test_of_a_test".to_owned(), api_base });
    let provider = Arc::new(stripe.expect("a client"));
    (sandbox, relay, Payments { provider, webhook_secrets: WebhookSecrets::new([secret]) })
}

/// What is looked at around the instance.
pub fn doctor(site: &Site, relay: &Relay) -> Doctor {
    Doctor {
        in_production: true,
        base_url: site.base_url.clone(),
        trusted_proxies: Vec::new(),
        data_dir: scratch::folder(),
        ours: Arc::new(Vec::new),
        relays: vec![relay.clone()],
        lookout: None,
        dns_resolver: None,
        bounce_address: site.bounce_address.clone(),
        bounce_maildir: None,
        bounce_mailbox: None,
        payments: None,
        payments_wanted: SetupWanted::of(&site.base_url, Vec::new()),
    }
}

/// What the desk believes of the mail service, so that it has something to say before a large edition.
fn five_thousand_a_day(relay: &Relay) -> RelayOptions {
    let limits = RelayLimits { per_day: Some(5_000), ..RelayLimits::default() };
    RelayOptions { limits, ..RelayOptions::unlimited(relay.clone(), 4) }
}

async fn make_magazine(site: &Site) {
    let email = EmailAddress::parse(OWNER.0).expect("an address");
    let owner = FirstOwner { name: "Olive Owner", email: &email, password: OWNER.1 };
    let made = staff::make_first_owner(site, PasswordCost::CHEAP, owner, |settings| {
        settings.magazine_name = "The Lamplighter".to_owned();
        settings.legal_name = "Lamplighter Press, registered association".to_owned();
        settings.postal_address = "1 Lamp Street\n1000 Harbour".to_owned();
        settings.contact_email = "hello@example.org".to_owned();
        settings.from_name = "The Lamplighter".to_owned();
        settings.from_email = "post@example.org".to_owned();
    });
    made.await.expect("an empty database takes its first owner");
    publishing::ensure_first(site).await.expect("a first list and digest");
}

/// What still waits, or went wrong.
async fn left_behind(app: &TestApp) -> Vec<(String, i64)> {
    const LEFT: &str = "select 'automatic email ' || template || ' ' || state, count(*) from notice
            where state in ('queued', 'claimed', 'failed') group by 1
        union all select 'copy ' || state, count(*) from delivery where state in ('queued', 'claimed') group by 1";
    let mut left: Vec<(String, i64)> = match &app.site.db {
        Db::Sqlite { read, .. } => sqlx::query_as(LEFT).fetch_all(read).await,
        Db::Postgres { pool, .. } => sqlx::query_as(LEFT).fetch_all(pool).await,
    }
    .expect("mails can be counted");
    for (name, figures) in app.queues().await {
        left.extend([
            (format!("{name} wait"), figures.waiting),
            (format!("{name} given up"), figures.given_up),
        ]);
    }
    left.retain(|(_, number)| *number > 0);
    left
}

//! Broadside's own outside world, on this machine: an SMTP server with a mailbox page, and a payment provider that speaks
//! the part of Stripe's API that we use.
//!
//! The rule: it is an oracle. It shares no code with what it checks (the clock, the door and how files are made apart), it is as strict as the world
//! outside, and it writes down what happened in files of its own before it says that it did. So its word stands even when the
//! process is killed together with Broadside.
//!
//! It calls the clock, the door and `private`; the demo, `broadside sandbox` and the tests start it. Start reading at [`Sandbox`].

mod journal;
mod mailbox;
mod pages;
mod smtp;
mod stripe_api;
#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::Router;
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
    task::{JoinError, JoinSet},
};

#[cfg(test)]
pub(crate) use mailbox::read_mail;
pub use mailbox::{Exchange, Mailbox, Received};
pub use smtp::{Hold, LineEnds, Rule, SmtpOptions, SmtpScript, Stage};
pub use stripe_api::{
    AfterLastTry, ApiFault, BookedCurrency, CardAnswer, Charged, Delivery, DeliveryState, DisputeKind,
    EventShape, Fate, Forgery, GivenInAll, OldSupporter, ProviderBook, RecordedCall, RefundCourse, Rhythm,
    SandboxCard, SandboxError, Settlement, StripeRules, StripeServer, Webhook, signature,
};

use crate::{
    clock::Clock,
    door::{self, Headcount, Limits},
    private,
};

/// The names of its files.
const MAIL: &str = "mail.jsonl";
const MAIL_BYTES: &str = "mail.raw";
const PAYMENTS: &str = "stripe.jsonl";

/// Whether a file of its folder is one of its own, by its name.
#[must_use]
pub fn is_file_of_ours(path: &Path) -> bool {
    [MAIL, MAIL_BYTES, PAYMENTS].iter().any(|name| path.ends_with(name))
}

/// What a sandbox needs to start.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// A folder of its own; made if it is not there.
    pub dir: PathBuf,
    /// Where it takes mail; port 0 lets the system choose.
    pub smtp: SocketAddr,
    /// Where its pages and its payment API are; port 0 lets the system choose.
    pub http: SocketAddr,
    /// Where events are sent; none are without it.
    pub webhook: Option<Webhook>,
    /// The secret key that the payment API takes; if empty, any that begins with `sk_test_`.
    pub api_key: String,
    /// What the SMTP server offers and demands.
    pub smtp_options: SmtpOptions,
    /// How long its clients may keep it waiting, and how many there may be.
    pub limits: SandboxLimits,
    /// Where the time comes from.
    pub clock: Clock,
}

impl SandboxConfig {
    /// A sandbox in this folder, on ports of the system's choice, with no endpoint for events.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, clock: Clock) -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            dir: dir.into(),
            smtp: any_port,
            http: any_port,
            webhook: None,
            api_key: String::new(),
            smtp_options: SmtpOptions::default(),
            limits: SandboxLimits::default(),
            clock,
        }
    }
}

/// What its two servers put up with.
#[derive(Clone, Copy, Debug)]
pub struct SandboxLimits {
    /// Who brings mail.
    pub smtp: Limits,
    /// Who looks at the pages, or pays. One machine comes as one network, so all may.
    pub http: Limits,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self { smtp: Limits::SMTP, http: Limits { per_network: usize::MAX, ..Limits::USUAL } }
    }
}

/// The outside world, running. A clone is a handle on the same one.
#[derive(Clone, Debug)]
pub struct Sandbox(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    smtp: Arc<smtp::Server>,
    smtp_address: SocketAddr,
    http_address: SocketAddr,
    stripe: StripeServer,
    stop: watch::Sender<bool>,
    tasks: Mutex<JoinSet<()>>,
}

impl Sandbox {
    /// Binds both addresses, reads back what happened before, and begins to serve.
    ///
    /// # Errors
    /// When the folder cannot be used, its files are damaged, or an address is taken.
    pub async fn start(config: SandboxConfig) -> io::Result<Self> {
        private::folder(&config.dir)?;
        let (stop, stopped) = watch::channel(false);
        let mailbox = Mailbox::open(&config.dir, config.clock.clone())?;
        let smtp_listener = TcpListener::bind(config.smtp).await?;
        let http_listener = TcpListener::bind(config.http).await?;
        let (stripe, delivering) =
            StripeServer::open(&config.dir, config.clock, config.api_key, stopped.clone())?;
        let http_address = http_listener.local_addr()?;
        let smtp_address = smtp_listener.local_addr()?;
        stripe.begin(format!("http://{http_address}"), config.webhook);

        let script = SmtpScript::default();
        let smtp = Arc::new(smtp::Server { options: config.smtp_options, script, mailbox: mailbox.clone() });
        let mut tasks = JoinSet::new();
        tasks.spawn(delivering);
        tasks.spawn(smtp::serve(smtp_listener, Arc::clone(&smtp), config.limits.smtp, stopped.clone()));
        let app = Router::new()
            .merge(mailbox::pages::router(mailbox))
            .merge(stripe_api::pages::router(stripe.clone()))
            .merge(stripe_api::router(stripe.clone()));
        tasks.spawn(serve_http(http_listener, app, config.limits.http, stopped));
        let tasks = Mutex::new(tasks);
        Ok(Self(Arc::new(Inner { smtp, smtp_address, http_address, stripe, stop, tasks })))
    }

    /// Where mail is taken.
    #[must_use]
    pub fn smtp_addr(&self) -> SocketAddr {
        self.0.smtp_address
    }

    /// Where the pages and the payment API are.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.0.http_address
    }

    /// The mail that arrived.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.0.smtp.mailbox
    }

    /// What the SMTP server does instead of what it should.
    #[must_use]
    pub fn smtp_script(&self) -> &SmtpScript {
        &self.0.smtp.script
    }

    /// The payment provider.
    #[must_use]
    pub fn stripe(&self) -> &StripeServer {
        &self.0.stripe
    }

    /// Sends events there from now on, or nowhere. Deliveries
    /// that wait, from before a restart too, go there; events that happened while there was no endpoint are not sent later.
    pub fn set_webhook(&self, webhook: Option<Webhook>) {
        self.0.stripe.set_webhook(webhook);
    }

    /// Waits until a part of it ends before it was told to, which none should; with what it said.
    ///
    /// # Errors
    /// When it broke off.
    pub async fn ended(&self) -> Result<(), JoinError> {
        let mut tasks = self.0.tasks.lock().await;
        tasks.join_next().await.unwrap_or(Ok(()))
    }

    /// Stops serving and frees both addresses. What stands in the files stays.
    pub async fn stop(self) {
        self.0.stop.send_replace(true);
        let mut tasks = self.0.tasks.lock().await;
        while tasks.join_next().await.is_some() {}
    }
}

async fn serve_http(listener: TcpListener, app: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    // Open keep-alive connections are cut: a test that stops the sandbox does not wait for its clients.
    tokio::select! {
        () = door::serve(listener, app, limits, Headcount::default(), Arc::new([]), std::future::pending()) => {}
        _ = stop.changed() => {}
    }
}

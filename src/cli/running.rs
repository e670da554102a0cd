//! A running instance: web, worker and, where wanted, the sandbox, started in order and stopped in order.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinError, JoinHandle},
    time::timeout,
};

use super::{
    doctor, instance,
    outside::{bounce_mailbox, lookout},
    sandbox,
};
use crate::{
    articles::Fetcher,
    bounces::{SnsNetwork, SnsTopic},
    clock::Clock,
    config::{Config, Environment},
    db::Unreachable,
    deliverability,
    delivery::{self, Engine, EngineOptions, Lock, RefusalRules},
    dkim,
    door::{self, Headcount, Limits},
    email_address::for_the_log,
    jobs::{Jobs, Turns, Waits},
    mail::Templates,
    meters::Meters,
    origin::{self, Doubt, FormerNames, Positions, Standing},
    payments::{Payments, Stripe, StripeSettings, WebhookSecrets},
    private,
    relays::RelayOptions,
    restored,
    sandbox::{Sandbox, SandboxConfig, SandboxLimits, Webhook},
    site::Site,
    smtp::{Relay, Timeouts, Wire},
    smtp_url::{RelaySettings, Relays},
    staff,
    tasks::Breaks,
    web::{self, BounceHooks, Monitor, SandboxInfo, Watched},
};

/// Which parts of an instance this process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// Pages, and everything that runs by the clock.
    WebAndWorker,
    /// Everything that runs by the clock.
    Worker,
}

impl Parts {
    const fn command(self) -> &'static str {
        match self {
            Self::WebAndWorker => "serve",
            Self::Worker => "worker",
        }
    }
}

/// What runs, and how to end it.
pub(super) struct Running {
    pub(super) site: Site,
    pub(super) fetcher: Fetcher,
    pub(super) sandbox: Option<Sandbox>,
    stop: watch::Sender<bool>,
    web: Option<JoinHandle<()>>,
    monitor: Option<JoinHandle<()>>,
    jobs: JoinHandle<()>,
    engine: Engine,
}

impl Running {
    /// Starts the parts; with `sandbox`, mail and payments go to our own outside world whatever the settings say.
    pub(super) async fn start(mut config: Config, parts: Parts, sandbox: bool) -> anyhow::Result<Self> {
        // First of all: whoever is the second on this database has changed nothing when it is told so.
        let lock = instance::lock(&config)?;
        instance::shut_what_is_open(&config);
        say_what_is_not_safe(&config, parts);
        let descriptors = door::raise_descriptors();
        if parts == Parts::Worker && lock.is_some() {
            bail!(
                "with SQLite one process does everything: use serve. Separate workers need PostgreSQL (DATABASE_URL=postgres://…)"
            );
        }
        let listener = match parts {
            Parts::WebAndWorker => Some(listen(&mut config)?),
            Parts::Worker => None,
        };
        let monitor = listen_for_watchers(&config)?;
        let sandbox = if sandbox { Some(open_sandbox(&mut config).await?) } else { None };
        let Some(smtp) = config.smtp_url.clone() else {
            bail!(
                "SMTP_URL is not set, so no mail could go out. Set it to your mail service, or try everything without one: broadside serve --sandbox"
            );
        };
        let site = instance::open_site_locked(&config, parts == Parts::WebAndWorker).await?;
        let positions = instance::positions(&config)?;
        origin::arrive(&site, Some(&positions)).await?;
        restored::take_up(&site, Some(&positions)).await?;
        say_why_nothing_is_sent(&site, &origin::look(&site).await?);
        if let Some(found) = crate::doctor::from_the_future(&site.db, site.now()).await {
            tracing::warn!("{}", found.words);
        }
        if !origin::knows_secret(&site).await? {
            tracing::error!("{}", origin::ANOTHER_SECRET);
        }
        dkim::check(&site).await?;
        let lookout = if sandbox.is_some() { None } else { lookout(&config, &smtp) };
        if lookout.is_none() {
            deliverability::forget(&site.db).await?;
        }
        let templates = Templates::load().context("the email templates cannot be used")?;
        let fetcher = Fetcher::new(config.fetch_private_addresses)?;
        let payments = payments(&config)?;
        let doctor = Arc::new(doctor::of(&config, lookout.clone()));
        let place: Arc<str> = format!("{} ({})", delivery::host_name(), parts.command()).trim().into();
        let (stop, stopped) = watch::channel(false);

        let relays = relays(&config, &site, smtp);
        let (breaks, meters, headcount) = (Breaks::default(), Meters::default(), Headcount::default());
        let former = FormerNames::default();
        let options = EngineOptions {
            meters: meters.clone(),
            ..engine_options(&config, relays.clone(), lock, positions.clone(), breaks.clone())
        };
        let engine = Engine::start(site.clone(), templates.clone(), options).await?;
        let jobs = Jobs {
            turns: Turns::default(),
            site: site.clone(),
            templates: templates.clone(),
            payments: payments.as_ref().map(|payments| payments.provider.clone()),
            fetcher: fetcher.clone(),
            lookout: lookout.clone(),
            positions: Some(positions.clone()),
            former: former.clone(),
            doctor: Some(doctor.clone()),
            place: place.clone(),
            waits: Waits::default(),
            breaks,
            meters: meters.clone(),
            bounce_maildir: config.bounce_maildir.clone(),
            bounce_mailbox: bounce_mailbox(&config),
        };
        let jobs = tokio::spawn(jobs.run(stopped.clone()));
        let monitor = monitor.map(|listener| {
            let watched = Watched {
                site: site.clone(),
                meters: meters.clone(),
                vitals: engine.vitals(),
                silence: Duration::from_secs(config.worker_silence_seconds.max(30)),
                relays: relays.clone().into(),
                headcount: headcount.clone(),
                began: site.now(),
            };
            tokio::spawn(web::serve_monitor(listener, Monitor::new(watched), until(stopped.clone())))
        });
        let web = match listener {
            None => None,
            Some(listener) => {
                let mut app = web::App::new(site.clone(), templates, fetcher.clone())?;
                app.sandbox = sandbox.as_ref().map(|sandbox| Arc::new(sandbox_info(sandbox)));
                app.checkout_origin =
                    payments.as_ref().map(|payments| payments.provider.checkout_origin().into());
                app.payments = payments;
                app.positions = Some(positions.clone());
                app.relays = relays.into();
                app.lookout = lookout;
                app.doctor = Some((doctor, place));
                app.bounce_hooks = Arc::new(bounce_hooks(&config)?);
                (app.meters, app.headcount, app.former) = (meters, headcount, former);
                app.hsts_subdomains = config.hsts_subdomains;
                app.trusted_proxies = config.trusted_proxies.clone().into();
                let limits = limits(descriptors, &config, &app.relays, sandbox.is_some());
                Some(tokio::spawn(web::serve(listener, app, limits, until(stopped))))
            }
        };
        Ok(Self { site, fetcher, sandbox, stop, web, monitor, jobs, engine })
    }

    /// Runs until the process is told to stop, or a part ends by itself, which is an error.
    pub(super) async fn until_told(mut self, mut told: Told) -> anyhow::Result<()> {
        let web_ended = async {
            match &mut self.web {
                Some(web) => web.await,
                None => std::future::pending().await,
            }
        };
        let monitor_ended = async {
            match &mut self.monitor {
                Some(monitor) => monitor.await,
                None => std::future::pending().await,
            }
        };
        let sandbox_ended = async {
            match &self.sandbox {
                Some(sandbox) => sandbox.ended().await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            told = told.comes() => told,
            ended = web_ended => bail!("the web server ended{}", why(ended)),
            ended = &mut self.jobs => bail!("what runs by the clock ended{}", why(ended)),
            ended = self.engine.ended() => bail!("the sending engine ended: {ended}"),
            ended = monitor_ended => bail!("what answers whoever watches ended{}", why(ended)),
            ended = sandbox_ended => bail!("the sandbox ended{}", why(ended)),
        };
        self.stop().await;
        ended
    }

    /// Stops: no new requests, messages on their way finish, claims go back, connections close. Whatever hangs is left behind in
    /// time for whoever told us to stop, and would kill us in the middle otherwise.
    pub(super) async fn stop(self) {
        tracing::info!("stopping: messages on their way are finished first");
        // Whoever does not listen any more has stopped already.
        let _ = self.stop.send(true);
        let web = async {
            for serving in [self.web, self.monitor].into_iter().flatten() {
                // Requests that take longer are cut off: a page of live progress would go on for ever.
                let _ = timeout(LAST_REQUESTS, serving).await;
            }
        };
        let everything = async {
            let _ = tokio::join!(self.engine.stop(), self.jobs, web);
            if let Some(sandbox) = self.sandbox {
                sandbox.stop().await;
            }
        };
        if timeout(LAST_MESSAGES + GOOD_BYE, everything).await.is_err() {
            tracing::error!(
                "not everything came to its end; what is not known is found out at the next start"
            );
        }
        if timeout(GOOD_BYE, self.site.db.close()).await.is_err() {
            tracing::warn!("connections to the database did not close and are left to it");
        }
    }
}

/// How long messages on their way have to come to their end. With the rest it is less than half a minute.
const LAST_MESSAGES: Duration = Duration::from_secs(20);
/// How long requests have that have begun.
const LAST_REQUESTS: Duration = Duration::from_secs(5);
/// How long the database has to take what is left to be written down.
const GOOD_BYE: Duration = Duration::from_secs(4);

/// What a task said that ended where nobody foresaw it.
fn why(ended: Result<(), JoinError>) -> String {
    ended.err().map(|error| format!(": {}", for_the_log(&error.to_string()))).unwrap_or_default()
}

/// Port 0 lets the system choose; then the public address is the one that was chosen.
fn listen(config: &mut Config) -> anyhow::Result<TcpListener> {
    let listener = door::listen(config.listen).map_err(|error| not_heard(config.listen, &error))?;
    let address = listener.local_addr()?;
    if config.listen.port() == 0 {
        config.base_url = format!("http://{address}").parse()?;
    }
    config.listen = address;
    Ok(listener)
}

/// The address for whoever watches, if there is to be one.
fn listen_for_watchers(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let listener = door::listen(address)
        .with_context(|| format!("cannot listen on {address} (METRICS_LISTEN); who is there already?"))?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "/health and /metrics are served");
    if address.ip().is_unspecified() && config.environment == Environment::Production {
        tracing::warn!(%address, "METRICS_LISTEN is every address of this machine: see that no stranger reaches that port");
    }
    Ok(Some(listener))
}

/// Comes back once the database's server is there, which may start after us. Whoever watches is told meanwhile what is waited for.
pub(super) async fn wait_for_database(config: &Config) {
    let database = config.database();
    let Some(why) = instance::away(&database).await else { return };
    tracing::error!(target: Unreachable::TARGET, "{why}; waiting until it is there");
    let is_there = instance::until_it_is_there(database);
    match listen_for_watchers(config) {
        Ok(Some(listener)) => {
            web::serve_while_waiting(listener, why.to_string(), Clock::System.now(), is_there).await;
        }
        // Where nobody can listen, the start says so.
        Ok(None) | Err(_) => is_there.await,
    }
}

/// Why we cannot listen there, and what to do.
fn not_heard(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let next = match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "port {} needs rights that {} does not have. Choose a port above 1023 in LISTEN and let a proxy pass on to it, or give the service AmbientCapabilities=CAP_NET_BIND_SERVICE",
            address.port(),
            private::user()
        ),
        io::ErrorKind::AddrInUse => {
            "something listens there already. Is Broadside running? See what it is (ss -ltnp), and stop it or choose another port in LISTEN".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => {
            "this machine does not have that address. Write one of its own into LISTEN: 127.0.0.1 for a proxy on it, 0.0.0.0 for all".to_owned()
        }
        _ => error.to_string(),
    };
    anyhow::anyhow!("cannot listen on {address}: {next}")
}

async fn open_sandbox(config: &mut Config) -> anyhow::Result<Sandbox> {
    sandbox::refuse_in_production(config)?;
    let webhook = format!("http://{}/hooks/stripe", config.listen);
    let sandbox = Sandbox::start(SandboxConfig {
        smtp: config.sandbox_smtp,
        http: config.sandbox_http,
        webhook: Some(Webhook { url: webhook, secret: sandbox::WEBHOOK_SECRET.to_owned() }),
        api_key: sandbox::KEY.to_owned(),
        limits: sandbox_limits(config),
        ..SandboxConfig::new(config.data_dir.join("sandbox"), Clock::System)
    })
    .await
    .with_context(|| {
        format!("the sandbox cannot start on {} and {}", config.sandbox_smtp, config.sandbox_http)
    })?;
    config.smtp_url = Some(format!("smtp://{}?tls=none", sandbox.smtp_addr()).parse::<Relays>()?);
    sandbox::takes_payments(config, sandbox.http_addr())?;
    Ok(sandbox)
}

/// Ours come first: they are as many as the settings say, and ask the payment pages now and then.
fn sandbox_limits(config: &Config) -> SandboxLimits {
    let usual = SandboxLimits::default();
    SandboxLimits {
        smtp: Limits { connections: config.smtp_connections + 32, ..usual.smtp },
        http: Limits { connections: 32, ..usual.http },
    }
}

/// How many may come to the pages: what the process can hold beside its database, its mail and the sandbox.
fn limits(descriptors: usize, config: &Config, relays: &[RelayOptions], sandbox: bool) -> Limits {
    // SQLite holds the file and its log for each connection, and one more file for all of them.
    let files = if instance::sqlite_file(config).is_some() { 2 } else { 1 };
    let database = files * (config.database_connections as usize + 1) + 1;
    let mail: usize = relays.iter().map(|relay| relay.connections).sum();
    let outside = sandbox_limits(config);
    let outside = if sandbox { outside.smtp.connections + outside.http.connections } else { 0 };
    let watchers = config.metrics_listen.map_or(0, |_| web::MONITOR_LIMITS.connections);
    let limits = Limits::USUAL.within(descriptors, EVERYTHING_ELSE + database + mail + outside + watchers);
    let (connections, of_one_network) = (limits.connections, limits.per_network);
    if connections < Limits::USUAL.connections / 4 {
        tracing::warn!(
            descriptors,
            connections,
            of_one_network,
            "this process may open few files, so few connections fit: raise LimitNOFILE (ulimit -n) before many readers come at once"
        );
    } else {
        tracing::debug!(descriptors, connections, of_one_network, "connections that may be open at once");
    }
    limits
}

/// Descriptors for the log, locks and position files, for feeds, DNS, the payment provider and bounces.
const EVERYTHING_ELSE: usize = 64;

fn sandbox_info(sandbox: &Sandbox) -> SandboxInfo {
    let origin = format!("http://{}", sandbox.http_addr());
    SandboxInfo { mailbox_url: format!("{origin}/"), payments_url: format!("{origin}/payments") }
}

fn payments(config: &Config) -> anyhow::Result<Option<Payments>> {
    let Some(secret_key) = config.stripe_secret_key.clone() else {
        tracing::warn!("STRIPE_SECRET_KEY is not set: donations are switched off, and the pages say so");
        return Ok(None);
    };
    let provider = Stripe::new(&StripeSettings { secret_key, api_base: config.stripe_api_base.clone() })?;
    let webhook_secrets = WebhookSecrets::new(config.stripe_webhook_secrets.iter().cloned());
    Ok(Some(Payments { provider: Arc::new(provider), webhook_secrets }))
}

fn bounce_hooks(config: &Config) -> anyhow::Result<BounceHooks> {
    let ask = Arc::new(SnsNetwork::new().context("TLS cannot be set up")?);
    Ok(BounceHooks {
        mailgun: config.mailgun_signing_key.clone(),
        postmark: config.postmark_webhook_secret.clone(),
        sendgrid: config.sendgrid_webhook_key.clone(),
        ses: config.ses_topic_arn.as_deref().map(|arn| SnsTopic::new(arn, ask)),
    })
}

/// What works, and should not be left like this.
fn say_what_is_not_safe(config: &Config, parts: Parts) {
    if config.environment != Environment::Production || parts != Parts::WebAndWorker {
        return;
    }
    let base = config.base_url.as_str();
    if config.base_url.scheme() == "http" {
        tracing::warn!(
            "BASE_URL={base} is http: passwords and links are for everybody on the way to read. Put a proxy with a certificate in front, and write its https address into BASE_URL"
        );
    } else if config.trusted_proxies.is_empty() {
        tracing::warn!(
            "BASE_URL={base} is https, so a proxy is in front of us, and TRUSTED_PROXIES does not name it: limits count all visitors as one. Write its address there: 127.0.0.1 if it runs on this machine"
        );
    }
}

/// Nothing goes out, on purpose: the log says why and what to do, as the desk does.
fn say_why_nothing_is_sent(site: &Site, standing: &Standing) {
    let here = site.url("/");
    match standing {
        Standing::AtHome => {}
        Standing::Abroad(home) => tracing::warn!(
            %home, %here,
            "this database belongs to another address, so nothing is sent from here until an owner confirms at the desk, or `broadside settings confirm-address` does"
        ),
        Standing::Doubtful(Doubt::Elsewhere) => tracing::warn!(
            %here,
            "this database last ran on another machine or from another folder: it may be a copy. Nothing is sent until an owner decides at the desk, or `broadside restored` or `broadside settings confirm-address` does"
        ),
        Standing::Doubtful(Doubt::Behind) => tracing::warn!(
            %here,
            "this database is older than what ran here last: it is a restored backup. Nothing is sent until an owner decides at the desk, or `broadside restored` does"
        ),
        Standing::Doubtful(Doubt::Forgetful) => tracing::warn!(
            %here,
            "this is a restored backup, and who left since it was made is not known. Nothing is sent until the journal of withdrawals is there, or an owner says at the desk, or `broadside withdrawals go-on` does, that it shall be"
        ),
    }
}

fn engine_options(
    config: &Config,
    relays: Vec<RelayOptions>,
    lock: Option<Lock>,
    positions: Arc<Positions>,
    breaks: Breaks,
) -> EngineOptions {
    EngineOptions {
        silence: Duration::from_secs(config.worker_silence_seconds),
        refusals: RefusalRules { in_a_row: config.refusals_in_a_row, percent: config.refusals_percent },
        lock,
        positions: Some(positions),
        drain: LAST_MESSAGES,
        breaks,
        ..EngineOptions::new(relays)
    }
}

fn relays(config: &Config, site: &Site, settings: Relays) -> Vec<RelayOptions> {
    let relay = |RelaySettings { url, limits }: RelaySettings| RelayOptions {
        relay: Relay {
            url,
            trust: config.mail_trust.clone(),
            hello: site.host().to_owned(),
            timeouts: Timeouts::scaled(config.smtp_timeout_factor),
            messages_per_connection: limits
                .messages_per_connection
                .unwrap_or(config.smtp_messages_per_connection),
            wire: Wire::default(),
        },
        connections: limits.connections.unwrap_or(config.smtp_connections),
        limits,
    };
    settings.0.into_iter().map(relay).collect()
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error means that nobody is left who could say so: time to stop, too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// Hears Ctrl-C, SIGTERM and SIGHUP from the moment it is made, which is before the first message goes out: a process that is told to
/// stop while it starts stops in good order, too.
pub(super) struct Told {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl Told {
    #[cfg(unix)]
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    #[cfg(not(unix))]
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Does something that may take for ever; `false` when told to stop before it was done.
    pub(super) async fn unless_told(&mut self, work: impl Future<Output = ()>) -> anyhow::Result<bool> {
        tokio::select! {
            told = self.comes() => told.map(|()| false),
            () = work => Ok(true),
        }
    }

    async fn comes(&mut self) -> anyhow::Result<()> {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
        #[cfg(not(unix))]
        tokio::signal::ctrl_c().await?;
        Ok(())
    }
}

/// Says where everything is, and how to begin when nobody is there yet.
pub(super) async fn greet(running: &Running, config_listen: SocketAddr) {
    let site = &running.site;
    println!("Broadside is running on {config_listen}.");
    println!("  public site   {}", site.url("/"));
    println!("  desk          {}", site.url("/desk"));
    if let Some(sandbox) = &running.sandbox {
        println!("  mailbox       http://{}/", sandbox.http_addr());
        println!("  payments      http://{}/payments", sandbox.http_addr());
    }
    // Whoever cannot be asked just now is asked at the next start: what runs is not ended for it.
    if let Ok(Some(path)) = staff::set_up_path(site).await {
        println!(
            "\nNobody has an account yet. Set your magazine up here (the link works once):\n  {}",
            site.url(&path)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A port that may not be listened on is one error with its next step.
    #[test]
    fn what_keeps_us_from_listening_is_told_with_its_next_step() {
        let said = |kind: io::ErrorKind| not_heard(([127, 0, 0, 1], 80).into(), &kind.into()).to_string();
        assert!(
            said(io::ErrorKind::PermissionDenied)
                .starts_with("cannot listen on 127.0.0.1:80: port 80 needs rights that")
        );
        assert!(said(io::ErrorKind::AddrInUse).contains("ss -ltnp"));
        assert!(said(io::ErrorKind::AddrNotAvailable).contains("does not have that address"));
    }

    /// Each link of the bar on top of the pages leads to what it says.
    #[tokio::test]
    async fn the_sandbox_bar_leads_to_the_mailbox_and_to_the_payments() {
        let name = format!("target/tmp/bar-{}", std::process::id());
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let sandbox = Sandbox::start(SandboxConfig::new(&folder, Clock::System)).await.unwrap();
        let info = sandbox_info(&sandbox);
        for (url, heading) in [(info.mailbox_url, "<h1>Mailbox"), (info.payments_url, "<h1>Payments")] {
            let page = reqwest::get(&url).await.unwrap().text().await.unwrap();
            assert!(page.contains(heading), "{url}: {page}");
        }
        sandbox.stop().await;
        std::fs::remove_dir_all(folder).unwrap();
    }
}

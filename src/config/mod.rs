//! Every setting of the environment: its name, default and meaning. Nothing else in the house reads the environment.
//!
//! The environment holds infrastructure and secrets; what an editor or treasurer decides is in the database
//! (`settings`). All mistakes are found at once, so that nobody has to start the program five times.
//!
//! It may name the types of any room; only the commands call it. Start reading at `table.rs`.

mod env_file;
mod table;

use std::{
    ffi::OsString,
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    str::FromStr,
};

use tracing_subscriber::EnvFilter;
use url::Url;

pub use self::table::{Kind, SETTINGS, Setting, example};
use self::table::{file_of, rule};
use crate::{
    authorities::Trust,
    bounces::is_sendgrid_key,
    db::DbOptions,
    email_address::EmailAddress,
    journal, network, private,
    smtp_url::Relays,
    token::{self, Keys, RootSecret},
};

/// Development or production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Secrets may be generated, the sandbox may run.
    Development,
    /// Secrets must be set, the sandbox is refused.
    Production,
}

impl FromStr for Environment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err(()),
        }
    }
}

/// The settings, checked: each field is the one of its name in SETTINGS. `Debug` shows no secret.
#[derive(Clone)]
pub struct Config {
    pub environment: Environment,
    pub base_url: Url,
    pub listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub trusted_proxies: Vec<IpAddr>,
    pub hsts_subdomains: bool,
    pub data_dir: PathBuf,
    pub withdrawals_journal: PathBuf,
    pub database_url: String,
    pub database_connections: u32,
    pub secret: Option<RootSecret>,
    pub old_secrets: Vec<RootSecret>,
    pub suppression_secret: Option<Vec<u8>>,
    pub backup_key: Option<Vec<u8>>,
    pub smtp_url: Option<Relays>,
    pub smtp_connections: usize,
    pub smtp_messages_per_connection: u32,
    pub smtp_timeout_factor: f64,
    pub dns_resolver: Option<SocketAddr>,
    pub worker_silence_seconds: u64,
    pub refusals_in_a_row: i64,
    pub refusals_percent: i64,
    pub mail_trust: Trust,
    pub bounce_address: Option<EmailAddress>,
    pub bounce_maildir: Option<PathBuf>,
    pub bounce_imap_url: Option<Url>,
    pub mailgun_signing_key: Option<String>,
    pub postmark_webhook_secret: Option<String>,
    pub sendgrid_webhook_key: Option<String>,
    pub ses_topic_arn: Option<String>,
    pub stripe_secret_key: Option<String>,
    pub stripe_webhook_secrets: Vec<String>,
    pub stripe_api_base: Url,
    pub fetch_private_addresses: bool,
    pub sandbox_smtp: SocketAddr,
    pub sandbox_http: SocketAddr,
    pub log: String,
    /// The file that filled in what the environment did not set.
    pub settings_file: Option<PathBuf>,
    described: Vec<(&'static str, String)>,
}

/// Every mistake in the settings, each with what to do.
#[derive(Debug)]
pub struct Mistakes(pub Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the settings cannot be used:")?;
        self.0.iter().try_for_each(|mistake| writeln!(f, "  - {mistake}"))?;
        f.write_str(".env.example explains every setting")
    }
}

impl std::error::Error for Mistakes {}

/// Reads values and collects mistakes.
struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<String>,
    described: Vec<(&'static str, String)>,
}

impl Reader<'_> {
    /// The value, from the variable, its file, or its default; `None` when all are empty.
    fn value(&mut self, name: &str) -> Option<String> {
        let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
        let given = (self.lookup)(name).filter(|value| !value.is_empty());
        let file = file_of(setting).and_then(|name| (self.lookup)(&name)).filter(|path| !path.is_empty());
        let value = match (given, file) {
            (Some(_), Some(_)) => self.mistake(format!("{name} and {name}_FILE are both set; keep one")),
            (None, Some(path)) => match fs::read_to_string(&path) {
                Ok(text) if text.trim().is_empty() => self.mistake(format!("{name}_FILE: {path} is empty")),
                Ok(text) => Some(text.trim().to_owned()),
                Err(error) => self.mistake(format!("{name}_FILE: {}", unread(Path::new(&path), &error))),
            },
            (given, None) => given.or_else(|| Some(setting.default.to_owned())),
        };
        let value = value.filter(|value| !value.is_empty());
        let shown = match &value {
            None => "(not set)".to_owned(),
            Some(_) if setting.kind == Kind::Secret => "(set)".to_owned(),
            Some(value) => without_password(value),
        };
        self.described.push((setting.name, shown));
        value
    }

    fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let value = self.value(name)?;
        match value.parse() {
            Ok(parsed) => Some(parsed),
            Err(_) if kind(name) != Kind::Plain && breaks_off(&value) => self.mistake(unencoded(name)),
            Err(_) => self.wrong(name, &value),
        }
    }

    fn number<T: FromStr + PartialOrd>(&mut self, name: &str, least: T, most: T) -> Option<T> {
        let value = self.value(name)?;
        match value.parse() {
            Ok(number) if number >= least && number <= most => Some(number),
            _ => self.wrong(name, &value),
        }
    }

    fn yes_or_no(&mut self, name: &str) -> bool {
        match self.value(name).as_deref() {
            Some("yes") => true,
            Some("no") | None => false,
            Some(other) => self.wrong(name, other).unwrap_or_default(),
        }
    }

    /// The mail services; their own words say which part of which is wrong.
    fn relays(&mut self, name: &str) -> Option<Relays> {
        let value = self.value(name)?;
        match value.parse() {
            Ok(relays) => Some(relays),
            Err(_) if breaks_off(&value) => self.mistake(unencoded(name)),
            Err(error) => self.mistake(format!("{name}: {error}")),
        }
    }

    /// The text itself, if it is as it has to be.
    fn text(&mut self, name: &str, is_right: impl FnOnce(&str) -> bool) -> Option<String> {
        let value = self.value(name)?;
        if is_right(&value) { Some(value) } else { self.wrong(name, &value) }
    }

    /// A value that cannot be used: what it is, unless that is nobody's business, what may stand there, and an example.
    fn wrong<T>(&mut self, name: &str, value: &str) -> Option<T> {
        self.wrong_because(name, value, "")
    }

    /// The same, with what is wrong with it.
    fn wrong_because<T>(&mut self, name: &str, value: &str, why: &str) -> Option<T> {
        let mut words = name.to_owned();
        if kind(name) == Kind::Plain {
            words = format!("{name}={value}");
        }
        if !why.is_empty() {
            words = format!("{words}: {why}");
        }
        let allowed =
            rule(name).map(|(allowed, example)| format!(": it must be {allowed}, such as {example}"));
        self.mistake(words + &allowed.unwrap_or_default())
    }

    fn mistake<T>(&mut self, mistake: String) -> Option<T> {
        self.mistakes.push(mistake);
        None
    }

    fn long_enough(&mut self, name: &str, least: usize) -> Option<String> {
        self.text(name, |value| value.len() >= least)
    }

    /// An address whose local part leaves room for what tells the copies apart, within 64 characters.
    fn return_address(&mut self, name: &str) -> Option<EmailAddress> {
        let address: EmailAddress = self.parsed(name)?;
        let local = address.as_str().len() - address.domain().len() - 1;
        if local > LONGEST_RETURN_NAME { self.wrong(name, address.as_str()) } else { Some(address) }
    }

    /// An address of its own that strangers do not reach; none where nobody watches.
    fn metrics_address(
        &mut self,
        environment: Option<Environment>,
        listen: Option<SocketAddr>,
    ) -> Option<SocketAddr> {
        let address: SocketAddr = self.parsed("METRICS_LISTEN")?;
        let meets = |listen: SocketAddr| {
            let [ours, theirs] = [address.ip(), listen.ip()];
            let same_address = ours == theirs || ours.is_unspecified() || theirs.is_unspecified();
            address.port() != 0 && address.port() == listen.port() && same_address
        };
        if listen.is_some_and(meets) {
            return self.wrong_because("METRICS_LISTEN", &address.to_string(), "LISTEN has that port");
        }
        if environment == Some(Environment::Production) && network::is_public(address.ip()) {
            return self.wrong_because("METRICS_LISTEN", &address.to_string(), "anybody could read it");
        }
        Some(address)
    }

    fn web_address(&mut self, name: &str) -> Option<Url> {
        let url: Url = self.parsed(name)?;
        let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
        if usable { Some(url) } else { self.wrong(name, url.as_str()) }
    }
}

impl Reader<'_> {
    /// `2:secret`, or a secret alone, which is number 1.
    fn numbered(&mut self, name: &str, text: &str) -> Option<RootSecret> {
        let (id, secret) = match text.split_once(':') {
            Some((id, secret)) if id.len() <= 3 && id.bytes().all(|b| b.is_ascii_digit()) => (id, secret),
            _ => ("1", text),
        };
        match id.parse() {
            Ok(id) if secret.len() >= SHORTEST_SECRET => {
                Some(RootSecret { id, secret: secret.as_bytes().to_vec() })
            }
            _ => self.wrong(name, ""),
        }
    }
}

const WEBHOOK_SECRET: &str = "STRIPE_WEBHOOK_SECRET";
/// What stands for a webhook secret while there is none.
const NOT_YET: &str = "none yet";
const SHORTEST_SECRET: usize = 32;
const LONGEST_RETURN_NAME: usize = 19;

impl Config {
    /// The settings of this process. What its environment does not set is taken from a file: the one that is named, or else
    /// `.env` in the working directory, if there is one.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(file: Option<&Path>) -> Result<Self, Mistakes> {
        Self::read_as(file, false)
    }

    /// The same for the command that makes the webhook endpoint: its secret may be missing, for nobody knows it yet.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read_before_the_endpoint(file: Option<&Path>) -> Result<Self, Mistakes> {
        Self::read_as(file, true)
    }

    fn read_as(file: Option<&Path>, may_lack_webhook_secret: bool) -> Result<Self, Mistakes> {
        let path = file.unwrap_or(Path::new(".env"));
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if file.is_none() && error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Mistakes(vec![unread(path, &error)])),
        };
        let in_file = |mistake| format!("{} {mistake}", path.display());
        let pairs = env_file::text(&bytes)
            .and_then(env_file::parse)
            .map_err(|mistakes| Mistakes(mistakes.into_iter().map(in_file).collect()))?;
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
        let (environment, mut mistakes) = in_utf8(std::env::vars_os());
        mistakes.extend(in_environment(&environment, &pairs));
        if !mistakes.is_empty() {
            return Err(Mistakes(mistakes));
        }
        let lookup = |name: &str| {
            let value = |(key, value): &(String, String)| (key == name).then(|| value.clone());
            environment.iter().chain(&pairs).find_map(value)
        };
        let is_missing = |name: &str| lookup(name).is_none_or(|value| value.is_empty());
        let lacks = may_lack_webhook_secret
            && is_missing(WEBHOOK_SECRET)
            && is_missing(&format!("{WEBHOOK_SECRET}_FILE"));
        let mut config = Self::from_lookup(&|name| match name {
            WEBHOOK_SECRET if lacks => Some(NOT_YET.to_owned()),
            name => lookup(name),
        })?;
        if lacks {
            config.stripe_webhook_secrets.clear();
        }
        config.settings_file = (!bytes.is_empty()).then(|| path.to_owned());
        Ok(config)
    }

    /// The settings that `lookup` gives, for tests and the demo.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, Mistakes> {
        let mut read = Reader { lookup, mistakes: Vec::new(), described: Vec::new() };
        let environment = read.parsed("BROADSIDE_ENV");
        let base_url = read.web_address("BASE_URL");
        let listen = read.parsed("LISTEN");
        let metrics_listen = read.metrics_address(environment, listen);
        let proxies = read.value("TRUSTED_PROXIES").unwrap_or_default();
        let trusted_proxies: Result<Vec<IpAddr>, _> =
            proxies.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::parse).collect();
        if trusted_proxies.is_err() {
            read.wrong::<()>("TRUSTED_PROXIES", &proxies);
        }
        let hsts_subdomains = read.yes_or_no("HSTS_SUBDOMAINS");
        let data_dir = PathBuf::from(read.value("DATA_DIR").unwrap_or_default());
        let withdrawals_journal =
            read.value("WITHDRAWALS_JOURNAL").map_or_else(|| data_dir.join(journal::NAME), PathBuf::from);
        let database_url = read
            .value("DATABASE_URL")
            .unwrap_or_else(|| format!("sqlite:{}", data_dir.join("broadside.db").display()));
        let is_postgres = ["postgres:", "postgresql:"].iter().any(|scheme| database_url.starts_with(scheme));
        if is_postgres && breaks_off(&database_url) {
            read.mistakes.push(unencoded("DATABASE_URL"));
        } else if !(database_url.starts_with("sqlite:") || is_postgres && Url::parse(&database_url).is_ok()) {
            read.wrong::<()>("DATABASE_URL", &database_url);
        }
        let database_connections = read.number("DATABASE_CONNECTIONS", 2, 200);
        let secret = read.value("SECRET").and_then(|text| read.numbered("SECRET", &text));
        let old_secrets = read.value("OLD_SECRETS").unwrap_or_default();
        let old_secrets: Vec<RootSecret> = old_secrets
            .split(',')
            .filter(|one| !one.is_empty())
            .filter_map(|one| read.numbered("OLD_SECRETS", one))
            .collect();
        if let Some(current) = &secret
            && old_secrets.iter().any(|old| old.id == current.id)
        {
            read.mistakes.push(format!(
                "OLD_SECRETS has the same number ({}) as SECRET; give the new one the next number",
                current.id
            ));
        }
        let suppression_secret =
            read.long_enough("SUPPRESSION_SECRET", SHORTEST_SECRET).map(String::into_bytes);
        let backup_key = read.long_enough("BACKUP_KEY", SHORTEST_SECRET).map(String::into_bytes);
        if environment == Some(Environment::Production) {
            for (name, set) in
                [("SECRET", secret.is_some()), ("SUPPRESSION_SECRET", suppression_secret.is_some())]
            {
                if !set && !read.mistakes.iter().any(|mistake| mistake.starts_with(name)) {
                    read.mistakes.push(format!(
                        "{name} must be set in production; make one with: openssl rand -hex 32"
                    ));
                }
            }
        }
        let smtp_url = read.relays("SMTP_URL");
        let smtp_connections = read.number("SMTP_CONNECTIONS", 1, 200);
        let smtp_messages_per_connection = read.number("SMTP_MESSAGES_PER_CONNECTION", 1, 1_000_000);
        let smtp_timeout_factor = read.number("SMTP_TIMEOUT_FACTOR", 0.000_1, 100.0);
        let dns_resolver = read.parsed("DNS_RESOLVER");
        let worker_silence_seconds = read.number("WORKER_SILENCE_SECONDS", 1, 3600);
        let refusals_in_a_row = read.number("REFUSALS_IN_A_ROW", 5, 1_000);
        let refusals_percent = read.number("REFUSALS_PERCENT", 5, 100);
        let mail_trust = match read.value("MAIL_CA_FILE") {
            None => Trust::public(),
            Some(path) => authorities(Path::new(&path)).unwrap_or_else(|why| {
                read.wrong_because::<()>("MAIL_CA_FILE", &path, &why);
                Trust::public()
            }),
        };
        let bounce_address = read.return_address("BOUNCE_ADDRESS");
        let bounce_maildir = read.value("BOUNCE_MAILDIR").map(PathBuf::from);
        let bounce_imap_url: Option<Url> = read.parsed("BOUNCE_IMAP_URL");
        if let Some(url) = &bounce_imap_url
            && !(url.scheme() == "imaps"
                && url.has_host()
                && !url.username().is_empty()
                && url.password().is_some())
        {
            read.wrong::<()>("BOUNCE_IMAP_URL", "");
        }
        let mailgun_signing_key = read.value("MAILGUN_SIGNING_KEY");
        let postmark_webhook_secret = read.long_enough("POSTMARK_WEBHOOK_SECRET", 16);
        let sendgrid_webhook_key = read.text("SENDGRID_WEBHOOK_KEY", is_sendgrid_key);
        let ses_topic_arn =
            read.text("SES_TOPIC_ARN", |arn| arn.starts_with("arn:") && arn.contains(":sns:"));
        let stripe_secret_key = read.text("STRIPE_SECRET_KEY", |key| !key.starts_with("pk_"));
        let webhook_secrets = read.value("STRIPE_WEBHOOK_SECRET").unwrap_or_default();
        let stripe_webhook_secrets: Vec<String> = webhook_secrets
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(str::to_owned)
            .collect();
        if stripe_webhook_secrets.iter().any(|one| one.starts_with("sk_") || one.starts_with("pk_")) {
            read.wrong::<()>("STRIPE_WEBHOOK_SECRET", "");
        }
        if stripe_secret_key.is_some() && stripe_webhook_secrets.is_empty() {
            let why = "it must be set with STRIPE_SECRET_KEY, for without it no gift would ever be booked";
            read.wrong_because::<()>("STRIPE_WEBHOOK_SECRET", "", why);
        }
        let stripe_api_base = read.web_address("STRIPE_API_BASE");
        let fetch_private_addresses = read.yes_or_no("FETCH_PRIVATE_ADDRESSES");
        let sandbox_smtp = read.parsed("SANDBOX_SMTP");
        let sandbox_http = read.parsed("SANDBOX_HTTP");
        let log = read.text("LOG", |filter| EnvFilter::try_new(filter).is_ok()).unwrap_or_default();

        let Reader { mistakes, described, .. } = read;
        let config = (|| {
            Some(Self {
                environment: environment?,
                base_url: base_url?,
                listen: listen?,
                metrics_listen,
                trusted_proxies: trusted_proxies.ok()?,
                hsts_subdomains,
                data_dir,
                withdrawals_journal,
                database_url,
                database_connections: database_connections?,
                secret,
                old_secrets,
                suppression_secret,
                backup_key,
                smtp_url,
                smtp_connections: smtp_connections?,
                smtp_messages_per_connection: smtp_messages_per_connection?,
                smtp_timeout_factor: smtp_timeout_factor?,
                dns_resolver,
                worker_silence_seconds: worker_silence_seconds?,
                refusals_in_a_row: refusals_in_a_row?,
                refusals_percent: refusals_percent?,
                mail_trust,
                bounce_address,
                bounce_maildir,
                bounce_imap_url,
                mailgun_signing_key,
                postmark_webhook_secret,
                sendgrid_webhook_key,
                ses_topic_arn,
                stripe_secret_key,
                stripe_webhook_secrets,
                stripe_api_base: stripe_api_base?,
                fetch_private_addresses,
                sandbox_smtp: sandbox_smtp?,
                sandbox_http: sandbox_http?,
                log,
                settings_file: None,
                described,
            })
        })();
        match config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(Mistakes(mistakes)),
        }
    }

    /// How the database is opened.
    #[must_use]
    pub fn database(&self) -> DbOptions {
        DbOptions { connections: self.database_connections, ..DbOptions::new(self.database_url.clone()) }
    }

    /// The signing keys; in development, secrets that are not set are generated once and kept in `DATA_DIR`.
    ///
    /// # Errors
    /// When a generated secret cannot be read or written.
    pub fn keys(&self) -> io::Result<Keys> {
        let root = match &self.secret {
            Some(root) => root.clone(),
            None => RootSecret { id: 1, secret: self.generated("secret")? },
        };
        let suppression = match &self.suppression_secret {
            Some(secret) => secret.clone(),
            None => self.generated("suppression-secret")?,
        };
        Ok(Keys::new(&root, &self.old_secrets, &suppression))
    }

    /// The same for whoever changes nothing: none if a generated secret is not there.
    ///
    /// # Errors
    /// When a generated secret cannot be read.
    pub fn known_keys(&self) -> io::Result<Option<Keys>> {
        // Who may not look does not know that there is none.
        let is_there =
            |is_set: bool, name: &str| if is_set { Ok(true) } else { self.data_dir.join(name).try_exists() };
        let are_there = is_there(self.secret.is_some(), "secret")?
            && is_there(self.suppression_secret.is_some(), "suppression-secret")?;
        are_there.then(|| self.keys()).transpose()
    }

    /// The secret of a file, made if it is not there. Of several processes that start at once, one makes it.
    fn generated(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.data_dir.join(name);
        if !path.try_exists()? {
            private::folder(&self.data_dir)?;
            private::write_once(&path, &token::secret())?;
        }
        let text = fs::read_to_string(&path)?;
        let secret = text.trim();
        if secret.len() < SHORTEST_SECRET {
            let words = format!(
                "{} is no secret: it is shorter than {SHORTEST_SECRET} characters. Put the right one back from where secrets are kept",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(secret.as_bytes().to_vec())
    }

    /// Every setting with its value, secrets and passwords hidden, for `doctor`.
    #[must_use]
    pub fn described(&self) -> &[(&'static str, String)] {
        &self.described
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.described.iter().map(|(name, value)| (name, value))).finish()
    }
}

/// What the environment sets that is text; and a mistake for each setting that is none.
fn in_utf8(environment: impl Iterator<Item = (OsString, OsString)>) -> (Vec<(String, String)>, Vec<String>) {
    let (mut pairs, mut mistakes) = (Vec::new(), Vec::new());
    for (name, value) in environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value))) {
        match value.into_string() {
            Ok(value) => pairs.push((name, value)),
            Err(_) if called(&name).is_some() => {
                mistakes.push(format!("{name} in the environment {}", env_file::NO_UTF8));
            }
            Err(_) => {}
        }
    }
    (pairs, mistakes)
}

/// The setting of that name, or whose file has it.
fn called(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|one| one.name == name || file_of(one).as_deref() == Some(name))
}

/// What in the environment does not mean what somebody thinks: a name that is nearly ours, a comment in a value. Systemd's
/// `EnvironmentFile` takes what stands behind a value as part of it.
fn in_environment(environment: &[(String, String)], file: &[(String, String)]) -> Vec<String> {
    // Where the name that may have been meant is there, too, the other is somebody else's.
    let is_set = |name: &str| environment.iter().chain(file).any(|(key, _)| key == name);
    let mut mistakes = Vec::new();
    for (name, value) in environment {
        match called(name) {
            Some(_) if env_file::swallowed_comment(value) => mistakes.push(format!(
                "{name} in the environment has a comment in its value; where that file is read, a # belongs on a line of its own"
            )),
            Some(_) => {}
            None => mistakes.extend(env_file::misspelt(name).filter(|(near, _)| !is_set(near)).map(|(_, why)| why)),
        }
    }
    mistakes
}

/// Whether an address with a password ends too early for its password: a `/`, `?` or `#` in that ends the host's name.
fn breaks_off(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    !rest[..end].contains('@') && rest[end..].contains('@')
}

fn unencoded(name: &str) -> String {
    format!(
        "{name}: signs in its password end the address early. Write them as % and two digits: / as %2F, ? as %3F, # as %23, @ as %40, : as %3A, % as %25"
    )
}

/// How much of a setting may be shown.
fn kind(name: &str) -> Kind {
    SETTINGS.iter().find(|setting| setting.name == name).map_or(Kind::Secret, |setting| setting.kind)
}

fn authorities(path: &Path) -> Result<Trust, String> {
    fs::File::open(path).map_err(|error| unread(path, &error))?;
    Trust::and_those_of(path)
}

/// Why a file cannot be read, in words.
fn unread(path: &Path, error: &io::Error) -> String {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("{path} cannot be read: there is no such file"),
        io::ErrorKind::PermissionDenied => format!("{path} cannot be read by {}", private::user()),
        io::ErrorKind::InvalidData => format!("{path} cannot be read: it is no text in UTF-8"),
        _ => format!("{path} cannot be read: {error}"),
    }
}

fn without_password(value: &str) -> String {
    let Ok(mut url) = Url::parse(value) else { return value.to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "(set)".to_owned();
    }
    if url.password().is_some() { url.to_string() } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> Result<Config, Mistakes> {
        Config::from_lookup(&|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_is_enough_to_develop() {
        let config = config(&[]).expect("defaults are good");
        assert_eq!(config.database_url, "sqlite:data/broadside.db");
        assert!(config.smtp_url.is_none() && config.stripe_secret_key.is_none());
    }

    /// Whoever typed a value that cannot be used is told which, what may stand there and an example, in no library's words;
    /// and nothing of what is secret (TRUST A31).
    #[test]
    fn a_bad_value_is_told_with_what_is_allowed_and_an_example() {
        let bad = [
            ("BROADSIDE_ENV", "staging"),
            ("BASE_URL", "news.example.org"),
            ("BASE_URL", "ftp://news.example.org"),
            ("BASE_URL", "https://news.example.org/?a=b"),
            ("LISTEN", "3000"),
            ("LISTEN", "localhost:3000"),
            ("METRICS_LISTEN", "9090"),
            ("METRICS_LISTEN", "127.0.0.1:3000"),
            ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8"),
            ("HSTS_SUBDOMAINS", "true"),
            ("FETCH_PRIVATE_ADDRESSES", "1"),
            ("DATABASE_URL", "mysql://ann:canary@h/news"),
            ("DATABASE_URL", "postgres://ann:canary@h:port/news"),
            ("DATABASE_CONNECTIONS", "eight"),
            ("DATABASE_CONNECTIONS", "1"),
            ("DATABASE_CONNECTIONS", "99999999999"),
            ("SECRET", "canary"),
            ("SECRET", "999:canary-0123456789-0123456789-0123456789"),
            ("OLD_SECRETS", "1:canary"),
            ("SUPPRESSION_SECRET", "canary"),
            ("BACKUP_KEY", "canary"),
            ("SMTP_URL", "canary.example.org"),
            ("SMTP_URL", "smtp://ann:canary@h?per_day=lots"),
            ("SMTP_CONNECTIONS", "-4"),
            ("SMTP_MESSAGES_PER_CONNECTION", "0"),
            ("SMTP_TIMEOUT_FACTOR", "1,5"),
            ("SMTP_TIMEOUT_FACTOR", "NaN"),
            ("MAIL_CA_FILE", "/no/such/file.pem"),
            ("MAIL_CA_FILE", "Cargo.toml"),
            ("DNS_RESOLVER", "9.9.9.9"),
            ("WORKER_SILENCE_SECONDS", "30s"),
            ("REFUSALS_IN_A_ROW", "4"),
            ("REFUSALS_PERCENT", "50%"),
            ("BOUNCE_ADDRESS", "bounce"),
            ("BOUNCE_ADDRESS", "a-very-long-name-for-bounces@example.org"),
            ("BOUNCE_IMAP_URL", "imap.canary.example.org"),
            ("BOUNCE_IMAP_URL", "imap://ann:canary@h/INBOX"),
            ("POSTMARK_WEBHOOK_SECRET", "canary"),
            ("SENDGRID_WEBHOOK_KEY", "not base64"),
            ("SES_TOPIC_ARN", "bounces"),
            ("STRIPE_SECRET_KEY", "pk_live_canary"),
            ("STRIPE_WEBHOOK_SECRET", "sk_live_canary"),
            ("STRIPE_API_BASE", "api.stripe.com"),
            ("SANDBOX_SMTP", "2525"),
            ("SANDBOX_HTTP", "127.0.0.1"),
            ("LOG", "info,broadside::delivery=loud"),
        ];
        for (name, value) in bad {
            let mistakes = config(&[(name, value)]).expect_err(name).0;
            let [mistake] = mistakes.as_slice() else { panic!("{name}={value}: {mistakes:?}") };
            let (allowed, example) = rule(name).expect(name);
            assert!(mistake.starts_with(name) && mistake.contains(example), "{mistake}");
            assert!(mistake.contains(allowed) || name == "SMTP_URL", "{mistake}");
            let is_shown = kind(name) == Kind::Plain;
            assert!(!mistake.contains("canary"), "{mistake}");
            assert!(is_shown == mistake.contains(&format!("{name}={value}")), "{mistake}");
            for words in ["invalid", "parse", "URL without", "digit", "os error", "provided", "Enter"] {
                assert!(!mistake.contains(words), "{mistake}");
            }
        }
        // Where any text will do, no value is bad.
        let any_text = ["DATA_DIR", "WITHDRAWALS_JOURNAL", "BOUNCE_MAILDIR", "MAILGUN_SIGNING_KEY"];
        for setting in SETTINGS {
            let is_tried = bad.iter().any(|(name, _)| *name == setting.name);
            assert!(is_tried != any_text.contains(&setting.name), "{}", setting.name);
        }
    }

    #[test]
    fn all_mistakes_are_reported_at_once() {
        let mistakes = config(&[
            ("BROADSIDE_ENV", "production"),
            ("LISTEN", "here"),
            ("SMTP_URL", "ftp://x"),
            ("SMTP_CONNECTIONS", "0"),
            ("MAIL_CA_FILE", "Cargo.toml"),
            ("DATABASE_URL", "mysql://x"),
        ])
        .expect_err("six mistakes and two missing secrets")
        .0;
        for name in [
            "LISTEN",
            "SMTP_URL",
            "SMTP_CONNECTIONS",
            "MAIL_CA_FILE",
            "DATABASE_URL",
            "SECRET",
            "SUPPRESSION_SECRET",
        ] {
            assert!(
                mistakes.iter().any(|mistake| mistake.contains(name)),
                "{name} is missing in {mistakes:?}"
            );
        }
    }

    /// TRUST A31: neither the description nor `Debug` nor a mistake shows a secret.
    #[test]
    fn no_secret_is_ever_shown() {
        let canary = "canary-0123456789-0123456789-0123456789";
        let smtp = format!("smtp://ann:{canary}@mail.example.org");
        let database = format!("postgres://ann:{canary}@db.example.org/news");
        let good = config(&[
            ("SECRET", canary),
            ("OLD_SECRETS", &format!("7:{canary}")),
            ("SUPPRESSION_SECRET", canary),
            ("SMTP_URL", &smtp),
            ("DATABASE_URL", &database),
            ("STRIPE_SECRET_KEY", canary),
            ("STRIPE_WEBHOOK_SECRET", canary),
        ])
        .expect("good settings");
        let shown = format!("{good:?} {:?} {:?} {:?}", good.described(), good.secret, good.smtp_url);
        assert!(!shown.contains("canary"), "{shown}");
        let bad =
            config(&[("SMTP_URL", &format!("smtp://ann:{canary}@h?tls=maybe"))]).expect_err("a mistake");
        assert!(!bad.to_string().contains("canary"), "{bad}");
    }

    /// Nobody is let read the numbers by a slip: not over the public port, nor from anywhere in the world.
    #[test]
    fn whoever_watches_has_an_address_that_strangers_do_not_reach() {
        assert_eq!(config(&[]).expect("defaults are good").metrics_listen, None);
        let secret = "0123456789-0123456789-0123456789-0123456789";
        let production = |address: &str| {
            let base = [("BROADSIDE_ENV", "production"), ("SECRET", secret), ("SUPPRESSION_SECRET", secret)];
            config(&[&base[..], &[("METRICS_LISTEN", address)]].concat())
        };
        for address in ["127.0.0.1:9090", "[::1]:9090", "10.0.0.5:9090", "[fd00::1]:9090", "0.0.0.0:9090"] {
            let listens = production(address).expect(address).metrics_listen;
            assert_eq!(listens.map(|one| one.to_string()).as_deref(), Some(address));
        }
        for (address, words) in [
            ("192.0.2.1:9090", "anybody could read it"),
            ("[2001:db8::1]:9090", "anybody could read it"),
            ("127.0.0.1:3000", "LISTEN has that port"),
            ("9090", "METRICS_LISTEN=9090"),
        ] {
            let mistakes = production(address).expect_err(address).to_string();
            assert!(mistakes.contains(words), "{address}: {mistakes}");
        }
    }

    #[test]
    fn the_example_file_documents_every_setting() {
        let file = include_str!("../../.env.example");
        assert!(file == example(), "write .env.example anew: cargo run -- settings > .env.example");
    }
}

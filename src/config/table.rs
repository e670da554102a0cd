//! Every setting: its name, default and meaning.

/// One setting, as `.env.example` documents it.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The name of the variable.
    pub name: &'static str,
    /// What it is when it is not set; empty when there is no default.
    pub default: &'static str,
    /// How much of it may be shown.
    pub kind: Kind,
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
}

/// How much of a setting may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of it.
    Plain,
    /// An address that may hold a password: without that.
    Address,
    /// Nothing.
    Secret,
}

/// The setting that names a file with the value of this one; none for what is no secret.
pub(super) fn file_of(setting: &Setting) -> Option<String> {
    (setting.kind != Kind::Plain).then(|| format!("{}_FILE", setting.name))
}

/// What the value of a setting may be, and one that could stand there; none where any text will do.
pub(super) fn rule(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "BROADSIDE_ENV" => ("development or production", "production"),
        "BASE_URL" => {
            ("an http or https address, without a question mark behind it", "https://news.example.org")
        }
        "LISTEN" => ("an IP address and a port", "127.0.0.1:3000"),
        "METRICS_LISTEN" => {
            ("an IP address and a port, which strangers do not reach and nothing else uses", "127.0.0.1:9090")
        }
        "TRUSTED_PROXIES" => ("IP addresses, separated by commas", "127.0.0.1,10.0.0.5"),
        "HSTS_SUBDOMAINS" | "FETCH_PRIVATE_ADDRESSES" => ("yes or no", "no"),
        "DATABASE_URL" => (
            "sqlite: and a path, or the address of a PostgreSQL database",
            "postgres://user:password@host/database",
        ),
        "DATABASE_CONNECTIONS" => ("a whole number from 2 to 200", "8"),
        "SECRET" => (
            "at least 32 characters, perhaps with a number from 0 to 255 and a colon before them",
            "what this prints: openssl rand -hex 32",
        ),
        "OLD_SECRETS" => (
            "secrets of at least 32 characters, each behind its number from 0 to 255 and a colon, separated by commas",
            "1:oldsecret,2:newersecret",
        ),
        "SUPPRESSION_SECRET" | "BACKUP_KEY" => {
            ("at least 32 characters", "what this prints: openssl rand -hex 32")
        }
        "SMTP_URL" => (
            "the address of a mail service",
            "smtp://user:password@host:587?tls=required or smtps://user:password@host",
        ),
        "SMTP_CONNECTIONS" => ("a whole number from 1 to 200", "4"),
        "SMTP_MESSAGES_PER_CONNECTION" => ("a whole number from 1 to 1000000", "100"),
        "SMTP_TIMEOUT_FACTOR" => ("a number from 0.0001 to 100", "1.5"),
        "MAIL_CA_FILE" => ("a file with certificates (PEM)", "/etc/ssl/certs/our-own.pem"),
        "DNS_RESOLVER" => ("an IP address and a port", "9.9.9.9:53"),
        "WORKER_SILENCE_SECONDS" => ("a whole number from 1 to 3600", "30"),
        "REFUSALS_IN_A_ROW" => ("a whole number from 5 to 1000", "20"),
        "REFUSALS_PERCENT" => ("a whole number from 5 to 100", "50"),
        "BOUNCE_ADDRESS" => {
            ("an email address with at most 19 characters before the @", "bounce@example.org")
        }
        "BOUNCE_IMAP_URL" => {
            ("the address of a mailbox with its user and password", "imaps://user:password@host/INBOX")
        }
        "POSTMARK_WEBHOOK_SECRET" => ("at least 16 characters", "what this prints: openssl rand -hex 16"),
        "SENDGRID_WEBHOOK_KEY" => {
            ("the verification key that SendGrid shows, in base64", "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE…")
        }
        "SES_TOPIC_ARN" => ("the name of an SNS topic", "arn:aws:sns:eu-central-1:123456789012:bounces"),
        "STRIPE_SECRET_KEY" => {
            ("a secret or restricted key of Stripe, never the publishable one", "sk_live_… or rk_live_…")
        }
        "STRIPE_WEBHOOK_SECRET" => {
            ("the signing secret that Stripe shows for the webhook endpoint", "whsec_…")
        }
        "STRIPE_API_BASE" => {
            ("an http or https address, without a question mark behind it", "https://api.stripe.com")
        }
        "SANDBOX_SMTP" => ("an IP address and a port", "127.0.0.1:2525"),
        "SANDBOX_HTTP" => ("an IP address and a port", "127.0.0.1:3080"),
        "LOG" => (
            "error, warn, info or debug, with others for single rooms behind it",
            "info,broadside::delivery=debug",
        ),
        _ => return None,
    })
}

const fn plain(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, kind: Kind::Plain, meaning }
}

const fn secret(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: "", kind: Kind::Secret, meaning }
}

const fn address(name: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default: "", kind: Kind::Address, meaning }
}

/// All settings, in the order of `.env.example`.
pub const SETTINGS: &[Setting] = &[
    plain(
        "BROADSIDE_ENV",
        "development",
        "development or production. In production SECRET and SUPPRESSION_SECRET must be set, and the sandbox is refused.",
    ),
    plain(
        "BASE_URL",
        "http://127.0.0.1:3000",
        "Where readers reach this instance. Every link in a mail begins with it.",
    ),
    plain("LISTEN", "127.0.0.1:3000", "Address and port of the web server."),
    plain(
        "METRICS_LISTEN",
        "",
        "Address and port for whoever watches the program, such as 127.0.0.1:9090: /health, and /metrics for Prometheus. Empty: off. Never an address that strangers reach.",
    ),
    plain(
        "TRUSTED_PROXIES",
        "",
        "Addresses of proxies whose X-Forwarded-For is believed, separated by commas.",
    ),
    plain(
        "HSTS_SUBDOMAINS",
        "no",
        "yes tells browsers to insist on https for a year on every host below that of BASE_URL, too. Only where all of them have it.",
    ),
    plain(
        "DATA_DIR",
        "data",
        "Folder for the SQLite file, the file that says how far the database has come, the sandbox's state and, in development, generated secrets.",
    ),
    plain(
        "WITHDRAWALS_JOURNAL",
        "",
        "The file in which withdrawals are written down, so that a restored backup knows who left; better on another disk than the database. Without it, withdrawals.journal in DATA_DIR. No part of the backup.",
    ),
    address(
        "DATABASE_URL",
        "sqlite:path or postgres://user:password@host/database. Without it, broadside.db in DATA_DIR.",
    ),
    plain("DATABASE_CONNECTIONS", "8", "The most database connections of one process, 2 to 200."),
    secret(
        "SECRET",
        "Signs every link and session: at least 32 characters. To change it, write 2:newsecret and put 1:oldsecret in OLD_SECRETS. In development it is generated once.",
    ),
    secret(
        "OLD_SECRETS",
        "Earlier secrets with their numbers, as 1:secret,2:secret: links in old mails stay valid.",
    ),
    secret(
        "SUPPRESSION_SECRET",
        "Hashes addresses that are not mailed: at least 32 characters, never changed, kept with the backup. In development it is generated once.",
    ),
    secret(
        "BACKUP_KEY",
        "Encrypts what `broadside backup` writes: at least 32 characters, kept apart from the backups. Without it they are as readable as the database.",
    ),
    secret(
        "SMTP_URL",
        "The mail service: smtp://user:password@host:587?tls=required, tls=opportunistic, tls=none, or smtps://user:password@host. Several stand side by side, with a space between. Each may carry its limits: &weight=1 &connections=4 &messages_per_connection=100 &per_second=10 &per_hour=1000 &per_day=50000 &warm_up=500 (the most on its first day, half as many more each day) &auth=xoauth2.",
    ),
    plain("SMTP_CONNECTIONS", "4", "How many conversations with each mail service at once, 1 to 200."),
    plain("SMTP_MESSAGES_PER_CONNECTION", "100", "A connection is opened anew after this many messages."),
    plain(
        "SMTP_TIMEOUT_FACTOR",
        "1",
        "Multiplies the time limits of RFC 5321 (10 minutes for the reply to a message). Below 1 a slow server can mean duplicates.",
    ),
    plain(
        "MAIL_CA_FILE",
        "",
        "For a mail service or bounce mailbox of your own with a certificate of your own: the file (PEM) with its authority's certificate. It is believed beside the public ones.",
    ),
    plain(
        "DNS_RESOLVER",
        "",
        "Address and port of the DNS server that is asked whether your mail is believed, such as 9.9.9.9:53. Without it, the system's own.",
    ),
    plain(
        "WORKER_SILENCE_SECONDS",
        "30",
        "A worker that gives no sign of life for so long is taken for dead and its work is done by others, 1 to 3600.",
    ),
    plain(
        "REFUSALS_IN_A_ROW",
        "20",
        "An edition pauses by itself when so many of its copies are refused for good and none is taken, over five domains or more, 5 to 1000.",
    ),
    plain(
        "REFUSALS_PERCENT",
        "50",
        "It pauses, too, when so much of its last hundred copies is refused for good, in percent, 5 to 100.",
    ),
    plain(
        "BOUNCE_ADDRESS",
        "",
        "Where mail that cannot be delivered comes back to, such as bounce@example.org; bounce+anything@example.org must reach the same mailbox, which has to be read: copies name an address there for leaving by mail, too. Without it, to the address in From.",
    ),
    plain(
        "BOUNCE_MAILDIR",
        "",
        "A maildir into which that mail is delivered on this machine; it is read every minute, and what was read moves from new to cur.",
    ),
    secret(
        "BOUNCE_IMAP_URL",
        "A mailbox that such mail comes to: imaps://user:password@host/INBOX. What was read is marked as seen.",
    ),
    secret(
        "MAILGUN_SIGNING_KEY",
        "Mailgun's HTTP webhook signing key, for reports to /hooks/bounces/mailgun.",
    ),
    secret(
        "POSTMARK_WEBHOOK_SECRET",
        "The password in the address that Postmark reports to: https://postmark:password@host/hooks/bounces/postmark, at least 16 characters.",
    ),
    plain(
        "SENDGRID_WEBHOOK_KEY",
        "",
        "The public key of SendGrid's signed event webhook, in base64, for reports to /hooks/bounces/sendgrid.",
    ),
    plain(
        "SES_TOPIC_ARN",
        "",
        "The SNS topic that Amazon SES reports to, for /hooks/bounces/ses. Only this topic is believed and confirmed.",
    ),
    secret(
        "STRIPE_SECRET_KEY",
        "The secret key of the Stripe account. Without it donations are switched off, and the pages say so.",
    ),
    secret(
        "STRIPE_WEBHOOK_SECRET",
        "The signing secret of the webhook endpoint; two, separated by a comma, while one replaces the other.",
    ),
    plain("STRIPE_API_BASE", "https://api.stripe.com", "Where Stripe's API is."),
    plain(
        "FETCH_PRIVATE_ADDRESSES",
        "no",
        "yes lets feeds be fetched from private addresses. Anyone who may add feeds could then read your network.",
    ),
    plain("SANDBOX_SMTP", "127.0.0.1:2525", "Where the sandbox takes mail; port 0 lets the system choose."),
    plain(
        "SANDBOX_HTTP",
        "127.0.0.1:3080",
        "Where the sandbox shows its mailbox and payments; port 0 lets the system choose.",
    ),
    plain(
        "LOG",
        "info",
        "What is logged: error, warn, info, debug, or a filter such as info,broadside::delivery=debug.",
    ),
];

/// The text of `.env.example`, made from [`SETTINGS`]; a test holds the file equal to it.
#[must_use]
pub fn example() -> String {
    let mut text = String::from(
        "# Every setting of Broadside with its default. Copy this file to .env, or set the variables where the program runs.\n\
         # A secret, or DATABASE_URL, may also stand in a file: NAME_FILE=/path/to/file instead of NAME.\n\
         # A value may stand in quotes; what follows a # behind a space is a comment. A name that is not here is refused.\n",
    );
    for setting in SETTINGS {
        let kind = if setting.kind == Kind::Secret { " (secret)" } else { "" };
        text.push_str(&format!("\n# {}{kind}\n#{}={}\n", setting.meaning, setting.name, setting.default));
    }
    text
}

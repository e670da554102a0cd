//! Broadside: newsletters and donations for a small independent magazine.
//!
//! # The map of the house
//!
//! Small types that everyone may use stand at the top level; each domain is a folder; arrows of import only ever point
//! upwards in this list, never in a circle.
//!
//! | room | what lives there |
//! |---|---|
//! | [`clock`], [`token`], [`links`], [`email_address`], [`answers`], [`money`], [`network`], [`smtp_url`], [`sealed_file`], [`authorities`], [`private`], [`dns`], [`tasks`], [`mod@words`] | time, randomness and keys, what links say, parsed addresses, what is an answer of each kind, amounts, whose network, where a mail server is, files that only a key opens, whose certificates count, who may read our files, questions to the DNS, tasks that are not let go, words that the database holds |
//! | [`door`] | how connections are taken, how long each may keep us waiting, and how many there may be |
//! | [`meters`] | what this process counts as it goes, for whoever watches it |
//! | [`heavy`] | work that takes the processor for a while or may fail badly, away from the threads that serve |
//! | [`db`] | one data layer over SQLite and PostgreSQL, migrations, statements |
//! | [`site`] | one running instance: database, clock, keys, public address |
//! | [`kept_file`] | a file that lies in the database piece by piece, for whichever process goes on with it |
//! | [`mod@queue`] | what waits for its turn: claims, rules, news for the team |
//! | [`journal`], [`withdrawals`] | a file beside the database of what must not be forgotten with it; who does not want something any more |
//! | [`attempts`] | whatever is limited, counted before it is judged |
//! | [`mail`] | templates, MJML, compiling a digest into segments, building messages |
//! | [`audit_log`] | who of the team did what, and when |
//! | [`settings`] | what an editor decides, with its history |
//! | [`payments`] | the payment provider: Stripe's API behind a trait |
//! | [`replies`] | a server's words, read once: what a refusal or a report says, and of whom |
//! | [`editions`] | the states of an edition, and the only functions that move it |
//! | [`origin`] | where a database is at home, and how far it has come: a copy of it sends nothing |
//! | [`smtp`] | an SMTP client: one conversation with a server |
//! | [`mod@dkim`] | the keys that sign our mail |
//! | [`relays`] | the mail services: whose turn it is, their limits, whether they let us in |
//! | [`delivery`] | editions on their way: the ledger of deliveries, notices, suppression, workers |
//! | [`bounces`] | what comes back about our mail, from every source in one form, and what it does |
//! | [`deliverability`] | what mail providers look at before they believe our mail, and whether it is there |
//! | [`staff`] | the team: accounts, roles, sessions |
//! | [`subscribers`] | readers: lists, subscriptions, consent, choices |
//! | [`articles`] | articles and the feeds they come from |
//! | [`pictures`] | pictures that the team brings, in the sizes that mails and pages want |
//! | [`segments`] | readers chosen by what is known of them |
//! | [`audience`] | who an edition is for, and who of them it is still for |
//! | [`bulk`] | what the team does with many readers at once |
//! | [`publishing`] | an edition from the first word to the last reader: composing, previewing, sending, correcting |
//! | [`donations`] | supporters, gifts, the money ledger, the webhook inbox |
//! | [`dossier`] | all that is held about one person: to be read, taken along, or forgotten |
//! | [`restored`] | what is held, ended and told when a backup was restored |
//! | [`doctor`] | what is wrong with an instance and its surroundings, and what to do next |
//! | [`jobs`] | the schedule: everything that runs by the clock, on one screen |
//! | [`web`] | the routes table, public pages, the desk, hooks |
//! | [`sandbox`] | the outside world in one process: a mailbox and a payment provider |
//! | [`config`], [`cli`] | the environment, read once; one file a command |

// The sandbox writes Stripe's larger objects as one `json!` each.
#![recursion_limit = "256"]

pub mod answers;
pub mod articles;
pub mod attempts;
pub mod audience;
pub mod audit_log;
pub mod authorities;
pub mod bounces;
pub mod bulk;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod deliverability;
pub mod delivery;
pub mod dkim;
pub mod dns;
pub mod doctor;
pub mod donations;
pub mod door;
pub mod dossier;
pub mod editions;
pub mod email_address;
pub mod heavy;
pub mod jobs;
pub mod journal;
pub mod kept_file;
pub mod links;
pub mod mail;
pub mod meters;
pub mod money;
pub mod moving_in;
pub mod network;
pub mod origin;
pub mod payments;
pub mod pictures;
pub mod private;
pub mod publishing;
pub mod queue;
pub mod relays;
pub mod replies;
pub mod restored;
pub mod sandbox;
pub mod sealed_file;
pub mod segments;
pub mod settings;
pub mod site;
pub mod smtp;
pub mod smtp_url;
pub mod staff;
pub mod subscribers;
pub mod tasks;
pub mod token;
pub mod web;
pub mod withdrawals;
pub mod words;

/// Every statement of every room, by room, for the check that prepares them on both engines.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static [db::Sql])> {
    let mut all = vec![
        ("queue", queue::STATEMENTS),
        ("attempts", attempts::STATEMENTS),
        ("withdrawals", withdrawals::STATEMENTS),
        ("audit_log", audit_log::STATEMENTS),
        ("settings", settings::STATEMENTS),
        ("staff", staff::STATEMENTS),
        ("pictures", pictures::STATEMENTS),
        ("audience", audience::STATEMENTS),
        ("bulk", bulk::STATEMENTS),
        ("publishing", publishing::STATEMENTS),
        ("dossier", dossier::STATEMENTS),
        ("origin", origin::STATEMENTS),
        ("dkim", dkim::STATEMENTS),
        ("editions", editions::STATEMENTS),
        ("deliverability", deliverability::STATEMENTS),
        ("doctor", doctor::STATEMENTS),
        ("jobs", jobs::STATEMENTS),
    ];
    all.extend(relays::STATEMENTS.iter().map(|table| ("relays", *table)));
    all.extend(bounces::STATEMENTS.iter().map(|table| ("bounces", *table)));
    all.extend(segments::STATEMENTS.iter().map(|table| ("segments", *table)));
    all.extend(articles::STATEMENTS.iter().map(|table| ("articles", *table)));
    all.extend(subscribers::STATEMENTS.iter().map(|table| ("subscribers", *table)));
    all.extend(donations::STATEMENTS.iter().map(|table| ("donations", *table)));
    all.extend(delivery::STATEMENTS.iter().map(|table| ("delivery", *table)));
    for (room, queues) in [("queue", queue::QUEUES), ("bulk", bulk::QUEUES)] {
        all.extend(queues.iter().map(|queue| (room, *queue)));
    }
    for queues in subscribers::QUEUES {
        all.extend(queues.iter().map(|queue| ("subscribers", *queue)));
    }
    for queues in articles::QUEUES {
        all.extend(queues.iter().map(|queue| ("articles", *queue)));
    }
    for queues in donations::QUEUES {
        all.extend(queues.iter().map(|queue| ("donations", *queue)));
    }
    all
}

/// The same throwaway databases that the behaviours in `tests/it` stand on, under the name that they go by there.
#[cfg(test)]
#[path = "../tests/it/support"]
#[expect(dead_code, reason = "the tests inside the crate need less of it")]
mod support {
    pub mod database;
    mod environment;
    pub mod pages;
    pub mod postgres;
    mod scratch;
}
#[cfg(test)]
extern crate self as broadside;
#[cfg(test)]
mod worst_tests;

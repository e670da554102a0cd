//! What other programs write: which columns, and what their words mean.
//!
//! The rule: a preset knows each word of a column that says how somebody stands; a word that it does not know stops the import. Where
//! the names of columns come from stands with each preset.

use super::{
    headings::plain,
    roles::ColumnRole,
    state::State::{self, Blocked, Bounced, Complained, Left, NotTaken, OnList, Unconfirmed},
};

crate::words! {
    /// A program whose lists we know.
    pub enum Preset {
        /// Our own export.
        Own = "own",
        /// An audience's file, or one of those in its ZIP. The names of columns are those that programs in public repositories read.
        Mailchimp = "mailchimp",
        /// The file of the whole export (`email_list….csv`), and that of the page of subscribers. As programs in public repositories
        /// read them, Ghost's own migration among them; a third form as github.com/buttondown/roadmap/issues/2282 has its headings.
        Substack = "substack",
        /// The members of a Ghost site, as its tests have them.
        Ghost = "ghost",
        /// The types are those of github.com/buttondown/openapi (`SubscriberType` in enums.json, with what each means). The names of columns
        /// are NOT VERIFIED: they are those of the same interface (`Subscriber` in openapi.json), and of the older one that
        /// docs.buttondown.com/api-subscribers-introduction tells of (`email`, `subscriber_type`).
        Buttondown = "buttondown",
        /// As its source writes them (`exportSubscribers`).
        Listmonk = "listmonk",
        /// Once ConvertKit. NOT VERIFIED: no export of its was found in public; the states are those of developers.kit.com
        /// (`active`, `inactive`, `cancelled`, `bounced`, `complained`), and help.convertkit.com names them to people.
        Kit = "kit",
        /// Once Sendinblue. NOT VERIFIED but for `EMAIL`, `ADDED_TIME` and `MODIFIED_TIME`, which
        /// developers.brevo.com/reference/request-contact-export names; what it calls the status of the subscription there is not said.
        Brevo = "brevo",
        /// As its source writes them (`ImportExportFactory`), in English.
        MailPoet = "mailpoet",
        /// NOT VERIFIED: no export of its was found in public; `EmailAddress`, `Name`, `Date`, `State` and the states are those of its
        /// programming interface.
        CampaignMonitor = "campaign-monitor",
        /// Users of a WordPress site, by the names of the columns of its database, which plugins for export use.
        WordPress = "wordpress",
    }
}

impl Preset {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Own => "our own export",
            Self::Mailchimp => "Mailchimp",
            Self::Substack => "Substack",
            Self::Ghost => "Ghost",
            Self::Buttondown => "Buttondown",
            Self::Listmonk => "listmonk",
            Self::Kit => "Kit",
            Self::Brevo => "Brevo",
            Self::MailPoet => "MailPoet",
            Self::CampaignMonitor => "Campaign Monitor",
            Self::WordPress => "WordPress",
        }
    }

    /// Whether its files, or the program that writes them, were seen by whoever wrote this.
    #[must_use]
    pub const fn is_verified(self) -> bool {
        !matches!(self, Self::Buttondown | Self::Kit | Self::Brevo | Self::CampaignMonitor)
    }

    /// The program that writes such headings.
    pub(super) fn of(headings: &[String]) -> Option<Self> {
        let plain: Vec<String> = headings.iter().map(|heading| self::plain(heading)).collect();
        let has = |name: &str| plain.iter().any(|one| one == name);
        let count = |names: &[&str]| names.iter().filter(|name| has(name)).count();
        let any = |names: &[&str]| count(names) > 0;
        let email = has("email");
        Some(match () {
            () if email && has("list") && has("state") && has("confirmedat") => Self::Own,
            () if count(&["memberrating", "leid", "euid", "optintime", "unsubtime", "cleantime"]) >= 2 => {
                Self::Mailchimp
            }
            () if has("subscribedtoemails")
                && any(&["complimentaryplan", "stripecustomerid", "deletedat", "labels", "tiers"]) =>
            {
                Self::Ghost
            }
            () if email && has("activesubscription") && any(&["emaildisabled", "expiry"]) => Self::Substack,
            () if email
                && has("startdate")
                && any(&[
                    "subscriptionsourcefree",
                    "canceldate",
                    "emailsreceived6mo",
                    "stripeplan",
                    "paidupgradedate",
                ]) =>
            {
                Self::Substack
            }
            () if email
                && has("subscriptiontype")
                && has("subscriptiondate")
                && any(&["emailreceiveslast6months", "receivingemailsfor", "isbestseller"]) =>
            {
                Self::Substack
            }
            () if email && has("uuid") && has("status") && any(&["attributes", "attribs"]) => Self::Listmonk,
            () if any(&["email", "emailaddress"])
                && has("creationdate")
                && any(&["subscribertype", "type"]) =>
            {
                Self::Buttondown
            }
            () if email
                && any(&["addedtime", "emailblacklisted"])
                && any(&["modifiedtime", "emailblacklisted"]) =>
            {
                Self::Brevo
            }
            () if email && any(&["liststatus", "globalstatus"]) => Self::MailPoet,
            () if has("useremail")
                && any(&["userlogin", "userregistered", "displayname", "roles", "role"]) =>
            {
                Self::WordPress
            }
            () if has("emailaddress")
                && any(&["state", "status"])
                && any(&["name", "date", "datejoined", "dateadded", "listjoineddate"]) =>
            {
                Self::CampaignMonitor
            }
            () if email
                && has("firstname")
                && any(&["status", "state"])
                && has("createdat")
                && !has("uuid") =>
            {
                Self::Kit
            }
            () => return None,
        })
    }

    /// What a column of its is; none for one that it does not know.
    pub(super) fn role(self, heading: &str) -> Option<ColumnRole> {
        let plain = plain(heading);
        let known = self.columns().iter().find(|(name, _)| match name.strip_suffix('*') {
            Some(beginning) => plain.starts_with(beginning),
            None => plain == *name,
        })?;
        Some(known.1.role(heading))
    }

    /// What a word in a column of its says.
    pub(super) fn state(self, heading: &str, value: &str) -> Option<State> {
        let (heading, value) = (plain(heading), plain(value));
        let known = self.words().iter().find(|(column, word, _)| *column == heading && *word == value)?;
        Some(known.2)
    }

    /// What its file says of everybody in it, by its headings and its name; none where it does not say it.
    pub(super) fn everybody(self, headings: &[String], file: &str) -> Option<State> {
        let has = |name: &str| headings.iter().any(|heading| plain(heading) == name);
        let file = plain(file.rsplit(['/', '\\']).next().unwrap_or(file));
        Some(match self {
            // Its ZIP is taken whole.
            Self::Mailchimp if has("tableinthearchive") => OnList,
            // Of its four files each is of one state, and two say so by a column of their own.
            Self::Mailchimp if has("unsubtime") && has("cleantime") => NotTaken,
            Self::Mailchimp if has("cleantime") || file.starts_with("cleaned") => Bounced,
            Self::Mailchimp if file.contains("nonsubscribed") => Unconfirmed,
            Self::Mailchimp if has("unsubtime") || file.contains("unsubscribed") => Left,
            // The headings of who is on the list are those of who never was.
            Self::Mailchimp if !file.starts_with("subscribed") => return None,
            _ => OnList,
        })
    }

    /// A column without which the file does not say who may be mailed, as people call it, and how to have it.
    pub(super) const fn needs(self) -> Option<(&'static [&'static str], &'static str)> {
        match self {
            Self::Brevo => Some((
                &[
                    "emailblacklisted",
                    "blocklisted",
                    "emailblocklisted",
                    "emailsubscriptionstatus",
                    "emailmarketing",
                    "emailmarketingstatus",
                ],
                "EMAIL_BLACKLISTED. Export again with the status of the subscription to email",
            )),
            Self::Substack => Some((
                &["emaildisabled", "canceldate", "type", "subscriptiontype", "unsubscribedat"],
                "email_disabled or Cancel date. Export every column",
            )),
            _ => None,
        }
    }

    const fn columns(self) -> &'static [(&'static str, Is)] {
        match self {
            Self::Own => &[
                ("email", Is::Email),
                ("name", Is::Name),
                ("list", Is::List),
                ("state", Is::Status),
                ("confirmedat", Is::Joined),
                ("leftat", Is::Date(Left)),
                ("pauseduntil", Is::PausedUntil),
                ("suppression", Is::Suppression),
                ("suppressedat", Is::SuppressedAt),
                ("consent", Is::Consent),
                ("consentat", Is::ConsentAt),
                ("topics", Is::Topics),
                ("implieduntil", Is::ImpliedUntil),
                ("rhythm", Is::Rhythm),
                ("field*", Is::OwnField),
            ],
            Self::Mailchimp => &[
                ("tableinthearchive", Is::Status),
                ("emailaddress", Is::Email),
                ("firstname", Is::FirstName),
                ("lastname", Is::LastName),
                ("fname", Is::FirstName),
                ("lname", Is::LastName),
                ("name", Is::Name),
                ("optintime", Is::Joined),
                ("confirmtime", Is::OptedIn),
                ("optinip", Is::Ip),
                ("confirmip", Is::NotRead),
                ("unsubtime", Is::Date(Left)),
                ("cleantime", Is::Date(Bounced)),
                ("tags", Is::Tags("tags")),
                ("unsubcampaign*", Is::NotRead),
                ("unsubreason*", Is::NotRead),
                ("cleancampaign*", Is::NotRead),
                ("lastchanged", Is::NotRead),
            ],
            Self::Substack => &[
                ("email", Is::Email),
                ("name", Is::Name),
                ("createdat", Is::Joined),
                ("startdate", Is::Joined),
                ("emaildisabled", Is::Status),
                ("canceldate", Is::Date(Left)),
                ("unsubscribedat", Is::Date(Left)),
                ("type", Is::Status),
                ("subscriptiontype", Is::Status),
                ("subscriptiondate", Is::Joined),
                // Nobody knows how it says that they get none.
                ("receivingemailsfor", Is::Status),
                ("expiresat", Is::NotRead),
                ("revenue", Is::NotRead),
                ("comments*", Is::NotRead),
                ("shares*", Is::NotRead),
                ("subscribercountry", Is::NotRead),
                ("emailreceives*", Is::NotRead),
                ("emaildrops*", Is::NotRead),
                ("emailopens*", Is::NotRead),
                ("emaillastopenedat", Is::NotRead),
                ("uniqueemails*", Is::NotRead),
                ("isbestseller", Is::NotRead),
                // Whether they pay: who does not reads all the same.
                ("activesubscription", Is::NotRead),
                ("expiry", Is::NotRead),
                ("expirationdate", Is::NotRead),
                ("plan", Is::NotRead),
                ("stripeplan", Is::NotRead),
                ("firstpaymentat", Is::NotRead),
                ("firstpaiddate", Is::NotRead),
                ("paidupgradedate", Is::NotRead),
                ("preferdigests", Is::NotRead),
                ("subscriptionsource*", Is::NotRead),
                ("subscriptioninterval", Is::NotRead),
                ("subscriptionsgifted", Is::NotRead),
                ("emailsreceived*", Is::NotRead),
                ("emailsopened*", Is::NotRead),
                ("emailsdropped*", Is::NotRead),
                ("daysactive*", Is::NotRead),
                ("state*", Is::NotRead),
                ("sections", Is::NotRead),
            ],
            Self::Ghost => &[
                ("email", Is::Email),
                ("name", Is::Name),
                ("createdat", Is::Joined),
                ("subscribedtoemails", Is::Status),
                ("deletedat", Is::Date(Left)),
                ("labels", Is::Tags("labels")),
                ("tiers", Is::NotRead),
                ("products", Is::NotRead),
            ],
            Self::Buttondown => &[
                ("email", Is::Email),
                ("emailaddress", Is::Email),
                ("subscribertype", Is::Status),
                ("type", Is::Status),
                ("creationdate", Is::Joined),
                ("unsubscriptiondate", Is::Date(Left)),
                ("unsubscriptionreason", Is::NotRead),
                ("churndate", Is::NotRead),
                ("undeliverabilitydate", Is::Date(Bounced)),
                ("undeliverabilityreason", Is::NotRead),
                // May be set of whom mail reaches: the type says whom it does not.
                ("bouncedate", Is::NotRead),
                ("bouncereason", Is::NotRead),
                ("ipaddress", Is::Ip),
                ("tags", Is::Tags("tags")),
            ],
            Self::Listmonk => &[
                ("email", Is::Email),
                ("name", Is::Name),
                ("status", Is::Status),
                ("createdat", Is::Joined),
                ("lists", Is::NotRead),
            ],
            Self::Kit => &[
                ("email", Is::Email),
                ("emailaddress", Is::Email),
                ("firstname", Is::FirstName),
                ("lastname", Is::LastName),
                ("status", Is::Status),
                ("state", Is::Status),
                ("createdat", Is::Joined),
                ("tags", Is::Tags("tags")),
            ],
            Self::Brevo => &[
                ("email", Is::Email),
                ("firstname", Is::FirstName),
                ("lastname", Is::LastName),
                ("prenom", Is::FirstName),
                ("nom", Is::LastName),
                ("vorname", Is::FirstName),
                ("nachname", Is::LastName),
                ("emailblacklisted", Is::Status),
                ("smsblacklisted", Is::NotRead),
                ("addedtime", Is::Joined),
                ("modifiedtime", Is::NotRead),
            ],
            Self::MailPoet => &[
                ("email", Is::Email),
                ("firstname", Is::FirstName),
                ("lastname", Is::LastName),
                ("subscriptionip", Is::Ip),
                ("subscriptiontime", Is::Joined),
                // The status says who confirmed.
                ("confirmationtime", Is::NotRead),
                ("confirmationip", Is::NotRead),
                ("liststatus", Is::Status),
                ("globalstatus", Is::Status),
                ("list", Is::NotRead),
            ],
            Self::CampaignMonitor => &[
                ("emailaddress", Is::Email),
                ("name", Is::Name),
                ("state", Is::Status),
                ("status", Is::Status),
                ("listjoineddate", Is::Joined),
                ("datejoined", Is::Joined),
                ("dateadded", Is::Joined),
                // When the state became what it is.
                ("date", Is::NotRead),
                ("dateunsubscribed", Is::Date(Left)),
                ("unsubscribeddate", Is::Date(Left)),
                ("datebounced", Is::Date(Bounced)),
            ],
            Self::WordPress => &[
                ("useremail", Is::Email),
                ("email", Is::NotRead),
                ("displayname", Is::Name),
                ("firstname", Is::NotRead),
                ("lastname", Is::NotRead),
                ("userregistered", Is::Joined),
                ("userstatus", Is::Status),
                ("spam", Is::Status),
                ("deleted", Is::Status),
                ("useractivationkey", Is::NotRead),
            ],
        }
    }

    /// Column, word, what it says.
    const fn words(self) -> &'static [(&'static str, &'static str, State)] {
        match self {
            Self::Own => {
                &[("state", "confirmed", OnList), ("state", "pending", Unconfirmed), ("state", "left", Left)]
            }
            Self::Mailchimp => &[
                ("tableinthearchive", "subscribed", OnList),
                ("tableinthearchive", "unsubscribed", Left),
                ("tableinthearchive", "cleaned", Bounced),
                ("tableinthearchive", "nonsubscribed", Unconfirmed),
            ],
            Self::Substack => SUBSTACK,
            Self::Ghost => &[("subscribedtoemails", "true", OnList), ("subscribedtoemails", "false", Left)],
            Self::Buttondown => BUTTONDOWN,
            Self::Listmonk => &[
                ("status", "enabled", OnList),
                ("status", "disabled", Left),
                ("status", "blocklisted", Blocked),
                ("status", "blacklisted", Blocked),
            ],
            Self::Kit => KIT,
            Self::Brevo => &[
                ("emailblacklisted", "no", OnList),
                ("emailblacklisted", "false", OnList),
                ("emailblacklisted", "0", OnList),
                ("emailblacklisted", "yes", Left),
                ("emailblacklisted", "true", Left),
                ("emailblacklisted", "1", Left),
            ],
            Self::MailPoet => MAILPOET,
            Self::CampaignMonitor => CAMPAIGN_MONITOR,
            Self::WordPress => &[
                ("userstatus", "0", OnList),
                ("userstatus", "1", NotTaken),
                ("userstatus", "2", Unconfirmed),
                ("spam", "0", OnList),
                ("spam", "1", Blocked),
                ("deleted", "0", OnList),
                ("deleted", "1", Left),
            ],
        }
    }
}

/// Under either heading.
macro_rules! under {
    ([$($heading:literal),+] $words:tt) => { under!(@ [] [$($heading),+] $words) };
    // And these beside them.
    ([$($heading:literal),+] $words:tt, $(($column:literal, $word:literal, $state:ident)),+) => {
        under!(@ [$(($column, $word, $state),)+] [$($heading),+] $words)
    };
    (@ [$($done:tt)*] [] $words:tt) => { &[$($done)*] };
    (@ [$($done:tt)*] [$first:literal $(, $rest:literal)*] [$(($word:literal, $state:ident)),+ $(,)?]) => {
        under!(@ [$($done)* $(($first, $word, $state),)+] [$($rest),*] [$(($word, $state)),+])
    };
}

const SUBSTACK: &[(&str, &str, State)] = under!(["type", "subscriptiontype"] [
    ("free", OnList),
    ("paid", OnList),
    ("founding", OnList),
    ("gift", OnList),
    ("comp", OnList),
    ("trial", OnList),
    ("freetrial", OnList),
    ("author", OnList),
    ("subscriber", OnList),
    ("monthly", OnList),
    ("annual", OnList),
    ("yearly", OnList),
    ("group", OnList),
    ("lifetime", OnList),
    ("unsubscribed", Left),
    ("cancelled", Left),
    ("canceled", Left),
    ("disabled", Left),
    // Who follows in its app asked for no mail.
    ("follower", NotTaken),
], ("emaildisabled", "false", OnList), ("emaildisabled", "true", Left));

const BUTTONDOWN: &[(&str, &str, State)] = under!(["subscribertype", "type"] [
    ("regular", OnList),
    ("premium", OnList),
    ("gifted", OnList),
    ("trialed", OnList),
    ("churning", OnList),
    ("churned", OnList),
    ("pastdue", OnList),
    ("unpaid", OnList),
    ("unactivated", Unconfirmed),
    ("upcoming", Unconfirmed),
    ("unsubscribed", Left),
    // Banned by the team.
    ("removed", Blocked),
    ("deleted", Left),
    ("disabled", Left),
    // What they pay rests: they are still on the list.
    ("paused", OnList),
    ("undeliverable", Bounced),
    ("malformed", Bounced),
    ("bounced", Bounced),
    ("complained", Complained),
    ("spammy", Complained),
    ("blocked", Blocked),
]);

const KIT: &[(&str, &str, State)] = under!(["status", "state"] [
    ("active", OnList),
    ("confirmed", OnList),
    // They read little, and may be mailed.
    ("cold", OnList),
    ("inactive", Unconfirmed),
    ("unconfirmed", Unconfirmed),
    ("cancelled", Left),
    ("canceled", Left),
    ("unsubscribed", Left),
    ("bounced", Bounced),
    ("complained", Complained),
    ("blocked", Blocked),
]);

const MAILPOET: &[(&str, &str, State)] = under!(["liststatus", "globalstatus"] [
    ("subscribed", OnList),
    // They read little, and may be mailed.
    ("inactive", OnList),
    ("unconfirmed", Unconfirmed),
    ("unsubscribed", Left),
    ("bounced", Bounced),
]);

const CAMPAIGN_MONITOR: &[(&str, &str, State)] = under!(["state", "status"] [
    ("active", OnList),
    ("subscribed", OnList),
    ("unconfirmed", Unconfirmed),
    ("unsubscribed", Left),
    ("deleted", Left),
    ("bounced", Bounced),
    ("hardbounced", Bounced),
    ("suppressed", Blocked),
    ("spam", Complained),
    ("spamcomplaint", Complained),
    ("markedasspam", Complained),
]);

/// A role, as a table can say it.
/// The heading of a field in our own export: its short name, and its question behind that.
#[must_use]
pub fn own_heading(name: &str, question: &str) -> String {
    if question == name { format!("field:{name}") } else { format!("field:{name} {question}") }
}

/// Name and question of a field by such a heading. Files of before have the name alone.
#[must_use]
pub fn own_field(heading: &str) -> (&str, &str) {
    let field = heading.split_once(':').map_or(heading, |(_, field)| field).trim();
    field.split_once(' ').map_or((field, field), |(name, question)| (name, question.trim()))
}

#[derive(Clone, Copy)]
enum Is {
    Email,
    Name,
    FirstName,
    LastName,
    Status,
    Date(State),
    Joined,
    OptedIn,
    Ip,
    List,
    Topics,
    /// Words about somebody, kept as a field of that name.
    Tags(&'static str),
    OwnField,
    PausedUntil,
    ImpliedUntil,
    Rhythm,
    Suppression,
    SuppressedAt,
    Consent,
    ConsentAt,
    NotRead,
}

impl Is {
    fn role(self, heading: &str) -> ColumnRole {
        match self {
            Self::Email => ColumnRole::Email,
            Self::Name => ColumnRole::Name,
            Self::FirstName => ColumnRole::FirstName,
            Self::LastName => ColumnRole::LastName,
            Self::Status => ColumnRole::Status,
            Self::Date(state) => ColumnRole::Date(state),
            Self::Joined => ColumnRole::Joined,
            Self::OptedIn => ColumnRole::OptedIn,
            Self::Ip => ColumnRole::Ip,
            Self::List => ColumnRole::List,
            Self::Topics => ColumnRole::Topics,
            // Tags are words, also where all of a file happen to be years.
            Self::Tags(name) => ColumnRole::TextField(name.to_owned()),
            Self::OwnField => ColumnRole::Field(own_field(heading).0.to_owned()),
            Self::PausedUntil => ColumnRole::PausedUntil,
            Self::ImpliedUntil => ColumnRole::ImpliedUntil,
            Self::Rhythm => ColumnRole::Rhythm,
            Self::Suppression => ColumnRole::Suppression,
            Self::SuppressedAt => ColumnRole::SuppressedAt,
            Self::Consent => ColumnRole::Consent,
            Self::ConsentAt => ColumnRole::ConsentAt,
            Self::NotRead => ColumnRole::NotRead,
        }
    }
}

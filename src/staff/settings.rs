//! What an editor or a treasurer decides, typed, with its history: a change adds a row, the newest row of a name is in force.

use std::collections::HashMap;

use super::{audit, store};
use crate::{
    clock::Zone,
    db::{Db, Gate, Result, Tx},
    email_address::EmailAddress,
    mail::Sender,
    site::Site,
};

/// Where the magazine's articles live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArticlesAt {
    /// On our own pages.
    #[default]
    Here,
    /// On the magazine's existing site: titles link there, and no article pages are served.
    Elsewhere,
}

/// All of them, with what is in force or the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What readers call the magazine.
    pub magazine_name: String,
    /// A line under the name on the public pages; may be empty.
    pub tagline: String,
    /// Who sends the mail, by law.
    pub legal_name: String,
    /// The postal address under every edition, lines separated by newlines.
    pub postal_address: String,
    /// Where readers can write to.
    pub contact_email: String,
    /// The name in the From header; the magazine's when empty.
    pub from_name: String,
    /// The address in the From header; the contact address when empty.
    pub from_email: String,
    /// Where articles live.
    pub articles_at: ArticlesAt,
    /// The magazine's existing site; empty when articles live here.
    pub external_site_url: String,
    /// Words a minute, for reading times.
    pub reading_speed: i64,
    /// ISO 4217 code that gifts are taken in.
    pub currency: String,
    /// Amounts offered on the donation page, in minor units.
    pub suggested_amounts: Vec<i64>,
    /// The smallest gift taken, in minor units; what is sensible in the currency without one.
    pub gift_least: Option<i64>,
    /// The largest gift taken, in minor units; what is sensible in the currency without one.
    pub gift_most: Option<i64>,
    /// The heading over the appeal under articles and in editions.
    pub appeal_heading: String,
    /// The appeal itself.
    pub appeal_text: String,
    /// Whether large editions go out though the DNS proves too little (TRUST M27): an owner knows better.
    pub send_unproven: bool,
    /// An edition that comes up later than this many hours is held back and staff are asked.
    pub late_hours: i64,
    /// Where the magazine's clocks are: the desk and editions show days and times there, and editions are planned there.
    pub time_zone: Zone,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            magazine_name: "Our magazine".to_owned(),
            tagline: String::new(),
            legal_name: String::new(),
            postal_address: String::new(),
            contact_email: String::new(),
            from_name: String::new(),
            from_email: String::new(),
            articles_at: ArticlesAt::Here,
            external_site_url: String::new(),
            reading_speed: 275,
            currency: "EUR".to_owned(),
            suggested_amounts: vec![500, 1_000, 2_500, 5_000],
            gift_least: None,
            gift_most: None,
            appeal_heading: "Readers keep us going".to_owned(),
            appeal_text: "We carry no advertising and no paywall. If our work is worth something to you, give what you can."
                .to_owned(),
            send_unproven: false,
            late_hours: 6,
            time_zone: Zone::UTC,
        }
    }
}

impl Settings {
    /// What is in force now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(db: &Db) -> Result<Self> {
        Ok(Self::from_rows(store::settings(db).await?))
    }

    /// What is in force, as the transaction sees it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load_in(tx: &mut Tx) -> Result<Self> {
        Ok(Self::from_rows(store::settings_in(tx).await?))
    }

    /// What the law wants said under every edition and is not said yet (TRUST L4); empty when editions can be sent.
    #[must_use]
    pub fn can_send(&self) -> Vec<&'static str> {
        let wanted = [
            (&self.legal_name, "the legal name of who publishes it"),
            (&self.postal_address, "a postal address"),
            (&self.contact_email, "an email address that readers can write to"),
        ];
        wanted.into_iter().filter(|(value, _)| value.trim().is_empty()).map(|(_, what)| what).collect()
    }

    /// The name in the From header.
    #[must_use]
    pub fn sender_name(&self) -> &str {
        if self.from_name.is_empty() { &self.magazine_name } else { &self.from_name }
    }

    /// The address in the From header.
    #[must_use]
    pub fn sender_email(&self) -> &str {
        if self.from_email.is_empty() { &self.contact_email } else { &self.from_email }
    }

    /// The address in the From header, once one was given.
    #[must_use]
    pub fn from_address(&self) -> Option<EmailAddress> {
        EmailAddress::parse(self.sender_email()).ok()
    }

    /// The magazine, as every automatic email names it.
    #[must_use]
    pub fn sender(&self, site: &Site) -> Sender {
        let site_url =
            if self.external_site_url.is_empty() { site.url("/") } else { self.external_site_url.clone() };
        Sender {
            magazine: self.magazine_name.clone(),
            legal_name: self.legal_name.clone(),
            postal_address: self.postal_address.clone(),
            contact_email: self.contact_email.clone(),
            site_url,
        }
    }

    /// Values we cannot read keep their default: an older program may meet rows of a newer one.
    fn from_rows(rows: Vec<(String, String)>) -> Self {
        let mut rows: HashMap<String, String> = rows.into_iter().collect();
        let mut settings = Self::default();
        let mut text = |name: &str, field: &mut String| {
            if let Some(value) = rows.remove(name) {
                *field = value;
            }
        };
        text("magazine_name", &mut settings.magazine_name);
        text("tagline", &mut settings.tagline);
        text("legal_name", &mut settings.legal_name);
        text("postal_address", &mut settings.postal_address);
        text("contact_email", &mut settings.contact_email);
        text("from_name", &mut settings.from_name);
        text("from_email", &mut settings.from_email);
        text("external_site_url", &mut settings.external_site_url);
        text("currency", &mut settings.currency);
        text("appeal_heading", &mut settings.appeal_heading);
        text("appeal_text", &mut settings.appeal_text);
        if rows.get("articles_at").is_some_and(|value| value == "elsewhere") {
            settings.articles_at = ArticlesAt::Elsewhere;
        }
        settings.send_unproven = rows.get("send_unproven").is_some_and(|value| value == "yes");
        if let Some(speed) = rows.get("reading_speed").and_then(|value| value.parse().ok()) {
            settings.reading_speed = speed;
        }
        if let Some(hours) = rows.get("late_hours").and_then(|value| value.parse().ok()) {
            settings.late_hours = hours;
        }
        if let Some(zone) = rows.get("time_zone").and_then(|name| Zone::named(name)) {
            settings.time_zone = zone;
        }
        settings.gift_least = rows.get("gift_least").and_then(|value| value.parse().ok());
        settings.gift_most = rows.get("gift_most").and_then(|value| value.parse().ok());
        if let Some(amounts) = rows.get("suggested_amounts") {
            settings.suggested_amounts = amounts.split(',').filter_map(|one| one.parse().ok()).collect();
        }
        settings
    }

    fn to_rows(&self) -> [(&'static str, String); 19] {
        let articles_at = match self.articles_at {
            ArticlesAt::Here => "here",
            ArticlesAt::Elsewhere => "elsewhere",
        };
        let amounts: Vec<String> = self.suggested_amounts.iter().map(i64::to_string).collect();
        let limit = |minor: Option<i64>| minor.map(|minor| minor.to_string()).unwrap_or_default();
        [
            ("magazine_name", self.magazine_name.clone()),
            ("tagline", self.tagline.clone()),
            ("legal_name", self.legal_name.clone()),
            ("postal_address", self.postal_address.clone()),
            ("contact_email", self.contact_email.clone()),
            ("from_name", self.from_name.clone()),
            ("from_email", self.from_email.clone()),
            ("articles_at", articles_at.to_owned()),
            ("external_site_url", self.external_site_url.clone()),
            ("reading_speed", self.reading_speed.to_string()),
            ("currency", self.currency.clone()),
            ("suggested_amounts", amounts.join(",")),
            ("gift_least", limit(self.gift_least)),
            ("gift_most", limit(self.gift_most)),
            ("appeal_heading", self.appeal_heading.clone()),
            ("appeal_text", self.appeal_text.clone()),
            ("send_unproven", if self.send_unproven { "yes" } else { "no" }.to_owned()),
            ("late_hours", self.late_hours.to_string()),
            ("time_zone", self.time_zone.name().to_owned()),
        ]
    }
}

/// Which state of the settings stands now, for the form that shows them. Read before them: what changes in between is then
/// not taken for seen. The choice about large editions, which has a form of its own, does not count.
///
/// # Errors
/// When the database fails.
pub async fn version(db: &Db) -> Result<i64> {
    store::settings_version(db).await
}

/// As [`version`], and holds it: nobody changes a setting before the transaction ends.
///
/// # Errors
/// When the database fails.
async fn hold(tx: &mut Tx) -> Result<i64> {
    tx.close(Gate::Settings).await?;
    store::settings_version_in(tx).await
}

/// Changes settings in the caller's transaction: writes a row for each that became different, and says which.
///
/// # Errors
/// When the database fails.
pub async fn save(
    tx: &mut Tx,
    site: &Site,
    staff_id: Option<i64>,
    change: impl FnOnce(&mut Settings) + Send,
) -> Result<Vec<&'static str>> {
    tx.close(Gate::Settings).await?;
    let before = Settings::load_in(tx).await?;
    let mut after = before.clone();
    change(&mut after);
    let mut changed = Vec::new();
    for ((name, old), (_, new)) in before.to_rows().into_iter().zip(after.to_rows()) {
        if old != new {
            store::insert_setting(tx, name, &new, staff_id, site.now()).await?;
            changed.push(name);
        }
    }
    Ok(changed)
}

/// Saves what somebody decided, and writes down who did and which settings became different; `false`, and nothing is changed,
/// unless the settings and their version, which nobody changes meanwhile, are as they saw them.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    site: &Site,
    by: Option<i64>,
    is_as_seen: impl FnOnce(i64, &Settings) -> bool + Send,
    change: impl FnOnce(&mut Settings) + Send,
) -> Result<bool> {
    let mut tx = site.db.begin().await?;
    let version = hold(&mut tx).await?;
    if !is_as_seen(version, &Settings::load_in(&mut tx).await?) {
        return Ok(false);
    }
    let changed = save(&mut tx, site, by, change).await?;
    if !changed.is_empty() {
        audit::record(&mut tx, site, by, "changed settings", "", &changed.join(", ")).await?;
    }
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_survives_being_written_and_read() {
        let settings = Settings {
            magazine_name: "The Lamplighter".into(),
            tagline: "a".into(),
            legal_name: "b".into(),
            postal_address: "c\nd".into(),
            contact_email: "e".into(),
            from_name: "f".into(),
            from_email: "g".into(),
            articles_at: ArticlesAt::Elsewhere,
            external_site_url: "https://example.org".into(),
            reading_speed: 200,
            currency: "AUD".into(),
            suggested_amounts: vec![1, 2],
            gift_least: Some(3),
            gift_most: Some(4),
            appeal_heading: "h".into(),
            appeal_text: "i".into(),
            send_unproven: true,
            late_hours: 9,
            time_zone: Zone::named("Australia/Sydney").expect("a zone of the database"),
        };
        let rows = settings.to_rows().map(|(name, value)| (name.to_owned(), value)).to_vec();
        assert_eq!(Settings::from_rows(rows), settings);
        assert_eq!(Settings::from_rows(Vec::new()), Settings::default());
    }

    /// TRUST L4: what is missing is named.
    #[test]
    fn an_edition_cannot_be_sent_before_the_law_is_satisfied() {
        let mut settings = Settings::default();
        assert_eq!(settings.can_send().len(), 3);
        settings.legal_name = "Lamplighter Press".into();
        settings.postal_address = "1 Wick Lane".into();
        settings.contact_email = "desk@example.org".into();
        assert!(settings.can_send().is_empty());
    }
}

//! What an editor or a treasurer decides, typed, with its history: a change adds a row, the newest row of a name is in force.
//!
//! A setting is a line of `table.rs`: its name, type, default, and what a person may type for it. Whatever page or command takes one
//! from a person, takes it by [`Settings::take`].
//!
//! It may call the log, mail and what stands below them; most rooms ask it. Start reading at `table.rs`.

mod checks;
mod letterhead;
mod store;
mod table;
mod words;

pub use self::{
    letterhead::Letterhead,
    store::STATEMENTS,
    table::{ALL, Setting, Settings},
    words::ArticlesAt,
};

use crate::{
    audit_log,
    db::{Db, Gate, Result, Tx},
    site::Site,
};

impl Settings {
    /// What is in force now.
    pub async fn load(db: &Db) -> Result<Self> {
        Ok(Self::from_rows(store::rows(db).await?))
    }

    /// What is in force, as the transaction sees it.
    pub async fn load_in(tx: &mut Tx) -> Result<Self> {
        Ok(Self::from_rows(store::rows_in(tx).await?))
    }

    /// Whether there are words that ask for a gift.
    #[must_use]
    pub const fn has_appeal(&self) -> bool {
        !self.appeal_heading.is_empty() || !self.appeal_text.is_empty()
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

    /// The address in the From header as it was decided; empty if it was not. For whatever looks at its domain.
    #[must_use]
    pub fn sender_email(&self) -> &str {
        if self.from_email.is_empty() { &self.contact_email } else { &self.from_email }
    }

    fn from_rows(rows: Vec<(String, String)>) -> Self {
        let mut settings = Self::default();
        for (name, word) in rows {
            if let Some(one) = ALL.iter().find(|one| one.name == name) {
                (one.read)(&mut settings, &word);
            }
        }
        settings
    }
}

/// Which state of the settings stands now, for the form that shows them. Read before them: what changes in between is then
/// not taken for seen. The choice about large editions, which has a form of its own, does not count.
pub async fn version(db: &Db) -> Result<i64> {
    store::version(db).await
}

/// As [`version`], and holds it: nobody changes a setting before the transaction ends.
async fn hold(tx: &mut Tx) -> Result<i64> {
    tx.close(Gate::Settings).await?;
    store::version_in(tx).await
}

/// Changes settings in the caller's transaction: writes a row for each that became different, and says which.
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
    for Setting { name, written, .. } in ALL {
        let new = written(&after);
        if written(&before) != new {
            store::add(tx, name, &new, staff_id, site.now()).await?;
            changed.push(*name);
        }
    }
    Ok(changed)
}

/// Saves what somebody decided, and writes down who did and which settings became different; `false`, and nothing is changed,
/// unless the settings and their version, which nobody changes meanwhile, are as they saw them.
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
        audit_log::record(&mut tx, site, by, "changed settings", "", &changed.join(", ")).await?;
    }
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Zone;

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
            language: "de-AT".into(),
            reading_speed: 200,
            currency: "AUD".into(),
            suggested_amounts: vec![1, 2],
            gift_least: Some(3),
            gift_most: Some(4),
            greeting: "Hello {{name}},".into(),
            appeal_heading: "h".into(),
            appeal_text: "i".into(),
            giving_line: "j".into(),
            send_unproven: true,
            late_hours: 9,
            four_eyes: true,
            says_good_bye: true,
            keep_traces_months: 12,
            implied_consent_months: 18,
            blocked_domains: "example.com\nexample.net".into(),
            refuse_disposable: true,
            time_zone: Zone::named("Australia/Sydney").expect("a zone of the database"),
        };
        let rows: Vec<_> = ALL.iter().map(|one| (one.name.to_owned(), (one.written)(&settings))).collect();
        assert_eq!(Settings::from_rows(rows), settings);
        assert_eq!(Settings::from_rows(Vec::new()), Settings::default());
    }

    /// What it shows is what it takes; and what depends on another one is judged by that as it is typed now.
    #[test]
    fn every_setting_is_taken_as_it_is_typed() {
        let settings = Settings {
            legal_name: "b".into(),
            postal_address: "c\nd".into(),
            contact_email: "e@example.org".into(),
            currency: "JPY".into(),
            suggested_amounts: vec![500, 1_000],
            gift_most: Some(20_000),
            ..Settings::default()
        };
        let typed: Vec<_> = ALL.iter().map(|one| (one.name, (one.typed)(&settings))).collect();
        let known =
            |name: &str| typed.iter().find(|(other, _)| *other == name).map(|(_, text)| text.as_str());
        let mut taken = Settings::default();
        assert_eq!(taken.take(known), []);
        assert_eq!(taken, settings);
        let mut refused = settings.clone();
        let wrong = refused.take(|name| match name {
            "currency" => Some("EUR"),
            "gift_least" => Some("10"),
            "gift_most" => Some("5.50"),
            "suggested_amounts" => Some("2 30"),
            "articles_at" => Some("elsewhere"),
            "external_site_url" => Some(""),
            _ => None,
        });
        let named: Vec<_> = wrong.iter().map(|(name, _)| *name).collect();
        assert_eq!(named, ["external_site_url", "suggested_amounts", "gift_most"]);
        assert_eq!(refused.legal_name, "b", "what was not typed stays");
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

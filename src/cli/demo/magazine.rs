//! The sample magazine: its owner, its settings, and the names of its readers.

use anyhow::Context as _;

use crate::{
    email_address::EmailAddress,
    settings::Settings,
    site::Site,
    staff::{self, FirstOwner, PasswordCost, SetUpError, Staff},
};

/// Who signs in at the demo's desk.
pub(super) const OWNER: &str = "editor@tidewater.example.org";
/// A demo holds nobody's data, so its password may be known.
pub(super) const PASSWORD: &str = "a tide waits for nobody";

/// Sets the magazine up, unless that was done before.
pub(super) async fn set_up(site: &Site) -> anyhow::Result<bool> {
    let email = EmailAddress::parse(OWNER)?;
    let owner = FirstOwner { name: "Ines Okafor", email: &email, password: PASSWORD };
    match staff::make_first_owner(site, PasswordCost::STRONG, owner, describe).await {
        Ok(_) => Ok(true),
        Err(SetUpError::Closed) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn describe(settings: &mut Settings) {
    settings.magazine_name = "The Tidewater Review".to_owned();
    settings.legal_name = "Tidewater Review Cooperative".to_owned();
    settings.postal_address = "12 Harbour Row\nSaltmarsh 4870\nExampleland".to_owned();
    settings.contact_email = OWNER.to_owned();
    settings.from_email = "news@tidewater.example.org".to_owned();
}

/// The owner, for the link that signs them in.
pub(super) async fn owner(site: &Site) -> anyhow::Result<Staff> {
    let email = EmailAddress::parse(OWNER)?;
    let found = staff::by_email(&site.db, &email).await?;
    found.context("the demo's owner is gone; start over with --fresh")
}

const FIRST: [&str; 20] = [
    "Ada", "Bruno", "Chidi", "Dana", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jun", "Kemi", "Lars", "Mina",
    "Noor", "Olu", "Pia", "Quinn", "Rosa", "Sami", "Tove",
];
const LAST: [&str; 10] =
    ["Abara", "Bianchi", "Castillo", "Dubois", "Eriksen", "Fontaine", "Grigoryan", "Haddad", "Ito", "Jansen"];

/// The name and address of a sample reader.
pub(super) fn reader(number: usize) -> (String, String) {
    let first = FIRST[number % FIRST.len()];
    let last = LAST[number / FIRST.len() % LAST.len()];
    let address = format!("{}.{}{}@example.com", first.to_lowercase(), last.to_lowercase(), number + 1);
    (format!("{first} {last}"), address)
}

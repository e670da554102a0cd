//! Letters of the house to people of its team: something happened that they are to hear of, whether or not they look at the desk.

use super::{Role, accounts, accounts::Member};
use crate::{
    db::{Db, Result, Tx},
    delivery,
    mail::EmailTemplate,
    settings::Letterhead,
    site::Site,
};

/// Who of the team can sign in: nobody else is written to about the house.
pub async fn team(db: &Db) -> Result<Vec<Member>> {
    let mut members = accounts::members(db).await?;
    members.retain(|one| one.joined && one.disabled_at.is_none());
    Ok(members)
}

/// The owners of them.
pub async fn owners(db: &Db) -> Result<Vec<Member>> {
    let mut owners = team(db).await?;
    owners.retain(|one| one.role == Role::Owner);
    Ok(owners)
}

/// The treasurers of them; where there is none, money is the owners'.
pub async fn treasurers(db: &Db) -> Result<Vec<Member>> {
    let mut team = team(db).await?;
    let is = |role: Role| move |one: &Member| one.role == role;
    let wanted = if team.iter().any(is(Role::Treasurer)) { Role::Treasurer } else { Role::Owner };
    team.retain(is(wanted));
    Ok(team)
}

/// One letter to each about a fact, which is never told twice. False if there is nobody to write to: then nobody has been told, and
/// the caller's transaction must not say so.
pub async fn tell<T: EmailTemplate>(
    tx: &mut Tx,
    (site, letterhead): (&Site, &Letterhead),
    people: &[Member],
    fact: &str,
    context: &T,
) -> Result<bool> {
    for one in people {
        let fact = format!("{fact}:{}", one.public_id);
        delivery::tell(tx, site, letterhead, (&one.name, &one.email), &fact, context).await?;
    }
    Ok(!people.is_empty())
}

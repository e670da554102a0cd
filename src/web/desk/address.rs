//! `/desk/address`: the database is at home under another address; nothing is sent until an owner says that it moved here.

use serde::Serialize;

use super::super::{Desk, Outcome, session::see_other};
use crate::{
    delivery::origin::{self, Standing},
    staff::audit,
};

#[derive(Serialize)]
struct Page {
    /// Where it is at home; none when all is well.
    home: Option<String>,
    here: String,
}

/// `GET /desk/address`
pub(crate) async fn show(desk: Desk) -> Outcome {
    let home = match origin::look(desk.site()).await? {
        Standing::AtHome => None,
        Standing::Abroad(home) => Some(home),
    };
    desk.page("desk/settings/address", "The address", &Page { home, here: desk.site().url("/") }).await
}

/// `POST /desk/address`
pub(crate) async fn submit(desk: Desk) -> Outcome {
    let site = desk.site();
    let mut tx = site.db.begin().await?;
    origin::confirm(&mut tx, site).await?;
    let who = Some(desk.who.staff.id);
    audit::record(&mut tx, site, who, "confirmed the address", "", &site.url("/")).await?;
    tx.commit().await?;
    Ok(see_other("/desk?done=moved"))
}

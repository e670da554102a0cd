//! The door: the first run, signing in, and joining the team. Nobody is signed in yet.

pub(in crate::web) mod join;
pub(in crate::web) mod set_up;
pub(in crate::web) mod sign_in;
pub(in crate::web) mod sign_in_link;

use crate::{
    settings::Settings,
    web::{App, Outcome},
};

/// A page at the door, before anybody is signed in.
async fn door<T: serde::Serialize + Sync>(app: &App, template: &str, title: &str, data: &T) -> Outcome {
    let settings = Settings::load(&app.site.db).await?;
    app.desk_page(None, None, &settings, template, title, data).await
}

//! The lists as the forms about readers offer them.

use serde::Serialize;

use crate::{
    subscribers::lists,
    web::{Desk, WebError},
};

#[derive(Serialize)]
pub(super) struct ListView {
    pub id: i64,
    pub name: String,
    /// It was chosen on the form before that comes back.
    pub chosen: bool,
}

/// All of them; `chosen` is what was chosen before, as it was typed.
pub(super) async fn list_views(desk: &Desk, chosen: &str) -> Result<Vec<ListView>, WebError> {
    let lists = lists::mailed(&desk.site().db).await?;
    Ok(lists
        .into_iter()
        .map(|list| ListView { chosen: list.id.to_string() == chosen, id: list.id, name: list.name })
        .collect())
}

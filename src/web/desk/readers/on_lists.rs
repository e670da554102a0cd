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
}

/// All of them.
pub(super) async fn list_views(desk: &Desk) -> Result<Vec<ListView>, WebError> {
    let lists = lists::mailed(&desk.site().db).await?;
    Ok(lists.into_iter().map(|list| ListView { id: list.id, name: list.name }).collect())
}

//! Texts of articles, as somebody can change them, and what became of one in another.

use crate::{
    articles::{self, ArticleText, WordChange},
    web::WebError,
};

/// The text of a version as somebody can change it.
pub(super) async fn words_of(text: &ArticleText) -> Result<String, WebError> {
    match (&text.body_markdown, &text.body_html) {
        (Some(markdown), _) => Ok(markdown.clone()),
        (None, Some(html)) => articles::as_markdown(html.clone()).await.map_err(|cause| {
            tracing::warn!(%cause, "an article's text cannot be made into Markdown");
            WebError::BadRequest("This text cannot be shown here: something in it cannot be read.")
        }),
        (None, None) => Ok(String::new()),
    }
}

/// What became of one text in another.
pub(super) async fn compared(old: String, new: String) -> Result<Vec<WordChange>, WebError> {
    articles::compared(old, new).await.map_err(|cause| {
        tracing::warn!(%cause, "two texts cannot be compared");
        WebError::BadRequest("These two versions cannot be compared.")
    })
}

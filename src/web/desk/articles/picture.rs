//! `/desk/pictures/{id}`: one picture, what is said of it, and how it comes into a text.

use axum::extract::Path;
use serde::Serialize;

use crate::{
    pictures::{self, AboutPicture, Picture, PictureError},
    web::{Desk, Form, Outcome, Posted, WebError, session::see_other, words::grouped},
};

const TITLE: &str = "A picture";
const TEMPLATE: &str = "desk/articles/picture";
const FIELDS: &[&str] = &["press", "alt", "decorative", "caption", "credit"];

#[derive(Serialize)]
struct Page {
    id: String,
    file: String,
    /// When it came.
    came: String,
    src: String,
    width: i64,
    height: i64,
    /// The sizes that there are, in words.
    sizes: Vec<String>,
    /// How it stands in a text.
    markdown: String,
    /// Where it is, whole.
    address: String,
    form: Form,
    decorative: bool,
    put_away: bool,
}

/// `GET /desk/pictures/{id}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let picture = find(&desk, &id).await?;
    let about = &picture.about;
    let form = Form::new(FIELDS)
        .with("alt", &about.alt)
        .with("caption", &about.caption)
        .with("credit", &about.credit);
    let page = page(&desk, picture, form);
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/pictures/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let picture = find(&desk, &id).await?;
    if form.text("press") == "put-away" {
        pictures::put_away(desk.site(), desk.who.staff.id, &id).await?;
        return Ok(see_other("/desk/pictures?done=picture-away"));
    }
    let said = AboutPicture {
        alt: form.text("alt").to_owned(),
        is_decorative: form.text("decorative") == "yes",
        caption: form.text("caption").to_owned(),
        credit: form.text("credit").to_owned(),
    };
    if said.alt.trim().is_empty() && !said.is_decorative {
        form.mistake("alt", "Say what it shows, or tick that it only adorns.");
    } else {
        match pictures::describe(desk.site(), &id, &said).await {
            Ok(_) => return Ok(see_other(&format!("/desk/pictures/{id}?done=picture-saved"))),
            Err(PictureError::Database(error)) => return Err(error.into()),
            Err(error) => form.mistake("alt", error.to_string()),
        }
    }
    let page = Page { decorative: said.is_decorative, ..page(&desk, picture, form) };
    desk.page_again(TEMPLATE, TITLE, &page).await
}

async fn find(desk: &Desk, id: &str) -> Result<Picture, WebError> {
    pictures::about(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

fn page(desk: &Desk, picture: Picture, form: Form) -> Page {
    let shown = picture.in_text();
    let size = |size: &pictures::PictureFile| {
        format!(
            "{} by {} pixels, {} kB",
            grouped(size.width),
            grouped(size.height),
            grouped(size.size / 1_000 + 1)
        )
    };
    Page {
        src: shown.map(|size| size.path.clone()).unwrap_or_default(),
        width: shown.map_or(0, |size| size.width),
        height: shown.map_or(0, |size| size.height),
        sizes: picture.sizes.iter().map(size).collect(),
        markdown: picture.markdown(desk.site()),
        address: shown.map(|size| desk.site().url(&size.path)).unwrap_or_default(),
        came: picture.created_at.date(desk.zone()),
        decorative: picture.about.is_decorative,
        put_away: picture.is_put_away,
        id: picture.public_id,
        file: picture.file,
        form,
    }
}

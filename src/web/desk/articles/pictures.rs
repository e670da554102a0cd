//! `/desk/pictures`: the pictures that are kept, and bringing others.

use axum::{
    Json,
    extract::{Query, Request},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse as _,
};
use serde::{Deserialize, Serialize};

use crate::{
    pictures::{self, LARGEST_PICTURE, Picture, PictureError, UnreadablePicture},
    site::Site,
    web::{
        Desk, Form, Outcome, WebError,
        paging::{Links, List, Place},
        session::see_other,
        upload::{self, Parts},
    },
};

const FIELDS: &[&str] = &["file"];
const TITLE: &str = "Pictures";
const TEMPLATE: &str = "desk/articles/pictures";
const PAGE: usize = 48;
const CHOOSE: &str = "Choose a picture.";

/// What the address of the page asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    before: Place,
}

#[derive(Serialize)]
struct Page {
    pictures: Vec<Line>,
    pages: Links,
    form: Form,
    largest: usize,
}

#[derive(Serialize)]
pub(super) struct Line {
    id: String,
    src: String,
    alt: String,
    /// What it is called where nothing is said of it.
    name: String,
    /// Nobody said what it shows.
    silent: bool,
}

impl Line {
    pub(super) fn new(picture: Picture) -> Self {
        let src = picture.in_list().map(|size| size.path.clone()).unwrap_or_default();
        let about = picture.about;
        Self {
            src,
            silent: about.alt.is_empty() && !about.is_decorative,
            name: if about.alt.is_empty() { picture.file } else { about.alt.clone() },
            alt: about.alt,
            id: picture.public_id,
        }
    }
}

/// What a script is told of a picture that it brought.
#[derive(Serialize)]
struct Brought {
    /// How it stands in a text.
    markdown: String,
    /// Where it is described.
    page: String,
    /// Whether nobody has said what it shows.
    silent: bool,
}

#[derive(Serialize)]
struct Mistake<'a> {
    mistake: &'a str,
}

/// `GET /desk/pictures`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let page = page(&desk, &look, Form::new(FIELDS)).await?;
    desk.page(TEMPLATE, TITLE, &page).await
}

/// `POST /desk/pictures`: from the form of the page, or from a script, which is answered in JSON.
pub(crate) async fn submit(desk: Desk, request: Request) -> Outcome {
    let answers = Answers::to(request.headers());
    let Some(boundary) = upload::boundary(request.headers()) else {
        return answers.mistake(&desk, CHOOSE).await;
    };
    let mut parts = Parts::of(request.into_body(), &boundary);
    let Some(file) = parts.file().await? else { return answers.mistake(&desk, CHOOSE).await };
    let Some(bytes) = parts.whole(LARGEST_PICTURE).await? else {
        return answers.mistake(&desk, &UnreadablePicture::TooLarge.to_string()).await;
    };
    match pictures::keep(desk.site(), Some(desk.who.staff.id), (&file, None), bytes).await {
        Ok(kept) => Ok(answers.kept(desk.site(), &kept.picture)),
        Err(PictureError::Database(error)) => Err(error.into()),
        Err(error) => answers.mistake(&desk, &error.to_string()).await,
    }
}

/// To whom: a browser that shows a page, or a script.
#[derive(Clone, Copy)]
enum Answers {
    Page,
    Script,
}

impl Answers {
    fn to(headers: &HeaderMap) -> Self {
        let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if accepts.starts_with("application/json") { Self::Script } else { Self::Page }
    }

    fn kept(self, site: &Site, picture: &Picture) -> axum::response::Response {
        let page = format!("/desk/pictures/{}", picture.public_id);
        match self {
            Self::Page => see_other(&page),
            Self::Script => {
                let silent = picture.about.alt.is_empty() && !picture.about.is_decorative;
                Json(Brought { markdown: picture.markdown(site), page, silent }).into_response()
            }
        }
    }

    async fn mistake(self, desk: &Desk, mistake: &str) -> Outcome {
        match self {
            Self::Script => Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(Mistake { mistake })).into_response()),
            Self::Page => {
                let mut form = Form::new(FIELDS);
                form.mistake("file", mistake);
                let page = page(desk, &Look::default(), form).await?;
                desk.page_again(TEMPLATE, TITLE, &page).await
            }
        }
    }
}

async fn page(desk: &Desk, look: &Look, form: Form) -> Result<Page, WebError> {
    let list = List { path: "/desk/pictures", place: "before", kept: &[] };
    let read = |limit| pictures::latest(&desk.site().db, look.before.id(), limit);
    let (pictures, pages) = list.page(look.before, PAGE, read, |picture: &Picture| [picture.id]).await?;
    Ok(Page {
        pictures: pictures.into_iter().map(Line::new).collect(),
        pages,
        form,
        largest: LARGEST_PICTURE / 1024 / 1024,
    })
}

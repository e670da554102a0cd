//! `/desk/authors`: who is named in bylines, what readers read of them, and which spellings are one person.

use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};

use crate::{
    articles::{self, Author, AuthorDescription, AuthorError},
    clock::Moment,
    staff::Role,
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::conflict,
        paging::{Links, List, Place},
        session::see_other,
        words::count,
    },
};

const PAGE: usize = 40;
const FIELDS: &[&str] = &["version", "name", "bio", "picture_url", "links"];
const MERGING: &[&str] = &["other"];
const TEMPLATE: &str = "desk/articles/author";
const CHANGED: &str = "Somebody else changed this author since you opened the page. What you typed is below, not saved yet. \
    Saving now puts it in the place of the other version.";

/// What the address of the list asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Look {
    q: String,
    before: Place,
}

#[derive(Serialize)]
struct Listed {
    q: String,
    authors: Vec<Line>,
    pages: Links,
}

#[derive(Serialize)]
struct Line {
    id: i64,
    name: String,
    line: String,
}

impl Line {
    fn new((author, wrote): (Author, i64)) -> Self {
        let line = match &author.merged_into {
            Some(_) => "Another spelling of somebody else".to_owned(),
            None => {
                let described = if author.bio.is_empty() { " · nothing is said of them yet" } else { "" };
                format!("{}{described}", count(wrote, "article"))
            }
        };
        Self { id: author.id, name: author.name, line }
    }
}

/// `GET /desk/authors`
pub(crate) async fn show(desk: Desk, Query(look): Query<Look>) -> Outcome {
    let db = &desk.site().db;
    let list = List { path: "/desk/authors", place: "before", kept: &[("q", look.q.as_str())] };
    let read = |most| articles::authors_page(db, &look.q, look.before.id(), most);
    let (found, pages) = list.page(look.before, PAGE, read, |(last, _)| [last.id]).await?;
    let page = Listed { authors: found.into_iter().map(Line::new).collect(), pages, q: look.q };
    desk.page("desk/articles/authors", "Authors", &page).await
}

#[derive(Serialize)]
struct Page {
    id: i64,
    /// As it is saved.
    name: String,
    public_path: Option<String>,
    /// Who stands for this spelling, if somebody else does.
    stands_for_it: Option<Line>,
    spellings: Vec<String>,
    form: Form,
    merging: Form,
    trouble: Option<&'static str>,
    may_write: bool,
}

/// `GET /desk/authors/{id}`
pub(crate) async fn show_one(desk: Desk, Path(id): Path<i64>) -> Outcome {
    let author = find(&desk, id).await?;
    let form = filled(&author);
    let page = page(&desk, author, form, Form::new(MERGING), None).await?;
    desk.page(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/authors/{id}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<i64>, posted: Posted) -> Outcome {
    let mut form = posted.form(FIELDS)?;
    let typed = AuthorDescription {
        name: form.text("name").to_owned(),
        bio: form.raw("bio").to_owned(),
        picture_url: form.text("picture_url").to_owned(),
        links: form.raw("links").to_owned(),
    };
    let seen = Moment(form.text("version").parse().unwrap_or_default());
    match articles::describe_author(desk.site(), desk.who.staff.id, (id, seen), &typed).await {
        Ok(()) => Ok(see_other(&format!("/desk/authors/{id}?done=saved"))),
        Err(AuthorError::NotFound) => Err(WebError::NotFound),
        Err(AuthorError::Database(error)) => Err(error.into()),
        Err(AuthorError::Invalid(wrong)) => {
            wrong.into_iter().for_each(|(field, message)| form.mistake(field, message));
            let author = find(&desk, id).await?;
            let page = page(&desk, author, form, Form::new(MERGING), None).await?;
            desk.page_again(TEMPLATE, &page.name, &page).await
        }
        Err(AuthorError::Changed) => {
            let author = find(&desk, id).await?;
            let form = form.holding("version", author.changed_at.0.to_string());
            let page = page(&desk, author, form, Form::new(MERGING), Some(CHANGED)).await?;
            desk.page(TEMPLATE, &page.name, &page).await.map(conflict)
        }
    }
}

/// `POST /desk/authors/{id}/merge`: another spelling is this person, too.
pub(crate) async fn merge(desk: Desk, Path(id): Path<i64>, posted: Posted) -> Outcome {
    let mut form = posted.form(MERGING)?;
    let author = find(&desk, id).await?;
    let typed = form.required("other", 200, "Enter the other spelling, as it stands in bylines.");
    if form.is_valid() {
        let other = articles::author_named(&desk.site().db, &typed).await?;
        match other {
            None => form.mistake("other", "Nobody is called that in a byline. Look at the list of authors."),
            Some(other) if other.id == author.id => form.mistake("other", "That is this author already."),
            Some(other) => {
                match articles::merge_authors(desk.site(), desk.who.staff.id, &other, &author).await {
                    Ok(()) => return Ok(see_other(&format!("/desk/authors/{id}?done=authors-merged"))),
                    Err(AuthorError::Database(error)) => return Err(error.into()),
                    Err(_) => form.mistake(
                        "other",
                        "That spelling belongs to somebody else already. Part them on that page first.",
                    ),
                }
            }
        }
    }
    let seen = filled(&author);
    let page = page(&desk, author, seen, form, None).await?;
    desk.page_again(TEMPLATE, &page.name, &page).await
}

/// `POST /desk/authors/{id}/part`: all spellings stand for themselves again.
pub(crate) async fn part(desk: Desk, Path(id): Path<i64>, _: Posted) -> Outcome {
    let author = find(&desk, id).await?;
    match articles::part_authors(desk.site(), desk.who.staff.id, &author).await {
        Ok(()) => Ok(see_other(&format!("/desk/authors/{id}?done=authors-parted"))),
        Err(AuthorError::Database(error)) => Err(error.into()),
        Err(_) => Err(WebError::Conflict("Nobody is merged into this author any more.".into())),
    }
}

async fn find(desk: &Desk, id: i64) -> Result<Author, WebError> {
    articles::author_by_id(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

fn filled(author: &Author) -> Form {
    Form::new(FIELDS)
        .with("version", author.changed_at.0.to_string())
        .with("name", &author.name)
        .with("bio", &author.bio)
        .with("picture_url", &author.picture_url)
        .with("links", &author.links)
}

async fn page(
    desk: &Desk,
    author: Author,
    form: Form,
    merging: Form,
    trouble: Option<&'static str>,
) -> Result<Page, WebError> {
    let db = &desk.site().db;
    let stands_for_it = match &author.merged_into {
        Some(slug) => articles::author_by_slug(db, slug).await?.map(|one| Line::new((one, 0))),
        None => None,
    };
    Ok(Page {
        id: author.id,
        public_path: author.merged_into.is_none().then(|| format!("/authors/{}", author.slug)),
        stands_for_it,
        spellings: articles::other_spellings(db, author.id).await?,
        name: author.name,
        form,
        merging,
        trouble,
        may_write: desk.may(Role::WRITING),
    })
}

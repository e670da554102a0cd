//! A WordPress site, asked for all its posts by its own interface (`/wp-json/wp/v2/posts`): for more than the last ones of its feed.
//!
//! The rule: one page is asked for at a time, oldest first, and then it is waited for as long as the answer took. What is asked is on the
//! public network alone, as of feeds (TRUST A8).

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{
    clean,
    piece::{ArchiveError, Article, Piece, What},
    rows::{ArchiveChoices, ArchiveKind, ArchiveSurvey},
    settle::{Raw, moment, settled, source_id, web_address},
};
use crate::{
    articles::{
        fetch::{FetchError, Fetched, Fetcher, Validators},
        import::There,
    },
    clock::Stopwatch,
    heavy,
};

/// Posts a page: fewer where a page of so many is too large.
const SIZES: [u64; 3] = [100, 20, 5];
/// So many posts are shown as they will be.
const FIRST: usize = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// A site that is asked.
pub(super) struct Asked<'a> {
    fetcher: &'a Fetcher,
    endpoint: Url,
    /// The largest page that it sends.
    size: u64,
}

/// Posts as they came.
pub(super) struct Posts {
    pub pieces: Vec<Piece>,
    /// There may be more.
    pub is_full: bool,
    /// How long the answer took.
    pub took: Duration,
}

/// Where a site may be asked for its posts, by an address of it.
fn endpoints(address: &Url) -> Vec<Url> {
    let mut folder = address.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    if !folder.path().ends_with('/') {
        let path = format!("{}/", folder.path());
        folder.set_path(&path);
    }
    let mut root = folder.clone();
    root.set_path("/");
    let mut found = Vec::new();
    for base in [folder, root] {
        for place in ["wp-json/wp/v2/posts", "?rest_route=/wp/v2/posts"] {
            if let Ok(endpoint) = base.join(place)
                && !found.contains(&endpoint)
            {
                found.push(endpoint);
            }
        }
    }
    found
}

impl<'a> Asked<'a> {
    /// One that was found before.
    pub fn known(fetcher: &'a Fetcher, endpoint: &str) -> Result<Self, ArchiveError> {
        let endpoint = fetcher.allowed(endpoint).map_err(refused)?;
        Ok(Self { fetcher, endpoint, size: SIZES[0] })
    }

    /// Posts behind so many; none where there are no more.
    pub async fn posts(
        &mut self,
        after: u64,
        choices: &ArchiveChoices,
    ) -> Result<Option<Posts>, ArchiveError> {
        loop {
            let size =
                SIZES.into_iter().find(|size| *size <= self.size && after.is_multiple_of(*size)).unwrap_or(1);
            let mut page = self.endpoint.clone();
            page.query_pairs_mut()
                .append_pair("per_page", &size.to_string())
                .append_pair("page", &(after / size + 1).to_string())
                .append_pair("orderby", "date")
                .append_pair("order", "asc")
                .append_pair("_embed", "1");
            let watch = Stopwatch::start();
            let bytes = match self.fetcher.fetch(&page, &Validators::default()).await {
                Ok(Fetched::Content { bytes, .. }) => bytes,
                Ok(_) => return Err(ArchiveError::NoPosts),
                // Behind the last page.
                Err(FetchError::Status { status: 400, .. }) if after > 0 => return Ok(None),
                Err(FetchError::TooLarge) if size > 1 => {
                    self.size = SIZES.into_iter().find(|smaller| *smaller < size).unwrap_or(1);
                    continue;
                }
                Err(error) => return Err(refused(error)),
            };
            let took = watch.elapsed();
            let choices = choices.clone();
            let host = self.endpoint.clone();
            let read = heavy::aside(move || pieces(&bytes, &host, &choices)).await;
            let pieces = read.map_err(|broke| ArchiveError::GaveUp(broke.to_string()))??;
            if pieces.is_empty() {
                return Ok(None);
            }
            return Ok(Some(Posts { is_full: pieces.len() as u64 == size, pieces, took }));
        }
    }
}

/// As long as the answer took, and no longer than some seconds: so it is never more than half of what the site does.
pub(super) async fn rest(took: Duration) {
    tokio::time::sleep(took.min(LONGEST_WAIT)).await;
}

/// Why a site did not answer as it should.
pub(super) fn refused(error: FetchError) -> ArchiveError {
    match error {
        // Too much was asked of it, or it has trouble of its own: it may give them later.
        FetchError::Status { status: 408 | 425 | 429 | 500..=599, .. } => {
            ArchiveError::Away(error.to_string())
        }
        FetchError::Status { .. } | FetchError::NotAllowed(_) => ArchiveError::Site(error.to_string()),
        error => ArchiveError::Away(error.to_string()),
    }
}

/// Looks where a site's posts are, and at the first of them.
pub(super) async fn look(
    fetcher: &Fetcher,
    address: &str,
    choices: &ArchiveChoices,
) -> Result<ArchiveSurvey, ArchiveError> {
    let address = fetcher.allowed(address).map_err(refused)?;
    let mut last = ArchiveError::NoPosts;
    for endpoint in endpoints(&address) {
        let mut asked = Asked { fetcher, endpoint, size: SIZES[0] };
        match asked.posts(0, choices).await {
            Ok(Some(posts)) => {
                let mut seen = ArchiveSurvey {
                    kind: ArchiveKind::Site,
                    site: asked.endpoint.into(),
                    ..ArchiveSurvey::default()
                };
                seen.is_cut = posts.is_full;
                for piece in posts.pieces {
                    match piece.what {
                        What::Article(article) => {
                            match article.there {
                                There::Published => seen.published += 1,
                                There::Draft => seen.drafts += 1,
                                There::Withdrawn => seen.withdrawn += 1,
                            }
                            if seen.first.len() < FIRST {
                                seen.first.push(article.first());
                            }
                        }
                        _ => seen.left += 1,
                    }
                }
                return Ok(seen);
            }
            Ok(None) => last = ArchiveError::NoPosts,
            Err(error @ (ArchiveError::Site(_) | ArchiveError::Json)) => {
                // It may be asked elsewhere.
                drop(error);
                last = ArchiveError::NoPosts;
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

fn pieces(bytes: &[u8], site: &Url, choices: &ArchiveChoices) -> Result<Vec<Piece>, ArchiveError> {
    let posts: Vec<Value> = serde_json::from_slice(bytes).map_err(|_| ArchiveError::Json)?;
    let piece = |post: &Value| {
        let title = crate::articles::cleaning::html::plain_text(text(&post["title"]["rendered"]));
        let what = match article(post, site, choices) {
            Ok(article) => What::Article(Box::new(article)),
            Err(why) => What::Left(why),
        };
        Piece { title, is_page: false, what, unknown: clean::Unknown::new() }
    };
    Ok(posts.iter().map(piece).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn article(post: &Value, site: &Url, choices: &ArchiveChoices) -> Result<Article, String> {
    // What stands elsewhere is not this site's to name: it might be an article of ours.
    let is_own = |url: &Url| url.host_str() == site.host_str();
    let link = web_address(text(&post["link"]), Some(site)).filter(is_own);
    let names_another =
        |guid: &str| web_address(guid, None).is_some_and(|guid| !is_own(&guid) && link.is_some());
    let embedded = &post["_embedded"];
    let all = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let names: Vec<String> =
        all(&embedded["author"]).iter().map(|author| text(&author["name"]).to_owned()).collect();
    let mut topics = Vec::new();
    for (taxonomy, is_wanted) in [("category", true), ("post_tag", !choices.categories_only)] {
        for term in all(&embedded["wp:term"]).iter().flat_map(all) {
            if is_wanted && text(&term["taxonomy"]) == taxonomy {
                topics.push(text(&term["name"]).to_owned());
            }
        }
    }
    let guid = match text(&post["guid"]["rendered"]) {
        guid if guid.is_empty() || names_another(guid) => text(&post["link"]),
        guid => guid,
    };
    let picture = text(&embedded["wp:featuredmedia"][0]["source_url"]);
    let is_locked = post["content"]["protected"].as_bool().unwrap_or_default();
    let raw = Raw {
        source_id: source_id(&guid.replace("&#038;", "&").replace("&amp;", "&"), Some(site)),
        title: text(&post["title"]["rendered"]).to_owned(),
        standfirst: text(&post["excerpt"]["rendered"]).to_owned(),
        names,
        topics,
        html: text(&post["content"]["rendered"]).to_owned(),
        canonical_url: link.clone().map(String::from),
        image_url: Some(picture.to_owned()).filter(|picture| !picture.is_empty()),
        image_alt: text(&embedded["wp:featuredmedia"][0]["alt_text"]).to_owned(),
        published_at: moment(text(&post["date_gmt"])).or_else(|| moment(text(&post["date"]))),
    };
    let slug = Some(text(&post["slug"]).to_owned()).filter(|slug| !slug.is_empty() && !slug.contains('%'));
    let there = if is_locked { There::Draft } else { There::Published };
    let said = is_locked.then(|| "it has a password there, and comes as a draft".to_owned());
    Ok(Article { article: settled(raw, link.as_ref().or(Some(site)))?, there, markdown: None, slug, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_asked_where_its_address_says_and_at_its_root() {
        let places = |address: &str| {
            endpoints(&address.parse().expect("an address")).into_iter().map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(
            places("https://gull.example/blog?x=1#y"),
            [
                "https://gull.example/blog/wp-json/wp/v2/posts",
                "https://gull.example/blog/?rest_route=/wp/v2/posts",
                "https://gull.example/wp-json/wp/v2/posts",
                "https://gull.example/?rest_route=/wp/v2/posts",
            ]
        );
        assert_eq!(places("https://gull.example").len(), 2);
    }
}

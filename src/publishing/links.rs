//! Where the mail of an edition leads, followed before readers do.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::Mutex;
use url::Url;

use super::{Edition, Result, issue::Issue};
use crate::{
    articles::{FetchError, Fetcher},
    clock::Stopwatch,
    settings::Settings,
    site::Site,
};

/// So many links are followed; what stands below them is not.
const MOST: usize = 100;
/// So many at once.
const AT_ONCE: usize = 5;
/// Behind that no other is begun.
const MOST_TIME: Duration = Duration::from_secs(20);
/// Whose turn it is to follow links, of all who press.
static TURN: Mutex<()> = Mutex::const_new(());

/// A link, and what is there.
#[derive(Debug)]
pub struct Link {
    pub url: String,
    /// What stands there in the mail.
    pub text: String,
    /// Nothing wrong, or why nobody arrives; none where it was not followed.
    pub found: Option<std::result::Result<(), FetchError>>,
}

/// Follows every link of an edition as a reader would, each once and never into our own network (TRUST A8).
///
/// # Errors
/// When the database fails.
pub async fn follow_links(
    site: &Site,
    settings: &Settings,
    fetcher: &Fetcher,
    edition: &Edition,
) -> Result<Vec<Link>> {
    let links = Issue::load(site, settings, edition).await?.links(site);
    // One press after another: whoever presses often waits, and no site is asked by many at once.
    let _turn = TURN.lock().await;
    let began = Stopwatch::start();
    let follow = async |(at, (url, text)): (usize, (String, String))| {
        let address = Url::parse(&url).map_err(|error| FetchError::NotAllowed(error.to_string()));
        let found = match address {
            _ if at >= MOST || began.elapsed() > MOST_TIME => None,
            Ok(address) => Some(fetcher.leads(&address).await),
            Err(error) => Some(Err(error)),
        };
        Link { url, text, found }
    };
    let following = stream::iter(links.into_iter().enumerate()).map(follow);
    Ok(following.buffered(AT_ONCE).collect().await)
}

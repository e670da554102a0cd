//! The pictures of articles that follow a feed, copied here where somebody wants that of the feed: then readers ask no other site for them, and
//! they stay when that takes them down.
//!
//! The rule: it is done behind the polls, by a job of its own, and the article goes on following its feed; what the feed changes is looked at
//! anew. A picture that cannot be had is shown from where it is. The articles of a feed are told of the wish some at a time, by their key, and how
//! far that is stands with the feed: whoever dies in the middle goes on there.

use std::{collections::HashMap, time::Duration};

use url::Url;

use super::{
    cleaning::{
        html::{decode, escape},
        scan::{Token, Tokens, attribute},
    },
    fetch::{FetchError, Fetcher},
    pictures::{Named, NotCopied, copy},
    store::pictures::{self as store, Waiting},
};
use crate::{
    attempts::{Attempt, Limit, Refusal},
    clock::Stopwatch,
    db::{self, Result},
    heavy, pictures,
    site::Site,
};

/// After so long no more are looked at in a turn of the job; the next goes on.
const A_TURN: Duration = Duration::from_secs(40);
/// So many articles are told in a transaction: each row is written anew with its whole text.
const TOLD_AT_ONCE: i64 = 25;
/// Of one article so many pictures are copied.
const MOST: usize = 30;
/// And so many are asked for in a day, of all feeds together, whatever comes of it: what strangers give has an end.
const A_DAY: Limit = Limit::within("pictures of feeds", 1_000, DAY);
const DAY: Duration = Duration::from_secs(86_400);
/// So long whoever copies those of an article has it.
const LEASE: Duration = Duration::from_secs(15 * 60);
/// A site that does not answer is asked again so much later, for a day.
const LATER: Duration = Duration::from_secs(60 * 60);

/// Copies the pictures of the articles that wait for it, as many as a turn has time for.
///
/// # Errors
/// When the database fails; each goes on at its next turn.
pub async fn copy_waiting_pictures(site: &Site, fetcher: &Fetcher) -> Result<()> {
    let watch = Stopwatch::start();
    while watch.elapsed() < A_TURN && tell_some(site).await? {}
    while watch.elapsed() < A_TURN {
        let now = site.now();
        let Some(one) = store::next(&site.db, now).await? else { return Ok(()) };
        let until = now.plus(LEASE);
        let mut tx = site.db.begin().await?;
        let is_ours = store::claim(&mut tx, &one, until).await?;
        tx.commit().await?;
        if is_ours {
            let claimed = Waiting { pictures_at: until, ..one };
            if of_article(site, fetcher, &claimed, &watch).await? {
                break;
            }
        }
    }
    Ok(())
}

/// Tells some articles of a feed that somebody wants its pictures here, or does not any more. Whether there may be more to tell.
async fn tell_some(site: &Site) -> Result<bool> {
    let Some(next) = store::next_feed(&site.db).await? else { return Ok(false) };
    db::again(|| async {
        let mut tx = site.db.begin().await?;
        store::wait(&mut tx, next, TOLD_AT_ONCE, site.now()).await?;
        tx.commit().await
    })
    .await?;
    Ok(true)
}

/// Whether the turn ends with it: its time, or what may be asked for in a day, is used up. Then it waits, however old it is.
async fn of_article(site: &Site, fetcher: &Fetcher, one: &Waiting, watch: &Stopwatch) -> Result<bool> {
    let (html, image, alt) = (one.body_html.clone(), one.image_url.clone(), one.image_alt.clone());
    let named = heavy::aside(move || named_in(&html, image.as_deref(), &alt)).await.unwrap_or_default();
    let (mut ours, mut comes_again, mut is_over) = (HashMap::new(), false, false);
    for named in named.into_iter().filter(|named| named.address.origin() != site.base_url.origin()).take(MOST)
    {
        let was_here = pictures::copied_from(&site.db, named.address.as_str()).await?.is_some();
        if !was_here {
            is_over = watch.elapsed() >= A_TURN;
            if !is_over {
                is_over = match Attempt::begin(site, &[A_DAY.on("all")]).await {
                    Ok(_stays_counted) => false,
                    Err(Refusal::TooMany(_)) => true,
                    Err(Refusal::Database(error)) => return Err(error),
                };
            }
            if is_over {
                break;
            }
        }
        match copy(site, fetcher, None, &named).await {
            Ok(picture) => {
                if let Some(size) = picture.in_text() {
                    ours.insert(named.written, site.url(&size.path));
                }
            }
            Err(NotCopied::Database(error)) => return Err(error),
            Err(why) => {
                comes_again |= is_of_the_moment(&why);
                tracing::info!(%why, article = one.id.0, "a picture of a feed was not copied");
            }
        }
    }
    let (was, image) = (one.body_html.clone(), one.image_url.as_ref());
    let image = image.map(|address| ours.get(address).unwrap_or(address).clone());
    let is_other = !ours.is_empty();
    let html = heavy::aside(move || with_ours(&was, &ours)).await.unwrap_or_else(|_| one.body_html.clone());
    db::again(|| async {
        let now = site.now();
        let mut tx = site.db.begin().await?;
        if is_other {
            store::readdress(&mut tx, one, (&html, image.as_deref()), now).await?;
        }
        // Of what has not changed for a day nothing more is hoped.
        let next = now.plus(LATER);
        let next = (is_over || comes_again && now.since(one.updated_at) < DAY).then_some(next);
        store::again(&mut tx, one.id, one.pictures_at, next).await?;
        tx.commit().await
    })
    .await?;
    Ok(is_over)
}

/// Whether it may be had another time.
fn is_of_the_moment(why: &NotCopied) -> bool {
    match why {
        NotCopied::Fetch(FetchError::Status { status, .. }) => *status == 429 || *status >= 500,
        NotCopied::Fetch(FetchError::TimedOut | FetchError::Refused | FetchError::Unreachable(_)) => true,
        _ => false,
    }
}

/// The pictures of clean HTML, and the one over the text, each once.
fn named_in(html: &str, image: Option<&str>, image_alt: &str) -> Vec<Named> {
    let mut found: Vec<Named> = Vec::new();
    let mut add = |written: &str, alt: &str| {
        let address = Url::parse(written).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let Some(address) = address else { return };
        match found.iter_mut().find(|known| known.written == written) {
            // The one over the text often says nothing where the text does.
            Some(known) if known.alt.is_empty() => alt.clone_into(&mut known.alt),
            Some(_) => {}
            None => found.push(Named { address, written: written.to_owned(), alt: alt.to_owned() }),
        }
    };
    if let Some(image) = image {
        add(image, image_alt);
    }
    for token in Tokens::of(html) {
        if let Token::Open { name: "img", raw } = token {
            let said = |name| decode(attribute(raw, name).unwrap_or_default()).into_owned();
            add(&said("src"), &said("alt"));
        }
    }
    found.truncate(2 * MOST);
    found
}

/// Clean HTML whose pictures are at our addresses, where there are such.
fn with_ours(html: &str, ours: &HashMap<String, String>) -> String {
    let mut out = String::with_capacity(html.len());
    for token in Tokens::of(html) {
        match token {
            Token::Text(text) => out.push_str(text),
            Token::Open { name: "img", raw } => {
                let src = attribute(raw, "src").unwrap_or_default();
                match ours.get(decode(src).as_ref()) {
                    Some(address) => {
                        let (was, is) = (format!("src=\"{src}\""), format!("src=\"{}\"", escape(address)));
                        out.push_str(&raw.replacen(&was, &is, 1));
                    }
                    None => out.push_str(raw),
                }
            }
            Token::Open { raw, .. } | Token::Close { raw, .. } => out.push_str(raw),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_elsewhere() {
        let html = "<p><a href=\"https://a.example/x?a=1&amp;b=2\"><img alt=\"Two\" src=\"https://a.example/x?a=1&amp;b=2\"></a> https://a.example/y</p><img src=\"https://a.example/y\" alt=\"Over it\">";
        let named = named_in(html, Some("https://a.example/y"), "");
        let said: Vec<_> = named.iter().map(|one| (one.written.as_str(), one.alt.as_str())).collect();
        assert_eq!(said, [("https://a.example/y", "Over it"), ("https://a.example/x?a=1&b=2", "Two")]);
        let ours = HashMap::from([(named[1].written.clone(), "https://o.example/1.jpg".to_owned())]);
        assert_eq!(
            with_ours(html, &ours),
            html.replace("src=\"https://a.example/x?a=1&amp;b=2\"", "src=\"https://o.example/1.jpg\"")
        );
        assert_eq!(with_ours(html, &HashMap::new()), html);
    }
}

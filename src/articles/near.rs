//! What somebody may have meant who came to an address where nothing is.

use std::collections::HashSet;

use super::{Article, read, slug, store::public};
use crate::{db::Result, site::Site};

/// So many of the newest are compared, and so many whose addresses begin alike.
const LOOKED_AT: i64 = 300;
const ALIKE: i64 = 60;
/// As alike as two addresses are of which one is mistyped: a letter in seven.
const NEAR_ENOUGH: f64 = 0.86;

/// Articles whose address is like that one, the likest first: with the same words in it, or mistyped. Few rows are looked at,
/// however many there are.
pub async fn near(site: &Site, asked: &str, most: usize) -> Result<Vec<Article>> {
    // Longer than any of ours, and only as much as is worth comparing.
    let asked: String = asked.chars().take(120).collect();
    let asked = slug::slug(asked.trim_end_matches(".html"));
    if asked.len() < 3 {
        return Ok(Vec::new());
    }
    let (db, now) = (&site.db, site.now());
    let mut known = public::newest_slugs(db, now, LOOKED_AT).await?;
    let first = asked.split('-').next().unwrap_or_default();
    let from = if first.len() < 3 { asked.as_str() } else { first };
    known.extend(public::slugs_from(db, now, (from, &format!("{from}~")), ALIKE).await?);
    let words: HashSet<&str> = words(&asked).collect();
    let mut seen = HashSet::new();
    let mut likely: Vec<_> = known
        .iter()
        .filter(|(id, _)| seen.insert(*id))
        .filter_map(|(id, slug)| Some((likeness(&asked, &words, slug)?, *id)))
        .collect();
    likely.sort_by(|(one, a), (other, b)| other.total_cmp(one).then(b.cmp(a)));
    let ids: Vec<_> = likely.into_iter().take(most).map(|(_, id)| id).collect();
    read::by_ids(db, &ids).await
}

/// How alike two addresses are, if they are at all.
fn likeness(asked: &str, asked_words: &HashSet<&str>, slug: &str) -> Option<f64> {
    let spelling = strsim::jaro_winkler(asked, slug);
    let own: HashSet<&str> = words(slug).collect();
    let shared = asked_words.intersection(&own).count();
    let of = asked_words.len().min(own.len()).max(1);
    let by_words = shared as f64 / of as f64;
    let are_words = shared >= 2 && by_words >= 0.5 || shared == 1 && of == 1;
    let is_spelling = strsim::normalized_levenshtein(asked, slug) >= NEAR_ENOUGH;
    (are_words || is_spelling).then_some(spelling + by_words)
}

/// The words of an address that tell something.
fn words(slug: &str) -> impl Iterator<Item = &str> {
    slug.split('-').filter(|word| word.len() > 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_near_and_what_is_not_is_not() {
        let is_near = |asked: &str, slug: &str| likeness(asked, &words(asked).collect(), slug).is_some();
        assert!(is_near("the-lamp-that-went-out", "the-lamps-that-went-out"));
        assert!(is_near("a-lamp-for-every-street", "a-lamp-for-evry-street"));
        assert!(is_near("lighthouse-keepers-of-the-north", "the-last-lighthouse-keepers"));
        assert!(!is_near("the-lamp-that-went-out", "bread-and-butter"));
        assert!(!is_near("admin-login", "a-walk-along-the-river"));
        assert!(!is_near("wp-content", "content-with-little-money"));
    }
}

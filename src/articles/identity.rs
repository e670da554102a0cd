//! Which article is which, however it comes.
//!
//! The rule: an article is known by what its source calls it; else by where it stands, compared without what changes when a site gets https,
//! another spelling of its name, or counts who comes from where. What one document tells apart is never taken for one.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    iter,
};

use url::{Url, form_urlencoded};

use crate::token;

/// Longer ones are compared by their sum: an index holds no long rows.
const LONGEST: usize = 400;
/// So many folders may have a file at one path each.
pub(super) const MOST_FOLDERS: usize = 20;
/// What is hung on to links to count who comes from where. `ref` is none of them: old sites call their articles so (`?ref=12`).
const COUNTING: [&str; 13] = [
    "fbclid", "gclid", "dclid", "msclkid", "yclid", "igshid", "mc_cid", "mc_eid", "_hsenc", "_hsmi",
    "mkt_tok", "xtor", "wt_mc",
];

/// Where an article stands, as it is compared: without scheme, `www.`, final slash and what counts visitors. Empty where that names no
/// article: no address, or the front page of a site.
pub(super) fn link_key(address: Option<&str>) -> String {
    let Some(url) = address.and_then(|address| Url::parse(address.trim()).ok()) else { return String::new() };
    let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
        return String::new();
    };
    let host = host.trim_end_matches('.');
    let mut key = host.strip_prefix("www.").unwrap_or(host).to_owned();
    let begins = key.len();
    if let Some(port) = url.port().filter(|port| !matches!(port, 80 | 443)) {
        key.push_str(&format!(":{port}"));
    }
    let after_host = key.len();
    key.push_str(&escapes_in_one_case(url.path().trim_end_matches('/')));
    let counts = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("utm_") || COUNTING.contains(&name.as_str())
    };
    let kept: Vec<&str> = url.query().unwrap_or_default().split('&').filter(|one| !one.is_empty()).collect();
    let kept: Vec<&str> = kept
        .into_iter()
        .filter(|one| !form_urlencoded::parse(one.as_bytes()).next().is_some_and(|(name, _)| counts(&name)))
        .collect();
    if !kept.is_empty() {
        key.push('?');
        key.push_str(&kept.join("&"));
    }
    // Some sites have several articles on a page, each with a name of its own.
    if let Some(part) = url.fragment().filter(|part| {
        let name = part.split(['=', '&']).next().unwrap_or_default();
        !part.is_empty() && !counts(name)
    }) {
        key.push('#');
        key.push_str(part);
    }
    if key.len() == after_host {
        return String::new();
    }
    if key.len() > LONGEST { format!("{} {}", &key[..begins.min(100)], token::hash(&key)) } else { key }
}

/// Other ways in which a source may have written an id: a site that gets https, drops `www.`, or whose address somebody types otherwise
/// calls its articles by ids that begin otherwise, and they are the same articles.
pub(super) fn other_spellings(id: &str) -> Vec<String> {
    let with_or_without = |host: &str| match host.strip_prefix("www.") {
        Some(bare) => [bare.to_owned(), host.to_owned()],
        None => [host.to_owned(), format!("www.{host}")],
    };
    let mut all = Vec::new();
    if let Some((host, rest)) = id.split_once(' ') {
        let is_host = host.contains('.') && !host.contains([':', '/']);
        all.extend(
            with_or_without(host).into_iter().filter(|_| is_host).map(|host| format!("{host} {rest}")),
        );
    } else if let Some((_, address)) =
        id.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))
    {
        let bare = address.trim_end_matches('/');
        let (host, path) = bare.split_at(bare.find(['/', '?', '#']).unwrap_or(bare.len()));
        let ends: &[&str] = if path.contains(['?', '#']) { &[""] } else { &["", "/"] };
        for host in with_or_without(host) {
            for scheme in ["https", "http"] {
                all.extend(ends.iter().map(|end| format!("{scheme}://{host}{path}{end}")));
            }
        }
    }
    all.retain(|one| one != id);
    all
}

/// `%C3` and `%c3` are one.
fn escapes_in_one_case(path: &str) -> String {
    let mut within = 0;
    let letter = |c: char| match c {
        '%' => {
            within = 2;
            c
        }
        _ if within > 0 => {
            within -= 1;
            c.to_ascii_lowercase()
        }
        _ => c,
    };
    path.chars().map(letter).collect()
}

/// What tells an article from the others of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// What its source calls it.
    pub id: String,
    /// Where it stands, as [`link_key`] writes it.
    pub link: String,
    /// Another of the document is called so too: then its link is part of what it is called.
    pub is_id_shared: bool,
    /// Another of the document stands there too: then that tells nothing.
    pub is_link_shared: bool,
}

impl Names {
    /// What an article is called that shares its id with another.
    pub fn told_apart(&self) -> String {
        format!("{} {}", self.id, self.link)
    }

    /// Whether it is a file that names no address: then its path is all that it is called by.
    pub fn is_file(&self) -> bool {
        self.id.starts_with("file:") && self.link.is_empty()
    }

    /// What files of several folders are called that lie at one path, in the order in which they came; none of what is no file.
    pub fn of_folders(&self) -> Vec<String> {
        if !self.is_file() {
            return Vec::new();
        }
        of_folders(&self.id)
    }

    /// What it is kept as.
    pub fn kept_as(&self) -> String {
        if self.is_id_shared { self.told_apart() } else { self.id.clone() }
    }
}

/// What the files of several folders are called that lie at the path of one.
pub(super) fn of_folders(id: &str) -> Vec<String> {
    let others = (2..=MOST_FOLDERS).map(|number| format!("{id} {number}"));
    iter::once(id.to_owned()).chain(others).collect()
}

/// The ids and links of a document, so that it is known which of them tell articles apart. Of each some bytes are kept, however long it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    ids: HashMap<u64, bool>,
    links: HashMap<u64, bool>,
    pairs: HashSet<u64>,
}

impl Document {
    /// One more article; false if it stands there already.
    pub fn add(&mut self, id: &str, link: &str) -> bool {
        if !self.pairs.insert(sum(&(id, link))) {
            return false;
        }
        self.ids.entry(sum(id)).and_modify(|is_shared| *is_shared = true).or_default();
        if !link.is_empty() {
            self.links.entry(sum(link)).and_modify(|is_shared| *is_shared = true).or_default();
        }
        true
    }

    /// What an article of it is known by.
    pub fn names(&self, id: &str, link: &str) -> Names {
        let is_shared = |all: &HashMap<u64, bool>, one: &str| all.get(&sum(one)).copied().unwrap_or_default();
        Names {
            id: id.to_owned(),
            link: link.to_owned(),
            is_id_shared: is_shared(&self.ids, id),
            is_link_shared: is_shared(&self.links, link),
        }
    }

    /// How many names several of its articles share.
    pub fn shared(&self) -> u64 {
        self.ids.values().filter(|is_shared| **is_shared).count() as u64
    }

    /// Whether one of its articles is called so.
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains_key(&sum(id))
    }
}

/// So many bytes of it, however long it is.
pub(super) fn sum(what: &(impl Hash + ?Sized)) -> u64 {
    let mut sum = DefaultHasher::new();
    what.hash(&mut sum);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_article_has_one_key_however_its_address_is_spelt() {
        for same in [
            "https://gull.example/salt",
            "http://gull.example/salt/",
            "https://www.gull.example/salt//",
            "https://GULL.example:443/salt/",
            "http://gull.example:80/salt?utm_source=rss&utm_medium=feed",
            "https://gull.example./salt?fbclid=x&gclid=y",
            "https://gull.example/salt/?mc_cid=1&mc_eid=2#utm_campaign=x",
            "https://gull.example/salt?UTM_Source=x&&",
            " https://gull.example/salt# ",
        ] {
            assert_eq!(link_key(Some(same)), "gull.example/salt", "{same}");
        }
        assert_eq!(link_key(Some("https://gull.example/?p=7&utm_id=1")), "gull.example?p=7");
        assert_eq!(
            link_key(Some("https://gull.example/caf%C3%A9")),
            link_key(Some("http://gull.example/caf%c3%a9/"))
        );
        assert_eq!(
            link_key(Some("https://gull.example/café")),
            link_key(Some("http://gull.example/caf%c3%a9"))
        );
    }

    #[test]
    fn different_articles_have_different_keys() {
        let keys: HashSet<String> = [
            "https://gull.example/salt",
            "https://gull.example/Salt",
            "https://gull.example/salt?page=2",
            "https://gull.example/salt?ref=12",
            "https://gull.example/salt#bread",
            "https://gull.example:8080/salt",
            "https://news.gull.example/salt",
            "https://gull.example/?p=7",
            "https://gull.example/?p=8",
        ]
        .into_iter()
        .map(|address| link_key(Some(address)))
        .collect();
        assert_eq!(keys.len(), 9, "{keys:?}");
        for none in [
            "https://www.gull.example/",
            "http://gull.example?utm_source=x",
            "mailto:a@example.org",
            "salt",
            "",
        ] {
            assert_eq!(link_key(Some(none)), "", "{none}");
        }
        let long = |end: &str| link_key(Some(&format!("https://gull.example/{}{end}", "x".repeat(5_000))));
        assert!(long("a").len() < 200 && long("a") != long("b"));
    }

    #[test]
    fn an_id_is_known_however_its_site_is_written() {
        let others = |id| other_spellings(id);
        assert_eq!(
            others("http://www.gull.example/?p=7"),
            ["https://gull.example/?p=7", "http://gull.example/?p=7", "https://www.gull.example/?p=7"]
        );
        let salt = others("https://gull.example/salt/");
        assert_eq!(salt.len(), 7);
        assert!(salt.contains(&"http://www.gull.example/salt".to_owned()), "{salt:?}");
        assert_eq!(others("www.gull.example 65e7"), ["gull.example 65e7"]);
        assert_eq!(others("gull.example title 65e7"), ["www.gull.example title 65e7"]);
        for none in ["tag:gull.example,2024:7", "urn:uuid:7", "file:posts/a b.md", "7", "A title"] {
            assert!(others(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_document_knows_what_its_articles_share() {
        let mut document = Document::default();
        let added = [("1", "a"), ("1", "b"), ("2", "c"), ("3", "c"), ("2", "c"), ("4", ""), ("5", "")]
            .map(|(id, link)| document.add(id, link));
        assert_eq!(added, [true, true, true, true, false, true, true]);
        let shares = |id, link| {
            let names = document.names(id, link);
            (names.is_id_shared, names.is_link_shared, names.kept_as())
        };
        assert_eq!(shares("1", "a"), (true, false, "1 a".to_owned()));
        assert_eq!(shares("2", "c"), (false, true, "2".to_owned()));
        assert_eq!(shares("4", ""), (false, false, "4".to_owned()));
        assert!(document.has("3") && !document.has("6"));
    }
}

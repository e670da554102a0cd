//! What the names of elements belong to, by the addresses that stand for it and the prefixes that people write.

/// What an element belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The format of the feed itself: RSS in any version; Atom in an Atom feed.
    Plain,
    /// Atom, in another feed.
    Atom,
    /// Dublin Core.
    Dc,
    /// Its later terms.
    Terms,
    /// `content:encoded`.
    Content,
    Media,
    Itunes,
    Feedburner,
    Xhtml,
    Rdf,
    Other,
}

/// By address; `None` for one that is not known.
pub fn space_of(address: &str) -> Option<Space> {
    let address = address.trim().to_ascii_lowercase();
    let bare = address.split_once("://").map_or(address.as_str(), |(_, bare)| bare);
    Some(match bare.trim_end_matches(['/', '#']) {
        "" | "purl.org/rss/1.0" | "purl.org/net/rss1.1" | "blogs.law.harvard.edu/tech/rss" => Space::Plain,
        rss if rss.starts_with("backend.userland.com/rss")
            || rss.ends_with("netscape.com/rdf/simple/0.9") =>
        {
            Space::Plain
        }
        "www.w3.org/2005/atom" => Space::Atom,
        atom if atom.starts_with("purl.org/atom/") && !atom.contains("app") => Space::Atom,
        "purl.org/dc/elements/1.1" | "purl.org/dc/elements/1.0" => Space::Dc,
        "purl.org/dc/terms" => Space::Terms,
        "purl.org/rss/1.0/modules/content" => Space::Content,
        "search.yahoo.com/mrss" => Space::Media,
        itunes if itunes.starts_with("www.itunes.com/dtds/podcast") => Space::Itunes,
        "rssnamespace.org/feedburner/ext/1.0" => Space::Feedburner,
        "www.w3.org/1999/xhtml" => Space::Xhtml,
        "www.w3.org/1999/02/22-rdf-syntax-ns" => Space::Rdf,
        "www.w3.org/2000/svg" | "www.w3.org/1998/math/mathml" => Space::Other,
        _ => return None,
    })
}

/// By prefix, where it is bound to nothing that we know.
pub fn space_of_prefix(prefix: &str) -> Space {
    match prefix.to_ascii_lowercase().as_str() {
        "" | "rss" => Space::Plain,
        "atom" | "a10" | "atom10" => Space::Atom,
        "dc" => Space::Dc,
        "dcterms" => Space::Terms,
        "content" => Space::Content,
        "media" => Space::Media,
        "itunes" => Space::Itunes,
        "feedburner" => Space::Feedburner,
        "xhtml" | "html" => Space::Xhtml,
        "rdf" => Space::Rdf,
        _ => Space::Other,
    }
}

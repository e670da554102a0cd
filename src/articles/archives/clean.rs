//! What WordPress keeps of a text, made into HTML: blocks, shortcodes, and paragraphs that are empty lines.
//!
//! What comes out is not clean yet: it goes through `html::sanitise`. Each step costs in proportion to its text.

use std::collections::{BTreeMap, HashMap};

use super::super::cleaning::html::escape;

/// Pictures of the archive, by their number: address and alternative text.
pub(super) type Pictures = HashMap<u64, (String, String)>;

/// Shortcodes that nobody knows here, and how often they were taken out.
pub(super) type Unknown = BTreeMap<String, u64>;

/// The HTML of a text as WordPress keeps it.
pub(super) fn html(text: &str, pictures: &Pictures, unknown: &mut Unknown) -> String {
    let text = text.replace("\r\n", "\n");
    let mut html = String::with_capacity(text.len() + text.len() / 8);
    for (is_block, part) in parts(&text) {
        let part = shortcodes(part, pictures, unknown);
        html.push_str(&if is_block { linked(&part) } else { paragraphs(&part) });
    }
    html
}

/// What stands in blocks, and what does not: of a text without blocks that is all of it.
fn parts(text: &str) -> Vec<(bool, &str)> {
    let (mut parts, mut depth, mut from, mut at) = (Vec::new(), 0_usize, 0, 0);
    while let Some(found) = text[at..].find("<!--") {
        let begins = at + found;
        let Some(length) = text[begins..].find("-->") else { break };
        let (inner, ends) = (text[begins + 4..begins + length].trim(), begins + length + 3);
        at = ends;
        let is_open = inner.starts_with("wp:");
        if !is_open && !inner.starts_with("/wp:") {
            continue;
        }
        let is_classic =
            inner.trim_start_matches('/').starts_with("wp:freeform") || inner.starts_with("wp:more");
        if !is_classic && from < begins {
            parts.push((depth > 0, &text[from..begins]));
        }
        if is_classic && depth == 0 && from < begins {
            parts.push((false, &text[from..begins]));
        }
        from = ends;
        match (is_classic, is_open) {
            (true, _) => {}
            (false, true) if !inner.ends_with('/') => depth += 1,
            (false, true) => {}
            (false, false) => depth = depth.saturating_sub(1),
        }
    }
    parts.push((depth > 0, &text[from..]));
    parts
}

/// In a block, an address that stands alone on its line is a film, a sound or a post elsewhere: it becomes a link.
fn linked(html: &str) -> String {
    if !html.contains("://") {
        return html.to_owned();
    }
    let line = |line: &str| match address(line) {
        Some(address) => link(address),
        None => line.to_owned(),
    };
    html.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// The address that a line consists of.
fn address(line: &str) -> Option<&str> {
    let line = line.trim();
    let is_one = (line.starts_with("https://") || line.starts_with("http://"))
        && !line.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\''));
    is_one.then_some(line)
}

fn link(address: &str) -> String {
    let address = address.replace("&amp;", "&");
    format!("<p><a href=\"{0}\">{0}</a></p>", escape(&address))
}

/// A shortcode in a text.
struct Code<'a> {
    name: &'a str,
    attributes: &'a str,
    is_end: bool,
    is_closed: bool,
    /// Its bytes.
    length: usize,
}

/// The one that a text begins with, behind its `[`.
fn code(text: &str) -> Option<Code<'_>> {
    const LONGEST: usize = 2 * 1024;
    let rest = text.strip_prefix('[')?;
    let (is_end, rest) = rest.strip_prefix('/').map_or((false, rest), |rest| (true, rest));
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let length = rest.find(|c: char| !is_letter(c)).filter(|length| (1..=60).contains(length))?;
    let (name, rest) = rest.split_at(length);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    // Where another begins, this one had no end: so each byte is looked at a few times, however many begin.
    let mut quote = None;
    let end = rest.bytes().take(LONGEST).position(|byte| match (quote, byte) {
        (None, b']' | b'[') => true,
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), byte) => {
            if open == byte {
                quote = None;
            }
            false
        }
        _ => false,
    });
    // A quote that nobody closes is an apostrophe.
    let end = end.or_else(|| rest.bytes().take(LONGEST).position(|byte| matches!(byte, b']' | b'[')))?;
    if rest.as_bytes()[end] == b'[' {
        return None;
    }
    let attributes = &rest[..end];
    if attributes.contains('\n') && !attributes.contains('=') {
        return None;
    }
    let is_closed = attributes.ends_with('/');
    let length = text.len() - rest.len() + end + 1;
    Some(Code { name, attributes: attributes.trim_end_matches('/'), is_end, is_closed, length })
}

/// An attribute of a shortcode, or what it has without a name.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = attributes.trim_start();
    while !rest.is_empty() {
        let word = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (key, after) = rest.split_at(word);
        let Some(value) = after.strip_prefix('=') else {
            if name.is_empty() && !key.is_empty() {
                return Some(key.trim_matches(['"', '\'']));
            }
            rest = after.trim_start();
            continue;
        };
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                value[1..].split_once(quote).unwrap_or((value.get(1..).unwrap_or_default(), ""))
            }
            _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        if key == name {
            return Some(value);
        }
        rest = after.trim_start();
    }
    None
}

/// Shortcodes that may stand without anything else in them.
/// The ends of so many are looked for in one text: looking for each may go through all of it.
const MOST_SEARCHED: usize = 500;
const BARE: [&str; 8] = ["gallery", "more", "toc", "nextpage", "playlist", "clear", "divider", "audio"];

fn shortcodes(text: &str, pictures: &Pictures, unknown: &mut Unknown) -> String {
    // Where each was closed last: so that nobody looks for an end that never comes.
    let mut ends: HashMap<&str, usize> = HashMap::new();
    for (at, _) in text.match_indices("[/") {
        if let Some(code) = code(&text[at..]) {
            ends.insert(code.name, at);
        }
    }
    let (mut html, mut at, mut searched) = (String::with_capacity(text.len()), 0, 0);
    let mut is_verbatim_until = 0;
    let verbatim =
        [("<pre", "</pre>"), ("<code", "</code>")].map(|(open, close)| (open, close, text.rfind(close)));
    while let Some(found) = text[at..].find(['[', '<']) {
        let here = at + found;
        html.push_str(&text[at..here]);
        at = here;
        if text.as_bytes()[here] == b'<' {
            // Code is shown as it was typed.
            for (open, close, last) in verbatim {
                if here >= is_verbatim_until && last > Some(here) && text[here..].starts_with(open) {
                    is_verbatim_until =
                        text[here..].find(close).map_or(is_verbatim_until, |length| here + length);
                }
            }
            if is_verbatim_until > here {
                html.push_str(&text[here..is_verbatim_until]);
                at = is_verbatim_until;
            } else {
                html.push('<');
                at += 1;
            }
            continue;
        }
        if let Some(escaped) = text[here..].strip_prefix("[[").and_then(|_| code(&text[here + 1..]))
            && text[here + 1 + escaped.length..].starts_with(']')
        {
            html.push_str(&text[here + 1..here + 1 + escaped.length]);
            at = here + escaped.length + 2;
            continue;
        }
        let Some(code) = code(&text[here..]) else {
            html.push('[');
            at += 1;
            continue;
        };
        let behind = here + code.length;
        let is_ended = ends.get(code.name).is_some_and(|last| *last >= behind);
        let is_one = code.is_end
            || is_ended
            || code.is_closed
            || code.attributes.contains('=')
            || code.name.contains('_')
            || BARE.contains(&code.name)
            || (code.name == "embed" || code.name == "youtube") && !code.attributes.trim().is_empty();
        if !is_one {
            html.push('[');
            at += 1;
            continue;
        }
        // What its end is looked for costs: of what is not known the words stay where they are.
        let has_inner = matches!(
            code.name,
            "caption"
                | "wp_caption"
                | "embed"
                | "youtube"
                | "vimeo"
                | "audio"
                | "video"
                | "soundcloud"
                | "twitter"
                | "instagram"
                | "facebook"
        );
        let (inner, after) =
            if has_inner && is_ended && !code.is_end && !code.is_closed && searched < MOST_SEARCHED {
                searched += 1;
                within(text, behind, code.name)
            } else {
                ("", behind)
            };
        at = after;
        match code.name {
            "caption" | "wp_caption" => html.push_str(&caption(&code, inner)),
            "gallery" => html.push_str(&gallery(&code, pictures)),
            "embed" | "youtube" | "vimeo" | "audio" | "video" | "soundcloud" | "twitter" | "instagram"
            | "facebook" => {
                html.push_str(&film(&code, inner));
            }
            "more" | "toc" | "nextpage" | "clear" | "divider" => at = behind,
            _ => {
                at = behind;
                if !code.is_end && (unknown.len() < 50 || unknown.contains_key(code.name)) {
                    *unknown.entry(code.name.to_owned()).or_default() += 1;
                }
            }
        }
    }
    html.push_str(&text[at..]);
    html
}

/// What a shortcode holds, and where its end is over.
fn within<'a>(text: &'a str, from: usize, name: &str) -> (&'a str, usize) {
    let end = format!("[/{name}");
    match text[from..].find(&end) {
        Some(length) => {
            let ends = from + length;
            let after = text[ends..].find(']').map_or(text.len(), |more| ends + more + 1);
            (&text[from..ends], after)
        }
        None => ("", from),
    }
}

fn caption(code: &Code<'_>, inner: &str) -> String {
    // The picture, perhaps in a link, and behind it the words; in old texts these are an attribute.
    let picture = inner.rfind("</a>").map(|at| at + 4).or_else(|| {
        let image = inner.find("<img")?;
        inner[image..].find('>').map(|length| image + length + 1)
    });
    let (picture, words) = inner.split_at(picture.unwrap_or(0));
    let words = match words.trim() {
        "" => attribute(code.attributes, "caption").unwrap_or_default(),
        words => words,
    };
    let words = if words.is_empty() { String::new() } else { format!("<figcaption>{words}</figcaption>") };
    format!("\n\n<figure>{picture}{words}</figure>\n\n")
}

fn gallery(code: &Code<'_>, pictures: &Pictures) -> String {
    const MOST: usize = 100;
    let ids = attribute(code.attributes, "ids")
        .or_else(|| attribute(code.attributes, "include"))
        .unwrap_or_default();
    let ids = ids.split(',').filter_map(|id| id.trim().parse::<u64>().ok()).take(MOST);
    let figure = |(address, alt): &(String, String)| {
        format!("<figure><img src=\"{}\" alt=\"{}\"></figure>\n", escape(address), escape(alt))
    };
    let figures: String = ids.filter_map(|id| pictures.get(&id)).map(figure).collect();
    format!("\n\n{figures}\n\n")
}

fn film(code: &Code<'_>, inner: &str) -> String {
    let named = ["src", "url", "mp4", "m4v", "webm", "mp3", "ogg"];
    let named = named.iter().find_map(|name| attribute(code.attributes, name));
    let found = address(inner)
        .or(named)
        .or_else(|| attribute(code.attributes, ""))
        .or_else(|| attribute(code.attributes, "id"));
    let Some(found) = found.map(str::trim).filter(|found| !found.is_empty()) else { return String::new() };
    let is_id =
        found.len() <= 20 && found.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let address = match code.name {
        "youtube" if is_id => format!("https://www.youtube.com/watch?v={found}"),
        "vimeo" if is_id => format!("https://vimeo.com/{found}"),
        _ => found.to_owned(),
    };
    if self::address(&address).is_none() { String::new() } else { format!("\n\n{}\n\n", link(&address)) }
}

/// What is copied as it stands, with all that it holds.
const BLOCKS: [&str; 24] = [
    "address", "details", "dl", "fieldset", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "iframe",
    "math", "ol", "p", "pre", "script", "style", "summary", "svg", "table", "ul", "video",
];
/// What holds paragraphs.
const CONTAINERS: [&str; 9] =
    ["article", "aside", "blockquote", "center", "div", "footer", "header", "main", "section"];

/// As WordPress shows a text that was typed without paragraphs: an empty line ends one, a line a line.
fn paragraphs(text: &str) -> String {
    let (mut html, mut flow) = (String::with_capacity(text.len() + text.len() / 8), String::new());
    // Which block is open, and how often within itself.
    let mut open: Option<(String, usize)> = None;
    let (last_comment, last_paragraph) = (text.rfind("-->"), text.rfind("</p"));
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let to = if open.is_some() { &mut html } else { &mut flow };
        to.push_str(&rest[..at]);
        rest = &rest[at..];
        let here = Some(text.len() - rest.len());
        let is_comment = last_comment > here && rest.starts_with("<!--");
        let (raw, after) = if let Some(end) = is_comment.then(|| rest.find("-->")).flatten() {
            rest = &rest[end + 3..];
            continue;
        } else {
            match rest.find('>') {
                Some(end) => rest.split_at(end + 1),
                None => (rest, ""),
            }
        };
        rest = after;
        let name = raw.trim_start_matches(['<', '/']);
        let name =
            name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
        let is_close = raw.starts_with("</");
        match &mut open {
            Some((block, depth)) => {
                html.push_str(raw);
                if *block == name {
                    // A paragraph ends the one before it.
                    *depth = match (is_close, name.as_str()) {
                        (true, _) => depth.saturating_sub(1),
                        (false, "p") => 1,
                        (false, _) => *depth + 1,
                    };
                    if *depth == 0 {
                        html.push('\n');
                        open = None;
                    }
                }
            }
            None if name == "hr" || CONTAINERS.contains(&name.as_str()) => {
                flush(&mut html, &mut flow);
                html.push_str(raw);
            }
            None if BLOCKS.contains(&name.as_str()) => {
                flush(&mut html, &mut flow);
                html.push_str(raw);
                // Most of what is typed by hand and never closed is a paragraph: an empty line ends it all the same.
                if !is_close && !raw.ends_with("/>") && (name != "p" || last_paragraph > here) {
                    open = Some((name, 1));
                }
            }
            None => flow.push_str(raw),
        }
    }
    let to = if open.is_some() { &mut html } else { &mut flow };
    to.push_str(rest);
    flush(&mut html, &mut flow);
    html
}

fn flush(html: &mut String, flow: &mut String) {
    let mut paragraph = String::new();
    let mut end = |paragraph: &mut String| {
        let text = paragraph.trim();
        if let Some(address) = address(text) {
            html.push_str(&link(address));
        } else if !text.is_empty() {
            html.push_str("<p>");
            html.push_str(&text.replace('\n', "<br>\n"));
            html.push_str("</p>\n");
        }
        paragraph.clear();
    };
    for line in flow.split('\n') {
        if line.trim().is_empty() {
            end(&mut paragraph);
        } else if address(line).is_some() {
            end(&mut paragraph);
            paragraph.push_str(line);
            end(&mut paragraph);
        } else {
            paragraph.push_str(line.trim_end());
            paragraph.push('\n');
        }
    }
    end(&mut paragraph);
    flow.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{articles::cleaning::html::sanitise, clock::worked};

    fn cleaned(text: &str) -> String {
        let pictures = Pictures::from([
            (7, ("https://gull.example/a.jpg".to_owned(), "An oven".to_owned())),
            (8, ("https://gull.example/b.jpg".to_owned(), String::new())),
        ]);
        sanitise(&html(text, &pictures, &mut Unknown::new()), None)
            .replace(" rel=\"noopener\"", "")
            .replace('\n', "")
    }

    #[test]
    fn empty_lines_are_paragraphs_where_no_blocks_are() {
        assert_eq!(
            cleaned("One\r\n\r\nTwo <em>and</em>\nthree"),
            "<p>One</p><p>Two <em>and</em><br>three</p>"
        );
        assert_eq!(
            cleaned(
                "Before\n<blockquote>First\n\nSecond</blockquote>\nAfter\n\n<ul>\n<li>a</li>\n\n<li>b</li>\n</ul>"
            ),
            "<p>Before</p><blockquote><p>First</p><p>Second</p></blockquote><p>After</p><ul><li>a</li><li>b</li></ul>"
        );
        assert_eq!(
            cleaned("<pre>a\n\nb [x y=1]</pre>\n\n<h2>Bread</h2>\nSalt"),
            "<pre>ab [x y=1]</pre><h2>Bread</h2><p>Salt</p>"
        );
        assert_eq!(cleaned("<p>Never closed\n\nNext"), "<p></p><p>Never closed</p><p>Next</p>");
    }

    #[test]
    fn blocks_keep_their_paragraphs_and_lose_their_comments() {
        let text = "<!-- wp:paragraph -->\n<p>One</p>\n<!-- /wp:paragraph -->\n\n<!-- wp:image {\"id\":7} -->\n<figure class=\"x\">\
            <img src=\"https://gull.example/a.jpg\" alt=\"An oven\"/><figcaption>Hot</figcaption></figure>\n<!-- /wp:image -->\n\n\
            <!-- wp:embed {\"url\":\"https://films.example/1\"} -->\n<figure><div class=\"wp-block-embed__wrapper\">\nhttps://films.example/1\n\
            </div></figure>\n<!-- /wp:embed -->\n<!-- wp:latest-posts /-->\n<!-- wp:freeform -->\nOld\n\nwords\n<!-- /wp:freeform --><!--more-->";
        assert_eq!(
            cleaned(text),
            "<p>One</p><figure><img src=\"https://gull.example/a.jpg\" alt=\"An oven\"><figcaption>Hot</figcaption></figure>\
             <figure><div><p><a href=\"https://films.example/1\">https://films.example/1</a></p></div></figure><p>Old</p><p>words</p>"
        );
    }

    #[test]
    fn known_shortcodes_become_what_they_show() {
        assert_eq!(
            cleaned(
                "[caption id=\"x\" align=\"left\"]<a href=\"https://gull.example/\"><img src=\"https://gull.example/a.jpg\" /></a> Hot <em>ovens</em>[/caption]\n\nText"
            ),
            "<figure><a href=\"https://gull.example/\"><img src=\"https://gull.example/a.jpg\"></a><figcaption>Hot <em>ovens</em></figcaption></figure><p>Text</p>"
        );
        assert_eq!(
            cleaned("[caption caption=\"Old words\"]<img src=\"https://gull.example/a.jpg\">[/caption]"),
            "<figure><img src=\"https://gull.example/a.jpg\"><figcaption>Old words</figcaption></figure>"
        );
        assert_eq!(
            cleaned("A [gallery ids=\"7,9,8\"] B"),
            "<p>A</p><figure><img src=\"https://gull.example/a.jpg\" alt=\"An oven\"></figure><figure><img src=\"https://gull.example/b.jpg\" alt=\"\"></figure><p>B</p>"
        );
        let film = "<p><a href=\"https://www.youtube.com/watch?v=abc_1\">https://www.youtube.com/watch?v=abc_1</a></p>";
        for written in [
            "[youtube id=\"abc_1\"]",
            "[youtube abc_1]",
            "[embed width=\"1\"]https://www.youtube.com/watch?v=abc_1[/embed]",
            "[embed]https://www.youtube.com/watch?v=abc_1[/embed]",
            "https://www.youtube.com/watch?v=abc_1",
        ] {
            assert_eq!(cleaned(written), film, "{written}");
        }
    }

    #[test]
    fn unknown_shortcodes_go_their_words_stay_and_brackets_of_writers_are_none() {
        let mut unknown = Unknown::new();
        let made = html(
            "[vc_row][pull x=\"]\"]Bread[/pull] and [b]salt[/b][/vc_row] [contact-form to='a'/]",
            &Pictures::new(),
            &mut unknown,
        );
        assert_eq!(made, "<p>Bread and salt </p>\n".replace("salt ", "salt"));
        assert_eq!(
            unknown.into_iter().collect::<Vec<_>>(),
            [("b", 1), ("contact-form", 1), ("pull", 1), ("vc_row", 1)].map(|(name, n)| (name.to_owned(), n))
        );
        for kept in [
            "He said [sic] it",
            "As [1] says, [2]",
            "[…] and [laughs]",
            "a[0] = b[i]",
            "[",
            "[]",
            "[/ x",
            "see [Salt] there",
        ] {
            assert_eq!(cleaned(kept), format!("<p>{kept}</p>"), "{kept}");
        }
        assert_eq!(cleaned("write [[caption id=\"x\"]] so"), "<p>write [caption id=\"x\"] so</p>");
        assert_eq!(cleaned("<code>[gallery ids=\"7\"]</code>"), "<p><code>[gallery ids=\"7\"]</code></p>");
    }

    /// TRUST A9: a text costs in proportion to its length, whatever it is made of.
    #[test]
    fn texts_built_to_exhaust_are_quick() {
        for piece in [
            "[a]",
            "[a b=\"",
            "[/a]",
            "[caption]",
            "[caption]x[/caption]",
            "<p>",
            "<div>",
            "<!-- wp:x -->",
            "<!--",
            "<",
            "[",
            "[[a]",
            "<pre>",
            "<blockquote>",
            "\n\n",
            "<code",
        ] {
            let text = piece.repeat(300_000 / piece.len());
            let (_, took) = worked(|| html(&text, &Pictures::new(), &mut Unknown::new()));
            assert!(took.as_millis() < 9_000, "{piece} took {took:?}");
        }
    }
}

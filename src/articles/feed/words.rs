//! Plain words out of titles and names.
//!
//! The rule: no word is lost. A title is markup where its tags are of HTML and closed, as in `<em>so</em>`, and is words where
//! they are not: `C++ <vector>`, `How to write <title> tags`.

use std::collections::HashSet;

use super::{
    super::cleaning::html::one_spaced,
    tokens::{Entities, decode, tag_end},
};

/// What is longer is no title: this much of it is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// Tags that part words; those that are not here, and not in [`INLINE`], are no HTML.
const BLOCKS: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "br",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    "wbr",
];
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "mark", "applet", "audio", "base", "blink", "body", "button", "embed", "form", "frame",
    "frameset", "head", "html", "input", "label", "link", "marquee", "meta", "option", "param", "picture",
    "select", "source", "title", "video", "nobr", "q", "s", "samp", "small", "span", "strike", "strong",
    "sub", "sup", "time", "tt", "u", "var",
];
/// These go with what they hold.
const DROPPED: &[&str] = &["iframe", "noscript", "object", "script", "style", "svg", "template", "textarea"];

/// The words of a title that is HTML, or may be.
pub fn of_markup(title: &str) -> String {
    let title = &title[..title.floor_char_boundary(LONGEST)];
    if !title.contains(['<', '&']) {
        return one_spaced(title);
    }
    let entities = Entities::default();
    let closed: HashSet<String> = closings(title);
    let mut out = String::with_capacity(title.len());
    let mut rest = title;
    while let Some(at) = rest.find('<') {
        out.push_str(&decode(&rest[..at], &entities));
        rest = &rest[at..];
        match tag(rest, &closed) {
            Some((between, length)) => {
                out.push_str(between);
                rest = &rest[length..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(&decode(rest, &entities));
    one_spaced(&out)
}

/// The words of a text that is no markup.
pub fn of_text(text: &str) -> String {
    one_spaced(text)
}

/// The words of a text whose format calls it plain, though programs write references to letters into it.
pub fn of_text_with_references(text: &str) -> String {
    one_spaced(&decode(text, &Entities::default()))
}

/// Names of tags that are closed somewhere.
fn closings(title: &str) -> HashSet<String> {
    let ends = title.split("</").skip(1).map(|rest| &rest[..rest.find('>').unwrap_or(rest.len())]);
    ends.map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// What stands in the place of a tag, and how much of the text that is; `None` if it is no tag.
fn tag(text: &str, closed: &HashSet<String>) -> Option<(&'static str, usize)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        return comment.split_once("-->").map(|(inner, _)| ("", inner.len() + 7));
    }
    let end = tag_end(text)?;
    let inner = &text[1..end];
    if inner.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("!doctype")) {
        return Some(("", end + 1));
    }
    let is_end = inner.starts_with('/');
    let inner = inner.trim_start_matches('/').trim_end_matches('/').trim_end();
    let (name, attributes) =
        inner.split_at(inner.find(|c: char| c.is_ascii_whitespace()).unwrap_or(inner.len()));
    let name = name.to_ascii_lowercase();
    let (is_block, is_inline) = (BLOCKS.contains(&name.as_str()), INLINE.contains(&name.as_str()));
    if DROPPED.contains(&name.as_str()) {
        if is_end || attributes.contains('=') && !closed.contains(&name) {
            return Some(("", end + 1));
        }
        let rest = &text[end + 1..];
        let close = format!("</{name}");
        let at = rest.to_ascii_lowercase().find(&close)?;
        let after = rest[at..].find('>')?;
        return Some(("", end + 1 + at + after + 1));
    }
    let is_markup =
        is_end || closed.contains(&name) || attributes.contains('=') || matches!(name.as_str(), "br" | "wbr");
    (is_markup && (is_block || is_inline))
        .then_some((if is_block && name != "wbr" { " " } else { "" }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_keeps_every_word() {
        for (title, words) in [
            ("C++ <vector> in 2026", "C++ <vector> in 2026"),
            ("How to write <title> tags", "How to write <title> tags"),
            ("Use <script> well, and <select>", "Use <script> well, and <select>"),
            ("<3 for bakers, x < y > z", "<3 for bakers, x < y > z"),
            ("A <foo>b</foo> c", "A <foo>b</foo> c"),
            ("Real <EM class='x'>markup</em >", "Real markup"),
            ("One<br/>two<BR>three<p>four</p>", "One two three four"),
            ("AT&amp;T &lt;b&gt; &eacute;&#146;s &copy; & &nosuch;", "AT&T <b> é’s © & &nosuch;"),
            ("<script>alert(1)</script>Hi <!-- x -->there", "Hi there"),
            ("<a href='javascript:alert(1)'>go", "go"),
            (" many \n spaces ", "many spaces"),
            ("List<String> and Vec<i32>", "List<String> and Vec<i32>"),
        ] {
            assert_eq!(of_markup(title), words, "{title}");
        }
    }
}

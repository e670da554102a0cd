//! Text as it stands in XML.

use std::fmt::Write as _;

/// Text made safe to stand in an element or an attribute; what XML 1.0 has no place for (section 2.2) is left out.
pub(super) fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' => safe.push(c),
            '\r' => safe.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => safe.push(c),
        }
    }
    safe
}

/// Puts an element with a text in it behind what is there, on a line.
pub(super) fn element(xml: &mut String, name: &str, content: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(xml, "<{name}>{}</{name}>", text(content));
}

/// Clean HTML whose links and pictures all say the whole address: `page` is where it stands, `site` where paths of ours begin.
pub(super) fn absolute(clean: &str, site: &str, page: &str) -> String {
    let site = site.trim_end_matches('/');
    let mut html = String::with_capacity(clean.len() + 64);
    let mut rest = clean;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        html.push_str(before);
        let end = end_of_tag(tag);
        let (tag, after) = tag.split_at(end);
        let whole = tag
            .replace(" href=\"#", &format!(" href=\"{page}#"))
            .replace(" href=\"//", " href=\"https://")
            .replace(" src=\"//", " src=\"https://")
            .replace(" href=\"/", &format!(" href=\"{site}/"))
            .replace(" src=\"/", &format!(" src=\"{site}/"));
        html.push_str(&whole);
        rest = after;
    }
    html.push_str(rest);
    html
}

/// Where the tag that a text begins with ends; `>` within quotes does not end it.
fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in tag.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at + 1,
            _ => {}
        }
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_has_no_place_for_is_left_out() {
        assert_eq!(text("a\u{0}\u{b}\u{1f}\u{fffe}b"), "ab");
        assert_eq!(text("C++ <vector> & \"x\" ]]>"), "C++ &lt;vector&gt; &amp; &quot;x&quot; ]]&gt;");
    }

    #[test]
    fn no_address_stays_relative() {
        let clean = "<p>Say <code>&lt;a href=\"/x\"&gt;</code> href=\"/y\" <a href=\"#fn1\">1</a> <a href=\"/pictures\" title=\"a > b\">p</a> \
             <img src=\"/p.jpg\" alt=\"x\"> <a href=\"https://other.example/\">o</a></p>";
        assert_eq!(
            absolute(clean, "https://m.example/", "https://m.example/articles/a"),
            "<p>Say <code>&lt;a href=\"/x\"&gt;</code> href=\"/y\" <a href=\"https://m.example/articles/a#fn1\">1</a> \
             <a href=\"https://m.example/pictures\" title=\"a > b\">p</a> <img src=\"https://m.example/p.jpg\" alt=\"x\"> \
             <a href=\"https://other.example/\">o</a></p>"
        );
    }
}

//! HTML from outside made safe, and text read out of it.
//!
//! The rule: whatever stands in `body_html` came out of [`sanitise`], which is an allowlist. No script, style, class, frame or
//! drawing survives; links go to http, https or mailto; images come from http or https and none is a tracking pixel.
//! Everything else here reads such clean HTML, which has one form only (lower-case tags, quoted attributes), by a small scanner.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative, UrlRelativeEvaluate};
use url::Url;

use super::{
    anchors,
    scan::{Token, Tokens, attribute},
    tame::{tame, tame_pasted},
};

/// How fast a reader reads unless the desk says otherwise, in words a minute.
pub const READING_SPEED: i64 = 275;

/// Makes HTML from outside safe to show, and its links and images absolute by `base`; without one, relative ones go.
///
/// Tags nested beyond all measure go and leave their text, so that no markup takes longer than its length is worth.
#[must_use]
pub fn sanitise(html: &str, base: Option<&Url>) -> String {
    let html = tame(html);
    let cleaned = if let Some(base) = base {
        let mut builder = builder();
        builder.url_relative(UrlRelative::Custom(Box::new(Against(Some(base.clone())))));
        builder.clean(&html).to_string()
    } else {
        static WITHOUT_BASE: LazyLock<Builder<'static>> = LazyLock::new(builder);
        WITHOUT_BASE.clean(&html).to_string()
    };
    tidy(&cleaned)
}

/// What was pasted, with the styles and names that say what it means: never to be shown, only to be read.
pub(in crate::articles) fn sanitise_pasted(html: &str) -> String {
    static PASTED: LazyLock<Builder<'static>> = LazyLock::new(|| {
        let mut builder = builder();
        builder
            .add_tags(["span", "u"])
            .add_generic_attributes(["style", "class", "id"])
            .add_tag_attributes("a", ["name"])
            .url_relative(UrlRelative::PassThrough)
            .link_rel(None);
        builder
    });
    PASTED.clean(&tame_pasted(html)).to_string()
}

/// Plain text made into paragraphs, split at empty lines.
#[must_use]
pub fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 32);
    for paragraph in text.replace("\r\n", "\n").split("\n\n").map(str::trim).filter(|one| !one.is_empty()) {
        html.push_str("<p>");
        html.push_str(&escape(paragraph).replace('\n', "<br>"));
        html.push_str("</p>\n");
    }
    html
}

/// The text of HTML or of a title with entities: tags stripped, entities decoded, white space made single spaces.
#[must_use]
pub fn plain_text(html: &str) -> String {
    if html.contains(['<', '&']) { text_of(&sanitise(html, None)) } else { one_spaced(html) }
}

/// As [`plain_text`], for HTML that [`sanitise`] made.
#[must_use]
pub fn text_of(clean: &str) -> String {
    let mut text = String::with_capacity(clean.len());
    for token in Tokens::of(clean) {
        match token {
            Token::Text(raw) => text.push_str(&decode(raw)),
            Token::Open { name, .. } | Token::Close { name, .. } if !INLINE.contains(&name) => text.push(' '),
            Token::Open { .. } | Token::Close { .. } => {}
        }
    }
    one_spaced(&text)
}

/// How many words a text has: runs between white space, as word processors count.
#[must_use]
pub fn word_count(text: &str) -> i64 {
    i64::try_from(text.split_whitespace().count()).unwrap_or(i64::MAX)
}

/// How long reading takes, in whole minutes, rounded, at least one; a speed that is not above zero counts as the default.
#[must_use]
pub fn reading_minutes(words: i64, words_per_minute: i64) -> i64 {
    let speed = if words_per_minute > 0 { words_per_minute } else { READING_SPEED };
    (words.saturating_add(speed / 2) / speed).max(1)
}

/// The start of a text: whole sentences up to `limit` characters, or, if the first is longer, words and an ellipsis.
#[must_use]
pub fn excerpt(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let head = &text[..end];
    let sentence = head.char_indices().rev().find_map(|(at, c)| {
        let after = at + c.len_utf8();
        if !matches!(c, '.' | '!' | '?' | '…') || after < limit / 4 {
            return None;
        }
        // A closing quote belongs to its sentence, and one within it.
        let quotes = text[after..].chars().take(2).take_while(|c| matches!(c, '”' | '’' | '"' | ')'));
        let closed = after + quotes.map(char::len_utf8).sum::<usize>();
        text[closed..].starts_with(char::is_whitespace).then_some(closed)
    });
    match sentence {
        Some(end) => text[..end].to_owned(),
        None => {
            let words = head.rfind(char::is_whitespace).map_or(head, |at| &head[..at]);
            format!("{}…", words.trim_end_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace()))
        }
    }
}

/// The first image of clean HTML.
#[must_use]
pub fn first_image(clean: &str) -> Option<String> {
    Tokens::of(clean).find_map(|token| match token {
        Token::Open { name: "img", raw } => attribute(raw, "src").map(|src| decode(src).into_owned()),
        _ => None,
    })
}

/// What clean HTML says that an image at an address shows; none where it says nothing, or has no such image.
#[must_use]
pub fn alt_of(clean: &str, address: &str) -> Option<String> {
    let said = |raw, name| decode(attribute(raw, name).unwrap_or_default()).into_owned();
    Tokens::of(clean).find_map(|token| match token {
        Token::Open { name: "img", raw } if said(raw, "src") == address => {
            Some(said(raw, "alt")).filter(|alt| !alt.is_empty())
        }
        _ => None,
    })
}

/// The first or last paragraph of clean HTML: its place, and what stands between its tags.
#[derive(Debug)]
pub struct Paragraph<'a> {
    whole: &'a str,
    inner: &'a str,
}

impl<'a> Paragraph<'a> {
    /// The paragraph that clean HTML opens with, if it opens with one.
    #[must_use]
    pub fn first_of(clean: &'a str) -> Option<Self> {
        let rest = clean.trim_start();
        let inner = rest.strip_prefix("<p>")?;
        let end = inner.find("</p>")?;
        Some(Self { whole: &rest[..end + 7], inner: &inner[..end] })
    }

    /// The paragraph that clean HTML closes with, if it closes with one.
    #[must_use]
    pub fn last_of(clean: &'a str) -> Option<Self> {
        let rest = clean.trim_end();
        let start = rest.rfind("<p>")?;
        let inner = rest[start + 3..].strip_suffix("</p>")?;
        (!inner.contains("</p>")).then_some(Self { whole: &rest[start..], inner })
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> String {
        text_of(self.inner)
    }

    /// Whether every word stands inside one of these tags.
    #[must_use]
    pub fn is_wholly_in(&self, names: &[&str]) -> bool {
        let mut depth = 0_usize;
        for token in Tokens::of(self.inner) {
            match token {
                Token::Open { name, .. } if names.contains(&name) => depth += 1,
                Token::Close { name, .. } if names.contains(&name) => depth = depth.saturating_sub(1),
                Token::Text(raw) if depth == 0 && !decode(raw).trim().is_empty() => return false,
                _ => {}
            }
        }
        !self.inner.is_empty()
    }

    /// The HTML without this paragraph, which must be of it.
    #[must_use]
    pub fn removed_from(&self, clean: &str) -> String {
        let clean = clean.trim();
        let kept = clean.strip_prefix(self.whole).or_else(|| clean.strip_suffix(self.whole)).unwrap_or(clean);
        kept.trim().to_owned()
    }
}

/// Text made safe to stand in HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What becomes of relative addresses: those within the article stay, the others are made absolute, or go.
struct Against(Option<Url>);

impl UrlRelativeEvaluate<'static> for Against {
    fn evaluate<'url>(&self, url: &'url str) -> Option<Cow<'url, str>> {
        if url.starts_with('#') {
            return Some(Cow::Borrowed(url));
        }
        self.0.as_ref()?.join(url).ok().map(|url| Cow::Owned(String::from(url)))
    }
}

fn builder() -> Builder<'static> {
    const TAGS: [&str; 46] = [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "section",
        "small",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ];
    // Gone with what they hold; any other tag goes alone and leaves its text.
    const WITH_CONTENT: [&str; 16] = [
        "button", "embed", "form", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "object",
        "script", "select", "style", "svg", "template", "textarea",
    ];
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(TAGS))
        .clean_content_tags(HashSet::from(WITH_CONTENT))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("img", HashSet::from(["src", "alt", "title", "width", "height"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .generic_attributes(HashSet::from(["dir", "id", "lang"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Custom(Box::new(Against(None))))
        .link_rel(Some("noopener"))
        .strip_comments(true)
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("img", "src")
                if value.trim_start().get(..7).is_some_and(|s| s.eq_ignore_ascii_case("mailto:")) =>
            {
                None
            }
            ("img", "width" | "height") | ("td" | "th", _) | ("ol", "start") => {
                value.trim().parse::<u16>().ok().map(|number| Cow::Owned(number.to_string()))
            }
            _ => Some(Cow::Borrowed(value)),
        });
    builder
}

/// Takes out tracking pixels and images without a source, and lowers `h1`: the page's own heading is the title.
fn tidy(clean: &str) -> String {
    let mut html = String::with_capacity(clean.len());
    for token in Tokens::of(clean) {
        match token {
            Token::Text(raw) => html.push_str(raw),
            Token::Open { name: "img", raw } => {
                let tiny = |side| matches!(attribute(raw, side), Some("0" | "1"));
                if attribute(raw, "src").is_some() && !tiny("width") && !tiny("height") {
                    html.push_str(raw);
                }
            }
            Token::Open { name: "h1", raw } => {
                html.push_str("<h2");
                html.push_str(&raw[3..]);
            }
            Token::Close { name: "h1", .. } => html.push_str("</h2>"),
            Token::Open { raw, .. } | Token::Close { raw, .. } => html.push_str(raw),
        }
    }
    anchors::settled(html.trim().to_owned())
}

/// Each stretch of white space is one space, and none is around it.
pub(in crate::articles) fn one_spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    spaced
}

/// Tags that stand inside a word or sentence without parting it.
const INLINE: [&str; 19] = [
    "a", "abbr", "b", "cite", "code", "del", "em", "i", "ins", "kbd", "mark", "q", "s", "small", "strong",
    "sub", "sup", "span", "u",
];

/// Decodes the few entities that clean HTML is written with.
pub(in crate::articles) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    // The ampersand last: `&amp;lt;` is the text `&lt;`.
    let text =
        raw.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}");
    Cow::Owned(text.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Stopwatch;

    /// TRUST A4: what a stranger's feed brings cannot run, load a frame, track, or style itself over our page.
    #[test]
    fn nothing_that_runs_or_tracks_survives() {
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg onload=alert(1)><script>alert(1)</script></svg>",
            "<a href=\"javascript:alert(1)\">go</a>",
            "<a href=\" jav\tascript:alert(1)\">go</a>",
            "<a href=\"data:text/html,<script>alert(1)</script>\">go</a>",
            "<iframe src=//evil.example></iframe>",
            "<p style=\"position:fixed\" class=\"modal\" onclick=\"alert(1)\">p</p>",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>",
            "<form action=//evil.example><button>x</button></form>",
            "<img src=\"data:image/svg+xml;base64,PHN2Zz4=\">",
            "<img src=\"mailto:x@example.org\">",
            "<img src=\"https://t.example/p.gif\" width=\"1\" height=\"1\">",
            "<object data=x></object><embed src=x><base href=//evil.example><meta http-equiv=refresh>",
        ] {
            let clean = sanitise(hostile, None);
            for bad in [
                "script", "onerror", "onload", "onclick", "iframe", "style", "class", "<svg", "data:",
                "<form", "<img", "<base", "<meta", "<object", "<embed", "evil",
            ] {
                assert!(!clean.contains(bad), "{hostile} became {clean}");
            }
        }
    }

    #[test]
    fn good_markup_stays_and_relative_links_become_absolute() {
        let base = Url::parse("https://example.org/notes/one/").expect("a URL");
        let html = "<h1>Big</h1><p>Read <a href=\"../two\">two</a>, <a href=\"mailto:e@example.org\">write</a>.</p><figure><img \
                    src=\"/pic.jpg\" alt=\"A > B\" width=\"600\"><figcaption>c</figcaption></figure>";
        assert_eq!(
            sanitise(html, Some(&base)),
            "<h2>Big</h2><p>Read <a href=\"https://example.org/notes/two\" rel=\"noopener\">two</a>, <a \
             href=\"mailto:e@example.org\" rel=\"noopener\">write</a>.</p><figure><img \
             src=\"https://example.org/pic.jpg\" alt=\"A &gt; B\" width=\"600\"><figcaption>c</figcaption></figure>"
        );
        assert_eq!(first_image(&sanitise(html, Some(&base))).as_deref(), Some("https://example.org/pic.jpg"));
        assert_eq!(sanitise("<a href=\"/x\">x</a>", None), "<a rel=\"noopener\">x</a>");
    }

    /// TRUST A9, for the HTML inside a feed: markup that costs a tree builder quadratic time or memory is not built.
    #[test]
    fn markup_bombs_end_quickly() {
        let nested = "<div>".repeat(200_000);
        let fonts: String = (0..10_000).map(|n| format!("<font size={n}>")).collect();
        let formatting = fonts + &"<p>x".repeat(50_000);
        let attributes =
            format!("<a {}>x</a>", (0..200_000).map(|n| format!("a{n}=\"\" ")).collect::<String>());
        let alternating = "<b><i></div>".repeat(20_000);
        for bomb in [nested, formatting, attributes, alternating] {
            let watch = Stopwatch::start();
            let clean = sanitise(&bomb, None);
            assert!(clean.len() < 1 << 20, "{}", clean.len());
            assert!(watch.elapsed().as_secs() < 3, "{:?} for {:.20}", watch.elapsed(), bomb);
        }
        let long_but_fair = "<p>A <em>fair</em> paragraph<p>And <b>more</b>.".repeat(10_000);
        assert!(sanitise(&long_but_fair, None).contains("<em>fair</em>"));
    }

    #[test]
    fn text_is_read_out_of_html() {
        assert_eq!(plain_text("Tom &amp; Ann&#8217;s <b>Tea</b>room"), "Tom & Ann’s Tearoom");
        assert_eq!(plain_text("<p>One</p><p>Two<br>three</p>"), "One Two three");
        assert_eq!(plain_text("2 < 3 &amp;&amp; 4"), "2 < 3 && 4");
        assert_eq!(plain_text("  plain\n text "), "plain text");
        assert_eq!(plain_text("&amp;lt;"), "&lt;");
    }

    #[test]
    fn reading_time_is_rounded_and_never_nothing() {
        assert_eq!(reading_minutes(2_774, READING_SPEED), 10);
        assert_eq!(reading_minutes(0, READING_SPEED), 1);
        assert_eq!(reading_minutes(412, READING_SPEED), 1);
        assert_eq!(reading_minutes(413, READING_SPEED), 2);
        assert_eq!(reading_minutes(400, 0), 1);
    }

    #[test]
    fn an_excerpt_ends_with_a_sentence_where_it_can() {
        assert_eq!(excerpt("Short.", 300), "Short.");
        assert_eq!(excerpt("She said “go.” Then she left, slowly, by the back.", 30), "She said “go.”");
        assert_eq!(excerpt("A very long sentence without an end in sight", 20), "A very long…");
    }

    #[test]
    fn plain_text_becomes_paragraphs() {
        assert_eq!(paragraphs("One <b>\n\nTwo\nthree"), "<p>One &lt;b&gt;</p>\n<p>Two<br>three</p>\n");
    }
}

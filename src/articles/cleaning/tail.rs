//! What programs hang on to the end of a text, or leave in it, for themselves.

use super::html::Paragraph;

/// So many paragraphs at the end are looked at.
const MOST: usize = 3;
/// What WordPress and its builders write between brackets for themselves.
const SHORTCODES: &[&str] =
    &["caption", "wp_caption", "gallery", "embed", "audio", "video", "playlist", "vc_", "et_pb_", "fusion_"];

/// Clean HTML without the paragraphs that a program hung on to its end: "The post … appeared first on …".
pub(in crate::articles) fn without_tail(clean: &str) -> String {
    let mut html = without_shortcodes(clean);
    for _ in 0..MOST {
        let is_tail = |last: &Paragraph<'_>| is_tail(&last.text());
        let Some(shorter) = Paragraph::last_of(&html).filter(is_tail).map(|last| last.removed_from(&html))
        else {
            break;
        };
        html = shorter;
    }
    html
}

fn is_tail(text: &str) -> bool {
    let text = text.trim();
    let is_short = text.chars().count() <= 400;
    is_short
        && (text.starts_with("The post ")
            && (text.contains(" appeared first on ") || text.contains(" first appeared on "))
            || matches!(text, "Continue reading" | "Read more" | "Continue reading…" | "Read more…"))
}

/// A summary without what programs hang on to its end.
pub(in crate::articles) fn of_summary(summary: &str) -> &str {
    let summary = summary
        .split_once(" appeared first on ")
        .map_or(summary, |(start, _)| start.rsplit_once("The post ").map_or(start, |(start, _)| start));
    let mut summary = summary.trim_end();
    for tail in ["Read more", "Continue reading", "[…]", "[...]", "…", "..."] {
        summary = summary.strip_suffix(tail).unwrap_or(summary).trim_end();
    }
    summary
}

/// Without WordPress's marks in brackets; the words in them stay.
fn without_shortcodes(clean: &str) -> String {
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean;
    while let Some(at) = rest.find('[') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match shortcode(rest) {
            Some(length) => rest = &rest[length..],
            None => {
                out.push('[');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn shortcode(text: &str) -> Option<usize> {
    let end = text[..text.floor_char_boundary(1_000)].find(']')?;
    let inner = &text[1..end];
    let name = inner.trim_start_matches('/');
    let is_one = |known: &str| {
        name.strip_prefix(known)
            .is_some_and(|rest| known.ends_with('_') || rest.is_empty() || rest.starts_with([' ', ']']))
    };
    (SHORTCODES.iter().any(|known| is_one(known)) && !inner.contains('<')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_hung_on_goes_and_words_stay() {
        for (clean, without) in [
            (
                "<p>A.</p>\n<p>The post <a href=\"https://g.example/\">T</a> appeared first on <a href=\"https://g.example/\">G</a>.</p>",
                "<p>A.</p>",
            ),
            (
                "<p>The post office appeared first on Main Street, and then it went, as all things do, one after another.</p><p>B</p>",
                "<p>The post office appeared first on Main Street, and then it went, as all things do, one after another.</p><p>B</p>",
            ),
            (
                "<p>a [caption id=\"x\"]A quay[/caption] b [gallery ids=\"1\"] [sic] [1]</p>",
                "<p>a A quay b  [sic] [1]</p>",
            ),
        ] {
            assert_eq!(without_tail(clean), without);
        }
    }
}

//! Where a Markdown text names pictures and links, and putting other addresses in the place of theirs: nothing else in it changes.

use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Tag, TagEnd};

use super::markdown_parser;

/// A picture or a link in a text.
pub(in super::super) struct Place {
    pub is_picture: bool,
    /// Its address, as it is read.
    pub written: String,
    /// What is said of it.
    pub alt: String,
    title: String,
    /// All of it.
    whole: Range<usize>,
    /// Where what is said of it ends, at the latest before the bracket that closes it.
    said: usize,
    kind: LinkType,
}

/// Of pictures within each other so many are looked at: each holds all that is said within it.
const DEEPEST: usize = 10;

/// Every picture and every link of a text, in the order in which they begin.
pub(in super::super) fn places(markdown: &str) -> Vec<Place> {
    let (mut begun, mut found): (Vec<Option<Place>>, Vec<Place>) = (Vec::new(), Vec::new());
    for (event, range) in markdown_parser(markdown).into_offset_iter() {
        // Its own end is no part of what is said of it.
        let ends = matches!(event, Event::End(TagEnd::Image | TagEnd::Link));
        let open = begun.len().saturating_sub(usize::from(ends));
        for place in begun[..open.min(DEEPEST)].iter_mut().flatten() {
            place.said = place.said.max(range.end.min(place.whole.end));
            if let Event::Text(text) | Event::Code(text) = &event {
                place.alt.push_str(text);
            }
        }
        match event {
            Event::Start(
                ref tag @ (Tag::Image { link_type, ref dest_url, ref title, .. }
                | Tag::Link { link_type, ref dest_url, ref title, .. }),
            ) => {
                let is_picture = matches!(tag, Tag::Image { .. });
                // What stands for itself between angle brackets is whole, and its words are its address.
                let is_bare = matches!(link_type, LinkType::Autolink | LinkType::Email);
                begun.push((begun.len() < DEEPEST && !is_bare).then(|| Place {
                    is_picture,
                    written: dest_url.to_string(),
                    alt: String::new(),
                    title: title.to_string(),
                    said: range.start + if is_picture { "![" } else { "[" }.len(),
                    whole: range,
                    kind: link_type,
                }));
            }
            Event::End(TagEnd::Image | TagEnd::Link) => found.extend(begun.pop().flatten()),
            _ => {}
        }
    }
    found.sort_by_key(|place| place.whole.start);
    found
}

/// A text in which each picture at one address is at another; none where that cannot be done.
pub(in super::super) fn picture_at(markdown: &str, written: &str, ours: &str) -> Option<String> {
    readdressed(markdown, &mut |place| {
        (place.is_picture && place.written == written).then(|| ours.to_owned())
    })
}

/// A text in which what `becomes` has another address for is there, and nothing else is changed; none where that cannot be done.
pub(in super::super) fn readdressed(
    markdown: &str,
    becomes: &mut dyn FnMut(&Place) -> Option<String>,
) -> Option<String> {
    let before: Vec<_> = places(markdown).into_iter().map(|place| (becomes(&place), place)).collect();
    let mut text = markdown.to_owned();
    // From the end on, so that what comes before stays where it was; of one within another the address comes first.
    let mut there: Vec<_> = before.iter().filter_map(|(to, place)| Some((to.as_deref()?, place))).collect();
    there.sort_by_key(|(_, place)| std::cmp::Reverse(place.said));
    for (to, place) in there {
        let (range, words) = put(&text, place, to)?;
        text.replace_range(range, &words);
    }
    let expected = before.iter().map(|(to, place)| {
        (place.is_picture, to.as_deref().unwrap_or(&place.written), &place.alt, &place.title)
    });
    let after = places(&text);
    let after =
        after.iter().map(|place| (place.is_picture, place.written.as_str(), &place.alt, &place.title));
    after.eq(expected).then_some(text)
}

/// What is written where, so that it is at another address.
fn put(text: &str, place: &Place, ours: &str) -> Option<(Range<usize>, String)> {
    let close = place.said + text.get(place.said..)?.find(']')?;
    if place.kind != LinkType::Inline {
        // The empty brackets of `![name][]` are not told as a part of it.
        let is_open = place.kind == LinkType::Collapsed && text[place.whole.end..].starts_with("[]");
        let end = place.whole.end + if is_open { "[]".len() } else { 0 };
        // What names it may name another, too, and stays: it says its address itself from now on.
        let title = match place.title.as_str() {
            "" => String::new(),
            title => format!(" \"{}\"", title.replace('\\', "\\\\").replace('"', "\\\"")),
        };
        return Some((close..end, format!("]({ours}{title})")));
    }
    let behind = text.get(close..)?.strip_prefix("](")?;
    let begin = close + "](".len();
    // Its address may stand in the next line, also of a quotation.
    let gap = behind.find(|c: char| !c.is_whitespace() && c != '>')?;
    let begin = begin + gap;
    let rest = &text[begin..];
    let end = if let Some(within) = rest.strip_prefix('<') { 2 + angled(within)? } else { bare(rest)? };
    Some((begin..begin + end, ours.to_owned()))
}

/// Where an address ends that stands between angle brackets.
fn angled(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|c| {
        let ends = c == '>' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })
}

/// Where one ends that stands for itself: at a space, or at the bracket that closes what none of its own opened.
fn bare(text: &str) -> Option<usize> {
    let (mut is_escaped, mut open) = (false, 0_u32);
    text.find(|c: char| {
        let counts = !is_escaped;
        is_escaped = c == '\\' && counts;
        match c {
            ')' if counts && open == 0 => return true,
            ')' if counts => open -= 1,
            '(' if counts => open += 1,
            _ => {}
        }
        c.is_ascii_whitespace()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands within thousands of pictures is held ten times, and no more.
    #[test]
    fn pictures_within_pictures_cost_what_their_text_does() {
        let text = format!("{}{}{}", "![".repeat(2_000), "words ".repeat(20_000), "](a)".repeat(2_000));
        let held: usize = places(&text).iter().map(|place| place.alt.len()).sum();
        assert!(held <= DEEPEST * text.len(), "{held}");
        assert!(places(&text).len() <= DEEPEST);
    }

    #[test]
    fn only_addresses_of_pictures_change() {
        const HERE: &str = "https://a.example/b.jpg";
        const OURS: &str = "https://ours.example/p/1.jpg";
        for (text, becomes) in [
            // The address of another begins so.
            ("![a](HERE) ![b](HERE?w=2&h=3) ![c](HERE)", "![a](OURS) ![b](HERE?w=2&h=3) ![c](OURS)"),
            ("![HERE](HERE \"at HERE\") HERE", "![HERE](OURS \"at HERE\") HERE"),
            // Written otherwise, the same.
            ("![a](<HERE>)", "![a](OURS)"),
            ("![a](  <HERE>  'x' )", "![a](  OURS  'x' )"),
            ("![a](https://a.example/b&#46;jpg)", "![a](OURS)"),
            (r"![a](https://a.example/b\.jpg)", "![a](OURS)"),
            // A link around it leads where it led.
            ("[![a](HERE)](HERE)", "[![a](OURS)](HERE)"),
            ("[x](HERE) ![a *b* `]` \\] c](HERE)", "[x](HERE) ![a *b* `]` \\] c](OURS)"),
            // Code is no picture.
            ("`![a](HERE)` ![a](HERE)", "`![a](HERE)` ![a](OURS)"),
            (
                "```\n![a](HERE)\n```\n\n    ![a](HERE)\n\n![a](HERE)",
                "```\n![a](HERE)\n```\n\n    ![a](HERE)\n\n![a](OURS)",
            ),
            // What a definition names, a link may be named by, too.
            (
                "![one][p] and [two][p]\n\n[p]: HERE \"A \\\"title\\\"\"",
                "![one](OURS \"A \\\"title\\\"\") and [two][p]\n\n[p]: HERE \"A \\\"title\\\"\"",
            ),
            ("![p][] ![p]\n\n[p]: HERE", "![p](OURS) ![p](OURS)\n\n[p]: HERE"),
            // In quotations, lists, tables and notes.
            ("> ![a](HERE)\n> ![b](\n> HERE)", "> ![a](OURS)\n> ![b](\n> OURS)"),
            (
                "- ![](HERE)\n\n| a |\n|---|\n| ![t](HERE) |\n\nx[^1]\n\n[^1]: ![n](HERE)",
                "- ![](OURS)\n\n| a |\n|---|\n| ![t](OURS) |\n\nx[^1]\n\n[^1]: ![n](OURS)",
            ),
            ("![out ![in](HERE)](HERE)", "![out ![in](OURS)](OURS)"),
            ("![a](HERE\n\"x\") **![b](HERE)**é", "![a](OURS\n\"x\") **![b](OURS)**é"),
        ] {
            let filled = |text: &str| text.replace("HERE", HERE).replace("OURS", OURS);
            let put = picture_at(&filled(text), HERE, OURS);
            assert_eq!(put.as_deref(), Some(filled(becomes).as_str()), "{text}");
        }
        for (text, written) in [
            ("![a](https://a.example/x?a=1&amp;b=2)", "https://a.example/x?a=1&b=2"),
            ("![a](https://a.example/x_(1).jpg)", "https://a.example/x_(1).jpg"),
            (r"![a](https://a.example/x\).jpg)", "https://a.example/x).jpg"),
            (r"![a](<https://a.example/x\> y.jpg>)", "https://a.example/x> y.jpg"),
        ] {
            assert_eq!(picture_at(text, written, OURS), Some(format!("![a]({OURS})")), "{text}");
        }
    }
}

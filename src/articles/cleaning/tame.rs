//! Any HTML made tame: every tag closed where it belongs, few levels deep, none of the attributes that we throw away (TRUST A9).
//!
//! The HTML standard mends broken markup by looking again at whatever was left open before, so its cost grows with the square of
//! the text. This is one pass that costs a bounded number of steps a byte. The rule: what it writes can be read in one way
//! alone (tags properly nested, values in quotes, `<` only where a tag begins), so the parser behind it meets exactly the
//! depth and the number of tags that were counted here, whatever a stranger wrote. It makes nothing safe: that is the
//! allowlist's work, behind it.

use super::late;

/// Tags deeper than this go and leave their text.
const DEEPEST: usize = 60;
/// Tags beyond this many go and leave their text.
const MOST_TAGS: usize = 50_000;
/// No link or description is longer; images written into the page are.
const LONGEST_VALUE: usize = 8 * 1024;
/// So much text is one piece; the writer behind the allowlist looks through all of a piece for each sign that it escapes.
const LONGEST_TEXT: usize = 1024;
/// What parts two pieces and goes with the comments.
const PART: &str = "<!---->";
/// What stays of a picture's tag beside the address of the picture.
const PICTURE: [&str; 6] = ["alt", "title", "width", "height", "lang", "dir"];
/// No tag that is known has a longer name.
const LONGEST_NAME: usize = 16;
/// A table takes its sections, rows and cells with it.
const TABLE_DEPTH: usize = 4;

/// What a tag does to those around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Stands within a sentence.
    Inline,
    /// Ends a paragraph.
    Block,
    /// Belongs to a table.
    Table,
    /// Has no end.
    Void,
    /// Goes, and all that stands in it.
    Dropped,
    /// The same, and no tag is read in it.
    DroppedRaw,
    /// Goes and leaves its text, in which no tag is read.
    Raw,
    /// Ends a paragraph, then goes and leaves what stands in it.
    Unknown,
    /// Goes and leaves a link to what it plays.
    Player,
}

const KNOWN: &[(&str, Kind)] = &[
    ("audio", Kind::Player),
    ("video", Kind::Player),
    ("source", Kind::Player),
    ("p", Kind::Block),
    ("a", Kind::Inline),
    ("br", Kind::Void),
    ("img", Kind::Void),
    ("em", Kind::Inline),
    ("strong", Kind::Inline),
    ("li", Kind::Block),
    ("ul", Kind::Block),
    ("ol", Kind::Block),
    ("div", Kind::Block),
    ("i", Kind::Inline),
    ("b", Kind::Inline),
    ("h1", Kind::Block),
    ("h2", Kind::Block),
    ("h3", Kind::Block),
    ("h4", Kind::Block),
    ("h5", Kind::Block),
    ("h6", Kind::Block),
    ("blockquote", Kind::Block),
    ("figure", Kind::Block),
    ("figcaption", Kind::Block),
    ("section", Kind::Block),
    ("pre", Kind::Block),
    ("dl", Kind::Block),
    ("dt", Kind::Block),
    ("dd", Kind::Block),
    ("hr", Kind::Void),
    ("abbr", Kind::Inline),
    ("cite", Kind::Inline),
    ("code", Kind::Inline),
    ("del", Kind::Inline),
    ("ins", Kind::Inline),
    ("kbd", Kind::Inline),
    ("mark", Kind::Inline),
    ("q", Kind::Inline),
    ("s", Kind::Inline),
    ("small", Kind::Inline),
    ("sub", Kind::Inline),
    ("sup", Kind::Inline),
    ("table", Kind::Table),
    ("caption", Kind::Table),
    ("thead", Kind::Table),
    ("tbody", Kind::Table),
    ("tfoot", Kind::Table),
    ("tr", Kind::Table),
    ("td", Kind::Table),
    ("th", Kind::Table),
    ("button", Kind::Dropped),
    ("form", Kind::Dropped),
    ("frameset", Kind::Dropped),
    ("math", Kind::Dropped),
    ("object", Kind::Dropped),
    ("select", Kind::Dropped),
    ("svg", Kind::Dropped),
    ("template", Kind::Dropped),
    ("iframe", Kind::DroppedRaw),
    ("noembed", Kind::DroppedRaw),
    ("noframes", Kind::DroppedRaw),
    ("noscript", Kind::DroppedRaw),
    ("script", Kind::DroppedRaw),
    ("style", Kind::DroppedRaw),
    ("textarea", Kind::DroppedRaw),
    ("plaintext", Kind::Raw),
    ("title", Kind::Raw),
    ("xmp", Kind::Raw),
    ("address", Kind::Unknown),
    ("article", Kind::Unknown),
    ("aside", Kind::Unknown),
    ("center", Kind::Unknown),
    ("details", Kind::Unknown),
    ("dialog", Kind::Unknown),
    ("dir", Kind::Unknown),
    ("fieldset", Kind::Unknown),
    ("footer", Kind::Unknown),
    ("header", Kind::Unknown),
    ("hgroup", Kind::Unknown),
    ("listing", Kind::Unknown),
    ("main", Kind::Unknown),
    ("menu", Kind::Unknown),
    ("nav", Kind::Unknown),
    ("search", Kind::Unknown),
    ("summary", Kind::Unknown),
];

/// Of what is pasted, more is kept: word processors say by styles and names what they mean.
const PASTED: &[(&str, Kind)] = &[("span", Kind::Inline), ("u", Kind::Inline)];

/// Makes any HTML tame. Its text stays, whatever becomes of its tags.
pub(super) fn tame(html: &str) -> String {
    tamed(html, false)
}

/// The same for what is pasted, with its styles and names.
pub(super) fn tame_pasted(html: &str) -> String {
    tamed(html, true)
}

fn tamed(html: &str, pasted: bool) -> String {
    let mut tame = Tame {
        pasted,
        out: String::with_capacity(html.len() + html.len() / 8),
        open: Vec::new(),
        dropping: 0,
        tags: 0,
        bare: false,
        text_from: 0,
        plays: None,
        is_behind_picture: false,
        endless: Vec::new(),
    };
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        tame.text(&rest[..at]);
        rest = tame.markup(&rest[at + 1..]);
    }
    tame.text(rest);
    tame.close_from(0);
    tame.out
}

struct Open {
    name: &'static str,
    kind: Kind,
    /// Whether it was written.
    shown: bool,
    /// Its end came while something that is not of a sentence was open in it: it ends with that.
    ended: bool,
}

struct Tame {
    /// Whether styles and names stay.
    pasted: bool,
    out: String,
    open: Vec<Open>,
    /// How many of the open ones drop what stands in them.
    dropping: usize,
    tags: usize,
    /// There were too many tags: from here on there is text alone.
    bare: bool,
    /// Where in `out` the piece of text begins.
    text_from: usize,
    /// What a player is called that did not say yet what it plays.
    plays: Option<&'static str>,
    /// Whether nothing was shown since the last picture.
    is_behind_picture: bool,
    /// Frames and their like whose ends do not come any more: they are left out alone.
    endless: Vec<&'static str>,
}

/// A tag as it was written.
struct Tag<'a> {
    attributes: Vec<(&'static str, &'a str)>,
    closes_itself: bool,
}

impl Tame {
    /// Reads what stands behind a `<`; returns what comes after it.
    fn markup<'a>(&mut self, rest: &'a str) -> &'a str {
        if let Some(comment) = rest.strip_prefix("!--") {
            return match comment {
                _ if comment.starts_with('>') => &comment[1..],
                _ if comment.starts_with("->") => &comment[2..],
                _ => after(comment, "-->"),
            };
        }
        let is_letter = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
        match rest.as_bytes().first() {
            Some(b'!' | b'?') => after(rest, ">"),
            Some(b'/') if is_letter(&rest[1..]) => {
                let (known, rest) = name(&rest[1..], self.pasted);
                let Some((_, rest)) = attributes(rest, None, false) else { return "" };
                if let Some((name, kind)) = known {
                    self.end(name, kind);
                }
                rest
            }
            Some(b'/') if rest.len() > 1 => after(rest, ">"),
            _ if is_letter(rest) => {
                let (known, rest) = name(rest, self.pasted);
                let named = known.map(|(name, _)| name);
                let Some((tag, rest)) = attributes(rest, named, self.pasted) else { return "" };
                let Some((name, kind)) = known else { return rest };
                self.start(name, kind, &tag);
                match kind {
                    Kind::DroppedRaw => {
                        let (inner, behind) = after_raw(rest, name, &mut self.endless);
                        match name {
                            "iframe" => self.frame(&tag),
                            "noscript" => self.without_script(inner),
                            _ => {}
                        }
                        behind
                    }
                    Kind::Raw => {
                        let (text, rest) = after_raw(rest, name, &mut self.endless);
                        self.text(text);
                        rest
                    }
                    _ => rest,
                }
            }
            _ => {
                self.text("<");
                rest
            }
        }
    }

    fn text(&mut self, text: &str) {
        if self.dropping > 0 || text.is_empty() {
            return;
        }
        let is_space = text.bytes().all(|byte| byte.is_ascii_whitespace());
        self.is_behind_picture &= is_space;
        if self.between_cells() && !is_space {
            self.cell();
        }
        for piece in text.split_inclusive(['<', '\0']) {
            self.words(piece.trim_end_matches(['<', '\0']));
            if piece.ends_with('<') {
                self.words("&lt;");
            }
        }
    }

    fn words(&mut self, mut text: &str) {
        loop {
            let room = LONGEST_TEXT.saturating_sub(self.out.len() - self.text_from).min(text.len());
            let room = text.ceil_char_boundary(room);
            // No entity goes on over one of these.
            let Some(at) = text[room..].find(|c: char| c == '&' || !c.is_ascii()) else { break };
            let (piece, rest) = text.split_at(room + at);
            self.out.extend([piece, PART]);
            self.text_from = self.out.len();
            text = rest;
        }
        self.out.push_str(text);
    }

    fn start(&mut self, name: &'static str, kind: Kind, tag: &Tag<'_>) {
        if self.bare {
            return;
        }
        match kind {
            Kind::Raw | Kind::DroppedRaw => return,
            Kind::Table => return self.start_in_table(name, tag),
            Kind::Unknown => return self.close_paragraph(),
            Kind::Player => return self.player(name, tag),
            // `<svg/>` is whole in itself.
            Kind::Dropped if tag.closes_itself && matches!(name, "svg" | "math") => return,
            Kind::Inline if name == "a" => self.close_nearest("a"),
            Kind::Block => self.make_room_for(name),
            Kind::Void if name == "hr" => self.close_paragraph(),
            Kind::Inline | Kind::Void | Kind::Dropped => {}
        }
        if self.between_cells() {
            self.cell();
        }
        self.push(name, kind, tag);
    }

    /// Ends what a block ends by beginning: a paragraph, the item before it, the heading that it stands in.
    fn make_room_for(&mut self, name: &str) {
        match name {
            "li" => self.close_item(&["li"]),
            "dt" | "dd" => self.close_item(&["dt", "dd"]),
            _ => {}
        }
        self.close_paragraph();
        // Where a link ended with the heading in it, it is the heading around both that is left.
        while is_heading(name) && self.open.last().is_some_and(|last| is_heading(last.name)) {
            self.close_from(self.open.len() - 1);
        }
    }

    fn close_paragraph(&mut self) {
        self.close_nearest("p");
    }

    /// Ends the nearest of that name that stands in the same cell.
    fn close_nearest(&mut self, name: &str) {
        let own = self.open.iter().rposition(|open| !matches!(open.kind, Kind::Inline | Kind::Block));
        let own = own.map_or(0, |at| at + 1);
        if let Some(at) = self.open[own..].iter().rposition(|open| open.name == name) {
            self.close_from(own + at);
        }
    }

    /// Ends the item of the same list.
    fn close_item(&mut self, names: &[&str]) {
        let passes = |open: &Open| open.kind == Kind::Inline || matches!(open.name, "p" | "div");
        let found = self.open.iter().rposition(|open| !passes(open));
        if let Some(at) = found.filter(|at| names.contains(&self.open[*at].name)) {
            self.close_from(at);
        }
    }

    fn start_in_table(&mut self, name: &'static str, tag: &Tag<'_>) {
        if name == "table" {
            self.close_paragraph();
            if self.open.len() + TABLE_DEPTH > DEEPEST {
                return;
            }
            if self.between_cells() {
                self.cell();
            }
            return self.push(name, Kind::Table, tag);
        }
        let Some(table) = self.open.iter().rposition(|open| open.name == "table") else { return };
        let is = |at: usize, names: &[&str]| self.open.get(at).is_some_and(|open| names.contains(&open.name));
        let section = table + usize::from(is(table + 1, &["thead", "tbody"]));
        let row = section + usize::from(is(section + 1, &["tr"]));
        let plain = Tag { attributes: Vec::new(), closes_itself: false };
        match name {
            "tr" => self.close_from(section + 1),
            "td" | "th" => {
                self.close_from(row + 1);
                if row == section {
                    self.push("tr", Kind::Table, &plain);
                }
            }
            _ => self.close_from(table + 1),
        }
        self.push(if name == "tfoot" { "tbody" } else { name }, Kind::Table, tag);
    }

    /// Whether what comes next stands in a table and in none of its cells.
    fn between_cells(&self) -> bool {
        self.open.last().is_some_and(|last| matches!(last.name, "table" | "thead" | "tbody" | "tr"))
    }

    /// Opens a cell for what the standard would put before the table, one by one.
    fn cell(&mut self) {
        self.start_in_table("td", &Tag { attributes: Vec::new(), closes_itself: false });
    }

    fn push(&mut self, name: &'static str, kind: Kind, tag: &Tag<'_>) {
        let drops = kind == Kind::Dropped;
        if self.bare || self.open.len() >= DEEPEST && !(drops && self.dropping == 0) {
            return;
        }
        let shown = !drops && self.dropping == 0;
        let picture = (name == "img").then(|| late::source(&tag.attributes));
        if picture == Some(None) {
            return;
        }
        if shown {
            self.is_behind_picture = picture.is_some();
            if self.tags == MOST_TAGS {
                self.close_from(0);
                self.bare = true;
                return;
            }
            self.tags += 1;
            self.out.push('<');
            self.out.push_str(name);
            if let Some(Some(source)) = picture {
                self.attribute("src", source);
            }
            for (attribute, value) in &tag.attributes {
                if picture.is_some() && !PICTURE.contains(attribute) {
                    continue;
                }
                // What older pages name a place by.
                let is_place = *attribute == "name" && !self.pasted;
                self.attribute(if is_place { "id" } else { attribute }, value);
            }
            self.out.push('>');
            self.text_from = self.out.len();
        }
        self.dropping += usize::from(drops);
        if kind != Kind::Void {
            self.open.push(Open { name, kind, shown, ended: false });
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.extend([" ", name, "=\"", &value.replace('"', "&quot;").replace('\0', ""), "\""]);
    }

    /// A frame: a link to the film that it shows, if it shows one.
    fn frame(&mut self, tag: &Tag<'_>) {
        let Some((page, called)) = late::played(&tag.attributes).and_then(late::page_of_frame) else {
            return;
        };
        let title = tag.attributes.iter().find(|(name, _)| *name == "title").map(|(_, title)| title.trim());
        self.link(&page, title.filter(|title| !title.is_empty()).unwrap_or(called));
    }

    fn player(&mut self, name: &str, tag: &Tag<'_>) {
        if name != "source" {
            self.plays = Some(if name == "audio" { "Recording" } else { "Video" });
        }
        if let Some(played) = late::played(&tag.attributes)
            && let Some(called) = self.plays.take()
        {
            self.link(played, called);
        }
    }

    /// A link, in a paragraph of its own where none is open.
    fn link(&mut self, address: &str, words: &str) {
        let plain = Tag { attributes: Vec::new(), closes_itself: false };
        let stands_alone = !self.open.iter().any(|open| open.name == "p" || open.kind == Kind::Inline);
        if stands_alone {
            self.start("p", Kind::Block, &plain);
        }
        self.start("a", Kind::Inline, &Tag { attributes: vec![("href", address)], closes_itself: false });
        self.text(words);
        self.end("a", Kind::Inline);
        if stands_alone {
            self.end("p", Kind::Block);
        }
    }

    /// What is shown where no script runs: the picture that comes late elsewhere, unless it came already.
    fn without_script(&mut self, inner: &str) {
        if self.is_behind_picture || self.dropping > 0 {
            return;
        }
        let Some((_, rest)) = inner.split_once("<img").or_else(|| inner.split_once("<IMG")) else { return };
        if let Some((tag, _)) = attributes(rest, Some("img"), self.pasted) {
            self.start("img", Kind::Void, &tag);
        }
    }

    fn end(&mut self, name: &str, kind: Kind) {
        let name = if name == "tfoot" { "tbody" } else { name };
        let matches = |open: &Open| open.name == name || is_heading(open.name) && is_heading(name);
        // What stands in a cell ends nothing around the table.
        let barrier = |open: &Open| match kind {
            Kind::Table if name == "table" => false,
            Kind::Table => open.name == "table",
            Kind::Dropped => false,
            _ => open.kind == Kind::Table,
        };
        let found = self.open.iter().rposition(|open| matches(open) || barrier(open));
        let Some(at) = found.filter(|at| matches(&self.open[*at])) else { return };
        if kind == Kind::Inline && self.open[at..].iter().any(|open| open.kind != Kind::Inline) {
            self.open[at].ended = true;
        } else {
            self.close_from(at);
        }
    }

    /// Ends everything that is open from there on, the innermost first.
    fn close_from(&mut self, at: usize) {
        while self.open.len() > at || self.open.last().is_some_and(|last| last.ended) {
            let Some(open) = self.open.pop() else { return };
            self.dropping -= usize::from(open.kind == Kind::Dropped);
            if open.shown {
                self.out.extend(["</", open.name, ">"]);
                self.text_from = self.out.len();
            }
        }
    }
}

fn is_heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

/// The name of a tag, if it is one that matters, and what comes after it.
fn name(rest: &str, pasted: bool) -> (Option<(&'static str, Kind)>, &str) {
    let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    let known = (name.len() <= LONGEST_NAME)
        .then(|| {
            let more = PASTED.iter().filter(|_| pasted);
            KNOWN.iter().chain(more).find(|(known, _)| known.eq_ignore_ascii_case(name))
        })
        .flatten();
    (known.copied(), rest)
}

/// The attributes of a tag that we keep, and what comes after its `>`; `None` where it has no end.
fn attributes<'a>(rest: &'a str, tag: Option<&str>, pasted: bool) -> Option<(Tag<'a>, &'a str)> {
    let kept: &[&'static str] = match tag {
        Some("a") if pasted => &["href", "id", "name", "style"],
        Some("ol") if pasted => &["start", "id", "style"],
        Some("td" | "th") if pasted => &["colspan", "id", "style"],
        Some("img") if pasted => &[],
        Some(_) if pasted => &["style", "class", "id"],
        Some("a") => &["href", "title", "id", "name", "lang", "dir"],
        Some("img") => &[
            "src",
            "alt",
            "title",
            "width",
            "height",
            "lang",
            "dir",
            "data-src",
            "data-lazy-src",
            "data-original",
            "data-lazy",
            "srcset",
            "data-srcset",
            "data-lazy-srcset",
        ],
        Some("iframe" | "audio" | "video" | "source") => &["src", "data-src", "data-lazy-src", "title"],
        Some("ol") => &["start", "id", "lang", "dir"],
        Some("td" | "th") => &["colspan", "rowspan", "id", "lang", "dir"],
        Some(_) => &["id", "lang", "dir"],
        None => &[],
    };
    let mut found = Tag { attributes: Vec::new(), closes_itself: false };
    let mut rest = rest;
    loop {
        let space = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        found.closes_itself = rest[..rest.len() - space.len()].ends_with('/');
        if let Some(after) = space.strip_prefix('>') {
            return Some((found, after));
        }
        // A `=` at the start is part of the name.
        let first = space.chars().next()?.len_utf8();
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
        let end = space[first..].find(ends).map_or(space.len(), |at| first + at);
        let (name, after) = space.split_at(end);
        let unspaced = after.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let Some(value) = unspaced.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let value = value.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let quoted = [('"', value.strip_prefix('"')), ('\'', value.strip_prefix('\''))];
        let value = match quoted.into_iter().find_map(|(quote, inner)| Some((quote, inner?))) {
            Some((quote, inner)) => {
                let end = inner.find(quote)?;
                rest = &inner[end + 1..];
                &inner[..end]
            }
            None => {
                let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>')?;
                rest = &value[end..];
                &value[..end]
            }
        };
        let known = kept.iter().find(|known| known.eq_ignore_ascii_case(name));
        if let Some(name) = known
            && value.len() <= LONGEST_VALUE
            && !found
                .attributes
                .iter()
                .any(|(known, _)| known == name || !pasted && *name == "name" && *known == "id")
        {
            found.attributes.push((name, value));
        }
    }
}

fn after<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, after)| after)
}

/// What stands in a tag that ends at its own name alone, and what comes after that end.
fn after_raw<'a>(rest: &'a str, name: &'static str, endless: &mut Vec<&'static str>) -> (&'a str, &'a str) {
    let is_frame = matches!(name, "iframe" | "noscript");
    if is_frame && endless.contains(&name) {
        return ("", rest);
    }
    let mut from = 0;
    while let Some(at) = rest[from..].find("</") {
        let inner = &rest[..from + at];
        let tail = &rest[from + at + 2..];
        let is_it =
            tail.as_bytes().get(..name.len()).is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()));
        if is_it
            && tail[name.len()..].starts_with(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'))
        {
            return (inner, after(tail, ">"));
        }
        from += at + 2;
    }
    if is_frame {
        endless.push(name);
        return ("", rest);
    }
    (rest, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn markup_that_is_in_order_stays_as_it_is() {
        for fair in [
            "<p>A <em>fair</em> <a href=\"https://example.org/?a=1&amp;b\">link</a>.</p>\n<p>2 &lt; 3</p>",
            "<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>",
            "<table><tr><td colspan=\"2\">a</td></tr></table>",
            "<table><caption>a</caption><thead><tr><th>b</th></tr></thead><tbody><tr><td>c</td></tr></tbody></table>",
            "<dl><dt>a</dt><dd>b</dd></dl><figure><img src=\"/a\" alt=\"b\"><figcaption>c</figcaption></figure>",
        ] {
            assert_eq!(tame(fair), fair);
        }
    }

    #[test]
    fn broken_markup_ends_where_it_belongs_and_keeps_its_text() {
        for (broken, tamed) in [
            ("<p>One<p>Two", "<p>One</p><p>Two</p>"),
            ("<b>x<i>y</b>z</i>", "<b>x<i>y</i></b>z"),
            ("<b>x<p>y</b>z</p>w", "<b>x<p>yz</p></b>w"),
            ("<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"),
            ("<div><p>x</div>y</p>", "<div><p>x</p></div>y"),
            ("<table>x<td>y", "<table><tr><td>x</td><td>y</td></tr></table>"),
            ("<div><table><tr><td></div>x</table>y", "<div><table><tr><td>x</td></tr></table>y</div>"),
            ("<h1><a href=1><h2>x</a><h3>y", "<h1><a href=\"1\"><h2>x</h2></a></h1><h3>y</h3>"),
            ("<a href=1>x<a href='2\"'>y", "<a href=\"1\">x</a><a href=\"2&quot;\">y</a>"),
            ("<P CLASS=x LANG=en lang=de>a", "<p lang=\"en\">a</p>"),
            ("a<!-- b --><!c><?d?></ e>f", "af"),
            ("a < b </> <3", "a &lt; b  &lt;3"),
            ("<script>a</b></script >c<style>d", "c"),
            ("<div><form>a<div>b</div></div>c", "<div></div>c"),
            ("<svg/>a<svg><p>b</svg>c", "ac"),
            ("<title>a<b></title>c", "a&lt;b>c"),
            ("<article>a</article><x-y z>b", "ab"),
            ("a<a b='c>d", "a"),
        ] {
            assert_eq!(tame(broken), tamed, "{broken}");
        }
    }

    proptest! {
        /// Whatever comes, what is written is nested properly, in few levels, and is left as it is the second time.
        #[test]
        fn any_soup_becomes_tame(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "<p>", "</p>", "<b>", "</b>", "<a href=x>", "</a>", "<div>", "</div>", "<table>", "</table>", "<tr>", "</tr>",
                    "<td>", "</td>", "<caption>", "<thead>", "<li>", "<ul>", "</ul>", "<dt>", "<dd>", "<h1>", "</h2>", "<form>",
                    "</form>", "<svg>", "</svg>", "<script>", "</script>", "<br>", "<!--", "-->", "<", "\"", "'", "=", " ", "x", "&",
                ]),
                0..300,
            ),
        ) {
            let tamed = tame(&pieces.concat());
            let mut open = Vec::new();
            for tag in tamed.split('<').skip(1) {
                let name = tag.split(['>', ' ']).next().unwrap_or_default();
                match name.strip_prefix('/') {
                    Some(name) => prop_assert_eq!(open.pop(), Some(name), "{}", tamed),
                    None if name == "br" => {}
                    None => open.push(name),
                }
                prop_assert!(open.len() <= DEEPEST);
            }
            prop_assert!(open.is_empty(), "{}", tamed);
            prop_assert_eq!(tame(&tamed), tamed);
        }
    }
}

//! HTML made into Markdown: of what was pasted, and of what a feed brought and somebody wants to change.
//!
//! One pass over tags that are properly nested, with a stack and no recursion, so that it costs what its text is worth. What Markdown
//! has no sign for is left out but for a few tags that the desk keeps; the words stay.

mod framed;
mod lists;
mod signs;

use self::signs::{fenced, link_of, longest_run};
use super::{
    super::cleaning::html::{decode, sanitise_pasted},
    super::cleaning::scan::{Token, Tokens, attribute},
    inline::{Line, Mark, Place, described, destination},
    notes::Known,
    paste::WordItem,
    style::Look,
};

/// The most that is read of what was pasted, in bytes.
pub const LARGEST_PASTE: usize = 1_000_000;

/// Lists and quotations stand within each other so deep and no deeper.
const DEEPEST: usize = 10;

/// Clean HTML as Markdown, with its pictures.
#[must_use]
pub fn html_to_markdown(clean: &str) -> String {
    Marking::new(true).read(clean)
}

/// What was copied from a word processor or a web page as Markdown: headings, links, emphasis, lists, quotations, tables and footnotes.
#[must_use]
pub fn pasted_to_markdown(html: &str) -> String {
    // Browsers put signs around what was chosen, and a whole page around those.
    let from = html.find("<!--StartFragment-->").map_or(0, |at| at + "<!--StartFragment-->".len());
    let to = html.rfind("<!--EndFragment-->").filter(|to| *to >= from).unwrap_or(html.len());
    Marking::new(false).read(&sanitise_pasted(&html[from..to]))
}

/// Whatever stands in a row beyond these stands in the last.
const MOST_COLUMNS: usize = 30;

/// What parts one block from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gap {
    Line,
    Blank,
}

/// What stands at the beginning of each line.
#[derive(Debug)]
struct Prefix {
    first: String,
    rest: String,
    used: bool,
}

#[derive(Debug)]
struct List {
    ordered: bool,
    next: u64,
    sign: char,
    items: usize,
    /// How wide its last sign was.
    width: usize,
    /// A list that stands in a list and in none of its items is indented as if it did.
    indented: bool,
    /// Too deep to be shown as one.
    flat: bool,
}

/// What ends with an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Nothing,
    /// So many marks.
    Marks(usize),
    Paragraph,
    Heading,
    /// A quotation, or a footnote.
    Quote,
    List,
    Item,
    Pre,
    Code,
    Figure,
    Caption,
    Table,
    Row,
    Cell,
    /// What stands in it is not seen.
    Skipped,
}

#[derive(Debug)]
struct Open {
    ends: Ends,
    /// A block, which ends what stands before it and in it.
    block: bool,
}

#[derive(Debug, Default)]
struct Figure {
    /// Address and description.
    picture: Option<(String, String)>,
    caption: String,
    /// The caption with its marks, where it has some.
    marked: String,
    in_caption: bool,
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<Vec<String>>,
    in_cell: bool,
    /// How many columns the cell takes.
    wide: usize,
}

struct Marking {
    pictures: bool,
    out: String,
    gap: Gap,
    prefixes: Vec<Prefix>,
    line: Line,
    open: Vec<Open>,
    lists: Vec<List>,
    /// The sign of the list that has just ended.
    ended_list: Option<(bool, char)>,
    heading: Option<usize>,
    /// What stands as it was typed.
    typed: Option<String>,
    figure: Option<Figure>,
    table: Option<Table>,
    skipped: usize,
    /// How deep the list of Word's is, and how many elements are open around it.
    word: (usize, usize),
    /// Where a rule stands that nothing follows yet.
    rule: Option<usize>,
}

impl Marking {
    fn new(pictures: bool) -> Self {
        Self {
            pictures,
            out: String::new(),
            gap: Gap::Blank,
            prefixes: Vec::new(),
            line: Line::default(),
            open: Vec::new(),
            lists: Vec::new(),
            ended_list: None,
            heading: None,
            typed: None,
            figure: None,
            table: None,
            skipped: 0,
            word: (0, 0),
            rule: None,
        }
    }

    fn read(mut self, html: &str) -> String {
        let tokens: Vec<Token<'_>> = Tokens::of(html).collect();
        let known = Known::of(&tokens);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Text(text) => self.text(&decode(text)),
                Token::Open { name, raw } => self.start(at, name, raw, &tokens[at + 1..], &known),
                Token::Close { name, .. } => self.end(name),
            }
        }
        while !self.open.is_empty() {
            self.end("");
        }
        self.end_word(0);
        self.end_block();
        self.out
    }

    fn text(&mut self, text: &str) {
        if self.skipped > 0 {
            return;
        }
        if let Some(typed) = &mut self.typed {
            typed.push_str(text);
            return;
        }
        if let Some(figure) = self.figure.as_mut().filter(|figure| figure.in_caption) {
            figure.caption.push_str(text);
        }
        self.line.words(text);
    }

    fn start(&mut self, at: usize, name: &str, raw: &str, behind: &[Token<'_>], known: &Known) {
        let value = |which: &str| attribute(raw, which).map(decode).unwrap_or_default().into_owned();
        if matches!(name, "br" | "hr" | "img") {
            if self.skipped == 0 {
                self.void(name, &value);
            }
            return;
        }
        if self.skipped > 0 {
            return self.open.push(Open { ends: Ends::Nothing, block: false });
        }
        let (ends, block) = match name {
            "a" if known.back.contains(&at) => (Ends::Skipped, false),
            "a" if known.asks.contains_key(&at) => {
                self.line.raw(format!("[^{}]", known.asks[&at]));
                (Ends::Skipped, false)
            }
            "code" | "pre" if self.typed.is_some() => (Ends::Nothing, false),
            "code" => {
                self.typed = Some(String::new());
                (Ends::Code, false)
            }
            "a" | "b" | "strong" | "i" | "em" | "s" | "del" | "span" | "sup" | "sub" | "kbd" | "mark"
            | "small" | "cite" | "ins" | "u" | "q" | "abbr" => {
                (self.inline(name, &value, at, behind, known), false)
            }
            _ => (self.block(name, raw, &value, at, behind, known), true),
        };
        self.skipped += usize::from(ends == Ends::Skipped);
        self.open.push(Open { ends, block });
    }

    fn void(&mut self, name: &str, value: &dyn Fn(&str) -> String) {
        match name {
            "br" => match &mut self.typed {
                Some(typed) => typed.push('\n'),
                None => self.line.line_break(),
            },
            "hr" if self.table.is_none() => {
                self.before_block(false);
                if !self.out.is_empty() {
                    let before = self.out.len();
                    self.write_block("---");
                    self.rule = Some(before);
                }
            }
            "img" if self.pictures => {
                let (address, alt) = (value("src"), value("alt"));
                if address.is_empty() {
                    return;
                }
                let shown = format!("![{}]({})", described(&alt), destination(&address));
                match &mut self.figure {
                    Some(figure) if figure.picture.is_none() && !figure.in_caption => {
                        figure.picture = Some((address, alt));
                    }
                    _ => self.line.raw(shown),
                }
            }
            _ => {}
        }
    }

    fn inline(
        &mut self,
        name: &str,
        value: &dyn Fn(&str) -> String,
        at: usize,
        behind: &[Token<'_>],
        known: &Known,
    ) -> Ends {
        let look = Look::of(&value("style"));
        if look.gone {
            return Ends::Skipped;
        }
        if name == "q" {
            self.line.words("“");
        }
        let mut marks = Vec::new();
        let strong = matches!(name, "b" | "strong") && look.bold != Some(false) || look.bold == Some(true);
        if strong && self.heading.is_none() {
            marks.push(Mark::Strong);
        }
        // The sign of a footnote stands above the line by itself.
        let ask = (at..at + 4).zip(behind).any(|(at, _)| known.asks.contains_key(&(at + 1)));
        if matches!(name, "i" | "em") || look.italic {
            marks.push(Mark::Em);
        }
        if matches!(name, "s" | "del") || look.struck {
            marks.push(Mark::Strike);
        }
        let place = if name == "sup" || look.above {
            Some("sup")
        } else if name == "sub" || look.below {
            Some("sub")
        } else {
            match name {
                "kbd" => Some("kbd"),
                "mark" if self.pictures => Some("mark"),
                "small" if self.pictures => Some("small"),
                "cite" if self.pictures => Some("cite"),
                "ins" if self.pictures => Some("ins"),
                _ => None,
            }
        };
        marks.extend(place.filter(|_| !ask).map(Mark::Tag));
        if name == "a" {
            let address = link_of(&value("href"));
            marks.extend(address.map(Mark::Link));
        }
        let opened = marks.into_iter().filter(|mark| self.line.open(mark.clone())).count();
        Ends::Marks(opened)
    }

    fn block(
        &mut self,
        name: &str,
        raw: &str,
        value: &dyn Fn(&str) -> String,
        at: usize,
        behind: &[Token<'_>],
        known: &Known,
    ) -> Ends {
        let style = value("style");
        if Look::of(&style).gone {
            return Ends::Skipped;
        }
        let item = (name == "p" && self.table.is_none()).then(|| WordItem::of(raw, behind)).flatten();
        self.before_block(item.is_some());
        if self.table.as_ref().is_some_and(|table| table.in_cell) && !matches!(name, "tr" | "td" | "th") {
            return Ends::Paragraph;
        }
        if let Some(number) = known.notes.get(&at) {
            if let Some(rule) = self.rule.take() {
                self.out.truncate(rule);
            }
            let (first, rest) = (format!("[^{number}]: "), "    ".to_owned());
            self.prefixes.push(Prefix { first, rest, used: false });
            return Ends::Quote;
        }
        if let Some(item) = item {
            self.word_item(item);
            return Ends::Paragraph;
        }
        let class = value("class");
        let is = |word: &str| class.split_whitespace().any(|one| one == word);
        match name {
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name[1..].parse().unwrap_or(2);
                self.heading = Some(usize::max(level, 2));
                Ends::Heading
            }
            "p" if is("MsoTitle") => {
                self.heading = Some(2);
                Ends::Heading
            }
            "p" if is("MsoQuote") || is("MsoIntenseQuote") => self.quote(),
            "blockquote" => self.quote(),
            "ul" | "ol" => {
                let from = value("start").parse().unwrap_or(1);
                self.list(name == "ol", from);
                Ends::List
            }
            "li" if !self.lists.is_empty() => {
                self.item();
                Ends::Item
            }
            "pre" => {
                self.typed = Some(String::new());
                Ends::Pre
            }
            "figure" if self.figure.is_none() => {
                self.figure = Some(Figure::default());
                Ends::Figure
            }
            "figcaption" if self.figure.is_some() => {
                if let Some(figure) = &mut self.figure {
                    figure.in_caption = true;
                }
                Ends::Caption
            }
            "table" if self.table.is_none() && !known.layout.contains(&at) => {
                self.table = Some(Table::default());
                Ends::Table
            }
            "tr" if self.table.is_some() => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
                Ends::Row
            }
            "td" | "th" if self.table.as_ref().is_some_and(|table| !table.in_cell) => {
                let wide = value("colspan").parse::<usize>().unwrap_or(1).clamp(1, 50);
                if let Some(table) = &mut self.table {
                    (table.in_cell, table.wide) = (true, wide);
                    if table.rows.is_empty() {
                        table.rows.push(Vec::new());
                    }
                    if let Some(row) = table.rows.last_mut().filter(|row| row.len() < MOST_COLUMNS) {
                        row.push(String::new());
                    }
                }
                Ends::Cell
            }
            "dt" => {
                self.line.open(Mark::Strong);
                Ends::Marks(1)
            }
            _ => Ends::Paragraph,
        }
    }

    fn end(&mut self, name: &str) {
        if matches!(name, "br" | "hr" | "img") {
            return;
        }
        let Some(Open { ends, block }) = self.open.pop() else { return };
        if self.skipped > 0 {
            self.skipped -= usize::from(ends == Ends::Skipped);
            return;
        }
        if let Ends::Marks(number) = ends {
            if name == "q" {
                self.line.words("”");
            }
            for _ in 0..number {
                self.line.close();
            }
        }
        if ends == Ends::Code {
            let code = self.typed.take().unwrap_or_default();
            let code = fenced(&code);
            if !code.is_empty() {
                self.line.raw(code);
            }
        }
        if !block {
            return;
        }
        if self.open.len() < self.word.1 {
            self.end_word(0);
        }
        if ends != Ends::Pre {
            self.end_block();
        }
        match ends {
            Ends::Heading => self.heading = None,
            Ends::Quote => {
                self.prefixes.pop();
                self.gap = Gap::Blank;
            }
            Ends::List => self.end_list(),
            Ends::Item => {
                self.prefixes.pop();
            }
            Ends::Pre => self.end_typed(),
            Ends::Caption => {
                if let Some(figure) = &mut self.figure {
                    figure.in_caption = false;
                }
            }
            Ends::Figure => self.end_figure(),
            Ends::Cell => {
                if let Some(table) = &mut self.table {
                    table.in_cell = false;
                    let more = table.wide.saturating_sub(1);
                    if let Some(row) = table.rows.last_mut() {
                        row.resize((row.len() + more).min(MOST_COLUMNS), String::new());
                    }
                }
            }
            Ends::Table => self.end_table(),
            _ => {}
        }
    }

    /// A block begins: what stands before it is a paragraph of its own.
    fn before_block(&mut self, is_word_item: bool) {
        self.end_block();
        if !is_word_item {
            self.end_word(0);
        }
    }

    /// Writes what was collected, where it belongs.
    fn end_block(&mut self) {
        if let Some(cell) =
            self.table.as_mut().filter(|table| table.in_cell).and_then(|table| table.rows.last_mut())
        {
            let words = self.line.end(Place::Cell);
            if let Some(cell) = cell.last_mut()
                && !words.is_empty()
            {
                if !cell.is_empty() {
                    cell.push_str("<br>");
                }
                cell.push_str(&words);
            }
            return;
        }
        if let Some(figure) = self.figure.as_mut().filter(|figure| figure.in_caption) {
            let words = self.line.end(Place::Heading);
            if !words.is_empty() {
                if !figure.marked.is_empty() {
                    figure.marked.push(' ');
                }
                figure.marked.push_str(&words);
            }
            return;
        }
        let place = if self.heading.is_some() { Place::Heading } else { Place::Paragraph };
        let words = self.line.end(place);
        if words.is_empty() {
            return;
        }
        match self.heading {
            Some(level) => self.write_block(&format!("{} {words}", "#".repeat(level))),
            None => self.write_block(&words),
        }
    }

    /// Writes a block, each of its lines behind what stands at the beginning of it.
    fn write_block(&mut self, block: &str) {
        if !self.out.is_empty() {
            self.out.push('\n');
            if self.gap == Gap::Blank {
                let begun = self.prefixes.iter().take_while(|prefix| prefix.used);
                let blank: String = begun.map(|prefix| prefix.rest.as_str()).collect();
                self.out.push_str(blank.trim_end());
                self.out.push('\n');
            }
        }
        for (at, line) in block.split('\n').enumerate() {
            if at > 0 {
                self.out.push('\n');
            }
            let from = self.out.len();
            for prefix in &mut self.prefixes {
                self.out.push_str(if prefix.used { &prefix.rest } else { &prefix.first });
                prefix.used = true;
            }
            if line.is_empty() {
                let end = self.out.trim_end().len().max(from);
                self.out.truncate(end);
            }
            self.out.push_str(line);
        }
        self.gap = Gap::Blank;
        self.ended_list = None;
        self.rule = None;
    }

    fn end_typed(&mut self) {
        let typed = self.typed.take().unwrap_or_default();
        let typed = typed.trim_matches('\n');
        if typed.trim().is_empty() {
            return;
        }
        let fence = "`".repeat(longest_run(typed).max(2) + 1);
        self.write_block(&format!("{fence}\n{typed}\n{fence}"));
    }
}

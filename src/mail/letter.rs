//! An editor's letter in a mail: Markdown, read into blocks and runs of text whose looks the templates decide.
//!
//! The rule: what somebody writes is text. No markup of theirs reaches a mail: a template writes it, and escapes every word (TRUST A1,
//! A2). What has no place in a letter, such as HTML, stands there as it was typed, for nothing that was typed is lost.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};

use super::fields::{FieldMistake, LONGEST_LETTER, MailField, Shielded, check_fields};

/// In plain text a list in a list is moved in, and one in that; what is deeper no further.
const DEEPEST: usize = 3;

/// A paragraph, heading, item of a list, quotation or line of a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterBlock {
    pub is_words: bool,
    pub is_heading: bool,
    pub is_quote: bool,
    /// A line across.
    pub is_line: bool,
    pub is_item: bool,
    /// The first item of a list.
    pub opens_list: bool,
    /// The first item of a numbered list, which begins with `number`.
    pub opens_numbers: bool,
    pub number: u64,
    /// Whether its list stands in another.
    pub is_inner: bool,
    /// The last item of a list.
    pub ends_list: bool,
    pub ends_numbers: bool,
    /// What stands before it in plain text, such as `- `.
    pub sign: String,
    /// In plain text no empty line stands behind it.
    pub is_tight: bool,
    pub runs: Vec<Run>,
}

/// Some text of one look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// May hold fields.
    pub text: String,
    pub is_bold: bool,
    pub is_italic: bool,
    /// Where it leads; mostly empty.
    pub link: String,
    /// The address that stands behind it in plain text, where its words are another.
    pub address: String,
    /// A new line in the same block.
    pub is_break: bool,
}

/// Reads Markdown as a letter.
#[must_use]
pub fn letter(markdown: &str) -> Vec<LetterBlock> {
    Reading::of(markdown).0
}

/// Whether fields and links of a letter can be made.
///
/// # Errors
/// [`FieldMistake`], the first that there is.
pub fn check_letter(markdown: &str, known: &[MailField]) -> Result<(), FieldMistake> {
    if markdown.chars().count() > LONGEST_LETTER {
        return Err(FieldMistake::TooLong);
    }
    check_fields(markdown, known)?;
    let (blocks, wrong) = Reading::of(markdown);
    // Braces may be written so that they are none in the Markdown, and are in the letter.
    for run in blocks.iter().flat_map(|block| &block.runs) {
        check_fields(&run.text, known)?;
    }
    wrong.map_or(Ok(()), Err)
}

/// The list that an item stands in.
#[derive(Clone, Copy, Debug)]
struct List {
    id: usize,
    /// The list that it stands in, and that in another, at last.
    outermost: usize,
    /// The number of the next item, where they are numbered.
    next: Option<u64>,
}

/// A letter on its way from Markdown into blocks.
struct Reading {
    shielded: Shielded,
    blocks: Vec<LetterBlock>,
    /// The list of each block, if it is an item.
    of_list: Vec<Option<List>>,
    runs: Vec<Run>,
    bold: usize,
    italic: usize,
    link: String,
    /// Whether the present link is a picture's own.
    is_picture: bool,
    /// Where the runs of the present link begin.
    linked_from: usize,
    is_heading: bool,
    quotes: usize,
    lists: Vec<List>,
    lists_seen: usize,
    item: Option<List>,
    wrong: Option<FieldMistake>,
}

impl Reading {
    fn of(markdown: &str) -> (Vec<LetterBlock>, Option<FieldMistake>) {
        let shielded = Shielded::of(markdown);
        let text = shielded.text.clone();
        let mut reading = Self {
            shielded,
            blocks: Vec::new(),
            of_list: Vec::new(),
            runs: Vec::new(),
            bold: 0,
            italic: 0,
            link: String::new(),
            is_picture: false,
            linked_from: 0,
            is_heading: false,
            quotes: 0,
            lists: Vec::new(),
            lists_seen: 0,
            item: None,
            wrong: None,
        };
        for (event, at) in Parser::new_ext(&text, Options::empty()).into_offset_iter() {
            match event {
                // What is written as a number is the letter of that number, and never the field that another such letter stands for.
                Event::Text(letter) if text[at.clone()].starts_with('&') && !letter.starts_with('&') => {
                    reading.write(&Shielded::without(&letter));
                }
                event => reading.event(event),
            }
        }
        reading.end();
        reading.join();
        (reading.blocks, reading.wrong)
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.close(tag),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.write(&text);
            }
            Event::SoftBreak => self.write(" "),
            Event::HardBreak => self.new_line(),
            Event::Rule => {
                self.end();
                self.add(LetterBlock { is_line: true, sign: "* * *".into(), ..LetterBlock::default() }, None);
            }
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock | Tag::CodeBlock(_) => match self.item {
                Some(_) if !self.runs.is_empty() => self.new_line(),
                Some(_) => {}
                None => self.end(),
            },
            Tag::Heading { .. } => {
                self.end();
                self.is_heading = true;
            }
            Tag::BlockQuote(_) => {
                self.end();
                self.quotes += 1;
            }
            Tag::List(next) => {
                self.end();
                self.lists_seen += 1;
                let outermost = self.lists.first().map_or(self.lists_seen, |list| list.id);
                self.lists.push(List { id: self.lists_seen, outermost, next });
            }
            Tag::Item => {
                self.end();
                self.item = self.lists.last().copied();
                if let Some(List { next: Some(next), .. }) = self.lists.last_mut() {
                    *next += 1;
                }
            }
            Tag::Strong => self.bold += 1,
            Tag::Emphasis => self.italic += 1,
            Tag::Link { link_type, dest_url, .. } => self.lead_to(&dest_url, link_type),
            // Within a link it is the words of it that stand for it.
            Tag::Image { dest_url, .. } if self.link.is_empty() => {
                self.lead_to(&dest_url, LinkType::Inline);
                self.is_picture = true;
            }
            _ => {}
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph | TagEnd::HtmlBlock | TagEnd::CodeBlock if self.item.is_none() => self.end(),
            TagEnd::Heading(_) => {
                self.end();
                self.is_heading = false;
            }
            TagEnd::BlockQuote(_) => {
                self.end();
                self.quotes -= 1;
            }
            TagEnd::Item => {
                self.end();
                self.item = None;
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Link => self.end_link(),
            TagEnd::Image if std::mem::take(&mut self.is_picture) => self.end_link(),
            _ => {}
        }
    }

    /// What follows is a link, if that is one.
    fn lead_to(&mut self, address: &str, kind: LinkType) {
        let address = if kind == LinkType::Email { format!("mailto:{address}") } else { address.to_owned() };
        let leads = ["https://", "http://", "mailto:"].iter().any(|scheme| address.starts_with(scheme));
        let is_whole = !address.contains(|c: char| c.is_whitespace() || c.is_control());
        self.end_link();
        if self.shielded.holds_in(&address) {
            self.wrong.get_or_insert(FieldMistake::NotHere);
        } else if leads && is_whole {
            self.link = address;
        } else {
            self.wrong.get_or_insert(FieldMistake::NoAddress(address.chars().take(60).collect()));
        }
    }

    fn end_link(&mut self) {
        let link = std::mem::take(&mut self.link);
        let shown = link.strip_prefix("mailto:").unwrap_or(&link);
        let of_it = self.runs.get_mut(self.linked_from..).unwrap_or_default();
        let words: String = of_it.iter().map(|run| run.text.as_str()).collect();
        if let Some(last) = of_it.last_mut().filter(|_| words != shown && words != link) {
            last.address = shown.to_owned();
        }
        self.linked_from = self.runs.len();
    }

    /// Each line of the text is one of the letter: but for code and HTML it has one.
    fn write(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.new_line();
            }
            if line.is_empty() {
                continue;
            }
            let like = |run: &Run| {
                run.is_bold == (self.bold > 0) && run.is_italic == (self.italic > 0) && run.link == self.link
            };
            let line = self.shielded.restored(line);
            match self.runs.last_mut().filter(|run| !run.is_break && run.address.is_empty() && like(run)) {
                Some(run) => run.text.push_str(&line),
                None => self.runs.push(Run {
                    text: line,
                    is_bold: self.bold > 0,
                    is_italic: self.italic > 0,
                    link: self.link.clone(),
                    ..Run::default()
                }),
            }
        }
    }

    fn new_line(&mut self) {
        self.runs.push(Run { text: "\n".into(), is_break: true, ..Run::default() });
    }

    /// A block is over.
    fn end(&mut self) {
        self.end_link();
        self.linked_from = 0;
        let mut runs = std::mem::take(&mut self.runs);
        while runs.last().is_some_and(|run| run.is_break) {
            runs.pop();
        }
        if runs.is_empty() {
            return;
        }
        let block = match (self.is_heading, self.item, self.quotes > 0) {
            (true, ..) => LetterBlock { is_heading: true, runs, ..LetterBlock::default() },
            (_, Some(list), _) => {
                let sign = list.next.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
                let number = list.next.unwrap_or_default();
                let is_inner = self.lists.len() > 1;
                let sign = "  ".repeat(self.lists.len().clamp(1, DEEPEST) - 1) + &sign;
                LetterBlock { is_item: true, sign, number, is_inner, runs, ..LetterBlock::default() }
            }
            (_, _, true) => LetterBlock { is_quote: true, sign: "> ".into(), runs, ..LetterBlock::default() },
            _ => LetterBlock { is_words: true, runs, ..LetterBlock::default() },
        };
        let list = if block.is_item { self.item } else { None };
        self.add(block, list);
    }

    fn add(&mut self, block: LetterBlock, list: Option<List>) {
        self.blocks.push(block);
        self.of_list.push(list);
    }

    /// Neighbours of one list are that list: it opens before the first of them, and ends behind the last.
    fn join(&mut self) {
        let ids: Vec<Option<usize>> = self.of_list.iter().map(|list| list.map(|list| list.id)).collect();
        for (at, block) in self.blocks.iter_mut().enumerate() {
            let Some(list) = self.of_list[at] else { continue };
            let is_first = at == 0 || ids[at - 1] != ids[at];
            let is_last = ids.get(at + 1) != Some(&ids[at]);
            let is_numbered = list.next.is_some();
            (block.opens_list, block.opens_numbers) = (is_first && !is_numbered, is_first && is_numbered);
            (block.ends_list, block.ends_numbers) = (is_last && !is_numbered, is_last && is_numbered);
            let next = self.of_list.get(at + 1).copied().flatten();
            block.is_tight = next.is_some_and(|next| next.outermost == list.outermost);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As plain as it can be told: each block by its signs, each run by its own.
    fn told(markdown: &str) -> Vec<String> {
        let run = |run: &Run| {
            let mut told = run.text.clone();
            for (is, sign) in [(run.is_bold, "**"), (run.is_italic, "*")] {
                if is {
                    told = format!("{sign}{told}{sign}");
                }
            }
            let link = if run.link.is_empty() { String::new() } else { format!("<{}>", run.link) };
            let address = if run.address.is_empty() { String::new() } else { format!(" ({})", run.address) };
            format!("{told}{link}{address}")
        };
        let block = |block: LetterBlock| {
            let kinds = [
                (block.opens_list, "["),
                (block.opens_numbers, "(from "),
                (block.opens_numbers, if block.number == 1 { "1)" } else { "n)" }),
                (block.is_heading, "# "),
                (block.is_line, "---"),
            ];
            let before: String = kinds.iter().filter(|(is, _)| *is).map(|(_, sign)| *sign).collect();
            let behind = if block.ends_list || block.ends_numbers { "]" } else { "" };
            let runs: String = block.runs.iter().map(run).collect();
            let sign = if block.is_line { "" } else { &block.sign };
            format!("{before}{sign}{runs}{behind}")
        };
        letter(markdown).into_iter().map(block).collect()
    }

    #[test]
    fn an_empty_line_begins_a_paragraph() {
        assert_eq!(
            told("\nDear all,\nread this:\n\n \nhttps://example.org/a?b=c\n"),
            ["Dear all, read this:", "https://example.org/a?b=c"]
        );
        assert!(told(" \n\n").is_empty());
    }

    #[test]
    fn words_are_bold_italic_and_lead_somewhere() {
        assert_eq!(
            told("A **b** *c* [d *e*](https://example.org/x) f"),
            ["A **b** *c* d <https://example.org/x>*e*<https://example.org/x> (example.org/x) f"
                .replace("(example.org/x)", "(https://example.org/x)")]
        );
        assert_eq!(
            told("<https://example.org> <ann@example.org> [mail](mailto:ann@example.org)"),
            [
                "https://example.org<https://example.org> ann@example.org<mailto:ann@example.org> mail<mailto:ann@example.org> (ann@example.org)"
            ]
        );
        assert_eq!(
            told("## Soon\nSee you\\\nthere\n\n---\n\n> A\n>\n> B"),
            ["# Soon", "See you\nthere", "---", "> A", "> B"]
        );
    }

    #[test]
    fn a_list_stays_one() {
        assert_eq!(told("- a\n- b\n\nc\n\n3. d\n4. e"), ["[- a", "- b]", "c", "(from n)3. d", "4. e]"]);
        assert_eq!(
            told("1. a\n   - b\n   - c\n2. d"),
            ["(from 1)1. a]", "[  - b", "  - c]", "(from n)2. d]"]
        );
        assert_eq!(told("- a\n\n  b\n- c"), ["[- a\nb", "- c]"]);
    }

    /// TRUST A1, A2: markup is text, and so is a picture's address that nobody can follow.
    #[test]
    fn what_has_no_place_stands_as_it_was_typed() {
        assert_eq!(told("<script>x</script>\n\n<b>a</b> &lt;i&gt;"), ["<script>x</script>", "<b>a</b> <i>"]);
        assert_eq!(
            told("[a](javascript:alert(1)) ![a boat](https://example.org/b.jpg)"),
            ["a a boat<https://example.org/b.jpg> (https://example.org/b.jpg)"]
        );
        assert_eq!(
            told("[![Give](https://example.org/i.jpg)](https://example.org/give)"),
            ["Give<https://example.org/give> (https://example.org/give)"]
        );
        let wrong = |text: &str| check_letter(text, &[]).expect_err(text);
        for braces in [
            "{{name}} \\{\\{title}} there",
            "{{name}} &#123;&#123;",
            "&#123;&#123;field.secret, else \"x\"}}",
        ] {
            wrong(braces);
        }
        for address in ["javascript:alert(1)", "example.org", "/donate", "//example.org"] {
            assert_eq!(wrong(&format!("[a]({address})")), FieldMistake::NoAddress(address.into()));
        }
        assert_eq!(wrong("[a](https://example.org/{{name}})"), FieldMistake::NotHere);
        assert_eq!(check_letter("[a](https://example.org) {{name}}", &[]), Ok(()));
    }

    /// TRUST A2: no letter can be written so that it becomes a field, however its number is spelt.
    #[test]
    fn a_letter_by_its_number_is_no_field() {
        for number in ["&#xE000;", "&#xe000;", "&#57344;", "&#0057344;", "\u{e000}"] {
            let text = format!("Dear {{{{name, else \"all\"}}}}, **a{number}b** &amp; `&#9;`");
            assert_eq!(told(&text), ["Dear {{name, else \"all\"}}, **ab** & &#9;"], "{number}");
            let address = format!("[a](https://example.org/{number}) {{{{name}}}}");
            let runs = letter(&address).into_iter().flat_map(|block| block.runs);
            assert!(runs.into_iter().all(|run| !run.link.contains("name")), "{number}");
        }
    }

    #[test]
    fn a_letter_has_an_end() {
        assert_eq!(check_letter(&"é".repeat(LONGEST_LETTER), &[]), Ok(()));
        assert_eq!(check_letter(&"é".repeat(LONGEST_LETTER + 1), &[]), Err(FieldMistake::TooLong));
    }

    #[test]
    fn a_field_stays_whole_whatever_stands_in_it() {
        for field in [
            "{{field.first_name, else \"*dear* _one_\"}}",
            "{{name, else \"[x](y)\"}}",
            "{{name, else \"\"}}",
        ] {
            assert_eq!(
                told(&format!("**Dear** {field}, *{field}*")),
                [format!("**Dear** {field}, *{field}*")]
            );
        }
    }

    proptest! {
        /// Whatever is typed: its words are there, in their order, and no run leads where a mail must not.
        #[test]
        fn no_word_is_lost(text in "([a-z]{1,6}|[*_`~>#\\[\\]()!<&\\\\{}\"-]|[0-9]\\. | |\n){0,60}") {
            let words = |text: &str| text.chars().filter(char::is_ascii_lowercase).collect::<String>();
            let blocks = letter(&text);
            let read: String = blocks.iter().flat_map(|block| &block.runs).map(|run| run.text.as_str()).collect();
            if !text.contains(['[', '<', '`', '&']) {
                prop_assert_eq!(words(&read), words(&text));
            }
            for run in blocks.iter().flat_map(|block| &block.runs) {
                prop_assert!(run.link.is_empty() || ["https://", "http://", "mailto:"].iter().any(|scheme| run.link.starts_with(scheme)));
            }
            let balance = |open: fn(&LetterBlock) -> bool, end: fn(&LetterBlock) -> bool| {
                blocks.iter().filter(|one| open(one)).count() == blocks.iter().filter(|one| end(one)).count()
            };
            prop_assert!(balance(|one| one.opens_list, |one| one.ends_list) && balance(|one| one.opens_numbers, |one| one.ends_numbers));
        }
    }
}

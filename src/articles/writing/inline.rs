//! The words of one paragraph, and how they are marked: collected as they come, written at its end, when it is known what stands beside
//! what. Marks take the spaces at their ends outside, neighbours that look alike become one, and where Markdown's stars would not be
//! read as they are meant, tags take their place.

/// How words are marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Strong,
    Em,
    Strike,
    /// To this address.
    Link(String),
    /// A tag that Markdown has no sign for, and the desk keeps.
    Tag(&'static str),
}

#[derive(Clone, Debug)]
enum Piece {
    /// Words, not yet escaped; spaces at their ends count.
    Words(String),
    /// Markdown.
    Raw(String),
    Break,
    Open(Mark),
    Close(Mark),
}

/// The words of one paragraph.
#[derive(Debug, Default)]
pub(super) struct Line {
    pieces: Vec<Piece>,
    /// What is open now, the outermost first.
    open: Vec<Mark>,
}

impl Line {
    pub(super) fn words(&mut self, text: &str) {
        if let Some(Piece::Words(before)) = self.pieces.last_mut() {
            before.push_str(text);
        } else {
            self.pieces.push(Piece::Words(text.to_owned()));
        }
    }

    pub(super) fn raw(&mut self, markdown: String) {
        self.pieces.push(Piece::Raw(markdown));
    }

    pub(super) fn line_break(&mut self) {
        self.pieces.push(Piece::Break);
    }

    /// Marks what comes; `false` where it is marked so already.
    pub(super) fn open(&mut self, mark: Mark) -> bool {
        let link = |mark: &Mark| matches!(mark, Mark::Link(_));
        if self.open.contains(&mark) || link(&mark) && self.open.iter().any(link) {
            return false;
        }
        // What has just ended goes on, if nothing but a space stands between.
        let last = self.pieces.len();
        let space = matches!(self.pieces.last(), Some(Piece::Words(words)) if words.trim().is_empty());
        let closed = last.checked_sub(1 + usize::from(space));
        let goes_on = closed.and_then(|at| self.pieces.get(at));
        if let (Some(at), Some(Piece::Close(before))) = (closed, goes_on)
            && *before == mark
            && !matches!(mark, Mark::Tag(_))
        {
            self.pieces.remove(at);
        } else {
            self.pieces.push(Piece::Open(mark.clone()));
        }
        self.open.push(mark);
        true
    }

    /// Ends the innermost of what is marked.
    pub(super) fn close(&mut self) {
        if let Some(mark) = self.open.pop() {
            self.pieces.push(Piece::Close(mark));
        }
    }

    /// Ends the paragraph: its Markdown, empty if it holds no words. What was open goes on in the next.
    pub(super) fn end(&mut self, place: Place) -> String {
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.extend(self.open.iter().rev().cloned().map(Piece::Close));
        self.pieces.extend(self.open.iter().cloned().map(Piece::Open));
        write(&settled(pieces), place)
    }
}

/// Where a paragraph stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Paragraph,
    /// On one line.
    Heading,
    /// On one line, where a stroke parts it from the next.
    Cell,
}

#[derive(Clone, Debug)]
enum Settled {
    Space,
    Break,
    Words(String),
    Raw(String),
    Open(Mark),
    Close(Mark),
}

/// Spaces stand outside of marks and once, and nothing is marked that is empty.
fn settled(pieces: Vec<Piece>) -> Vec<Settled> {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Gap {
        None,
        Space,
        Break,
    }
    let mut settled: Vec<Settled> = Vec::with_capacity(pieces.len());
    let mut opening: Vec<Mark> = Vec::new();
    let mut gap = Gap::None;
    let show = |gap: &mut Gap, opening: &mut Vec<Mark>, shown: Settled, settled: &mut Vec<Settled>| {
        if !settled.is_empty() {
            match gap {
                Gap::None => {}
                Gap::Space => settled.push(Settled::Space),
                Gap::Break => settled.push(Settled::Break),
            }
        }
        *gap = Gap::None;
        settled.extend(opening.drain(..).map(Settled::Open));
        settled.push(shown);
    };
    for piece in pieces {
        match piece {
            Piece::Words(words) => {
                let core = one_spaced(&words);
                if words.starts_with(char::is_whitespace) && gap == Gap::None {
                    gap = Gap::Space;
                }
                if core.is_empty() {
                    continue;
                }
                show(&mut gap, &mut opening, Settled::Words(core), &mut settled);
                if words.ends_with(char::is_whitespace) {
                    gap = Gap::Space;
                }
            }
            Piece::Raw(raw) => show(&mut gap, &mut opening, Settled::Raw(raw), &mut settled),
            Piece::Break => gap = Gap::Break,
            Piece::Open(mark) => opening.push(mark),
            Piece::Close(mark) => {
                if opening.pop().is_none() {
                    settled.push(Settled::Close(mark));
                }
            }
        }
    }
    settled
}

/// Words with one space between them; a space that does not break stays where it is alone.
fn one_spaced(words: &str) -> String {
    let mut spaced = String::with_capacity(words.len());
    let mut gap: Option<char> = None;
    for c in words.trim().chars() {
        if c.is_whitespace() {
            gap = Some(if gap.is_none() && c == '\u{a0}' { c } else { ' ' });
        } else if !matches!(c, '\u{200b}' | '\u{feff}' | '\u{ad}') {
            spaced.extend(gap.take());
            spaced.push(c);
        }
    }
    spaced
}

fn write(settled: &[Settled], place: Place) -> String {
    let as_tags = as_tags(settled);
    let mut out = String::new();
    let mut open: Vec<bool> = Vec::new();
    let (mut in_link, mut begins, mut skip) = (false, true, 0);
    for (at, one) in settled.iter().enumerate() {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        match one {
            Settled::Space => out.push(' '),
            Settled::Break => {
                out.push_str(match place {
                    Place::Paragraph => "\\\n",
                    Place::Heading => " ",
                    Place::Cell => "<br>",
                });
                begins = place == Place::Paragraph;
                continue;
            }
            Settled::Words(words) => {
                let before = out.chars().next_back().filter(|_| !begins);
                let next = settled.get(at + 1);
                let mut words =
                    escaped(words, before, in_link, matches!(next, Some(Settled::Open(Mark::Link(_)))));
                if begins && place == Place::Paragraph {
                    words = begun(&words);
                }
                match place {
                    Place::Cell => words = words.replace('|', "\\|"),
                    Place::Heading if next.is_none() && words.ends_with('#') => {
                        words.insert(words.len() - 1, '\\');
                    }
                    Place::Heading | Place::Paragraph => {}
                }
                out.push_str(&words);
            }
            Settled::Raw(raw) => out.push_str(raw),
            Settled::Open(Mark::Link(address)) => {
                if let [Settled::Words(words), Settled::Close(Mark::Link(_)), ..] = &settled[at + 1..]
                    && words == address
                    && !address.contains(['<', '>', ' '])
                {
                    out.extend(["<", address, ">"]);
                    skip = 2;
                } else {
                    out.push('[');
                    in_link = true;
                }
            }
            Settled::Close(Mark::Link(address)) => {
                out.extend(["](", &destination(address), ")"]);
                in_link = false;
            }
            Settled::Open(mark) => {
                open.push(as_tags[at]);
                out.push_str(&signs(mark, as_tags[at]).0);
            }
            Settled::Close(mark) => out.push_str(&signs(mark, open.pop().unwrap_or_default()).1),
        }
        begins = false;
    }
    out
}

fn signs(mark: &Mark, as_tag: bool) -> (String, String) {
    let tag = match (mark, as_tag) {
        (Mark::Strong, false) => return ("**".to_owned(), "**".to_owned()),
        (Mark::Em, false) => return ("*".to_owned(), "*".to_owned()),
        (Mark::Strike, false) => return ("~~".to_owned(), "~~".to_owned()),
        (Mark::Strong, true) => "strong",
        (Mark::Em, true) => "em",
        (Mark::Strike, true) => "del",
        (Mark::Tag(tag), _) => tag,
        (Mark::Link(_), _) => return ("[".to_owned(), "]".to_owned()),
    };
    (format!("<{tag}>"), format!("</{tag}>"))
}

/// Which of the marks have to be tags, because stars would not be read as their beginning or end (CommonMark 6.2).
fn as_tags(settled: &[Settled]) -> Vec<bool> {
    let starred = |one: &Settled| {
        matches!(one, Settled::Open(Mark::Strong | Mark::Em | Mark::Strike))
            || matches!(one, Settled::Close(Mark::Strong | Mark::Em | Mark::Strike))
    };
    let star = |one: &Settled| {
        matches!(one, Settled::Open(Mark::Strong | Mark::Em) | Settled::Close(Mark::Strong | Mark::Em))
    };
    // What kind of sign each piece begins and ends with.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Sign {
        Space,
        Letter,
        Other,
    }
    let kind = |c: Option<char>| match c {
        None => Sign::Space,
        Some(c) if c.is_whitespace() => Sign::Space,
        Some(c) if c.is_alphanumeric() => Sign::Letter,
        Some(_) => Sign::Other,
    };
    let first = |one: &Settled| match one {
        Settled::Space | Settled::Break => Sign::Space,
        Settled::Words(words) => kind(words.chars().next()),
        _ => Sign::Other,
    };
    let last = |one: &Settled| match one {
        Settled::Space | Settled::Break => Sign::Space,
        Settled::Words(words) => kind(words.chars().next_back()),
        _ => Sign::Other,
    };
    // Behind the last piece that is no star, and before the next.
    let mut before = Vec::with_capacity(settled.len());
    let mut sign = Sign::Space;
    for one in settled {
        before.push(sign);
        if !starred(one) {
            sign = last(one);
        }
    }
    let mut after = vec![Sign::Space; settled.len()];
    let mut sign = Sign::Space;
    for (at, one) in settled.iter().enumerate().rev() {
        after[at] = sign;
        if !starred(one) {
            sign = first(one);
        }
    }
    let mut tags = vec![false; settled.len()];
    let mut open = Vec::new();
    for (at, one) in settled.iter().enumerate() {
        if !starred(one) {
            continue;
        }
        let beside = |at: Option<usize>| at.and_then(|at| settled.get(at));
        if matches!(one, Settled::Open(_)) {
            let begins = after[at] == Sign::Letter || before[at] != Sign::Letter;
            let clear = !matches!(beside(at.checked_sub(1)), Some(other @ Settled::Close(_)) if star(other) && star(one));
            tags[at] = !(begins && clear);
            open.push(at);
        } else if let Some(began) = open.pop() {
            let ends = before[at] == Sign::Letter || after[at] != Sign::Letter;
            let clear =
                !matches!(beside(Some(at + 1)), Some(other @ Settled::Open(_)) if star(other) && star(one));
            if !(ends && clear) {
                tags[began] = true;
            }
        }
    }
    tags
}

/// Words whose signs would be read as Markdown, with a stroke before each.
fn escaped(words: &str, before: Option<char>, in_link: bool, before_link: bool) -> String {
    let mut out = String::with_capacity(words.len() + words.len() / 16);
    let mut previous = before;
    let mut rest = words.char_indices().peekable();
    // Where the next bracket closes, looked for once.
    let mut closes = 0;
    while let Some((at, c)) = rest.next() {
        let next = rest.peek().map(|(_, next)| *next);
        let spaced = |c: Option<char>| c.is_none_or(char::is_whitespace);
        let wordy = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let escape = match c {
            '\\' | '`' => true,
            '*' => !(spaced(previous) && spaced(next)) || previous.is_none(),
            '_' => !(wordy(previous) && wordy(next)),
            '<' => next.is_none_or(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '&' => is_entity(&words[at + 1..]),
            '~' => next == Some('~') || previous == Some('~'),
            '[' | ']' if in_link => true,
            '[' => {
                if closes <= at {
                    closes = words[at..].find(']').map_or(words.len(), |found| at + found);
                }
                let behind = words[closes..].chars().nth(1);
                next == Some('^') || behind.is_none_or(|sign| matches!(sign, '(' | '[' | ':'))
            }
            '!' => next == Some('[') || next.is_none() && before_link,
            _ => false,
        };
        if escape {
            out.push('\\');
        }
        out.push(c);
        previous = Some(c);
    }
    out
}

/// Whether what stands behind an ampersand ends as a sign with a name does.
fn is_entity(behind: &str) -> bool {
    const LONGEST: usize = 40;
    let name =
        behind.bytes().take(LONGEST).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
    name > 0 && behind[name..].starts_with(';')
}

/// The beginning of a line, where it would be read as that of a heading, a quotation, a list or a rule.
fn begun(words: &str) -> String {
    let marks = words.find(|c: char| c != '#').unwrap_or(words.len());
    let heading = (1..=6).contains(&marks) && words[marks..].chars().next().is_none_or(char::is_whitespace);
    let alone = |sign: char| {
        let behind = words.strip_prefix(sign);
        behind.is_some_and(|rest| rest.chars().next().is_none_or(|c| c.is_whitespace() || c == sign))
    };
    if heading || words.starts_with('>') || ['-', '+', '='].into_iter().any(alone) {
        return format!("\\{words}");
    }
    let digits = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(words.len());
    if (1..=9).contains(&digits) && words[digits..].starts_with(['.', ')']) {
        let behind = words[digits + 1..].chars().next();
        if behind.is_none_or(char::is_whitespace) {
            return format!("{}\\{}", &words[..digits], &words[digits..]);
        }
    }
    words.to_owned()
}

/// An address as it stands in a link.
pub(super) fn destination(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            ' ' => out.push_str("%20"),
            '(' => out.push_str("%28"),
            ')' => out.push_str("%29"),
            '<' => out.push_str("%3C"),
            '>' => out.push_str("%3E"),
            '\\' => out.push_str("%5C"),
            '|' => out.push_str("%7C"),
            '*' => out.push_str("%2A"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Words on one line, as they stand in the description of a picture or in a title.
pub(super) fn described(words: &str) -> String {
    escaped(&one_spaced(words), None, true, false)
}

//! The blocks of an edition as rows of a form: read from it, and shown in it, with and without a script.
//!
//! Each row says what it is in one field, `block`, as `KEY.KIND`; the fields of its kind come in the order of the rows. So a browser that
//! drags rows about changes what is sent, and nothing else has to know.

use serde::Serialize;

use crate::{
    articles::{self, ArticleId},
    publishing::{Block, Content, Edition, Look, ShownArticle},
    web::{Desk, Form, WebError, desk::moved::Moved, words::articles::line},
};

/// The fields of a row.
const ROW: [&str; 7] = ["block", "look", "headline", "says", "words", "label", "link"];

/// What is said to whoever wants more than [`MOST_BLOCKS`](crate::publishing::MOST_BLOCKS).
pub(super) const TOO_MANY: &str = "An edition holds at most 200 blocks. Go back, and take some out first.";

/// A block in its row.
#[derive(Serialize)]
pub(super) struct Row {
    /// What buttons call it.
    key: usize,
    /// As the field `block` says it.
    token: String,
    /// What people call it.
    name: String,
    /// What is known of an article.
    line: String,
    article: Option<ArticleRow>,
    is_words: bool,
    words: String,
    button: Option<ButtonRow>,
    is_line: bool,
    is_appeal: bool,
    /// It was just moved or put in: which of its buttons, or whether its first field, goes on with that.
    focus: &'static str,
    /// What is wrong with what was typed into it.
    wrong: Vec<String>,
    /// Somebody ticked that a correction goes without it.
    pub(super) is_left_out: bool,
}

#[derive(Serialize)]
struct ArticleRow {
    looks: Vec<LookChoice>,
    title: String,
    standfirst: String,
    headline: String,
    says: String,
    /// It is shown otherwise than it is.
    is_changed: bool,
}

#[derive(Serialize)]
struct LookChoice {
    word: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct ButtonRow {
    label: String,
    link: String,
}

/// The blocks of a form, each with what its buttons call it.
pub(super) fn read(form: &Form) -> Result<Vec<(String, Block)>, WebError> {
    let again = || WebError::BadRequest("Open the edition again and try once more.");
    let tokens = form.all("block");
    let mut fields = ROW.map(|name| form.all(name).iter());
    let mut next = |name: &str| {
        let at = ROW.iter().position(|one| *one == name);
        at.and_then(|at| fields[at].next()).cloned().unwrap_or_default()
    };
    let block = |token: &String| {
        let (key, kind) = token.split_once('.').ok_or_else(again)?;
        let block = match kind.split_once('-').unwrap_or((kind, "")) {
            ("article", id) => Block::Article(ShownArticle {
                id: ArticleId(id.parse().map_err(|_| again())?),
                look: match next("look").trim() {
                    "" => Look::Usual,
                    word => Look::parse(word).ok_or_else(again)?,
                },
                title: next("headline"),
                standfirst: next("says"),
            }),
            ("words", _) => Block::Words(next("words")),
            ("button", _) => Block::Button { label: next("label"), url: next("link") },
            ("line", _) => Block::Line,
            ("appeal", _) => Block::Appeal,
            _ => return Err(again()),
        };
        Ok((key.to_owned(), block))
    };
    tokens.iter().map(block).collect()
}

/// Refuses articles that are not there, as no page of ours offers them. Those that the edition has are.
pub(super) async fn check_there(
    desk: &Desk,
    edition: &Edition,
    rows: &[(String, Block)],
) -> Result<(), WebError> {
    let known = edition.content.article_ids();
    let mut ids: Vec<ArticleId> = rows.iter().filter_map(|(_, block)| block.article_id()).collect();
    ids.retain(|id| !known.contains(id));
    let there = articles::by_ids(&desk.site().db, &ids).await?;
    match ids.iter().all(|id| there.iter().any(|article| article.id == *id)) {
        true => Ok(()),
        false => Err(WebError::BadRequest("Open the edition again and try once more.")),
    }
}

/// A new block of a kind, as the buttons that put one in call it.
pub(super) fn new(kind: &str) -> Option<Block> {
    match kind {
        "words" => Some(Block::Words(String::new())),
        "button" => Some(Block::Button { label: String::new(), url: String::new() }),
        "line" => Some(Block::Line),
        "appeal" => Some(Block::Appeal),
        _ => None,
    }
}

/// Puts a block in below all others, but above an appeal that ends the edition; returns where.
pub(super) fn put_in(rows: &mut Vec<(String, Block)>, new: Block) -> usize {
    let at = match rows.last() {
        Some((_, Block::Appeal)) => rows.len() - 1,
        _ => rows.len(),
    };
    rows.insert(at, (String::new(), new));
    at
}

/// The rows of an edition; `wrong` says by the number of a block what is wrong with it.
pub(super) async fn rows(
    desk: &Desk,
    content: &Content,
    wrong: &[(usize, String)],
    moved: &Moved,
) -> Result<Vec<Row>, WebError> {
    let articles = articles::by_ids(&desk.site().db, &content.article_ids()).await?;
    let of = content.blocks.len();
    let row = |(key, block): (usize, &Block)| {
        let mut row = Row {
            key,
            token: format!("{key}."),
            name: String::new(),
            line: String::new(),
            article: None,
            is_words: false,
            words: String::new(),
            button: None,
            is_line: false,
            is_appeal: false,
            focus: if moved.is_new(&key.to_string()) {
                "new"
            } else {
                moved.focus(&key.to_string(), (key, of))
            },
            is_left_out: false,
            wrong: wrong.iter().filter(|(at, _)| *at == key).map(|(_, wrong)| wrong.clone()).collect(),
        };
        match block {
            Block::Article(shown) => {
                let article = articles.iter().find(|article| article.id == shown.id)?;
                row.token.push_str(&format!("article-{}", shown.id.0));
                row.name.clone_from(&article.title);
                row.line = line(article, &desk.settings);
                row.article = Some(ArticleRow {
                    looks: Look::ALL.map(|look| choice(look, shown.look)).into(),
                    title: article.title.clone(),
                    standfirst: article.standfirst.clone(),
                    headline: shown.title.clone(),
                    says: shown.standfirst.clone(),
                    is_changed: *block != Block::article(shown.id),
                });
            }
            Block::Words(words) => {
                row.token.push_str("words");
                row.name = beginning(words).unwrap_or_else(|| "Words".to_owned());
                row.is_words = true;
                row.words.clone_from(words);
            }
            Block::Button { label, url } => {
                row.token.push_str("button");
                row.name = if label.is_empty() { "Button".to_owned() } else { label.clone() };
                row.button = Some(ButtonRow { label: label.clone(), link: url.clone() });
            }
            Block::Line => {
                row.token.push_str("line");
                row.name = "Line".to_owned();
                row.is_line = true;
            }
            Block::Appeal => {
                row.token.push_str("appeal");
                row.name = "Appeal".to_owned();
                row.is_appeal = true;
            }
        }
        Some(row)
    };
    Ok(content.blocks.iter().enumerate().filter_map(row).collect())
}

/// What was moved, in words, and where it is now.
pub(super) fn told(rows: &[Row]) -> Option<String> {
    let at = rows.iter().position(|row| matches!(row.focus, "up" | "down"))?;
    Some(Moved::told(&rows[at].name, (at, rows.len())))
}

fn choice(look: Look, chosen: Look) -> LookChoice {
    let label = match look {
        Look::Usual => "As usual: the first one leads",
        Look::Lead => "Large, with its picture",
        Look::Short => "Short: its title and a line",
    };
    LookChoice { word: look.as_str(), label, chosen: look == chosen }
}

/// The first words of a text, for what calls a block by them.
fn beginning(words: &str) -> Option<String> {
    let first: Vec<&str> = words
        .split_whitespace()
        .map(|word| word.trim_matches(['*', '_', '#', '`']))
        .filter(|word| word.contains(char::is_alphanumeric))
        .take(6)
        .collect();
    (!first.is_empty()).then(|| first.join(" ").chars().take(40).collect())
}

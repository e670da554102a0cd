//! The blocks of an edition as rows of a form: read from it, and shown in it, with and without a script.
//!
//! Each row says what it is in one field, `block`, as `KEY.KIND`; the fields of its kind come in the order of the rows. So a browser that
//! drags rows about changes what is sent, and nothing else has to know.

use serde::Serialize;

use crate::{
    articles::{self, ArticleId},
    publishing::{self, Block, Content, Edition, Eyes, Look, Placed, Readers, ShownArticle, Whom, WhomKind},
    segments,
    subscribers::DonorState,
    web::{Desk, Form, WebError, desk::moved::Moved, words::articles::line},
};

/// The fields of a row.
const ROW: [&str; 8] = ["block", "whom", "look", "headline", "says", "words", "label", "link"];

/// What the kind of a block begins with that is hidden.
const HIDDEN: &str = "hidden-";

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
    /// Who sees it, in words.
    seen_by: String,
    is_for_some: bool,
    /// Who could.
    readers: Vec<ReadersGroup>,
    /// It stays in the draft, and stands in no mail.
    is_hidden: bool,
    /// One more like it can be put beside it.
    is_copied: bool,
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

/// Choices that belong together.
#[derive(Serialize)]
struct ReadersGroup {
    label: &'static str,
    choices: Vec<ReadersChoice>,
}

#[derive(Serialize)]
struct ReadersChoice {
    word: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct ButtonRow {
    label: String,
    link: String,
}

/// The blocks of a form, each with what its buttons call it.
pub(super) fn read(form: &Form) -> Result<Vec<(String, Placed)>, WebError> {
    let again = || WebError::BadRequest("Open the edition again and try once more.");
    let tokens = form.all("block");
    let mut fields = ROW.map(|name| form.all(name).iter());
    let mut next = |name: &str| {
        let at = ROW.iter().position(|one| *one == name);
        at.and_then(|at| fields[at].next()).cloned().unwrap_or_default()
    };
    let block = |token: &String| {
        let (key, kind) = token.split_once('.').ok_or_else(again)?;
        let whom = whom(&next("whom")).ok_or_else(again)?;
        let (is_hidden, kind) = kind.strip_prefix(HIDDEN).map_or((false, kind), |kind| (true, kind));
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
        Ok((key.to_owned(), Placed { block: block.hidden(is_hidden), whom }))
    };
    tokens.iter().map(block).collect()
}

/// Refuses articles that are not there, as no page of ours offers them. Those that the edition has are.
pub(super) async fn check_there(
    desk: &Desk,
    edition: &Edition,
    rows: &[(String, Placed)],
) -> Result<(), WebError> {
    let known = written_ids(&edition.content);
    let mut ids: Vec<ArticleId> =
        rows.iter().filter_map(|(_, placed)| placed.block.as_written().article_id()).collect();
    ids.retain(|id| !known.contains(id));
    let there = articles::by_ids(&desk.site().db, &ids).await?;
    match ids.iter().all(|id| there.iter().any(|article| article.id == *id)) {
        true => Ok(()),
        false => Err(WebError::BadRequest("Open the edition again and try once more.")),
    }
}

/// The articles in a draft, hidden or not.
pub(super) fn written_ids(content: &Content) -> Vec<ArticleId> {
    content.blocks.iter().filter_map(|placed| placed.block.as_written().article_id()).collect()
}

/// Puts one more beside a block of words or a button; returns where, none for others.
pub(super) fn copied(rows: &mut Vec<(String, Placed)>, at: Option<usize>) -> Option<usize> {
    let at = at.filter(|at| is_copied(&rows[*at].1.block))?;
    let twin = rows[at].1.clone();
    rows.insert(at + 1, (String::new(), twin));
    Some(at + 1)
}

fn is_copied(block: &Block) -> bool {
    matches!(block.as_written(), Block::Words(_) | Block::Button { .. })
}

/// Hides a block or shows it again; returns where it is.
pub(super) fn switched(rows: &mut [(String, Placed)], at: Option<usize>, is_hidden: bool) -> Option<usize> {
    let (_, placed) = &mut rows[at?];
    placed.block = placed.block.clone().hidden(is_hidden);
    at
}

/// A block that was taken out, in the revision that still has it.
#[derive(Serialize)]
pub(super) struct TakenOut {
    /// As the button says it that puts it back.
    place: String,
    name: String,
}

/// What can be put back, as the address of the page says it; none if that is no block of this edition.
pub(super) async fn taken_out(
    desk: &Desk,
    edition: &Edition,
    moved: &Moved,
) -> Result<Option<TakenOut>, WebError> {
    let Some(place) = moved.taken_out() else { return Ok(None) };
    let Some(block) = of_revision(desk, edition.id, place).await? else { return Ok(None) };
    let name = match block.block.as_written() {
        Block::Article(shown) => {
            let article = articles::by_ids(&desk.site().db, &[shown.id]).await?.pop();
            article.map_or_else(|| "The article".to_owned(), |article| format!("“{}”", article.title))
        }
        Block::Words(words) => {
            beginning(words).map_or_else(|| "What stood there".to_owned(), |words| format!("“{words}”"))
        }
        Block::Button { label, .. } if !label.is_empty() => format!("“{label}”"),
        Block::Button { .. } => "The button".to_owned(),
        Block::Line => "The line".to_owned(),
        Block::Appeal | Block::Hidden(_) => "The appeal".to_owned(),
    };
    Ok(Some(TakenOut { place: place.to_owned(), name }))
}

/// Puts a block back where it stood; returns where it stands.
pub(super) async fn put_back(
    desk: &Desk,
    edition: &Edition,
    rows: &mut Vec<(String, Placed)>,
    place: &str,
) -> Result<Option<usize>, WebError> {
    let Some(block) = of_revision(desk, edition.id, place).await? else { return Ok(None) };
    let at = place.split_once('.').and_then(|(_, at)| at.parse().ok()).unwrap_or(rows.len()).min(rows.len());
    rows.insert(at, (String::new(), block));
    Ok(Some(at))
}

/// The block of an earlier revision, by `REVISION.PLACE`.
async fn of_revision(desk: &Desk, edition: i64, place: &str) -> Result<Option<Placed>, WebError> {
    let numbers = place.split_once('.').and_then(|(one, at)| Some((one.parse().ok()?, at.parse().ok()?)));
    let Some((revision, at)): Option<(i64, usize)> = numbers else { return Ok(None) };
    match publishing::load_revision(&desk.site().db, edition, revision).await {
        Ok(edition) => Ok(edition.content.blocks.into_iter().nth(at)),
        Err(publishing::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
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
pub(super) fn put_in(rows: &mut Vec<(String, Placed)>, new: Block) -> usize {
    let ends_with_appeal = rows.last().is_some_and(|(_, last)| *last.block.as_written() == Block::Appeal);
    let at = rows.len() - usize::from(ends_with_appeal);
    rows.insert(at, (String::new(), new.into()));
    at
}

/// The rows of an edition; `wrong` says by the number of a block what is wrong with it.
pub(super) async fn rows(
    desk: &Desk,
    content: &Content,
    wrong: &[(usize, String)],
    moved: &Moved,
) -> Result<Vec<Row>, WebError> {
    let articles = articles::by_ids(&desk.site().db, &written_ids(content)).await?;
    let of = content.blocks.len();
    let segments = segment_names(desk).await?;
    let row = |(key, Placed { block, whom }): (usize, &Placed)| {
        let mut row = Row {
            key,
            token: format!("{key}.{}", if block.is_hidden() { HIDDEN } else { "" }),
            is_hidden: block.is_hidden(),
            is_copied: is_copied(block),
            name: String::new(),
            line: String::new(),
            article: None,
            is_words: false,
            words: String::new(),
            button: None,
            is_line: false,
            is_appeal: false,
            seen_by: seen_by(*whom, &segments),
            is_for_some: *whom != Whom::Everybody,
            readers: readers(*whom, &segments),
            focus: if moved.is_new(&key.to_string()) {
                "new"
            } else if moved.is_switched(&key.to_string()) {
                "switch"
            } else {
                moved.focus(&key.to_string(), (key, of))
            },
            is_left_out: false,
            wrong: wrong.iter().filter(|(at, _)| *at == key).map(|(_, wrong)| wrong.clone()).collect(),
        };
        match block.as_written() {
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
                    is_changed: *block.as_written() != Block::article(shown.id),
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
            Block::Appeal | Block::Hidden(_) => {
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
    let at = rows.iter().position(|row| matches!(row.focus, "up" | "down" | "switch"))?;
    let row = &rows[at];
    Some(match (row.focus, row.is_hidden) {
        ("switch", true) => {
            format!("“{}” is hidden: it stays in the draft, and no reader gets it.", row.name)
        }
        ("switch", false) => format!("“{}” is shown again.", row.name),
        _ => Moved::told(&row.name, (at, rows.len())),
    })
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

/// For whom a row says that its block is, as `KIND:WORD`, or `KIND:segment:KEY`.
fn whom(said: &str) -> Option<Whom> {
    let said = said.trim();
    let Some((kind, readers)) = said.split_once(':') else {
        return said.is_empty().then_some(Whom::Everybody);
    };
    let (word, segment) = match readers.split_once(':') {
        Some((word, segment)) => (word, Some(segment.parse().ok()?)),
        None => (readers, None),
    };
    Whom::read(WhomKind::parse(kind)?, word, segment)
}

/// With whose eyes somebody wants to look at an edition.
pub(super) fn eyes(said: &str) -> Option<Eyes<'static>> {
    match said {
        "" => Some(Eyes::Sample),
        "nameless" => Some(Eyes::Nameless),
        "stranger" => Some(Eyes::Stranger),
        said => whom(&format!("only:{said}"))?.readers().map(Eyes::One),
    }
}

/// As [`eyes`] reads it.
pub(super) fn as_whom(readers: Readers) -> String {
    said(Whom::Only(readers)).trim_start_matches("only:").to_owned()
}

/// The same, as rows say it.
fn said(whom: Whom) -> String {
    match whom.words() {
        (WhomKind::Everybody, ..) => String::new(),
        (kind, word, None) => format!("{kind}:{word}"),
        (kind, word, Some(segment)) => format!("{kind}:{word}:{segment}"),
    }
}

/// Every segment, by its key and name.
pub(super) async fn segment_names(desk: &Desk) -> Result<Vec<(i64, String)>, WebError> {
    Ok(segments::all(&desk.site().db).await?.into_iter().map(|one| (one.id, one.name)).collect())
}

/// Who sees a block, for people: "everybody", "only those who never gave".
pub(super) fn seen_by(whom: Whom, segments: &[(i64, String)]) -> String {
    match whom {
        Whom::Everybody => "everybody".to_owned(),
        Whom::Only(readers) => format!("only those {}", who(readers, segments)),
        Whom::But(readers) => format!("all but those {}", who(readers, segments)),
    }
}

/// Readers, as they are spoken of.
pub(super) fn who(readers: Readers, segments: &[(i64, String)]) -> String {
    let usual = match readers {
        Readers::Giving(DonorState::Never) => "who never gave",
        Readers::Giving(DonorState::Once) => "who gave, and not regularly",
        Readers::Giving(DonorState::Monthly) => "who give regularly",
        Readers::Giving(DonorState::Lapsed) => "who gave regularly and stopped",
        Readers::Giving(DonorState::Failing) => "whose regular payment failed",
        Readers::JustGave => "who just gave",
        Readers::Segment(segment) => {
            let name = segments.iter().find(|(id, _)| *id == segment).map(|(_, name)| name.as_str());
            return name.map_or_else(
                || "a segment that was deleted".to_owned(),
                |name| format!("who are in “{name}”"),
            );
        }
    };
    usual.to_owned()
}

fn readers(chosen: Whom, segments: &[(i64, String)]) -> Vec<ReadersGroup> {
    let choice = |whom: Whom| ReadersChoice {
        word: said(whom),
        label: match whom.readers() {
            Some(readers) => who(readers, segments),
            None => "Everybody".to_owned(),
        },
        chosen: whom == chosen,
    };
    // One that is gone stays what was chosen until somebody chooses again.
    let gone = chosen
        .readers()
        .filter(|one| matches!(one, Readers::Segment(id) if segments.iter().all(|(known, _)| known != id)));
    let all: Vec<Readers> = Readers::USUAL
        .into_iter()
        .chain(segments.iter().map(|(id, _)| Readers::Segment(*id)))
        .chain(gone)
        .collect();
    vec![
        ReadersGroup { label: "", choices: vec![choice(Whom::Everybody)] },
        ReadersGroup {
            label: "Only those",
            choices: all.iter().map(|one| choice(Whom::Only(*one))).collect(),
        },
        ReadersGroup {
            label: "All but those",
            choices: all.iter().map(|one| choice(Whom::But(*one))).collect(),
        },
    ]
}

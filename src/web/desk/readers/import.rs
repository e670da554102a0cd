//! `/desk/imports/{import}`: a list on its way in: what its columns and words are, the sums, the press, how far it is.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
};
use futures_util::stream;
use serde::Serialize;

use super::{
    imports::standing,
    in_sums::{When, sentences, taken_back},
};
use crate::{
    answers::FieldKind,
    clock::Moment,
    db::Db,
    moving_in::{ColumnRole, EMPTY, EVERYBODY, ImportChoices, State, guarded},
    subscribers::{
        self, AskedOfColumn, Basis, BringInError, IMPLIED, Import, ImportAnswers, ImportReport, ImportState,
        Seen,
        fields::{self, Field},
        lists,
    },
    web::{
        Desk, Form, Outcome, Posted, WebError,
        answers::{conflict, table},
        session::see_other,
        words::{count, grouped, readers::field_kind},
    },
    words::in_a_sentence,
};

const FIELDS: &[&str] = &["seen", "list", "makes-lists", "basis", "ground", "source", "everybody"];
const SEEN: &[&str] = &["seen"];
/// Fields that the file has: a column, or a word of one.
const OF_FILE: &str = "of-";
/// The basis of who agreed.
const CONSENT: &str = "consent";
/// It is kept as an answer to a field that is called as the column is.
const AS_FIELD: &str = "field";
/// The same, as a line of text, whatever all of it is.
const AS_TEXT: &str = "text";
/// The page looks again after so long, while something goes on.
const AGAIN: HeaderValue = HeaderValue::from_static("3");

/// What is left of one that was taken back before figures of that were kept.
const UNDONE: &str = "What it changed is as it was, but for what happened since: whoever left, or agreed themselves, meanwhile stays so, and whoever was mailed meanwhile is off the list and stays known.";

#[derive(Serialize)]
struct Page {
    id: String,
    file: String,
    from: Option<&'static str>,
    /// No file of that program was seen by whoever wrote what is known of it.
    is_unverified: bool,
    rows: String,
    state: &'static str,
    look: &'static str,
    /// Who brought it, and when.
    begun: String,
    /// Why it does not go on.
    trouble: String,
    seen: i64,
    ask: Option<Ask>,
    ready: Option<Ready>,
    goes_on: Option<GoesOn>,
    over: Option<Over>,
    has_problems: bool,
    may_be_taken_back: bool,
    /// The one that has to be taken back first.
    later: Option<Later>,
    may_be_removed: bool,
    form: Form,
}

/// The second step.
#[derive(Serialize)]
struct Ask {
    lists: Vec<Choice>,
    several: bool,
    columns: Vec<Column>,
    /// How many of them are not read.
    not_read: String,
    /// What else is in the file.
    others: String,
    words: Vec<Words>,
    everybody: Option<Vec<Choice>>,
    /// It may be any of the files that its program writes.
    is_any_file: bool,
    lacks_addresses: bool,
    lacks: Option<String>,
    first: Vec<Row>,
    names_lists: bool,
    makes_lists: bool,
    /// The one that was chosen, if any was.
    basis: String,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

#[derive(Serialize)]
struct Column {
    name: String,
    heading: String,
    /// What has to be said of it.
    asks: String,
    /// Of our own export: nobody chooses.
    is_fixed: bool,
    choices: Vec<Choice>,
    error: String,
}

#[derive(Serialize)]
struct Words {
    heading: String,
    words: Vec<Word>,
}

#[derive(Serialize)]
struct Word {
    name: String,
    value: String,
    count: String,
    choices: Vec<Choice>,
    error: String,
}

#[derive(Serialize)]
struct Row {
    line: u64,
    file: String,
    email: String,
    name: String,
    list: String,
    becomes: &'static str,
    look: &'static str,
    problem: String,
    more: String,
}

/// The third step.
#[derive(Serialize)]
struct Ready {
    sentences: Vec<String>,
    answers: String,
}

#[derive(Serialize)]
struct GoesOn {
    title: &'static str,
    words: String,
    /// Of a thousand; none while nothing can be said.
    of_thousand: Option<u64>,
    may_be_stopped: bool,
}

#[derive(Serialize)]
struct Later {
    id: String,
    file: String,
}

#[derive(Serialize)]
struct Over {
    title: &'static str,
    sentences: Vec<String>,
    answers: String,
}

async fn found(desk: &Desk, id: &str) -> Result<Import, WebError> {
    subscribers::find_import(&desk.site().db, id).await?.ok_or(WebError::NotFound)
}

/// `GET /desk/imports/{import}`
pub(crate) async fn show(desk: Desk, Path(id): Path<String>) -> Outcome {
    let import = found(&desk, &id).await?;
    let seen = import.seen()?;
    let form = Form::with_more(FIELDS, names(&seen));
    let form = match import.basis.as_str() {
        // Nobody agreed because nobody said anything.
        "" => form,
        CONSENT => form.with("basis", CONSENT),
        IMPLIED => form.with("basis", IMPLIED),
        ground => form.with("basis", "other").with("ground", ground),
    };
    let form = form.with("source", import.source.as_str());
    let form = form.with("list", import.list_id.map(|id| id.to_string()).unwrap_or_default());
    let form = if import.makes_lists { form.with("makes-lists", "yes") } else { form };
    let page = page(&desk, &import, &seen, form).await?;
    let mut response = desk.page("desk/readers/import", &page.file, &page).await?;
    if import.state.goes_on() {
        response.headers_mut().insert(header::REFRESH, AGAIN);
    }
    Ok(response)
}

/// `POST /desk/imports/{import}`
pub(crate) async fn submit(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let import = found(&desk, &id).await?;
    let seen = import.seen()?;
    let mut form = posted.form_with(FIELDS, OF_FILE, names(&seen))?;
    let choices = chosen(&seen, &mut form);
    let lists = lists::mailed(&desk.site().db).await?;
    let list = form.parse("list", |id| {
        lists.iter().find(|list| list.id.to_string() == id).map(|list| list.id).ok_or("Choose a list.")
    });
    let basis = match form.text("basis") {
        CONSENT => CONSENT.to_owned(),
        IMPLIED => IMPLIED.to_owned(),
        "other" => form.required("ground", 300, "Say on what ground in law you may mail them."),
        _ => {
            form.mistake("basis", "Say on what ground you may mail these people.");
            String::new()
        }
    };
    let source = form.required(
        "source",
        300,
        "Say where and when they agreed: it stands with each of them as the proof.",
    );
    let version = form.text("seen").parse().map(Moment).unwrap_or(Moment(0));
    let (Some(list), true) = (list, form.is_valid()) else {
        let page = page(&desk, &import, &seen, form).await?;
        return desk.page_again("desk/readers/import", &page.file, &page).await;
    };
    let basis = Basis { basis, source };
    let makes_lists = form.is_ticked("makes-lists");
    let answers = ImportAnswers { list, basis: &basis, makes_lists, choices: &choices };
    match subscribers::say_of_import(desk.site(), &import, version, &answers).await {
        Ok(()) => Ok(see_other(&format!("/desk/imports/{id}"))),
        Err(BringInError::Changed) => changed(&desk, &id).await,
        Err(error) => Err(error.into()),
    }
}

/// The page as it is now, for somebody who acted on one that was out of date.
async fn changed(desk: &Desk, id: &str) -> Outcome {
    let import = found(desk, id).await?;
    let seen = import.seen()?;
    let form = Form::with_more(FIELDS, names(&seen));
    let mut page = page(desk, &import, &seen, form).await?;
    page.trouble = "It went on since you opened the page, or somebody else did something with it. This is how it is now.".to_owned();
    desk.page("desk/readers/import", &page.file, &page).await.map(conflict)
}

/// `POST /desk/imports/{import}/back`
pub(crate) async fn back(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let import = found(&desk, &id).await?;
    done(&desk, &id, subscribers::say_of_import_anew(desk.site(), &import).await, &id_path(&id)).await
}

/// `POST /desk/imports/{import}/go`
pub(crate) async fn go(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    let form = posted.form(SEEN)?;
    let import = found(&desk, &id).await?;
    let version = form.text("seen").parse().map(Moment).unwrap_or(Moment(0));
    let went = subscribers::go_on_with_import(desk.site(), &import, version, desk.who.staff.id).await;
    done(&desk, &id, went, &id_path(&id)).await
}

/// `POST /desk/imports/{import}/stop`
pub(crate) async fn stop(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let import = found(&desk, &id).await?;
    let stopped = subscribers::stop_import(desk.site(), &import, desk.who.staff.id).await;
    done(&desk, &id, stopped, &format!("/desk/imports/{id}?done=import-stopped")).await
}

/// `POST /desk/imports/{import}/remove`
pub(crate) async fn remove(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let import = found(&desk, &id).await?;
    let removed = subscribers::remove_import(desk.site(), &import).await;
    done(&desk, &id, removed, "/desk/imports?done=import-removed").await
}

/// `POST /desk/imports/{import}/undo`
pub(crate) async fn undo(desk: Desk, Path(id): Path<String>, posted: Posted) -> Outcome {
    posted.form(&[])?;
    let import = found(&desk, &id).await?;
    let begun = subscribers::take_import_back(desk.site(), &import, desk.who.staff.id).await;
    done(&desk, &id, begun, &id_path(&id)).await
}

fn id_path(id: &str) -> String {
    format!("/desk/imports/{id}")
}

async fn done(desk: &Desk, id: &str, what: Result<(), BringInError>, to: &str) -> Outcome {
    match what {
        Ok(()) => Ok(see_other(to)),
        Err(BringInError::Changed) => changed(desk, id).await,
        Err(error) => Err(error.into()),
    }
}

/// What is read on.
struct Reading {
    db: Db,
    import: Import,
    after: u64,
    is_begun: bool,
}

type Broken = Box<dyn std::error::Error + Send + Sync>;

/// `GET /desk/imports/{import}/problems`: the lines that are not taken, as a file.
pub(crate) async fn problems(desk: Desk, Path(id): Path<String>) -> Outcome {
    let import = found(&desk, &id).await?;
    desk.looks("", "problems of an import").await?;
    let reading = Reading { db: desk.site().db.clone(), import, after: 0, is_begun: false };
    Ok(table("problems.csv", stream::try_unfold(reading, next)))
}

/// The next lines of the file; none when all were read.
async fn next(mut reading: Reading) -> Result<Option<(Vec<u8>, Reading)>, Broken> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if !reading.is_begun {
        reading.is_begun = true;
        csv.write_record(["File", "Line", "Problem"])?;
        return Ok(Some((csv.into_inner()?, reading)));
    }
    let found = subscribers::problems_of_import(&reading.db, &reading.import, reading.after).await?;
    let Some(last) = found.last() else { return Ok(None) };
    reading.after = last.line;
    for one in &found {
        let (file, line) = one.place();
        let file = guarded(file.unwrap_or(&reading.import.file));
        csv.write_record([file, line.to_string(), guarded(&in_a_sentence(&one.why))])?;
    }
    Ok(Some((csv.into_inner()?, reading)))
}

fn of_column(at: usize) -> String {
    format!("{OF_FILE}column-{at}")
}

fn of_word(column: usize, at: usize) -> String {
    format!("{OF_FILE}word-{column}-{at}")
}

/// What the form asks of the file.
fn names(seen: &Seen) -> Vec<String> {
    let columns = (0..seen.columns.len()).map(of_column);
    let words = seen.words.iter().enumerate();
    let words = words.flat_map(|(column, words)| (0..words.words.len()).map(move |at| of_word(column, at)));
    columns.chain(words).collect()
}

/// What was said that is otherwise than it was taken for, or had to be said.
fn chosen(seen: &Seen, form: &mut Form) -> ImportChoices {
    let mut choices = ImportChoices::default();
    for (at, column) in seen.columns.iter().enumerate() {
        let name = of_column(at);
        let typed = form.text(&name).to_owned();
        if is_fixed(&column.role) || typed.is_empty() && column.asks.is_none() || column.heading.is_empty() {
            continue;
        }
        let role = match typed.as_str() {
            AS_FIELD => Some(ColumnRole::Field(column.heading.clone())),
            AS_TEXT => Some(ColumnRole::TextField(column.heading.clone())),
            typed => ColumnRole::named(typed),
        };
        let Some(role) = role else {
            form.mistake(&name, format_args!("Say what the column {} is.", column.heading));
            continue;
        };
        if column.asks.is_some() || role.word() != column.role {
            choices.columns.push((column.heading.clone(), role));
        }
    }
    for (column, words) in seen.words.iter().enumerate() {
        for (at, word) in words.words.iter().enumerate() {
            let name = of_word(column, at);
            let said = match (form.text(&name), word.becomes) {
                ("", Some(state)) => Some(state),
                (typed, _) => State::parse(typed),
            };
            match said {
                None => form.mistake(
                    &name,
                    format_args!("Say what “{}” means in the column {}.", shown(&word.value), words.heading),
                ),
                Some(said) if word.becomes == Some(said) => {}
                Some(said) => choices.words.push((Some(words.heading.clone()), word.value.clone(), said)),
            }
        }
    }
    if seen.everybody.is_some() {
        match State::parse(form.text("everybody")) {
            Some(state) => choices.words.push((Some(EVERYBODY.to_owned()), String::new(), state)),
            None => form.mistake("everybody", "Say how the people in this file stand."),
        }
    }
    let mut singles: Vec<(String, &str)> = Vec::new();
    for (at, column) in seen.columns.iter().enumerate() {
        let typed = form.text(&of_column(at));
        let role = if typed.is_empty() { column.role.clone() } else { typed.to_owned() };
        singles.push((role, column.heading.as_str()));
    }
    let emails = singles.iter().filter(|(role, _)| role == "email").count();
    if emails != 1 && !seen.columns.is_empty() {
        let message = if emails == 0 {
            "Say which column has the addresses."
        } else {
            "One column alone can be the address."
        };
        let at = singles.iter().rposition(|(role, _)| role == "email").unwrap_or_default();
        form.mistake(&of_column(at), message);
    }
    choices
}

/// What only our own export says: nobody can choose it.
fn is_fixed(role: &str) -> bool {
    ColumnRole::named(role).is_none()
}

fn shown(value: &str) -> &str {
    if value.is_empty() { EMPTY } else { value }
}

fn roles(heading: &str, chosen: &str, is_open: bool, (seen, fields): (FieldKind, &[Field])) -> Vec<Choice> {
    let mut all = Vec::new();
    if is_open && chosen.is_empty() {
        all.push(Choice { value: String::new(), label: "Choose what it is".to_owned(), chosen: true });
    }
    let role = |(value, label): &(&str, &str)| Choice {
        value: (*value).to_owned(),
        label: match *value {
            "not-read" if is_open => "Not read: it says nothing about mail".to_owned(),
            _ => (*label).to_owned(),
        },
        chosen: *value == chosen,
    };
    all.extend(ColumnRole::WORDS.iter().map(role));
    let (as_field, as_text) = (chosen.strip_prefix("field:"), chosen.strip_prefix("text:"));
    let named = as_field.or(as_text);
    if let Some(name) = named {
        let words = [format!("field:{name}"), format!("text:{name}")];
        all.extend(kept(name, (seen, fields), words, chosen));
    }
    if named != Some(heading) && !heading.is_empty() {
        all.extend(kept(heading, (seen, fields), [AS_FIELD, AS_TEXT].map(str::to_owned), chosen));
    }
    all
}

/// How a column can be kept as answers to a field: as what all of it is, or as text. One that is there already is of its own kind.
fn kept(
    name: &str,
    (seen, fields): (FieldKind, &[Field]),
    [as_field, as_text]: [String; 2],
    chosen: &str,
) -> Vec<Choice> {
    let there = fields::called(fields, name).map(|field| field.kind);
    let choice = |value: String, kind: FieldKind| {
        let label = format!("{}, kept as the field “{name}”", field_kind(kind));
        Choice { chosen: value == chosen, value, label }
    };
    let can_differ = there.is_none() && seen != FieldKind::Text;
    let is_text = chosen == as_text;
    match can_differ {
        true => vec![choice(as_field, seen), choice(as_text, FieldKind::Text)],
        false => vec![choice(if is_text { as_text } else { as_field }, there.unwrap_or(FieldKind::Text))],
    }
}

fn states(chosen: Option<State>) -> Vec<Choice> {
    let mut all = Vec::new();
    if chosen.is_none() {
        all.push(Choice { value: String::new(), label: "Choose".to_owned(), chosen: true });
    }
    let state = |state: State| Choice {
        value: state.as_str().to_owned(),
        label: first_large(state.words()),
        chosen: chosen == Some(state),
    };
    all.extend(State::ALL.into_iter().map(state));
    all
}

fn first_large(text: &str) -> String {
    in_a_sentence(text).trim_end_matches('.').to_owned()
}

async fn page(desk: &Desk, import: &Import, seen: &Seen, form: Form) -> Result<Page, WebError> {
    let (state, look) = standing(import.state);
    let zone = desk.zone();
    let begun = match import.who.as_str() {
        "" => format!("Begun at the command line, {}.", import.created_at.date_time(zone)),
        who => format!("Begun by {who}, {}.", import.created_at.date_time(zone)),
    };
    let ask = match import.state {
        ImportState::Asking if !seen.columns.is_empty() => Some(ask(desk, seen, &form).await?),
        _ => None,
    };
    let to =
        if seen.columns.iter().any(|column| column.role == "list") { "their lists" } else { &import.list };
    let answers = format!("{}: {}", ground(&import.basis), import.source);
    let ready = match import.state {
        ImportState::Ready => Some(Ready {
            sentences: sentences(&import.expected()?, to, When::Before),
            answers: answers.clone(),
        }),
        _ => None,
    };
    let over = match import.state {
        ImportState::Done => Some("Everybody is here"),
        ImportState::Stopped => Some("Stopped"),
        ImportState::Undone => Some("Taken back"),
        _ => None,
    };
    let over = match over {
        Some(title) => {
            let mut sentences = sentences(&import.report()?, to, When::After);
            if import.state == ImportState::Undone {
                sentences = match import.taken_back()? {
                    Some(back) => taken_back(&back, import.report()?.added),
                    None => vec![UNDONE.to_owned()],
                };
            }
            Some(Over { title, sentences, answers })
        }
        None => None,
    };
    Ok(Page {
        id: import.public_id.clone(),
        file: import.file.clone(),
        from: seen.preset.map(|preset| preset.name()),
        is_unverified: seen.preset.is_some_and(|preset| !preset.is_verified()),
        rows: count(i64::try_from(seen.rows).unwrap_or(i64::MAX), "row"),
        state,
        look,
        begun,
        trouble: if import.trouble.is_empty() { String::new() } else { in_a_sentence(&import.trouble) },
        seen: import.changed_at.0,
        goes_on: goes_on(import, seen)?,
        ask,
        ready,
        over,
        has_problems: subscribers::has_problems(&desk.site().db, import).await?,
        may_be_taken_back: subscribers::import_may_be_taken_back(desk.site(), import).await?,
        later: subscribers::later_import(desk.site(), import).await?.map(|(id, file)| Later { id, file }),
        may_be_removed: import.state.is_before(),
        form,
    })
}

/// On what ground in law, for people.
fn ground(basis: &str) -> String {
    match basis {
        CONSENT => "They agreed".to_owned(),
        IMPLIED => "They bought or gave, and their consent is implied for a time".to_owned(),
        other => first_large(other),
    }
}

fn goes_on(import: &Import, seen: &Seen) -> Result<Option<GoesOn>, WebError> {
    let so_far = |report: &ImportReport, done: &str| {
        let part = (report.rows.min(seen.rows) * 1_000).checked_div(seen.rows).unwrap_or(1_000);
        let (rows, all) = (grouped(i64::try_from(report.rows).unwrap_or(i64::MAX)), seen.rows);
        let all = grouped(i64::try_from(all).unwrap_or(i64::MAX));
        (format!("{rows} of {all} rows {done}."), Some(part))
    };
    let (title, (words, of_thousand)) = match import.state {
        ImportState::Reading => ("Reading the file …", ("Nothing is written yet.".to_owned(), None)),
        ImportState::Counting => {
            let (words, part) = so_far(&import.report()?, "are looked at");
            (
                "Finding out what would become of everybody …",
                (format!("{words} Nothing is written yet."), part),
            )
        }
        ImportState::Running => ("They come in …", so_far(&import.report()?, "are done")),
        ImportState::Undoing => {
            ("It is taken back …", ("What it changed becomes as it was.".to_owned(), None))
        }
        _ => return Ok(None),
    };
    Ok(Some(GoesOn { title, words, of_thousand, may_be_stopped: import.state == ImportState::Running }))
}

async fn ask(desk: &Desk, seen: &Seen, form: &Form) -> Result<Ask, WebError> {
    let lists = lists::mailed(&desk.site().db).await?;
    let fields = fields::all(&desk.site().db).await?;
    let first = lists.first().map(|list| list.id.to_string()).unwrap_or_default();
    let chosen = if form.text("list").is_empty() { first } else { form.text("list").to_owned() };
    let column = |(at, column): (usize, &subscribers::SeenColumn)| {
        let name = of_column(at);
        let guess = match &column.asks {
            Some(AskedOfColumn::Column { guess, .. }) => guess.as_str(),
            Some(AskedOfColumn::Unclear { .. }) => "",
            None if seen.lacks_addresses && column.example.contains('@') => "email",
            None => column.role.as_str(),
        };
        let typed = form.text(&name);
        let chosen = if typed.is_empty() { guess } else { typed };
        let asks = match &column.asks {
            None if !column.example.is_empty() => format!("In the first row: “{}”.", column.example),
            None => String::new(),
            Some(AskedOfColumn::Column { count: number, .. }) => format!(
                "It has something in {}, and may say who is not to be mailed. Is this what it is?",
                count(i64::try_from(*number).unwrap_or(i64::MAX), "row")
            ),
            Some(AskedOfColumn::Unclear { example }) => {
                format!(
                    "It may say who is not to be mailed: it holds things such as “{example}”. If it says nothing about mail, choose that it is not read."
                )
            }
        };
        let is_open = column.asks.is_some();
        Column {
            choices: roles(&column.heading, chosen, is_open, (column.kind, &fields)),
            heading: if column.heading.is_empty() {
                "A column without a heading".to_owned()
            } else {
                column.heading.clone()
            },
            asks,
            is_fixed: is_fixed(&column.role) || column.heading.is_empty(),
            error: form.error(&name).to_owned(),
            name,
        }
    };
    let words = |(at, words): (usize, &subscribers::SeenWords)| {
        let word = |(number, word): (usize, &subscribers::SeenWord)| {
            let name = of_word(at, number);
            let typed = State::parse(form.text(&name));
            Word {
                value: shown(&word.value).to_owned(),
                count: count(i64::try_from(word.count).unwrap_or(i64::MAX), "row"),
                choices: states(typed.or(word.becomes).or(word.guess)),
                error: form.error(&name).to_owned(),
                name,
            }
        };
        Words { heading: words.heading.clone(), words: words.words.iter().enumerate().map(word).collect() }
    };
    let row = |row: &subscribers::SeenRow| Row {
        line: row.line,
        file: row.file.clone(),
        email: row.email.clone(),
        name: row.name.clone(),
        list: row.list.clone(),
        becomes: row.state.map_or("not taken", State::words),
        look: match row.state {
            Some(State::OnList) => "good",
            Some(State::Unconfirmed) => "warn",
            Some(State::NotTaken) => "draft",
            _ => "bad",
        },
        problem: if row.problem.is_empty() { String::new() } else { in_a_sentence(&row.problem) },
        more: row
            .more
            .iter()
            .map(|(name, answer)| format!("{name}: {answer}"))
            .collect::<Vec<_>>()
            .join("; "),
    };
    let choice = |list: &lists::List| Choice {
        value: list.id.to_string(),
        label: list.name.clone(),
        chosen: list.id.to_string() == chosen,
    };
    let everybody = seen.everybody.map(|guess| {
        let typed = State::parse(form.text("everybody"));
        // Where the file lacks what says it nobody guesses.
        states(typed.or(Some(guess).filter(|guess| seen.lacks.is_none() && *guess != State::NotTaken)))
    });
    let not_read = seen.not_read().count();
    Ok(Ask {
        several: lists.len() > 1,
        lists: lists.iter().map(choice).collect(),
        columns: seen.columns.iter().enumerate().map(column).collect(),
        others: seen.others.join(", "),
        not_read: if not_read == 0 {
            String::new()
        } else {
            count(i64::try_from(not_read).unwrap_or(i64::MAX), "column")
        },
        words: seen.words.iter().enumerate().map(words).collect(),
        everybody,
        is_any_file: seen.everybody == Some(State::NotTaken),
        lacks_addresses: seen.lacks_addresses,
        lacks: seen.lacks.clone(),
        first: seen.first.iter().map(row).collect(),
        names_lists: seen.columns.iter().any(|column| matches!(column.role.as_str(), "list" | "topics")),
        makes_lists: form.is_ticked("makes-lists"),
        basis: form.text("basis").to_owned(),
    })
}

//! A line of a file, as it would be taken.

use super::{
    dates,
    formula::unguarded,
    headings::plain,
    mapping::{Column, Mapping},
    packed::WithinFile,
    presets::Preset,
    records::Record,
    roles::ColumnRole,
    state::State,
};
use crate::{
    clock::Moment,
    email_address::{AddressError, EmailAddress},
};

/// A line.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Where it stands, from 1: of several tables one goes on counting behind the other.
    pub line: u64,
    /// Where it stands in an archive.
    pub within: Option<WithinFile>,
    /// What it says; or why nothing is taken of it, in words for whoever mends the file.
    pub entry: Result<ListEntry, String>,
}

/// Somebody, as a line tells.
#[derive(Clone, Debug)]
pub struct ListEntry {
    pub email: EmailAddress,
    pub name: String,
    /// Their list, as the file calls it; none where it does not say one.
    pub list: Option<String>,
    pub state: State,
    /// Since when they stand so, if that is bad news.
    pub since: Option<Moment>,
    pub joined: Option<Moment>,
    /// The same as it stands in the file.
    pub joined_as_told: String,
    pub ip: String,
    pub topics: Vec<String>,
    /// Answers, by the names of their fields.
    pub answers: Vec<(String, String)>,
    pub paused_until: Option<Moment>,
    /// Until when their consent is implied, as the file has it; empty where it does not say.
    pub implied_until: String,
    /// How often they get the list, in our own word; empty where it does not say.
    pub rhythm: String,
    /// Why the address is not mailed, in our own words, and since when: of our own export alone.
    pub suppression: Option<(String, Option<Moment>)>,
    /// What is said of their consent, and of when it was given.
    pub consent: String,
    pub consent_at: Option<Moment>,
}

/// So long a cell may be that is kept as it is.
const LONGEST: usize = 1_000;
/// The longest answer to a field.
const LONGEST_ANSWER: usize = 200;

pub(super) fn row(record: &Record, mapping: &Mapping) -> FileRow {
    let entry = match record.is_too_long {
        true => Err("the line is too long to be one reader".to_owned()),
        false => entry(record, mapping),
    };
    FileRow { line: record.line, within: record.within.clone(), entry }
}

fn entry(record: &Record, mapping: &Mapping) -> Result<ListEntry, String> {
    let cells =
        || mapping.columns.iter().zip(record.cells.iter().map(String::as_str).chain(std::iter::repeat("")));
    let of = |role: &ColumnRole| {
        cells().find(|(column, _)| column.role == *role).map_or("", |(_, cell)| unguarded(cell.trim()))
    };
    let cut_off = record.missing.iter().filter_map(|at| mapping.columns.get(*at));
    if let Some(column) = cut_off.into_iter().find(|column| column.role.says_how_they_stand()) {
        return Err(format!(
            "the line ends before the column {}, which says how they stand: it has {} columns, and the headings are {}",
            column.heading,
            mapping.columns.len() - record.missing.len(),
            mapping.columns.len(),
        ));
    }
    let (email, name_beside) = address(record, of(&ColumnRole::Email))?;
    let (state, since) = standing(cells(), mapping)?;
    let name = match of(&ColumnRole::Name) {
        "" => {
            let parts = [of(&ColumnRole::FirstName), of(&ColumnRole::LastName)];
            let whole = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
            if whole.is_empty() { name_beside } else { whole }
        }
        name => name.to_owned(),
    };
    let has_lists = mapping.columns.iter().any(|column| column.role == ColumnRole::List);
    let suppression = match of(&ColumnRole::Suppression) {
        "" => None,
        reason => Some((reason.to_owned(), dates::moment(of(&ColumnRole::SuppressedAt)))),
    };
    let joined = dates::moment(of(&ColumnRole::Joined));
    let joined_as_told = cut(of(&ColumnRole::Joined), 40);
    let answers = cells().filter_map(|(column, cell)| {
        let name = column.role.field()?.to_owned();
        Some((name, answer(cell, mapping.is_own()))).filter(|(_, answer)| !answer.is_empty())
    });
    Ok(ListEntry {
        email,
        name: cut(&name, LONGEST),
        list: has_lists.then(|| cut(of(&ColumnRole::List), LONGEST)).filter(|list| !list.is_empty()),
        state,
        since,
        joined,
        joined_as_told,
        ip: of(&ColumnRole::Ip).to_owned(),
        topics: names(of(&ColumnRole::Topics)),
        answers: answers.collect(),
        paused_until: dates::moment(of(&ColumnRole::PausedUntil)),
        implied_until: cut(of(&ColumnRole::ImpliedUntil), 40),
        rhythm: cut(of(&ColumnRole::Rhythm), 40),
        suppression,
        consent: cut(of(&ColumnRole::Consent), 2 * LONGEST),
        consent_at: dates::moment(of(&ColumnRole::ConsentAt)),
    })
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// The address of a cell, and a name that may stand beside it: `Ann Lee <ann@example.org>`.
fn address(record: &Record, cell: &str) -> Result<(EmailAddress, String), String> {
    let (name, address) = match cell.strip_suffix('>').and_then(|cell| cell.rsplit_once('<')) {
        Some((name, address)) if !name.trim().is_empty() => {
            (name.trim().trim_matches('"').trim(), address.trim())
        }
        _ => ("", cell),
    };
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    match EmailAddress::parse(address) {
        Ok(address) => Ok((address, name.to_owned())),
        Err(_) if cell.contains('\n') => {
            let line = record.within.as_ref().map_or(record.line, |(_, line)| *line);
            let to = line + (record.to - record.line);
            Err(format!(
                "a quotation mark that is opened in line {line} goes on to line {to}, so several lines are one cell"
            ))
        }
        Err(AddressError::Empty) => Err("there is no email address in it".to_owned()),
        Err(error) => Err(format!("{}: {error}", shown(cell))),
    }
}

fn shown(cell: &str) -> String {
    let short: String = cell.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("“{short}”")
}

/// How somebody stands: of what the columns say the worst counts.
fn standing<'a>(
    cells: impl Iterator<Item = (&'a Column, &'a str)> + Clone,
    mapping: &Mapping,
) -> Result<(State, Option<Moment>), String> {
    let mut state = mapping.everybody.ok_or("nobody said how the people of this file stand")?;
    for (column, cell) in cells.clone() {
        let says = match &column.role {
            ColumnRole::Status => {
                let says = mapping.state(column, cell);
                Some(says.ok_or_else(|| {
                    format!("nobody said what {} means in the column {}", shown(cell), column.heading)
                })?)
            }
            ColumnRole::Date(state) => (!dates::is_none(cell)).then_some(*state),
            ColumnRole::Confirmed => dates::is_none(cell).then_some(State::Unconfirmed),
            _ => None,
        };
        state = state.max(says.unwrap_or(State::OnList));
    }
    if mapping.preset == Some(Preset::Mailchimp) && never_opted_in(cells.clone()) {
        state = state.max(State::Unconfirmed);
    }
    let dates = || {
        cells.clone().filter_map(|(column, cell)| match column.role {
            ColumnRole::Date(of) => dates::moment(cell).map(|at| (of, at)),
            _ => None,
        })
    };
    let since = dates().find(|(of, _)| *of == state).or_else(|| dates().next()).map(|(_, at)| at);
    Ok((state, since.filter(|_| state > State::Unconfirmed)))
}

/// Of who never was on a list Mailchimp knows neither when they asked for it nor when they confirmed.
fn never_opted_in<'a>(cells: impl Iterator<Item = (&'a Column, &'a str)>) -> bool {
    let mut are_none = [None, None];
    for (column, cell) in cells {
        let at = match plain(&column.heading).as_str() {
            "optintime" => 0,
            "confirmtime" => 1,
            _ => continue,
        };
        are_none[at] = Some(dates::is_none(cell));
    }
    are_none == [Some(true); 2]
}

/// An answer to a field: names that another program quotes one by one are put beside each other.
fn answer(cell: &str, is_own: bool) -> String {
    let cell = unguarded(cell.trim());
    if is_own {
        return cell.to_owned();
    }
    let whole = if cell.starts_with('"') { names(cell).join(", ") } else { cell.to_owned() };
    let whole: String =
        whole.split(|c: char| c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    match whole.char_indices().nth(LONGEST_ANSWER) {
        None => whole,
        Some((end, _)) => {
            let kept = &whole[..end];
            kept.rsplit_once(", ").map_or(kept, |(kept, _)| kept).trim_end().to_owned()
        }
    }
}

/// Names with commas between them; one that holds a comma stands in quotation marks.
pub(super) fn names(cell: &str) -> Vec<String> {
    let (mut names, mut name, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut signs = cell.chars().peekable();
    while let Some(c) = signs.next() {
        match c {
            '"' if is_quoted && signs.peek() == Some(&'"') => {
                signs.next();
                name.push('"');
            }
            '"' if is_quoted || name.trim().is_empty() => {
                is_quoted = !is_quoted;
                if is_quoted {
                    name.clear();
                }
            }
            ',' if !is_quoted => names.push(std::mem::take(&mut name)),
            c => name.push(c),
        }
    }
    names.push(name);
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// As a column of topics is read.
#[must_use]
pub fn write_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let one = |name: &str| match name.contains([',', '"']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.to_owned(),
    };
    names.map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_cell_come_back() {
        let some = ["VIP", "Bristol, UK", "the \"old\" one"];
        let written = write_names(some.into_iter());
        assert_eq!(names(&written), some);
        assert_eq!(names("\"VIP\",\"Bristol, UK\""), ["VIP", "Bristol, UK"]);
        assert_eq!(names(" , a ,"), ["a"]);
        assert_eq!(answer("\"VIP\",\"Bristol, UK\"", false), "VIP, Bristol, UK");
        assert!(answer(&"tag, ".repeat(60), false).chars().count() <= LONGEST_ANSWER);
    }
}

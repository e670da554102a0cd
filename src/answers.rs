//! What is an answer of each kind: as a form takes it, and as a column of a file shows of what kind its answers are.
//!
//! The rule: a kind is seen in a column only where nothing else can be meant and nothing of a cell is lost by it. "0612" is no number, for
//! it would come back as 612; "NO" alone is no answer to a yes or no, for it may be Norway.

use jiff::civil::Date;

use crate::words;

words! {
    /// What is an answer to a field.
    #[derive(Default)]
    pub enum FieldKind else Text {
        /// A line.
        #[default]
        Text = "text",
        Number = "number",
        Date = "date",
        YesNo = "yes-no",
        /// One of those that the team named.
        Choice = "choice",
    }
}

/// A number of at most twelve digits and two behind the point or comma; "1,500" is one and a half to some, fifteen hundred to others,
/// and so nothing here.
#[must_use]
pub fn number(typed: &str) -> Option<String> {
    let (sign, digits) = typed.strip_prefix('-').map_or(("", typed), |digits| ("-", digits));
    let (whole, part) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) || whole.len() > 12 || part.len() > 2 {
        return None;
    }
    let whole = Some(whole.trim_start_matches('0')).filter(|whole| !whole.is_empty()).unwrap_or("0");
    let part = part.trim_end_matches('0');
    let sign = if whole == "0" && part.is_empty() { "" } else { sign };
    Some(if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") })
}

/// A day with four digits of a year, as browsers send it.
#[must_use]
pub fn day(typed: &str) -> Option<String> {
    let day: Date = typed.parse().ok()?;
    (day.to_string() == typed).then(|| typed.to_owned())
}

/// The day of a cell, where nothing else can be meant: `2001-05-12`, `12.5.2001`, `12 May 2001`; not `05/12/2001`, nor a moment of it.
fn day_of_file(cell: &str) -> Option<String> {
    if let Some(day) = day(cell) {
        return Some(day);
    }
    let named = || {
        let read = |form: &&str| jiff::fmt::strtime::parse(form, cell).ok()?.to_date().ok();
        WITH_NAMES.iter().find_map(read)
    };
    let is_year = |text: &str| text.len() == 4;
    let date = match cell.split(['.', '/']).collect::<Vec<_>>().as_slice() {
        [day, month, year] if is_year(year) && !cell.contains('/') => in_figures(year, month, day),
        [year, month, day] if is_year(year) => in_figures(year, month, day),
        _ => named(),
    };
    date.filter(|date| date.year() >= 1_000).map(|date| date.to_string())
}

/// With the name of the month.
const WITH_NAMES: [&str; 5] = ["%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y"];

fn in_figures(year: &str, month: &str, day: &str) -> Option<Date> {
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// A yes or a no, in the words of programs and spreadsheets.
fn yes_or_no(cell: &str) -> Option<&'static str> {
    Some(match cell.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "ja" | "oui" | "sí" | "sim" | "wahr" | "vrai" => "yes",
        "no" | "n" | "false" | "0" | "nein" | "non" | "não" | "falsch" | "faux" => "no",
        _ => return None,
    })
}

/// Whether a program says by it that there is no answer.
fn is_none(cell: &str) -> bool {
    matches!(
        cell.to_ascii_lowercase().as_str(),
        "" | "null" | "\\n" | "none" | "nil" | "nan" | "n/a" | "-" | "–"
    )
}

impl FieldKind {
    /// What a cell says, as somebody would type it into a form that asks for this kind; as it is where it is none.
    #[must_use]
    pub fn of_file(self, cell: &str) -> String {
        let cell = cell.trim();
        let said = match self {
            Self::Text | Self::Choice => None,
            _ if is_none(cell) => Some(String::new()),
            Self::Number => None,
            Self::Date => day_of_file(cell),
            Self::YesNo => yes_or_no(cell).map(str::to_owned),
        };
        said.unwrap_or_else(|| cell.to_owned())
    }
}

/// Which kinds all cells of a column can be, as far as it was read.
#[derive(Clone, Debug)]
pub struct KindSeen {
    /// Those that are left, the likeliest first.
    left: [Option<FieldKind>; 3],
    is_any: bool,
    is_any_yes: bool,
    /// Each cell stays as it is, letter by letter.
    is_exact: bool,
}

impl KindSeen {
    /// Of a column of which nothing was read; an exact one loses not even how something is written.
    #[must_use]
    pub const fn new(is_exact: bool) -> Self {
        let left = [Some(FieldKind::Number), Some(FieldKind::Date), Some(FieldKind::YesNo)];
        Self { left, is_any: false, is_any_yes: false, is_exact }
    }

    /// One more cell.
    pub fn see(&mut self, cell: &str) {
        let cell = cell.trim();
        if self.left == [None; 3] || cell.is_empty() || !self.is_exact && is_none(cell) {
            return;
        }
        self.is_any = true;
        self.is_any_yes |= yes_or_no(cell) == Some("yes");
        let stays = |read: Option<String>| read.is_some_and(|read| !self.is_exact || read == cell);
        for kind in &mut self.left {
            let is_such = match kind {
                Some(FieldKind::Number) => !is_padded(cell) && stays(number(cell)),
                Some(FieldKind::Date) => stays(day_of_file(cell)),
                Some(FieldKind::YesNo) => stays(yes_or_no(cell).map(str::to_owned)),
                _ => false,
            };
            if !is_such {
                *kind = None;
            }
        }
    }

    /// The kind of a field that is made for it.
    #[must_use]
    pub fn kind(&self) -> FieldKind {
        let is_sure = |kind: &FieldKind| *kind != FieldKind::YesNo || self.is_any_yes;
        let kind = self.left.into_iter().flatten().find(is_sure);
        kind.filter(|_| self.is_any).unwrap_or_default()
    }
}

/// Whether it begins with a nought that a number would lose.
fn is_padded(cell: &str) -> bool {
    cell.trim_start_matches('-')
        .strip_prefix('0')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(is_exact: bool, cells: &[&str]) -> FieldKind {
        let mut seen = KindSeen::new(is_exact);
        cells.iter().for_each(|cell| seen.see(cell));
        seen.kind()
    }

    #[test]
    fn a_column_is_of_a_kind_where_all_of_it_is() {
        for (cells, is) in [
            (&["12", "", "-3", "38.50", "4,5"][..], FieldKind::Number),
            (&["1", "0"], FieldKind::Number),
            (&["12", "NULL", "n/a"], FieldKind::Number),
            (&["12", "a dozen"], FieldKind::Text),
            (&["06120", "80331"], FieldKind::Text),
            (&["+61 400 000 000"], FieldKind::Text),
            (&["1,500"], FieldKind::Text),
            (&["2001-05-12", "12.5.2001", "May 12, 2001", "12-May-2001", "2001/5/12"], FieldKind::Date),
            (&["05/12/2001"], FieldKind::Text),
            (&["12.05.01"], FieldKind::Text),
            (&["2001-05-12 10:00:00"], FieldKind::Text),
            (&["2001-05-12", "12"], FieldKind::Text),
            (&["Yes", "no", "TRUE", ""], FieldKind::YesNo),
            (&["ja", "nein"], FieldKind::YesNo),
            (&["NO", "no"], FieldKind::Text),
            (&["NO", "SE"], FieldKind::Text),
            (&["", " "], FieldKind::Text),
            (&[], FieldKind::Text),
        ] {
            assert_eq!(kind(false, cells), is, "{cells:?}");
        }
    }

    #[test]
    fn of_our_own_export_nothing_is_written_otherwise() {
        for (cells, is) in [
            (&["12", "-3", "38.5"][..], FieldKind::Number),
            (&["38.50"], FieldKind::Text),
            (&["4,5"], FieldKind::Text),
            (&["-0"], FieldKind::Text),
            (&["2001-05-12"], FieldKind::Date),
            (&["12.5.2001"], FieldKind::Text),
            (&["yes", "no"], FieldKind::YesNo),
            (&["Yes"], FieldKind::Text),
            (&["12", "-"], FieldKind::Text),
        ] {
            assert_eq!(kind(true, cells), is, "{cells:?}");
        }
    }

    #[test]
    fn a_cell_is_read_as_somebody_would_type_it() {
        for (kind, cell, said) in [
            (FieldKind::Date, "31.12.2020", "2020-12-31"),
            (FieldKind::Date, "31.02.2020", "31.02.2020"),
            (FieldKind::Date, "2 January 2024", "2024-01-02"),
            (FieldKind::Date, "0000-00-00", "0000-00-00"),
            (FieldKind::YesNo, "TRUE", "yes"),
            (FieldKind::YesNo, "0", "no"),
            (FieldKind::YesNo, "perhaps", "perhaps"),
            (FieldKind::Number, "NULL", ""),
            (FieldKind::Text, "NULL", "NULL"),
        ] {
            assert_eq!(kind.of_file(cell), said, "{cell}");
        }
    }
}

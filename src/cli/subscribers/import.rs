//! `broadside subscribers import`: a list as another program wrote it.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde_json::json;

use crate::{
    moving_in::{
        AnyPlace, EVERYBODY, ImportChoices, Preset, State, Survey, TableSource, Unsaid, Word, guarded,
    },
    private,
    site::Site,
    subscribers::{
        self, Basis, ImportError, ImportReport, Plan, RowError,
        lists::{self, List},
    },
};

/// What whoever types the command has to say before anything is done.
const TO_BE_SAID: u8 = 2;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// A file whose first line names the columns. Commas, semicolons, tabs or bars between them; UTF-8, UTF-16 or Windows-1252. Also
    /// packed (.zip, .gz), or the first sheet of a spreadsheet (.xlsx).
    file: PathBuf,
    /// Which program wrote it: own, mailchimp, substack, ghost, buttondown, listmonk, kit, brevo, mailpoet, campaign-monitor, wordpress. It
    /// shows by the headings.
    #[arg(long, value_parser = preset)]
    preset: Option<Preset>,
    /// What a column is, such as 'Newsletter=list', 'Age=field:age', or 'Postcode=text:postcode' for a field of text. May be said several
    /// times.
    #[arg(long = "map", value_name = "COLUMN=FIELD")]
    map: Vec<String>,
    /// What a word means in a column that says how somebody stands, such as 'cancelled=left'. May be said several times.
    #[arg(long = "status", value_name = "VALUE=STATE")]
    status: Vec<String>,
    /// The short name of the list for those whose list the file does not name.
    #[arg(long, default_value = "digest")]
    list: String,
    /// Make the lists and topics that the file names, where there are none. Such a list is private.
    #[arg(long)]
    make_lists: bool,
    /// On what these people may be mailed, such as consent.
    #[arg(long)]
    basis: Option<String>,
    /// Where and when they agreed, such as "sign-up sheets, spring fair 2026".
    #[arg(long)]
    source: Option<String>,
    /// Write nothing: say what would be.
    #[arg(long)]
    dry_run: bool,
    /// Print the sums as JSON.
    #[arg(long)]
    json: bool,
    /// A new CSV file for the rows that are not taken as they are, with their lines and why.
    #[arg(long, value_name = "FILE")]
    problems: Option<PathBuf>,
}

fn preset(word: &str) -> Result<Preset, String> {
    let words = || Preset::ALL.map(Preset::as_str).join(", ");
    Preset::parse(&word.to_lowercase())
        .ok_or_else(|| format!("there is no preset {word}; there are: {}", words()))
}

/// A file on a disk.
struct OnDisk<'a>(&'a Path);

impl TableSource for OnDisk<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.0)?))
    }

    fn open_anywhere(&self) -> io::Result<Option<Box<dyn AnyPlace>>> {
        let file = File::open(self.0)?;
        Ok(file.metadata()?.is_file().then(|| Box::new(file) as Box<dyn AnyPlace>))
    }

    fn name(&self) -> String {
        self.0.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

pub(super) async fn run(site: &Site, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { file, list, .. } = &arguments;
    let all = lists::mailed(&site.db).await?;
    let Some(list) = all.iter().find(|one| one.slug == *list) else {
        let known: Vec<&str> = all.iter().map(|one| one.slug.as_str()).collect();
        anyhow::bail!("there is no list {list}; there are: {}", known.join(", "));
    };
    let mut choices = ImportChoices { preset: arguments.preset, ..ImportChoices::default() };
    let typed = arguments.map.iter().map(|typed| choices.add_column(typed)).collect::<Result<Vec<()>, _>>();
    typed.map_err(anyhow::Error::msg)?;
    let typed = arguments.status.iter().map(|typed| choices.add_word(typed)).collect::<Result<Vec<()>, _>>();
    typed.map_err(anyhow::Error::msg)?;
    File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let source = OnDisk(file);
    let Some(basis) = arguments.basis.clone() else {
        eprintln!(
            "broadside: say on what basis these people may be mailed, and where and when they agreed, such as: --basis consent --source 'sign-up sheets, spring fair 2026'"
        );
        return Ok(ExitCode::from(TO_BE_SAID));
    };
    let of_the_file = || format!("the file {}", source.name()).chars().take(300).collect();
    let basis = Basis { basis, source: arguments.source.clone().unwrap_or_else(of_the_file) };
    let mut problems = match &arguments.problems {
        None => None,
        Some(path) => Some(Problems::at(path, source.name())?),
    };
    let plan = Plan {
        list: list.id,
        basis: &basis,
        choices: &choices,
        makes_lists: arguments.make_lists,
        is_dry: arguments.dry_run,
    };
    let mut tell = |error: &RowError| problems.as_mut().map_or(Ok(()), |problems| problems.write(error));
    let report = subscribers::import_kept(site, &source, &plan, &mut tell).await;
    if let Err(ImportError::Unsaid(survey)) = &report {
        ask(survey, &arguments)?;
        return Ok(ExitCode::from(TO_BE_SAID));
    }
    let report = report?;
    if let Some(problems) = problems {
        problems.finish()?;
    }
    match arguments.json {
        true => println!("{}", sums(&report)),
        false => print(&report, list, &arguments),
    }
    for wrong in &report.errors {
        let line = match wrong.place() {
            (Some(within), line) => format!("{}: {within}:{line}: {}", file.display(), wrong.why),
            (None, line) => format!("{}:{line}: {}", file.display(), wrong.why),
        };
        if arguments.json { eprintln!("{line}") } else { println!("{line}") }
    }
    let more = report.problems().saturating_sub(report.errors.len() as u64);
    if more > 0 {
        eprintln!("… and {more} more; --problems FILE has all of them");
    }
    Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As whoever reads sums by a program wants them.
fn sums(report: &ImportReport) -> serde_json::Value {
    json!({
        "rows": report.rows,
        "added": report.added,
        "added_to": report.added_to,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "left": report.left,
        "suppressed": report.suppressed(),
        "unconfirmed": report.unconfirmed,
        "not_taken": report.not_taken,
        "refused": report.refused,
        "incomplete": report.incomplete,
        "new_fields": report.new_fields,
        "not_read": report.not_read,
        "preset": report.preset.map(Preset::as_str),
    })
}

fn print(report: &ImportReport, list: &List, arguments: &Arguments) {
    if let Some(preset) = report.preset {
        println!("The file is from {}.", preset.name());
        if !preset.is_verified() {
            println!("What is known of its files is from its documentation: look at the sums twice.");
        }
    }
    if arguments.dry_run {
        println!("Nothing is written. This would be:");
    }
    let unchanged = report.unchanged + report.updated;
    let added = |number: u64, list: &str| {
        format!("{number} {} added to {list}", if number == 1 { "reader" } else { "readers" })
    };
    match report.added_to.len() {
        0 => println!("{}, {unchanged} left as they were.", added(report.added, &list.name)),
        _ => {
            let each = report.added_to.iter().map(|(list, number)| added(*number, list));
            println!("{}, {unchanged} left as they were.", each.collect::<Vec<_>>().join(", "));
        }
    }
    if report.left + report.suppressed() > 0 {
        println!(
            "{} will not be mailed: {} left, {} bounced, {} complained, {} were blocked.",
            report.left + report.suppressed(),
            report.left,
            report.bounced,
            report.complained,
            report.blocked
        );
    }
    if report.unconfirmed > 0 {
        println!("{} never confirmed: they are neither mailed nor asked.", report.unconfirmed);
    }
    if report.not_taken > 0 {
        println!("{} were left out, as was said.", report.not_taken);
    }
    if !report.not_read.is_empty() {
        println!("Columns that were not read: {}.", report.not_read.join(", "));
    }
    for note in &report.notes {
        println!("{note}");
    }
    let rows = |number: u64| format!("{number} {}", if number == 1 { "row was" } else { "rows were" });
    if report.incomplete > 0 {
        println!("{} taken without an answer that does not fit its field.", rows(report.incomplete));
    }
    if report.refused > 0 {
        println!("{} not taken.", rows(report.refused));
    }
}

/// What somebody has to say before anything is taken, and the very line that says it.
fn ask(survey: &Survey, arguments: &Arguments) -> anyhow::Result<()> {
    let add = survey.line();
    if arguments.json {
        let columns: Vec<String> = survey.unsaid.iter().map(|one| words(one).join(" ")).collect();
        println!("{}", json!({ "rows": survey.rows, "unsaid": columns, "add": add }));
    }
    let mut out = io::stderr().lock();
    writeln!(
        out,
        "broadside: nothing was written: somebody has to say first who of these people may be mailed."
    )?;
    if let Some(preset) = survey.mapping.preset {
        writeln!(out, "The file is from {}.", preset.name())?;
    }
    for one in &survey.unsaid {
        for line in words(one) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out, "Look at each of these guesses, put them right, and run it again with:")?;
    writeln!(out, "  {add}")?;
    Ok(())
}

fn lines(number: u64) -> String {
    if number == 1 { "1 line".to_owned() } else { format!("{number} lines") }
}

fn words(unsaid: &Unsaid) -> Vec<String> {
    match unsaid {
        Unsaid::Words { heading, words } => {
            let one = |word: &Word| {
                let becomes = word.guess.map_or("?", State::words);
                format!("    {} in {}: {becomes}", word.shown(), lines(word.count))
            };
            std::iter::once(format!("  The column {heading} says how people stand:"))
                .chain(words.iter().map(one))
                .collect()
        }
        Unsaid::Column { heading, guess, count } => {
            vec![format!(
                "  The column {heading} has something in {}. Is it {}?",
                lines(*count),
                guess.word()
            )]
        }
        Unsaid::Unclear { heading, example, .. } => vec![
            format!(
                "  The column {heading} may say who is not to be mailed: it holds things such as “{example}”."
            ),
            format!("    If it says nothing about mail: --map '{heading}=not-read'."),
        ],
        Unsaid::Everybody { guess: State::NotTaken } => vec![format!(
            "  Mailchimp writes a file for each: who is subscribed, unsubscribed, cleaned, nonsubscribed. The name of this one does not say which it was: how do all of them stand ({EVERYBODY})?"
        )],
        Unsaid::Everybody { guess } => vec![format!(
            "  The name of the file speaks of people who are not mailed, and no column says it of each. Are all of them {} ({EVERYBODY})?",
            guess.words()
        )],
        Unsaid::Addresses { .. } => {
            vec!["  Nobody knows which column has the addresses.".to_owned()]
        }
        Unsaid::Lacks { words } => vec![format!(
            "  The file does not say who may be mailed: it lacks the column {words}; or, if you know that each of them may be mailed, say so."
        )],
    }
}

/// The rows that are not taken, as a file; and what is called the file that they are of, where it is no archive.
struct Problems(csv::Writer<File>, String);

impl Problems {
    fn at(path: &Path, of: String) -> anyhow::Result<Self> {
        let file = private::options().write(true).create_new(true).open(path);
        let mut writer =
            csv::Writer::from_writer(file.with_context(|| format!("{} cannot be written", path.display()))?);
        writer.write_record(["file", "line", "problem"])?;
        Ok(Self(writer, of))
    }

    fn write(&mut self, error: &RowError) -> io::Result<()> {
        let (within, line) = error.place();
        let file = guarded(within.unwrap_or(&self.1));
        self.0.write_record([file, line.to_string(), guarded(&error.why)])?;
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.0.flush()?;
        Ok(())
    }
}

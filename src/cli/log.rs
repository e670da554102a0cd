//! The log, on standard error: one line an event, whatever a value holds.

use std::{fmt, io, panic};

use anyhow::Context as _;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    field::MakeExt as _,
    fmt::format,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::db::Unreachable;

/// Starts logging what `filter` lets through.
pub(super) fn start(filter: &str) -> anyhow::Result<()> {
    let filter =
        EnvFilter::try_new(filter).context("LOG is not a filter such as info,broadside::delivery=debug")?;
    // PostgreSQL remarks on every start that the table of migrations is there already.
    let filter = filter.add_directive("sqlx::postgres::notice=warn".parse().context("our own directive")?);
    // The provider's client names open checkouts, and what carries our keys, in every line.
    let filter = filter.add_directive("stripe=warn".parse().context("our own directive")?);
    // One writer is all that SQLite has: whoever waits for it on a busy machine is in a queue, and not in trouble. A wait that is
    // too long is an error where it ends.
    let filter = filter.add_directive("sqlx::pool=error".parse().context("our own directive")?);
    // Names, subjects and server replies come from strangers: a line break in one must not look like a line of ours (TRUST A31).
    let fields = format::debug_fn(|writer, field, value| {
        let value = one_line(&format!("{value:?}"));
        if field.name() == "message" { write!(writer, "{value}") } else { write!(writer, "{field}={value}") }
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .fmt_fields(fields.delimited(" "));
    tracing_subscriber::registry().with(filter).with(ToldOnce).with(lines).init();
    panic::set_hook(Box::new(|info| {
        end_if_nobody_reads(info);
        say_where(info.location());
    }));
    Ok(())
}

/// What a shell says of a program that wrote to somebody who had gone (128 and SIGPIPE).
pub(super) const NOBODY_READS: u8 = 141;

/// Ends the process without a word once nobody reads what it prints, as in `broadside settings | head`, and says where else it
/// breaks off.
pub fn end_quietly_when_nobody_reads() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        end_if_nobody_reads(info);
        usual(info);
    }));
}

/// `println!` breaks off there; nothing else of the program says this.
fn end_if_nobody_reads(info: &panic::PanicHookInfo<'_>) {
    let words = info.payload().downcast_ref::<String>().map_or("", String::as_str);
    if words.starts_with("failed printing to std") && words.contains("Broken pipe") {
        std::process::exit(NOBODY_READS.into());
    }
}

/// That the database is away is told by whoever found it out, and again when it is back; not by each that needs it.
struct ToldOnce;

impl<S: Subscriber> Layer<S> for ToldOnce {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let mut look = SaysUnreachable(false);
        if event.metadata().target() != Unreachable::TARGET {
            event.record(&mut look);
        }
        !look.0
    }
}

/// Whether an event's error says it: a value that begins with it, for what others say may quote anything.
struct SaysUnreachable(bool);

impl Visit for SaysUnreachable {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if matches!(field.name(), "error" | "cause") {
            let value = format!("{value:?}");
            let value = value.trim_start_matches('"');
            self.0 |= value.strip_prefix(FROM_THE_DRIVER).unwrap_or(value).starts_with(Unreachable::WORDS);
        }
    }
}

/// What sqlx puts before the words of an error that came to it on its way to the server.
const FROM_THE_DRIVER: &str = "error communicating with database: ";

/// Where something broke off. What it says may quote a reader; whoever catches it says that without addresses (TRUST A31).
fn say_where(place: Option<&panic::Location<'_>>) {
    let place = place.map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "the program met something that nobody foresaw");
}

/// Control characters, written so that they do nothing.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TRUST A31: neither line breaks nor terminal commands in a value reach the log as such.
    #[test]
    fn a_value_stays_on_its_line() {
        let shown = one_line("a\r\n2026-01-01 INFO forged\u{1b}[2J\u{9b}x\u{2028}é");
        assert_eq!(shown, "a\\r\\n2026-01-01 INFO forged\\u{1b}[2J\\u{9b}x\\u{2028}é");
    }
}

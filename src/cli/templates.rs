//! `broadside templates check`: every email template is read, linted and rendered with its sample.

use std::process::ExitCode;

use crate::mail::Templates;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read every email template, look for names that do not exist, and render each with its sample.
    Check,
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check => check(),
    }
}

fn check() -> anyhow::Result<ExitCode> {
    let problems = Templates::load()?.check();
    for problem in &problems {
        println!("{problem}");
    }
    if problems.is_empty() {
        println!("The email templates are in order.");
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

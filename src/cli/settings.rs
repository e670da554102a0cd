//! `broadside settings`: every setting with its meaning and default, as `.env.example` has them.

use std::process::ExitCode;

use crate::config;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    print!("{}", config::example());
    Ok(ExitCode::SUCCESS)
}

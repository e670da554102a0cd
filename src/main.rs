//! Parses the arguments, starts tracing, runs one command.

use std::{process::ExitCode, time::Duration};

use broadside::{
    cli::{self, Cli},
    private,
};
use clap::Parser;

/// How long work has to come to its end that nobody waits for any more: a name that is looked up, a password that is hashed.
const AFTERWARDS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    private::from_now_on();
    cli::end_quietly_when_nobody_reads();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("broadside: the program cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(Cli::parse().run()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("broadside: {}", cli::words(&error));
            ExitCode::FAILURE
        }
    };
    runtime.shutdown_timeout(AFTERWARDS);
    code
}

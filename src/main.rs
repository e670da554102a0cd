//! Parses the arguments, starts tracing, runs one command.

use std::process::ExitCode;

use broadside::{cli::Cli, private};
use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    private::from_now_on();
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("broadside: {error:#}");
            ExitCode::FAILURE
        }
    }
}

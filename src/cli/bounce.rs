//! `broadside bounce`: reading mail about our mail.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

use crate::delivery::bounces::{self, Class, Report, mime};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say what a bounce, complaint or automatic answer means; changes nothing and needs no settings.
    Inspect {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
        /// Messages, one a file; - is standard input.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) fn inspect(json: bool, files: &[PathBuf]) -> anyhow::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for file in files {
        match read(file) {
            Ok(bytes) => show(json, file, &bounces::inspect(&bytes)),
            Err(error) => {
                eprintln!("broadside: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

/// The beginning of a message, as far as anybody looks at it. A pipe is read to its end, so that who writes it sees no error.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = mime::READ as u64;
    if file == Path::new("-") {
        let mut input = io::stdin().lock();
        input.by_ref().take(most).read_to_end(&mut bytes)?;
        io::copy(&mut input, &mut io::sink())?;
    } else {
        let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
        opened
            .take(most)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{} cannot be read", file.display()))?;
    }
    Ok(bytes)
}

fn show(json: bool, file: &Path, report: &Report) {
    if json {
        println!(
            "{}",
            serde_json::json!({ "file": file.display().to_string(), "recipients": report.recipients })
        );
        return;
    }
    println!("{}:", file.display());
    if report.recipients.is_empty() {
        println!("  says nothing about mail of ours");
    }
    for one in &report.recipients {
        let meaning = match one.class {
            Class::Hard => "will never arrive",
            Class::Soft => "did not arrive",
            Class::Complaint => "a complaint",
            Class::AutoReply => "an automatic answer",
            Class::Delivered => "arrived",
            Class::None => "nothing",
        };
        let address = if one.address.is_empty() { "(no address)" } else { &one.address };
        let status = one.status.as_deref().unwrap_or("no status");
        println!("  {address}: {meaning}, {status}: {}", one.words);
    }
}

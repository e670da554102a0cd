//! What the tests want to know of the machine they run on.

use std::path::PathBuf;

/// An environment variable of the test run.
#[expect(clippy::disallowed_methods, reason = "tests read their own surroundings here, and nowhere else")]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this is a run that must not leave anything out.
pub fn ci() -> bool {
    variable("CI").is_some_and(|value| value != "false" && value != "0")
}

/// Says why a part of the suite is left out; where nothing may be left out, that is a failure.
pub fn skip(what: &str, because: &str) {
    assert!(!ci(), "{what} must run here, but {because}");
    println!("skipped: {what}, because {because}");
}

/// The first program of that name on the search path.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    path.split(':').map(|folder| PathBuf::from(folder).join(name)).find(|file| file.is_file())
}

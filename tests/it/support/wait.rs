//! Waiting for a condition, and for what happens meanwhile: the one place of the suite that lets time pass.

use std::time::Duration;

use broadside::clock::Stopwatch;

const AT_MOST: Duration = Duration::from_secs(120);
const BETWEEN: Duration = Duration::from_millis(20);

/// Asks until there is an answer; fails after two minutes, saying what was waited for.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    match at_most(AT_MOST, ask).await {
        Some(answer) => answer,
        None => panic!("waited in vain for {what}"),
    }
}

/// Asks until there is an answer, for so long at most.
pub async fn at_most<T>(limit: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(answer) = ask().await {
            return Some(answer);
        }
        if watch.elapsed() > limit {
            return None;
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Asks until there is an answer, for as long as what it says instead goes on changing: a slow machine may take its time, and what
/// stands still for `limit` will not come.
pub async fn while_it_moves<T, M: PartialEq>(
    limit: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, M>,
) -> Option<T> {
    let (mut watch, mut last) = (Stopwatch::start(), None);
    loop {
        match ask().await {
            Ok(answer) => return Some(answer),
            Err(here) if last.as_ref() != Some(&here) => (watch, last) = (Stopwatch::start(), Some(here)),
            Err(_) if watch.elapsed() > limit => return None,
            Err(_) => {}
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Lets two real seconds pass: only for counting what is done while there is nothing to do.
pub async fn two_seconds() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

//! How many sockets and files this process may hold.

/// Raises the limit of open descriptors to what the system grants at most, and says what it is then.
#[cfg(unix)]
#[must_use]
pub fn raise() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let now = getrlimit(Resource::Nofile);
    // Some systems say "as many as you like" and grant no such thing; then what there is must do.
    let raised = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, ..now });
    let granted = if raised.is_ok() { now.maximum } else { now.current };
    granted.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// Elsewhere the system does not say.
#[cfg(not(unix))]
#[must_use]
pub fn raise() -> usize {
    usize::MAX
}

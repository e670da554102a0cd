//! How many sockets and files this process may hold.

/// What macOS grants at most, where it says "as many as you like" (`OPEN_MAX`).
#[cfg(unix)]
const AT_LEAST_SO_MANY: u64 = 10_240;

/// Raises the limit of open descriptors to what the system grants at most, and says what it is then.
#[cfg(unix)]
#[must_use]
pub fn raise() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let now = getrlimit(Resource::Nofile);
    // Some systems say "as many as you like" and grant no such thing.
    let more = [now.maximum, Some(AT_LEAST_SO_MANY)];
    let mut more =
        more.into_iter().filter(|most| now.current.is_some_and(|now| most.is_none_or(|most| most > now)));
    let raised = more.find(|&current| setrlimit(Resource::Nofile, Rlimit { current, ..now }).is_ok());
    let granted = raised.unwrap_or(now.current);
    granted.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// How many the system grants at most; as many as one likes where it does not say.
#[cfg(unix)]
#[must_use]
pub fn granted() -> usize {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
}

/// Elsewhere the system does not say.
#[cfg(not(unix))]
#[must_use]
pub fn granted() -> usize {
    usize::MAX
}

/// Elsewhere the system does not say.
#[cfg(not(unix))]
#[must_use]
pub fn raise() -> usize {
    usize::MAX
}

/// How many are open now, where the system says so.
#[must_use]
pub fn open() -> Option<usize> {
    // One of them is that of the folder itself.
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

/// How many there may be, where the system says so.
#[cfg(unix)]
#[must_use]
pub fn most() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};

    getrlimit(Resource::Nofile).current
}

/// Elsewhere the system does not say.
#[cfg(not(unix))]
#[must_use]
pub fn most() -> Option<u64> {
    None
}

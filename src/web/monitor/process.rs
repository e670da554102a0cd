//! What the system says of this process, where it does (Linux).

/// The processor time that it used, in seconds.
pub(super) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold spaces and brackets; what stands behind it does not (proc(5)).
    let mut rest = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let [user, system]: [f64; 2] = [rest.next()?.parse().ok()?, rest.next()?.parse().ok()?];
    Some((user + system) / TICKS)
}

/// Linux tells it in hundredths of a second to whoever reads it, whatever it counts in itself.
const TICKS: f64 = 100.0;

/// The memory that it holds, in bytes.
pub(super) fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024.0)
}

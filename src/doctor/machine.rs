//! The machine: the data folder, what is left of its disk, files, open files, memory.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Doctor, Finding};
use crate::{door, heavy, private};

const MB: u64 = 1_000_000;
/// With less, SQLite and the log soon stop.
const LEAST_DISK: u64 = 100 * MB;
/// With less it is time to look where it went.
const LOW_DISK: u64 = 1_000 * MB;
/// With less, the system soon ends a process.
const LEAST_MEMORY: u64 = 48 * MB;
/// Database, mail, feeds and a crowd of visitors.
const ENOUGH_FILES: usize = 1_024;
/// With fewer, pages hang while a few browsers have their connections open.
const LEAST_FILES: usize = 256;

impl Doctor {
    /// Away from the threads that serve: a disk that hangs takes its time.
    pub(super) async fn machine(&self) -> Vec<Finding> {
        let (data_dir, ours) = (self.data_dir.clone(), self.ours.clone());
        let looked = heavy::aside(move || look(&data_dir, &ours())).await;
        looked.unwrap_or_else(|cause| vec![Finding::problem("data folder", cause.to_string())])
    }
}

fn look(data_dir: &PathBuf, ours: &[PathBuf]) -> Vec<Finding> {
    let mut findings = vec![data_folder(data_dir)];
    // Before the first start it is the disk on which the folder will be.
    let folder = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    findings.extend(folder.ancestors().find(|folder| folder.is_dir()).and_then(disk_of).map(disk));
    findings.extend(others(data_dir, ours));
    findings.push(open_files(door::granted_descriptors()));
    findings.extend(memory_left().map(memory));
    findings
}

fn data_folder(data_dir: &Path) -> Finding {
    const CHECK: &str = "data folder";
    let folder = data_dir.display();
    let is_there = data_dir.try_exists();
    if matches!(is_there, Ok(false)) {
        return Finding::note(CHECK, format!("{folder} (DATA_DIR) is not there yet; serve makes it"));
    }
    if is_there.is_ok() && !data_dir.is_dir() {
        return Finding::problem(CHECK, format!("{folder} (DATA_DIR) is no folder. Name another one"));
    }
    match private::why_not_ours(&data_dir.join("probe")) {
        None => Finding::ok(CHECK, format!("{folder} is ours to write in")),
        Some(why) => Finding::problem(
            CHECK,
            format!(
                "{why}. DATA_DIR has to belong to the user that the service runs as (chown), on a disk that can be written"
            ),
        ),
    }
}

/// What others on this machine may look into.
fn others(data_dir: &PathBuf, ours: &[PathBuf]) -> Vec<Finding> {
    let finding = |open: private::Open| {
        let path = open.path.display().to_string().replace('\'', "'\\''");
        Finding::problem(
            "files",
            format!(
                "others on this machine can look into {open}, where readers' addresses are. Run: chmod {:o} '{path}'",
                open.should_be
            ),
        )
    };
    let mut findings: Vec<Finding> = private::open_to_others(ours).into_iter().map(finding).collect();
    let folder = private::open_to_others(std::slice::from_ref(data_dir)).pop();
    // Where it is ours alone, that is said already.
    if let (Some(open), true) = (folder, findings.is_empty()) {
        findings.push(Finding::note(
            "files",
            format!(
                "others on this machine can look into the data folder {open}; nothing of ours in it is open to them. If nobody else needs it: chmod 700"
            ),
        ));
    }
    findings
}

/// How many bytes are free for us where a folder is.
#[cfg(unix)]
fn disk_of(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

#[cfg(not(unix))]
fn disk_of(_: &Path) -> Option<u64> {
    None
}

fn disk(free: u64) -> Finding {
    const CHECK: &str = "disk";
    let words = format!("{} MB are free where the data is", free / MB);
    match free {
        LOW_DISK.. => Finding::ok(CHECK, words),
        LEAST_DISK.. => {
            Finding::note(CHECK, format!("{words}. Make room, or move DATA_DIR to a larger disk"))
        }
        _ => Finding::problem(
            CHECK,
            format!(
                "{words}: soon nothing can be written down, and nothing is sent. Make room (old backups, logs), or move DATA_DIR to a larger disk"
            ),
        ),
    }
}

fn open_files(most: usize) -> Finding {
    const CHECK: &str = "open files";
    const NEXT: &str = "Write LimitNOFILE=4096 into the service's unit, or raise ulimit -n";
    match most {
        usize::MAX => Finding::ok(CHECK, "as many files and connections as we like may be open"),
        ENOUGH_FILES.. => Finding::ok(CHECK, format!("{most} files and connections may be open at once")),
        LEAST_FILES.. => Finding::note(
            CHECK,
            format!(
                "{most} files and connections may be open at once, so a crowd of visitors has to wait. {NEXT}"
            ),
        ),
        _ => Finding::problem(
            CHECK,
            format!(
                "no more than {most} files and connections may be open at once, so a few visitors make the pages hang. {NEXT}"
            ),
        ),
    }
}

/// How many bytes of memory are left for us: on the machine, or to the group of processes that ours is in (a unit, a container).
/// None where the system does not say.
fn memory_left() -> Option<u64> {
    let machine = left_of(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group =
        group.lines().find_map(|line| line.strip_prefix("0::")).map(|path| format!("/sys/fs/cgroup{path}"));
    let number =
        |group: &str, name: &str| fs::read_to_string(format!("{group}/{name}")).ok()?.trim().parse().ok();
    let granted = group.and_then(|group| {
        let most: u64 = number(&group, "memory.max")?;
        // What is kept of files is given up when somebody wants the room.
        let kept = fs::read_to_string(format!("{group}/memory.stat")).unwrap_or_default();
        let kept = kept.lines().find_map(|line| line.strip_prefix("inactive_file ")?.trim().parse().ok());
        let used = number(&group, "memory.current")?.saturating_sub(kept.unwrap_or(0));
        Some(most.saturating_sub(used))
    });
    Some(granted.map_or(machine, |granted| granted.min(machine)))
}

fn left_of(about: &str) -> Option<u64> {
    let left = about.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    left.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

fn memory(left: u64) -> Finding {
    const CHECK: &str = "memory";
    let words = format!("{} MB are left", left / MB);
    if left >= LEAST_MEMORY {
        return Finding::ok(CHECK, words);
    }
    Finding::note(
        CHECK,
        format!(
            "{words}: if it runs out, the system ends a process. See what uses it up (top), or give the machine more"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade;

    #[test]
    fn what_runs_out_is_told_before_it_has_run_out() {
        let grades = |found: [Finding; 3]| found.map(|finding| finding.grade);
        assert_eq!(
            grades([5_000, 900, 99].map(|left| disk(left * MB))),
            [Grade::Ok, Grade::Note, Grade::Problem]
        );
        assert_eq!(grades([usize::MAX, 512, 64].map(open_files)), [Grade::Ok, Grade::Note, Grade::Problem]);
        assert_eq!(memory(40 * MB).grade, Grade::Note);
        assert_eq!(left_of("MemTotal: 9 kB\nMemAvailable:     2000 kB\n"), Some(2_048_000));
    }
}

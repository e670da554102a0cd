//! Opens the instance that the settings describe.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;

use crate::{
    config::Config,
    db::{Db, DbOptions, Engine, Migrations, Unreachable, unreachable},
    delivery::{self, KeptBy, Lock, Suppressions},
    journal::Journal,
    origin::Positions,
    private, publishing, sandbox,
    site::Site,
    token::Keys,
};

/// The file of a SQLite database; none for PostgreSQL.
pub(super) fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let path = config.database_url.strip_prefix("sqlite:")?.trim_start_matches("//");
    Some(PathBuf::from(path.split('?').next().unwrap_or_default()))
}

/// Opens the database as it is, with its folder made if it is a file.
pub(super) async fn open_database(config: &Config) -> anyhow::Result<Db> {
    open_with(config, &config.database()).await
}

async fn open_with(config: &Config, options: &DbOptions) -> anyhow::Result<Db> {
    let file = sqlite_file(config);
    if let Some(folder) = file.as_deref().and_then(Path::parent) {
        private::folder(folder).with_context(|| {
            format!("the folder {} cannot be made by {}", folder.display(), private::user())
        })?;
    }
    // SQLite says no more than that it is "unable to open database file".
    if let Some(why) = file.as_deref().and_then(private::why_not_ours) {
        anyhow::bail!("the database cannot be opened: {why}");
    }
    Db::open(options).await.map_err(|error| match (unreachable(&error), &error) {
        (Some(why), _) => anyhow::anyhow!("{why}. Is it running? DATABASE_URL says where it is looked for"),
        (_, sqlx::Error::Database(said)) => {
            anyhow::anyhow!("the database cannot be opened: {}", said.message())
        }
        _ => anyhow::Error::from(error).context("the database cannot be opened"),
    })
}

/// Why the database's server cannot be reached, if it cannot. What it says once it is there is for whoever opens it.
pub(super) async fn away(database: &DbOptions) -> Option<Unreachable> {
    let error = Db::is_there(database).await.err()?;
    unreachable(&error).cloned()
}

/// Comes back once it is there.
pub(super) async fn until_it_is_there(database: DbOptions) {
    while away(&database).await.is_some() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Opens the database as it is, of whatever version, for a command that changes nothing in it.
pub(super) async fn open_as_it_is(config: &Config) -> anyhow::Result<Db> {
    if is_missing(config)? {
        return Err(no_database(config));
    }
    let db = open_database(config).await?;
    if Migrations::applied(&db).await? == 0 {
        return Err(no_database(config));
    }
    Ok(db)
}

/// Takes the lock beside a SQLite database, before anything else is done with it: a second process must find out that it is
/// the second before it has changed anything. None for PostgreSQL, which several processes share.
pub(super) fn lock(config: &Config) -> anyhow::Result<Option<Lock>> {
    sqlite_file(config).map(|file| lock_file(&file)).transpose()
}

/// The same for any SQLite file.
pub(super) fn lock_file(file: &Path) -> anyhow::Result<Lock> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    private::folder(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    // By whatever name the file is called, its lock has one.
    let file = match file.canonicalize() {
        Ok(file) => file,
        Err(_) => folder.canonicalize()?.join(file.file_name().unwrap_or_default()),
    };
    let mut lock = file.into_os_string();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let cannot = || format!("{} cannot be opened by {}", lock.display(), private::user());
    match Lock::take(&lock) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error).with_context(cannot),
        taken => Ok(taken?),
    }
}

/// Refuses to work as root on what belongs to another user: files that root makes beside the database would keep that user's
/// own process out.
pub(super) fn as_its_own_user(config: &Config) -> anyhow::Result<()> {
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        use std::os::unix::fs::MetadataExt as _;

        let file = sqlite_file(config);
        let folder = file.as_deref().and_then(Path::parent).map(Path::to_owned);
        for path in [Some(config.data_dir.clone()), file, folder].into_iter().flatten() {
            let owner = fs::metadata(&path).map_or(0, |about| about.uid());
            if owner != 0 {
                let name = private::user_called(owner);
                let by =
                    name.map_or_else(String::new, |name| format!("runuser -u {name} -- broadside …, or "));
                anyhow::bail!(
                    "{} belongs to another user (number {owner}), and what root makes there could not be used by it. Run this as that user: {by}in a container --user {owner}",
                    path.display()
                );
            }
        }
    }
    Ok(())
}

/// Whether the file of the database is not there. Who may not look is told so, and not that there is none.
pub(super) fn is_missing(config: &Config) -> anyhow::Result<bool> {
    let Some(file) = sqlite_file(config) else { return Ok(false) };
    match file.try_exists() {
        Ok(is_there) => Ok(!is_there),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(may_not_look(&file)),
        Err(error) => Err(error).with_context(|| format!("{} cannot be looked at", file.display())),
    }
}

fn may_not_look(file: &Path) -> anyhow::Error {
    let shut = file.ancestors().skip(1).find(|folder| fs::metadata(folder).is_ok()).unwrap_or(Path::new("."));
    let shut = std::path::absolute(shut).unwrap_or_else(|_| shut.to_owned());
    #[cfg(unix)]
    let owner = {
        use std::os::unix::fs::MetadataExt as _;
        let owner = fs::metadata(&shut).map(|about| about.uid()).ok();
        owner.map(|owner| match private::user_called(owner) {
            Some(name) => format!(". It belongs to {name}: runuser -u {name} -- broadside …"),
            None => format!(". It belongs to user number {owner}: run this as that user"),
        })
    };
    #[cfg(not(unix))]
    let owner: Option<String> = None;
    anyhow::anyhow!(
        "the folder {} may not be looked into by {}{}",
        shut.display(),
        private::user(),
        owner.unwrap_or_default()
    )
}

/// Says where a database was looked for that is not there, and how to name the settings that were meant.
fn no_database(config: &Config) -> anyhow::Error {
    let place = match sqlite_file(config) {
        Some(file) => {
            let file = std::path::absolute(&file).unwrap_or(file);
            format!("there is no database at {}", file.display())
        }
        None => "there is no magazine in the database that DATABASE_URL names".to_owned(),
    };
    let settings = match &config.settings_file {
        Some(file) => format!("The settings were read from {}.", file.display()),
        None => "No file of settings was read: if the magazine has one, name it, as in: broadside --settings /etc/broadside/env …".to_owned(),
    };
    anyhow::anyhow!("{place}. {settings} A new one is made by `broadside serve` or `broadside migrate`")
}

/// Opens the instance for a command, beside whatever runs. A database that has to be brought up to date first is opened only
/// while nobody works on it: a program that runs must not find its tables changed.
pub(super) async fn open_site(config: &Config) -> anyhow::Result<Site> {
    open_site_by_secret(config, Whose::ACommand).await
}

/// Who asks by which secret addresses are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The magazine itself, which settles it the first time.
    TheMagazine,
    /// A command, which settles nothing.
    ACommand,
    /// The one command that is about it, which takes any.
    Anybody,
}

/// That nothing is done with another secret than the one by which addresses are kept.
pub(super) fn another_secret(lost: i64) -> anyhow::Error {
    anyhow::anyhow!(
        "SUPPRESSION_SECRET is not the one that this database was written with, and none of the {lost} addresses that must not be mailed would be known. It is kept with the backups: set it, or put the old file suppression-secret into DATA_DIR (a folder that is new has a new one in it, which is not it). Only if it is lost for good, and all {lost} may be mailed again: broadside settings accept-suppression-secret"
    )
}

/// As [`open_site`], by a secret that may have to be the right one.
pub(super) async fn open_site_by_secret(config: &Config, whose: Whose) -> anyhow::Result<Site> {
    if is_missing(config)? {
        return Err(no_database(config));
    }
    let db = open_database(config).await?;
    let _lock = match Migrations::applied(&db).await? {
        // Every process has applied its own; there is nothing to do for this one.
        applied if applied >= Migrations::names().0.len() => None,
        0 => return Err(no_database(config)),
        _ => {
            if db.engine() == Engine::Postgres && delivery::is_anybody_alive(&db).await? {
                anyhow::bail!(
                    "the database is of an older version and other processes work on it: stop them all, run `broadside migrate`, and start the new ones"
                );
            }
            lock(config)
                .context("the database is of an older version and has to be brought up to date first")?
        }
    };
    put_together(config, db, whose).await
}

/// The same for whoever holds the lock, serves, and brings the database up to date without asking; `may_make_one` is for the commands
/// with which a magazine begins.
pub(super) async fn open_site_locked(config: &Config, may_make_one: bool) -> anyhow::Result<Site> {
    if !may_make_one && is_missing(config)? {
        return Err(no_database(config));
    }
    let db = open_with(config, &DbOptions { hurried: true, ..config.database() }).await?;
    if !may_make_one && Migrations::applied(&db).await? == 0 {
        return Err(no_database(config));
    }
    put_together(config, db, Whose::TheMagazine).await
}

/// The files that an instance makes, by their names: who reads a magazine stands in them. A folder is one of them while
/// nothing else is in it: a mail server's folder in `DATA_DIR` has to let the mail server in.
pub(super) fn our_own(config: &Config) -> Vec<PathBuf> {
    // By whatever names they are called.
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let data = real(config.data_dir.clone());
    let journal = real(config.withdrawals_journal.clone());
    let mut ours = vec![data.join("secret"), data.join("suppression-secret"), journal];
    // Those of other machines, and those that were set aside.
    ours.extend(
        inside(&data).into_iter().filter(|path| path.extension().is_some_and(|end| end == "journal")),
    );
    if let Some(file) = sqlite_file(config).map(real) {
        let beside = ["", "-wal", "-shm", "-journal", ".lock"];
        ours.extend(beside.map(|ending| {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        }));
    }
    let is_ours: [fn(&Path) -> bool; 2] = [Positions::is_one, sandbox::is_file_of_ours];
    for (name, is_ours) in ["position", "sandbox"].into_iter().zip(is_ours) {
        let folder = data.join(name);
        let (files, others): (Vec<_>, Vec<_>) = inside(&folder).into_iter().partition(|path| is_ours(path));
        if !files.is_empty() && others.is_empty() {
            ours.push(folder);
        }
        ours.extend(files);
    }
    let inside = inside(&data);
    // The lock was made a moment ago: what was empty before may be there for others, too.
    let is_used = inside.iter().any(|path| path.extension().is_none_or(|ending| ending != "lock"));
    if is_used && inside.iter().all(|path| ours.contains(path)) {
        ours.push(data);
    }
    ours
}

/// What stands in a folder; nothing where a link stands in its place.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let is_folder = fs::symlink_metadata(folder).is_ok_and(|about| about.is_dir());
    let inside = is_folder.then(|| fs::read_dir(folder)).and_then(Result::ok);
    inside.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// Shuts what others may look into: an older version left it open, or somebody put a backup in place.
pub(super) fn shut_what_is_open(config: &Config) {
    for open in private::open_to_others(&our_own(config)) {
        match open.shut() {
            Ok(()) => tracing::warn!("others could look into {open}: only this program can, from now on"),
            Err(error) => tracing::error!(%error, "others can look into {open}, and it cannot be shut"),
        }
    }
    // A folder that others need, such as a mail server's, may be in it: then it is not ours to shut.
    for open in private::open_to_others(std::slice::from_ref(&config.data_dir)) {
        tracing::warn!(
            "others on this machine can look into the data folder {open}; nothing of ours in it is open to them. If nobody else needs it: chmod 700"
        );
    }
}

/// The files that say how far the database has come.
pub(super) fn positions(config: &Config) -> anyhow::Result<Arc<Positions>> {
    let folder = config.data_dir.join("position");
    private::folder(&folder).with_context(|| {
        format!("{} cannot be made; it keeps how far the database has come", folder.display())
    })?;
    Ok(Arc::new(Positions::new(folder)))
}

/// The journal of withdrawals beside the database.
pub(super) fn journal(config: &Config, keys: &Keys) -> Journal {
    Journal::at(config.withdrawals_journal.clone(), delivery::suppression_proof(keys))
}

async fn put_together(config: &Config, db: Db, whose: Whose) -> anyhow::Result<Site> {
    Migrations::apply(&db).await.context("the database cannot be brought up to date")?;
    let keys = config.keys().context("the secrets in DATA_DIR cannot be read or made")?;
    let clock = db.clock().await?;
    let journal = journal(config, &keys);
    let site = Site {
        db,
        clock,
        keys: Arc::new(keys),
        base_url: config.base_url.clone(),
        bounce_address: config.bounce_address.clone(),
        journal,
    };
    let kept = Suppressions::new(&site).secret(whose == Whose::TheMagazine).await?;
    if let (KeptBy::Another { lost }, false) = (kept, whose == Whose::Anybody) {
        return Err(another_secret(lost));
    }
    publishing::ensure_first(&site).await?;
    Ok(site)
}

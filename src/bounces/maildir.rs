//! A maildir that bounces are delivered into: what stands in `new` is taken in and then moves to `cur`.
//!
//! A message moves only after its report is committed, so a crash in between reads it again, which changes nothing.

use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::{fs, io::AsyncReadExt as _};

use super::{
    leaving::Leave,
    mime,
    receive::{Effect, receive_mail},
};
use crate::{heavy::Each, private, site::Site};

/// Why a maildir was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum MaildirError {
    /// It is not there, or may not be read.
    #[error("{0} cannot be read: {1}")]
    Io(PathBuf, io::Error),
    /// The database failed; what was not taken in still stands in `new`.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How many messages were taken in, by what was done about them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Messages.
    pub read: u64,
    /// Readers who are not mailed any more since.
    pub stopped: u64,
    /// Failures for good that wait for somebody's judgement.
    pub held: u64,
    /// Failures that were counted.
    pub counted: u64,
    /// Readers who left a list by mail.
    pub left: u64,
    /// What people wrote.
    pub letters: u64,
    /// Messages that prove nothing about a copy of ours.
    pub unproven: u64,
}

impl Taken {
    /// Counts one.
    pub fn count(&mut self, effect: Effect) {
        self.read += 1;
        match effect {
            Effect::Bounced | Effect::Complained => self.stopped += 1,
            Effect::Counted => self.counted += 1,
            Effect::Unproven => self.unproven += 1,
            Effect::Held => self.held += 1,
            Effect::Left => self.left += 1,
            Effect::Letter => self.letters += 1,
            Effect::Known | Effect::None | Effect::Policy | Effect::Outdated => {}
        }
    }
}

/// Takes in every message of `new`. A message that cannot be read stays there and is said in the log.
///
/// # Errors
/// When the folder cannot be read, or the database fails.
pub async fn receive_maildir(site: &Site, folder: &Path, leave: Leave) -> Result<Taken, MaildirError> {
    let (new, cur) = (folder.join("new"), folder.join("cur"));
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| MaildirError::Io(path, error)
    };
    private::folder(&cur).map_err(io(&cur))?;
    let mut entries = fs::read_dir(&new).await.map_err(io(&new))?;
    let (mut taken, mut each) = (Taken::default(), Each::default());
    while let Some(entry) = entries.next_entry().await.map_err(io(&new))? {
        let name = entry.file_name();
        // A link could lead anywhere.
        if !entry.file_type().await.is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let bytes = match beginning(&entry.path()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                tracing::warn!(file = %entry.path().display(), %error, "a message cannot be read");
                continue;
            }
        };
        let Some(effect) = each.one(receive_mail(site, &bytes, leave)).await else { continue };
        taken.count(effect?);
        let mut seen = name;
        seen.push(":2,S");
        let target = cur.join(seen);
        fs::rename(entry.path(), &target).await.map_err(io(&target))?;
    }
    each.end();
    Ok(taken)
}

async fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).await?.take(mime::READ as u64).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

//! The file of a list that is brought in, as the table that it is.

use std::io::{self, Read};

use crate::{
    db,
    kept_file::{self, FileTable, KeptFile},
    moving_in::{AnyPlace, TableSource},
    site::Site,
    subscribers::store::imports as store,
};

/// Where it lies.
pub(super) const TABLE: FileTable =
    FileTable { add: store::ADD_PART, piece: store::PART, take_away: store::DROP_PARTS };

/// A file that is here. It is read on a thread that may wait.
#[derive(Clone, Debug)]
pub(super) struct Staged {
    file: KeptFile,
    name: String,
}

impl Staged {
    pub(super) fn of(site: &Site, import: &super::Import) -> Self {
        Self { file: KeptFile::of(site, &TABLE, (import.id, import.size)), name: import.file.clone() }
    }
}

impl TableSource for Staged {
    fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.file.open()))
    }

    fn open_anywhere(&self) -> io::Result<Option<Box<dyn AnyPlace>>> {
        Ok(Some(Box::new(self.file.open())))
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

/// Takes the file away, in steps.
pub(super) async fn drop(site: &Site, id: i64) -> db::Result<()> {
    kept_file::take_away(site, &TABLE, id).await
}

/// Takes its problems away, in steps.
pub(super) async fn drop_problems(site: &Site, id: i64) -> db::Result<()> {
    loop {
        let mut tx = site.db.begin().await?;
        let gone = store::drop_problems(&mut tx, id).await?;
        tx.commit().await?;
        if gone == 0 {
            return Ok(());
        }
    }
}

/// Why it does not go on now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stuck {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Its file cannot be read here and now.
    #[error(transparent)]
    File(#[from] io::Error),
}

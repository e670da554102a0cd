//! Commits that several share, on SQLite: who comes while others write goes on behind them in the same transaction, each under a
//! savepoint, and one wait for the disk is for all. Who is told that it is committed was told after that.
//!
//! A shared transaction ends with whoever was in line when it began, so nobody waits for more than the line; what breaks off is taken
//! back to its savepoint and hurts nobody else. PostgreSQL commits what comes at once together by itself.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, OwnedMappedMutexGuard, OwnedMutexGuard, oneshot};

use super::{Result, sql, to_its_end::ToItsEnd};

/// The line before the shared transaction; shared by all clones of one handle.
#[derive(Clone, Debug, Default)]
pub struct Together(Arc<Mutex<Option<Shared>>>);

/// A transaction that has begun, and who waits for its commit.
#[derive(Debug)]
pub(super) struct Shared {
    tx: Transaction<'static, Sqlite>,
    wait: Vec<oneshot::Sender<Result<()>>>,
    /// Somebody is between their savepoint and its release, or broke off there.
    is_inside: bool,
}

impl Shared {
    /// Takes back what somebody left half done.
    async fn clear(&mut self) -> Result<()> {
        if self.is_inside {
            // Where SQLite undid the whole (no room, a failing disk) there is no savepoint any more.
            sqlx::query(sql::BACK_TO_SAVEPOINT).execute(&mut *self.tx).await?;
            sqlx::query(sql::RELEASE_SAVEPOINT).execute(&mut *self.tx).await?;
            self.is_inside = false;
        }
        Ok(())
    }

    /// Ends it, and tells everybody who waits.
    async fn end(mut self) {
        let ended = match self.clear().await {
            Ok(()) => self.tx.commit().await,
            Err(error) => {
                drop(self.tx);
                Err(error)
            }
        };
        let told = |why: &sqlx::Error| sqlx::Error::Protocol(format!("a commit that several share: {why}"));
        for one in self.wait {
            // Who went away meanwhile does not hear it.
            let _ = one.send(match &ended {
                Ok(()) => Ok(()),
                Err(why) => Err(told(why)),
            });
        }
    }
}

/// Somebody's part of a shared transaction. Dropped, it is taken back.
#[derive(Debug)]
pub(super) struct Part(OwnedMappedMutexGuard<Option<Shared>, Shared>);

impl Together {
    /// Waits in line, and begins behind whoever is in the transaction already.
    pub(super) async fn begin(&self, write: &SqlitePool) -> Result<Part> {
        let (line, write) = (self.clone(), write.clone());
        ToItsEnd::new(async move {
            let mut place = line.0.clone().lock_owned().await;
            if let Some(shared) = &mut *place
                && shared.clear().await.is_err()
                && let Some(broken) = place.take()
            {
                broken.end().await;
            }
            if place.is_none() {
                let tx = write.begin_with(sql::BEGIN_TO_WRITE).await?;
                *place = Some(Shared { tx, wait: Vec::new(), is_inside: false });
                // Behind whoever is in line by now.
                tokio::spawn(line.end());
            }
            let part = OwnedMutexGuard::try_map(place, Option::as_mut);
            let mut part = Part(part.map_err(|_| sqlx::Error::Protocol("no transaction".to_owned()))?);
            part.0.is_inside = true;
            sqlx::query(sql::SAVEPOINT).execute(&mut *part).await?;
            Ok(part)
        })
        .await
    }

    async fn end(self) {
        let mut place = self.0.lock_owned().await;
        if let Some(shared) = place.take() {
            shared.end().await;
        }
    }
}

impl Part {
    /// Waits until everybody's part is committed.
    pub(super) async fn commit(mut self) -> Result<()> {
        ToItsEnd::new(async move {
            sqlx::query(sql::RELEASE_SAVEPOINT).execute(&mut *self).await?;
            let (tell, told) = oneshot::channel();
            self.0.wait.push(tell);
            self.0.is_inside = false;
            drop(self);
            told.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
        })
        .await
    }
}

impl Deref for Part {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.0.tx
    }
}

impl DerefMut for Part {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.0.tx
    }
}

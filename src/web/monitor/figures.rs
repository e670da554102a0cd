//! What only the database knows, read when somebody asks; whoever asks meanwhile gets the same.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use tokio::time::timeout;

use super::Watched;
use crate::{
    db::Result,
    delivery::{self, DeliveryFigures as Sending},
    donations::{self, AttentionNews},
    jobs,
    relays::{self, LeftOfLimits, Trouble},
};

/// How long the database may take to say it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    pub(super) sending: Sending,
    pub(super) limits: Vec<LeftOfLimits>,
    pub(super) relay_troubles: Vec<Trouble>,
    pub(super) news: AttentionNews,
    pub(super) job_troubles: Vec<jobs::JobTrouble>,
}

/// None if the database did not say it.
pub(super) async fn read(watched: Arc<Watched>) -> Option<Figures> {
    match timeout(PATIENCE, read_all(&watched)).await {
        Ok(Ok(figures)) => Some(figures),
        // Whatever is wrong with the database is told by whoever needs it.
        Ok(Err(error)) => {
            tracing::debug!(%error, "the database was not read for the metrics");
            None
        }
        Err(_) => None,
    }
}

async fn read_all(Watched { site, relays, .. }: &Watched) -> Result<Figures> {
    Ok(Figures {
        sending: delivery::figures(&site.db).await?,
        limits: relays::left(site, relays).await?,
        relay_troubles: relays::troubles(&site.db).await?,
        news: donations::attention_news(&site.db).await?,
        job_troubles: jobs::troubles(&site.db, site.now()).await?,
    })
}

/// An answer that costs something: all who ask at the same time share one.
pub(super) struct Asked<T>(Arc<Mutex<Option<WeakShared<BoxFuture<'static, T>>>>>);

impl<T> Clone for Asked<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl<T: Clone + Send + Sync + 'static> Asked<T> {
    /// The answer that somebody waits for already, or a new one. When nobody waits any more it is given up.
    pub(super) fn ask<F: Future<Output = T> + Send + 'static>(
        &self,
        answer: impl FnOnce() -> F,
    ) -> Shared<BoxFuture<'static, T>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let going_on =
            last.as_ref().and_then(WeakShared::upgrade).filter(|going_on| going_on.peek().is_none());
        going_on.unwrap_or_else(|| {
            let new = answer().boxed().shared();
            *last = new.downgrade();
            new
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join;
    use tokio::sync::Semaphore;

    use super::*;

    /// Who asks while an answer is being made gets that one; who asks later, or after it was given up, gets a new one.
    #[tokio::test]
    async fn two_who_ask_at_once_share_an_answer() {
        let (asked, made, may) =
            (Asked::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let ask = || {
            let (made, may) = (made.clone(), may.clone());
            asked.ask(|| async move {
                let number = made.fetch_add(1, Ordering::SeqCst);
                may.acquire().await.expect("it is open").forget();
                number
            })
        };
        let (one, other) = (ask(), ask());
        may.add_permits(1);
        assert_eq!(join(one, other).await, (0, 0));
        let given_up = ask();
        assert!(given_up.clone().now_or_never().is_none());
        drop(given_up);
        may.add_permits(1);
        assert_eq!(ask().await, 2);
    }
}

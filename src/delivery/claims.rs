//! What a worker holds, and the one way in which it goes back unsent: copies and automatic emails alike, some of them or all of
//! a worker's, at once or later, and whether or not the attempt counts.

use std::{sync::Arc, time::Duration};

use super::{
    states::Class,
    store::{
        ledger::{Claim, Key, Record},
        moves::{self, Moves},
        notices::{self, ClaimedNotice},
    },
};
use crate::{
    clock::Moment,
    db::{Gate, Result, Tx},
    site::Site,
};

/// What a message is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemKey {
    Delivery(Key),
    /// Its id and attempt.
    Notice(i64, i64),
}

impl Claim {
    pub(super) const fn item_key(&self) -> ItemKey {
        ItemKey::Delivery(self.key())
    }
}

impl Record {
    pub(super) const fn item_key(&self) -> ItemKey {
        ItemKey::Delivery(self.key())
    }
}

impl ClaimedNotice {
    pub(super) const fn item_key(&self) -> ItemKey {
        ItemKey::Notice(self.id, self.attempt)
    }
}

/// Why a message goes back.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// It was not begun, for no fault of its own: the attempt does not count.
    NotBegun,
    /// Its worker is gone, and nobody knows more than its marker says.
    WorkerGone,
    /// A task that had it in hand broke off, with what it said. One that was not begun, and was in hand for the third time, is given
    /// up: it may be what the tasks break off at.
    BrokeOff(Arc<str>),
}

impl Why {
    /// As the rows have it, and the words for the log; none where the attempt does not count.
    fn words(&self) -> Option<(Class, &str)> {
        match self {
            Self::NotBegun => None,
            Self::WorkerGone => {
                Some((Class::WorkerDied, "the worker stopped before it could record the reply"))
            }
            Self::BrokeOff(words) => Some((Class::BrokeOff, words)),
        }
    }
}

/// A message that goes back.
#[derive(Debug)]
pub(super) struct Back {
    pub(super) key: ItemKey,
    pub(super) why: Why,
    /// How long it waits until it may be claimed again; nothing leaves that moment as it is.
    pub(super) wait: Duration,
    /// The lane in which it waits; mostly empty.
    pub(super) lane: String,
}

impl Back {
    pub(super) const fn not_begun(key: ItemKey) -> Self {
        Self { key, why: Why::NotBegun, wait: Duration::ZERO, lane: String::new() }
    }
}

/// Gives back what is still the worker's.
pub(super) async fn give_back(site: &Site, worker: i64, these: &[Back]) -> Result<()> {
    let mut tx = site.db.begin_inside(Gate::Copies).await?;
    give_back_in(&mut tx, worker, these, site.now()).await?;
    tx.commit().await
}

/// The same for all that a worker holds which is going, or gone: then the attempts count of what it did not begin, too. Nobody writes
/// anything down meanwhile: what the log is told here is what becomes of the rows. How many copies and automatic emails that were.
pub(super) async fn give_back_all(
    tx: &mut Tx,
    worker: i64,
    is_gone: bool,
    now: Moment,
) -> Result<(u64, u64)> {
    tx.close(Gate::Copies).await?;
    let copies = moves::held(tx, worker).await?.into_iter();
    let copies = copies.map(|(edition, subscriber, attempt, marker)| {
        (ItemKey::Delivery((edition, subscriber, attempt)), marker)
    });
    let letters = notices::held(tx, worker).await?.into_iter();
    let letters = letters.map(|(id, attempt, marker)| (ItemKey::Notice(id, attempt), marker));
    let back = copies.chain(letters).map(|(key, marker)| {
        let why = if is_gone || marker { Why::WorkerGone } else { Why::NotBegun };
        Back { why, ..Back::not_begun(key) }
    });
    give_back_in(tx, worker, &back.collect::<Vec<_>>(), now).await
}

async fn give_back_in(tx: &mut Tx, worker: i64, these: &[Back], now: Moment) -> Result<(u64, u64)> {
    let (mut copies, mut letters) = (Vec::new(), Vec::new());
    for Back { key, why, wait, lane } in these {
        // What may be why the worker is gone goes behind everything else that is due.
        let until = (!matches!(why, Why::NotBegun) || !wait.is_zero()).then(|| now.plus(*wait));
        match *key {
            ItemKey::Delivery(key) => copies.push((key, why.words(), until, lane.as_str())),
            ItemKey::Notice(id, attempt) => letters.push(((id, attempt), why.words(), until)),
        }
    }
    let mut moves = Moves::of(worker);
    let copies = moves::give_back(tx, &mut moves, &copies, now).await?;
    moves.write(tx).await?;
    Ok((copies, notices::give_back(tx, worker, &letters, now).await?))
}

//! How many are inside, for whoever watches; and what there is too little of, said once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::clock::Stopwatch;

/// When nothing went wrong for so long, the system has descriptors again.
pub(super) const CALM: Duration = Duration::from_secs(60);

/// How many connections there are at a door. Shared by all clones of one.
#[derive(Clone, Debug, Default)]
pub struct Headcount(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    inside: AtomicUsize,
    most: AtomicUsize,
    shown_out: AtomicU64,
    refused: AtomicU64,
}

impl Headcount {
    /// How many are open now, and how many there may be.
    #[must_use]
    pub fn now(&self) -> (usize, usize) {
        (self.0.inside.load(Relaxed), self.0.most.load(Relaxed))
    }

    /// How many were closed to make room for others.
    #[must_use]
    pub fn shown_out(&self) -> u64 {
        self.0.shown_out.load(Relaxed)
    }

    /// How many were not taken because all of their network were being served.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Relaxed)
    }

    pub(super) fn most(&self, most: usize) {
        self.0.most.store(most, Relaxed);
    }

    pub(super) fn inside(&self, inside: usize) {
        self.0.inside.store(inside, Relaxed);
    }

    pub(super) fn one_was_shown_out(&self) {
        self.0.shown_out.fetch_add(1, Relaxed);
    }

    pub(super) fn one_was_refused(&self) {
        self.0.refused.fetch_add(1, Relaxed);
    }
}

/// Something of which there is too little: news once, until it was not felt for a while.
#[derive(Debug, Default)]
pub(super) struct Want(Option<Stopwatch>);

impl Want {
    /// It is felt now. Whether that is news.
    pub(super) fn is_news(&mut self) -> bool {
        self.0.replace(Stopwatch::start()).is_none_or(|last| last.elapsed() > CALM)
    }
}

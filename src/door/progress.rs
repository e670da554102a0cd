//! How far a connection has come, and since when we wait for it.

use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep_until},
};

use super::Limits;
use crate::clock::Stopwatch;

/// What a connection is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing has come yet.
    New,
    /// Everything that was asked is answered.
    Idle,
    /// Some of a request has come.
    Head,
    /// A request has come, but for its body, and is worked on.
    Asked,
    /// The answer is on its way; its size, unless it has no end.
    Answering(Option<u64>),
    /// The answer is out of our hands, but perhaps not out of the house.
    Answered(Option<u64>),
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Stopwatch,
    /// When the first byte of the request came, or when its body had come that was waited for.
    asked: Stopwatch,
    /// Since when the body is waited for.
    body: Option<Stopwatch>,
    /// How many bytes of it have come.
    came: u64,
    /// Since when nothing more of an answer is taken.
    blocked: Option<Stopwatch>,
}

impl State {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Stopwatch::start();
    }
}

/// How far a connection has come. The connection moves it on, the door looks at it.
#[derive(Debug)]
pub(super) struct Progress {
    limits: Limits,
    state: Mutex<State>,
}

impl Progress {
    pub(super) fn new(limits: Limits) -> Self {
        let now = Stopwatch::start();
        let state = State { phase: Phase::New, since: now, asked: now, body: None, came: 0, blocked: None };
        Self { limits, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn bytes_came(&self) {
        let mut state = self.state();
        if matches!(state.phase, Phase::New | Phase::Idle | Phase::Answered(_)) {
            state.enter(Phase::Head);
        }
    }

    fn wrote(&self, outcome: &Poll<io::Result<usize>>) {
        let mut state = self.state();
        match outcome {
            Poll::Pending => {
                state.blocked.get_or_insert_with(Stopwatch::start);
            }
            Poll::Ready(_) => state.blocked = None,
        }
    }

    /// The head of a request is here.
    pub(super) fn asked(&self) {
        let mut state = self.state();
        // One that came in the same piece as the one before it begins now.
        state.asked = if state.phase == Phase::Head { state.since } else { Stopwatch::start() };
        state.enter(Phase::Asked);
        state.body = None;
        state.came = 0;
    }

    /// So many bytes of the body came.
    pub(super) fn body_came(&self, bytes: u64) {
        self.state().came += bytes;
    }

    /// More of the body is waited for. Says until when.
    pub(super) fn awaits_body(&self) -> Instant {
        let mut state = self.state();
        let since = *state.body.get_or_insert_with(Stopwatch::start);
        self.body_due(since, state.came)
    }

    fn body_due(&self, since: Stopwatch, came: u64) -> Instant {
        since.after(self.limits.body) + self.limits.for_bytes(came)
    }

    /// Nobody waits for the body any more. The time that it took to come is not counted against the answer.
    pub(super) fn body_ended(&self) {
        let mut state = self.state();
        if state.body.take().is_some() {
            state.asked = Stopwatch::start();
        }
    }

    /// There is an answer, of so many bytes unless it has no end.
    pub(super) fn answers(&self, size: Option<u64>) {
        self.state().enter(Phase::Answering(size));
    }

    /// The whole answer was taken over by the connection.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        if let Phase::Answering(size) = state.phase {
            // The clock of the answer goes on until it has left.
            state.phase = Phase::Answered(size);
        }
    }

    /// Nothing of a request is here.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state().phase, Phase::New | Phase::Idle)
    }

    /// Since when the other side keeps us waiting; none while it waits for us.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.state();
        let quiet = matches!(state.phase, Phase::New | Phase::Idle | Phase::Head);
        let whole = quiet.then_some(state.since);
        [whole, state.body, state.blocked]
            .into_iter()
            .flatten()
            .map(|watch| watch.after(Duration::ZERO))
            .min()
    }

    /// When the connection is to be closed as things stand; none while it may go on for ever. An answer that has left by now
    /// makes it an idle one.
    fn deadline(&self) -> Option<Instant> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Answered(_)) && state.blocked.is_none() {
            state.enter(Phase::Idle);
        }
        let limits = &self.limits;
        let by_phase = match state.phase {
            Phase::New | Phase::Head => Some(state.since.after(limits.header)),
            Phase::Idle => Some(state.since.after(limits.idle)),
            // The handler is told at the end of `request`, and has some time left to say so.
            Phase::Asked => {
                let here = state.body.map(|since| self.body_due(since, state.came));
                Some(here.unwrap_or(state.asked.after(Duration::ZERO)) + limits.request + limits.write)
            }
            Phase::Answering(size) | Phase::Answered(size) => size.map(|size| {
                let end = state.asked.after(limits.request).max(state.since.after(limits.write));
                end + limits.for_bytes(size)
            }),
        };
        let unless_taken = state.blocked.map(|since| since.after(limits.write));
        [by_phase, unless_taken].into_iter().flatten().min()
    }

    /// Ends when the connection has used its time up. To be polled after the connection, by the same task.
    pub(super) async fn over(&self) {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|cx| {
            let Some(deadline) = self.deadline() else { return Poll::Pending };
            let deadline = deadline.into();
            let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            timer.as_mut().poll(cx)
        })
        .await;
    }
}

/// The socket of somebody who came in. What passes through it is seen.
#[derive(Debug)]
pub struct Guest {
    stream: TcpStream,
    progress: Arc<Progress>,
}

impl Guest {
    pub(super) const fn new(stream: TcpStream, progress: Arc<Progress>) -> Self {
        Self { stream, progress }
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// For a conversation without heads and bodies: we have answered, and wait for more from now on.
    pub fn is_awaited(&self) {
        self.progress.state().enter(Phase::Idle);
    }

    /// For such a conversation: something came, and the other side waits for our answer.
    pub fn was_heard(&self) {
        let mut state = self.progress.state();
        state.enter(Phase::Asked);
        state.asked = state.since;
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.bytes_came();
        }
        outcome
    }
}

impl AsyncWrite for Guest {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.progress.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.progress.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

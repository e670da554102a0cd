//! Futures that must not be left half done.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

/// Goes on by itself when whoever waits for it goes away: a browser that hangs up, a time-out.
///
/// A connection whose BEGIN or COMMIT was sent, and whose answer nobody read, would go back to its pool inside a transaction,
/// or be told to undo one that is over.
pub(super) struct ToItsEnd<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    has_begun: bool,
}

impl<T: Send + 'static> ToItsEnd<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(Box::pin(work)), has_begun: false }
    }
}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.has_begun = true;
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        // Without a runtime the connection dies with the process.
        if self.has_begun
            && let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current())
        {
            drop(runtime.spawn(work));
        }
    }
}

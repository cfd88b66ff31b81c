//! Where blocking C calls run: threads of their own, so that a host that hangs blocks neither the async threads nor
//! the pool that files and the store use. A thread costs some 30 µs, a call over the network a hundred times that.

use crate::clouds::error::{Error, Result};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How many calls one host may keep busy. A caller that gives up leaves its thread behind until libvirt answers:
/// it goes on holding its permit, which is what keeps a hanging host from eating threads.
#[derive(Clone)]
pub struct Threads(Arc<Semaphore>);

impl Threads {
    pub fn new(limit: usize) -> Self {
        Self(Arc::new(Semaphore::new(limit)))
    }

    /// Runs `work` on a thread of its own.
    ///
    /// # Errors
    /// `Transient` when no thread can be had.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let permit = self.0.clone().acquire_owned().await.map_err(|_| Error::transient("The node is stopping."))?;
        spawn(Some(permit), work)?.await.map_err(|_| Error::permanent("A call to libvirt panicked; see the log."))
    }
}

/// Without a limit; for work that lasts, like a transfer.
///
/// # Errors
/// `Transient` when no thread can be had.
pub fn spawn<T: Send + 'static>(
    permit: Option<OwnedSemaphorePermit>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<oneshot::Receiver<T>> {
    let (answer, wait) = oneshot::channel();
    let body = move || {
        // Nobody waits any more: the caller gave up.
        let _ = answer.send(work());
        drop(permit);
    };
    std::thread::Builder::new()
        .name("libvirt-call".into())
        .spawn(body)
        .map_err(|error| Error::transient(format!("no thread for a call to libvirt: {error}")))?;
    Ok(wait)
}

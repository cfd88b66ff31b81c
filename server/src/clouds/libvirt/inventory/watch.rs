//! Changes as the host tells them.
//!
//! A burst of events about one machine (define, start, resume) costs one look: events only say *that* something
//! changed, what it is now is always asked.

use super::super::{
    link::{Link, Session},
    sys::Signal,
    threads::Threads,
};
use crate::clouds::{
    Change,
    error::{Error, Result},
};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, mpsc},
    time::Instant,
};

/// Long enough to catch a burst, short enough to go unseen.
const GATHER: Duration = Duration::from_millis(60);
/// Machines looked at in one go.
const BATCH: usize = 64;

/// # Errors
/// No connection.
pub async fn start(link: &Link) -> Result<Option<mpsc::Receiver<Change>>> {
    let session = link.session().await?;
    let listening = session.clone();
    let Ok(signals) = Threads::new(1).run(move || listening.listen()).await? else { return Ok(None) };
    let (changes, receiver) = mpsc::channel(256);
    tokio::spawn(async move {
        let reason = follow(&session, signals, &changes).await;
        // Nobody listens any more: nothing to tell.
        let _ = changes.send(Change::Lost(reason)).await;
    });
    Ok(Some(receiver))
}

/// Until the connection is lost or nobody listens; answers why.
async fn follow(session: &Arc<Session>, mut signals: broadcast::Receiver<Signal>, changes: &mpsc::Sender<Change>) -> String {
    let threads = Threads::new(1);
    loop {
        let first = tokio::select! {
            signal = signals.recv() => signal,
            () = changes.closed() => return "nobody listens".into(),
        };
        let mut touched = BTreeSet::new();
        let mut missed = false;
        let mut next = Some(first);
        let until = Instant::now() + GATHER;
        while let Some(signal) = next.take() {
            match signal {
                Ok(Signal::Touched(uuid)) => drop(touched.insert(uuid)),
                Ok(Signal::Closed(reason)) => return reason.into(),
                Err(broadcast::error::RecvError::Lagged(_)) => missed = true,
                Err(broadcast::error::RecvError::Closed) => return "the connection was closed".into(),
            }
            if touched.len() < BATCH {
                next = tokio::time::timeout_at(until, signals.recv()).await.ok();
            }
        }
        if missed && changes.send(Change::Relist).await.is_err() {
            return "nobody listens".into();
        }
        let at = session.clone();
        let looked = threads.run(move || look(&at, touched)).await.unwrap_or_else(Err);
        match looked {
            Ok(found) => {
                for change in found {
                    if changes.send(change).await.is_err() {
                        return "nobody listens".into();
                    }
                }
            }
            Err(error) if session.is_lost() => return error.message,
            // Something could not be read: a full look will say what.
            Err(_) => drop(changes.send(Change::Relist).await),
        }
    }
}

fn look(session: &Session, touched: BTreeSet<String>) -> Result<Vec<Change>> {
    touched
        .into_iter()
        .map(|uuid| {
            let found = super::look(session.conn(), &uuid).map_err(Error::from)?;
            // A helper of ours is not there either.
            Ok(found.map_or(Change::Gone(uuid), |machine| Change::Machine(Box::new(machine))))
        })
        .collect()
}

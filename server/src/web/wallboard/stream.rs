//! A new board for each change, at most one a second, and one every five seconds in any case: silence means a lost
//! connection.

use super::{Entry, entry, render};
use crate::{
    error::{Code, Error, Result},
    state::Node,
    web::AppState,
};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{Sse, sse::Event},
};
use futures::Stream;
use model::live::{LiveEvent, Topic};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::{Instant, sleep_until, timeout_at},
};

type Frame = std::result::Result<Event, Infallible>;

const AT_MOST: Duration = Duration::from_secs(1);
const AT_LEAST: Duration = Duration::from_secs(5);

pub async fn events(State(state): State<AppState>, headers: HeaderMap) -> Result<Sse<impl Stream<Item = Frame>>> {
    let wrong = || Error::new(Code::Unauthenticated, "This wallboard is closed.");
    let entry = entry(&state, &headers).await?.ok_or_else(wrong)?;
    let (_, changes) = state.node.live.subscribe(None);
    let feed = Feed { node: state.node, entry, changes, sent: None };
    Ok(Sse::new(futures::stream::unfold(Some(feed), |feed| async move { feed?.next().await })))
}

struct Feed {
    node: Node,
    entry: Entry,
    changes: Receiver<Arc<LiveEvent>>,
    sent: Option<Instant>,
}

impl Feed {
    /// `None` ends the stream; the browser comes back by itself.
    async fn next(mut self) -> Option<(Frame, Option<Self>)> {
        let node = self.node.clone();
        tokio::select! {
            () = node.stopping.cancelled() => return None,
            () = self.wait() => {}
        }
        match self.entry.still_holds(&self.node).await {
            Ok(true) => {}
            Ok(false) => return Some((Ok(Event::default().event("closed").data("closed")), None)),
            // The store is away for a moment: nothing is sent, and the screen says that nothing comes.
            Err(_) => return None,
        }
        let html = render(&self.node).await.ok()?.render().ok()?;
        self.sent = Some(Instant::now());
        Some((Ok(Event::default().event("board").data(html)), Some(self)))
    }

    async fn wait(&mut self) {
        let Some(sent) = self.sent else { return };
        // Nothing of note until then is fine as well.
        let _ = timeout_at(sent + AT_LEAST, self.change()).await;
        sleep_until(sent + AT_MOST).await;
        while !matches!(self.changes.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
    }

    async fn change(&mut self) {
        loop {
            match self.changes.recv().await {
                Ok(event) if matches!(event.topic, Topic::Audit | Topic::RunEvent) => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

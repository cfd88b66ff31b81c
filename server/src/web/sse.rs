//! The live stream of a tab: `GET /api/v1/events`.
//!
//! An event's id is `<epoch>-<seq>`: the browser sends the last one back when it connects again. From another life of
//! the node, or after too long a gap, the answer is `reset` (read everything again), never a silent hole.

use super::{AppState, Web};
use crate::{
    services::sessions::{self, Identity},
    state::Node,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::Stream;
use model::live::{LiveEvent, Topic};
use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Below what proxies take for a dead connection, and often enough that a tab soon notices a line cut without a word.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A revoked session gets nothing more after this.
const RECHECK: Duration = Duration::from_secs(30);

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Every change as it happens. Begins with `hello`; send `Last-Event-ID` to go on after a break.
#[utoipa::path(get, path = "/events", tag = "live", responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
async fn events(
    State(state): State<AppState>,
    identity: Identity,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let feed = Feed::open(&state, identity, headers.get("last-event-id").and_then(|v| v.to_str().ok()));
    Sse::new(futures::stream::unfold(feed, Feed::next)).keep_alive(heartbeat())
}

/// A named event, not a comment: a script in the browser cannot see comments, and uses the beat as a sign of life.
fn heartbeat() -> KeepAlive {
    KeepAlive::new().interval(KEEP_ALIVE).event(Event::default().event("heartbeat").data("1"))
}

/// What one tab still has to get.
struct Feed {
    node: Node,
    web: Arc<Web>,
    identity: Identity,
    ready: VecDeque<Arc<LiveEvent>>,
    tail: Receiver<Arc<LiveEvent>>,
    /// Of the last one sent.
    seq: u64,
    recheck: Interval,
}

impl Feed {
    fn open(state: &AppState, identity: Identity, last: Option<&str>) -> Self {
        let (node, web) = (state.node.clone(), state.web.clone());
        let mut recheck = interval(RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let resumed = last.filter(|l| !l.is_empty()).map(|l| resume(l, &web.epoch));
        let from = resumed.flatten().unwrap_or_else(|| node.live.last_seq());
        let (missed, tail) = node.live.subscribe(Some(from));
        let whole = resumed != Some(None) && missed.is_some();
        let seq = if whole { from } else { node.live.last_seq() };
        let mut feed = Self { node, web, identity, ready: VecDeque::new(), tail, seq, recheck };
        feed.push(Topic::Hello);
        if !whole {
            feed.push(Topic::Reset);
        }
        feed.ready.extend(missed.unwrap_or_default());
        feed
    }

    fn push(&mut self, topic: Topic) {
        let data = serde_json::json!({ "epoch": self.web.epoch });
        self.ready.push_back(Arc::new(LiveEvent { seq: 0, topic, id: String::new(), data }));
    }

    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(self.frame(&event)), self));
            }
            tokio::select! {
                biased;
                () = self.node.stopping.cancelled() => return None,
                _ = self.recheck.tick() => {
                    if !sessions::still_holds(&self.node, &self.identity).await.unwrap_or(true) {
                        return None;
                    }
                }
                got = self.tail.recv() => match got {
                    Ok(event) => self.ready.push_back(event),
                    Err(RecvError::Lagged(_)) => {
                        self.seq = self.node.live.last_seq();
                        self.push(Topic::Reset);
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        }
    }

    fn frame(&mut self, event: &LiveEvent) -> Event {
        if event.seq > 0 {
            self.seq = event.seq;
        }
        let event = LiveEvent { seq: self.seq, ..event.clone() };
        Event::default().id(format!("{}-{}", self.web.epoch, self.seq)).json_data(&event).unwrap_or_default()
    }
}

/// `None`: not an id of this life of the node.
fn resume(last: &str, epoch: &str) -> Option<u64> {
    let (life, seq) = last.split_once('-')?;
    if life == epoch { seq.parse().ok() } else { None }
}

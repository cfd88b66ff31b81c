//! The tab's one `EventSource`.
//!
//! The browser reconnects by itself after a network error, and sends `Last-Event-ID`. It gives up for good when the
//! answer is not a stream (a proxy's error page, a session that ended): then it is opened anew here, with growing
//! pauses, and everybody is told to read again. A line that is cut without a word is found by the heartbeat: once
//! the node was heard beating (event `heartbeat`), silence of [`SILENT_MS`] counts as lost.

use super::{Connection, registry};
use crate::state::now;
use leptos::prelude::*;
use model::{
    Millis,
    live::{LiveEvent, Topic},
};
use std::{cell::RefCell, time::Duration};
use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::{EventSource, MessageEvent};

const SILENT_MS: Millis = 25_000;
const LOOK_EVERY: Duration = Duration::from_secs(2);
const LONGEST_PAUSE_MS: Millis = 15_000;

/// What is remembered between events.
struct Tab {
    source: Option<EventSource>,
    state: RwSignal<Connection>,
    heard: Millis,
    beats: bool,
    failures: u32,
    /// Not before this instant.
    next_try: Millis,
    /// Start of the node that was last heard: another one means that nothing was missed by chance.
    node: String,
}

thread_local!(static TAB: RefCell<Option<Tab>> = const { RefCell::new(None) });

pub fn open(state: RwSignal<Connection>) {
    let tab = Tab { source: None, state, heard: now(), beats: false, failures: 0, next_try: 0, node: String::new() };
    let first = TAB.with(|t| t.borrow_mut().replace(tab).is_none());
    if first {
        connect();
        let _ = set_interval_with_handle(watch, LOOK_EVERY);
    }
}

fn with<R>(act: impl FnOnce(&mut Tab) -> R) -> Option<R> {
    TAB.with(|t| t.borrow_mut().as_mut().map(act))
}

fn connect() {
    let Ok(source) = EventSource::new("/api/v1/events") else { return };
    let message = Closure::<dyn Fn(MessageEvent)>::new(|event: MessageEvent| receive(&event));
    let open = Closure::<dyn Fn()>::new(opened);
    let error = Closure::<dyn Fn()>::new(failed);
    let beat = Closure::<dyn Fn()>::new(|| heard(true));
    source.set_onmessage(Some(message.as_ref().unchecked_ref()));
    source.set_onopen(Some(open.as_ref().unchecked_ref()));
    source.set_onerror(Some(error.as_ref().unchecked_ref()));
    let _ = source.add_event_listener_with_callback("heartbeat", beat.as_ref().unchecked_ref());
    // They live as long as the tab; a tab opens few streams.
    message.forget();
    open.forget();
    error.forget();
    beat.forget();
    with(|tab| tab.source = Some(source));
}

fn opened() {
    heard(false);
    let state = with(|tab| {
        tab.failures = 0;
        tab.state
    });
    if let Some(state) = state {
        state.set(Connection::Live);
    }
}

fn heard(beat: bool) {
    with(|tab| {
        tab.heard = now();
        tab.beats |= beat;
    });
}

fn receive(message: &MessageEvent) {
    heard(false);
    let Some(event) = message.data().as_string().and_then(|text| serde_json::from_str::<LiveEvent>(&text).ok()) else { return };
    if event.topic == Topic::Hello {
        greet(&event);
    } else {
        registry::dispatch(&event);
    }
}

/// Another node, or the same one started anew, counts its events anew: what is shown must be read again.
fn greet(hello: &LiveEvent) {
    let node = hello.data.get("epoch").map(ToString::to_string).unwrap_or_default();
    let other = with(|tab| {
        let other = !tab.node.is_empty() && tab.node != node;
        tab.node = node;
        other
    });
    if other == Some(true) {
        read_everything();
    }
}

fn read_everything() {
    registry::dispatch(&LiveEvent { seq: 0, topic: Topic::Reset, id: String::new(), data: serde_json::Value::Null });
}

fn failed() {
    let found = with(|tab| {
        tab.failures += 1;
        tab.next_try = now() + pause(tab.failures);
        (tab.state, tab.heard)
    });
    if let Some((state, heard)) = found {
        lose(state, heard);
    }
}

/// The first loss counts: `data_from` stays while the tries fail.
fn lose(state: RwSignal<Connection>, data_from: Millis) {
    if !matches!(state.get_untracked(), Connection::Lost { .. }) {
        state.set(Connection::Lost { data_from });
    }
}

fn pause(failures: u32) -> Millis {
    (500_i64 << failures.min(6)).min(LONGEST_PAUSE_MS)
}

/// Opens anew what the browser gave up, and what went silent.
fn watch() {
    let now = now();
    let due = with(|tab| {
        let closed = tab.source.as_ref().is_none_or(|s| s.ready_state() == EventSource::CLOSED);
        let silent = tab.beats && now - tab.heard > SILENT_MS;
        (closed && now >= tab.next_try || silent).then(|| {
            let (state, from) = (tab.state, tab.heard);
            if let Some(source) = tab.source.take() {
                source.close();
            }
            tab.beats = false;
            (state, from)
        })
    });
    if let Some(Some((state, from))) = due {
        lose(state, from);
        connect();
        read_everything();
    }
}

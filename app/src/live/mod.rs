//! One stream of changes for the whole tab, handed out by topic.
//!
//! On the server nothing here happens: a page is rendered from what the API answers. In the browser one
//! `EventSource` is opened after hydration ([`stream`]); it resumes by itself with `Last-Event-ID`.

mod registry;
#[cfg(feature = "hydrate")]
mod stream;

use leptos::prelude::*;
use model::{
    Millis,
    live::{LiveEvent, Topic},
};

/// Whether what is on the screen follows the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Not yet: also what the server renders.
    #[default]
    Opening,
    Live,
    /// What is shown is from `data_from`; the browser keeps trying.
    Lost {
        data_from: Millis,
    },
}

#[derive(Clone, Copy)]
struct Live(RwSignal<Connection>);

/// Called once, by the app.
pub fn provide() {
    provide_context(Live(RwSignal::new(Connection::Opening)));
}

/// Called by the frame: only who is signed in has a stream.
pub fn follow() {
    #[cfg(feature = "hydrate")]
    if let Some(Live(state)) = use_context::<Live>() {
        Effect::new(move |_| stream::open(state));
    }
}

pub fn connection() -> Signal<Connection> {
    use_context::<Live>().map_or_else(|| Signal::derive(Connection::default), |l| l.0.into())
}

/// Calls back for each event of `topics`, as long as the calling component lives. With `id` only for that object.
/// `Topic::Reset` (a gap in the stream, or a new connection after a loss) always comes: read everything again.
pub fn on(topics: &'static [Topic], id: Option<String>, callback: impl Fn(&LiveEvent) + Send + Sync + 'static) {
    if topics.is_empty() || cfg!(not(feature = "hydrate")) {
        return;
    }
    let key = registry::add(topics, id, std::sync::Arc::new(callback));
    on_cleanup(move || registry::remove(key));
}

/// For a page that reads a list again: see [`throttled`].
pub fn on_throttled(topics: &'static [Topic], callback: impl Fn() + Clone + Send + Sync + 'static) {
    let callback = throttled(callback);
    on(topics, None, move |_| callback());
}

/// Calls at once for the first time that it is asked, then at most once a second, and always once more after the last.
pub fn throttled(callback: impl Fn() + Clone + Send + Sync + 'static) -> impl Fn() + Clone + Send + Sync + 'static {
    let waiting = StoredValue::new(false);
    move || {
        if waiting.try_get_value() != Some(false) {
            return;
        }
        waiting.set_value(true);
        let callback = callback.clone();
        let later = move || {
            if waiting.try_set_value(false).is_none() {
                callback();
            }
        };
        set_timeout(later, std::time::Duration::from_millis(registry::pause()));
    }
}

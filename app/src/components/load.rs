//! Reads one address of the API and keeps it fresh.
//!
//! The server renders the first answer; the browser takes it over without asking again. From then on the value
//! stays on screen whatever happens: a live event or `reload` fetches a newer one in the background, and when that
//! fails the error stands beside the old value.

use crate::{api, components::error_note::ErrorNote, live};
use leptos::prelude::*;
use model::{error::ApiError, live::Topic};
use serde::{Serialize, de::DeserializeOwned};

/// What a page draws from. `value` may be patched from live events, too.
pub struct Fresh<T: Send + Sync + 'static> {
    pub value: RwSignal<T>,
    /// Of the newest try to read it again.
    pub error: RwSignal<Option<ApiError>>,
    path: StoredValue<String>,
    busy: RwSignal<bool>,
    again: RwSignal<bool>,
    older: StoredValue<Option<Older<T>>>,
}

/// Whether an answer (the second) is older than what is shown.
pub type Older<T> = fn(&T, &T) -> bool;

impl<T: Send + Sync + 'static> Clone for Fresh<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Send + Sync + 'static> Copy for Fresh<T> {}

impl<T: DeserializeOwned + Send + Sync + 'static> Fresh<T> {
    fn new(value: T, path: String) -> Self {
        let (busy, again) = (RwSignal::new(false), RwSignal::new(false));
        let (path, older) = (StoredValue::new(path), StoredValue::new(None));
        Self { value: RwSignal::new(value), error: RwSignal::new(None), path, busy, again, older }
    }

    /// Where live events patch the value: an answer may have been on its way when the last of them came, and would take back
    /// what it showed.
    pub fn leave_out(self, older: Older<T>) {
        self.older.set_value(Some(older));
    }

    /// At most one request at a time; what asks meanwhile is served by one more afterwards.
    pub fn reload(self) {
        if self.busy.try_get_untracked() != Some(false) {
            self.again.try_set(true);
            return;
        }
        self.busy.set(true);
        let path = self.path.get_value();
        leptos::task::spawn_local(async move {
            let answer = api::get::<T>(&path).await;
            self.take(answer);
        });
    }

    fn take(self, answer: api::Result<T>) {
        match answer {
            Ok(value) => {
                let older = self.older.try_get_value().flatten();
                let is_older = older.and_then(|older| self.value.try_with_untracked(|shown| older(shown, &value)));
                if is_older != Some(true) {
                    self.value.try_set(value);
                }
                self.error.try_set(None);
            }
            Err(error) => {
                self.error.try_set(Some(error));
            }
        }
        self.busy.try_set(false);
        if self.again.try_get_untracked() == Some(true) {
            self.again.try_set(false);
            self.reload();
        }
    }
}

/// Draws `view` over what `path` answers. An event of one of `topics` (see [`live::on`]) reads it again, at most
/// once a second; a new `path` (a parameter of the page's address) reads the new one while the old stays on screen.
///
/// ```ignore
/// load(move || format!("/groups/{}", id.get()), &[Topic::Member], |group: Fresh<Group>| view! { … })
/// ```
pub fn load<T, V>(
    path: impl Fn() -> String + Send + Sync + 'static,
    topics: &'static [Topic],
    view: impl Fn(Fresh<T>) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let path = Memo::new(move |_| path());
    let first = Resource::new(move || path.get(), |path| async move { (api::get::<T>(&path).await, path) });
    let draw = move || {
        let view = view.clone();
        Suspend::new(async move {
            match first.await {
                (Ok(value), path) => {
                    let fresh = Fresh::new(value, path);
                    live::on_throttled(topics, move || fresh.reload());
                    view! {
                        {move || fresh.error.get().map(|error| view! { <ErrorNote error=error retry=Callback::new(move |()| fresh.reload())/> })}
                        {view(fresh)}
                    }
                    .into_any()
                }
                (Err(error), _) => view! { <ErrorNote error=error retry=Callback::new(move |()| first.refetch())/> }.into_any(),
            }
        })
    };
    view! { <Transition fallback=Loading>{draw}</Transition> }
}

/// A quiet place-holder; only seen when the browser goes from page to page.
#[component]
pub fn Loading() -> impl IntoView {
    view! { <p class="loading" role="status">"Loading…"</p> }
}

//! A short word about what just happened. Good news leaves by itself; an error stays until it is dismissed.

use leptos::prelude::*;
use model::error::ApiError;
use std::time::Duration;

const GOOD_NEWS: Duration = Duration::from_secs(6);

#[derive(Clone)]
struct Toast {
    id: u64,
    text: String,
    error: bool,
}

/// `Toasts::get().say("Saved.")`, from anywhere below the app.
#[derive(Clone, Copy)]
pub struct Toasts(RwSignal<Vec<Toast>>);

impl Toasts {
    pub fn provide() {
        provide_context(Self(RwSignal::new(Vec::new())));
    }

    pub fn get() -> Self {
        use_context().unwrap_or_else(|| Self(RwSignal::new(Vec::new())))
    }

    pub fn say(self, text: impl Into<String>) {
        let id = self.push(text.into(), false);
        set_timeout(move || self.dismiss(id), GOOD_NEWS);
    }

    pub fn error(self, error: &ApiError) {
        self.refusal(error);
    }

    /// As [`Self::error`]; its number, for [`Self::dismiss`].
    pub fn refusal(self, error: &ApiError) -> u64 {
        let quote = if error.operation_id.is_empty() { String::new() } else { format!(" (operation {})", error.operation_id) };
        self.push(format!("{}{quote}", error.message), true)
    }

    /// The error of one of several.
    pub fn error_about(self, subject: &str, error: &ApiError) {
        self.push(format!("{subject}: {}", error.message), true);
    }

    fn push(self, text: String, error: bool) -> u64 {
        let id = self.0.with_untracked(|all| all.last().map_or(1, |t| t.id + 1));
        self.0.update(|all| {
            // Said once more it is no second thing to dismiss.
            all.retain(|t| t.text != text);
            all.push(Toast { id, text, error });
        });
        id
    }

    pub fn dismiss(self, id: u64) {
        self.0.try_update(|all| all.retain(|t| t.id != id));
    }
}

/// Drawn once, by the frame.
#[component]
pub fn ToastRegion() -> impl IntoView {
    let toasts = Toasts::get();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.0.get() key=|t| t.id let:toast>
                <div class="toast" class:bad=toast.error>
                    <span>{toast.text.clone()}</span>
                    <button type="button" class="button quiet icon" aria-label="Dismiss" on:click=move |_| toasts.dismiss(toast.id)>
                        "✕"
                    </button>
                </div>
            </For>
        </div>
    }
}

//! "Copy as command": what the button does, for a script. The screens use nothing but the public API.

use super::{clipboard, copy_box::CopyBox, dialog::Dialog};
use crate::components::toast::Toasts;
use leptos::prelude::*;

/// Copies a `curl` line. `path` is below `/api/v1`; `body` is JSON.
#[component]
pub fn CopyCommand(
    method: &'static str,
    #[prop(into)] path: Signal<String>,
    #[prop(optional, into)] body: Signal<Option<String>>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let (open, shown) = (RwSignal::new(false), RwSignal::new(String::new()));
    let copy = move |_| {
        let line = command(&origin(), method, &path.get_untracked(), body.get_untracked().as_deref());
        leptos::task::spawn_local(async move {
            if clipboard::copy(line.clone()).await {
                toasts.say("The command is in the clipboard; put an API token into $TOKEN.");
            } else {
                shown.try_set(line);
                open.try_set(true);
            }
        });
    };
    view! {
        <button type="button" class="button quiet small" on:click=copy>"Copy as command"</button>
        <Dialog open title="The same as a command">
            <div class="dialog-body">
                <p>"Put an API token into $TOKEN."</p>
                <CopyBox text=shown.get() marked=true/>
            </div>
        </Dialog>
    }
}

/// Single quotes around everything that a shell could read.
pub fn command(origin: &str, method: &str, path: &str, body: Option<&str>) -> String {
    let mut line = format!("curl -fsS -X {method} '{origin}/api/v1{path}' -H \"Authorization: Bearer $TOKEN\"");
    if let Some(body) = body {
        line += &format!(" -H 'Content-Type: application/json' -d '{}'", body.replace('\'', r"'\''"));
    }
    line
}

#[cfg(feature = "hydrate")]
fn origin() -> String {
    web_sys::window().and_then(|w| w.location().origin().ok()).unwrap_or_default()
}

#[cfg(not(feature = "hydrate"))]
fn origin() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_quote_in_the_body_stays_inside_the_quotes() {
        let line = command("http://a", "POST", "/x", Some("{\"n\":\"it's\"}"));
        assert!(line.ends_with(r#"-d '{"n":"it'\''s"}'"#), "{line}");
    }
}

//! Whether the screen follows the node, in words.

use crate::{
    components::age::local,
    format,
    live::{self, Connection},
};
use leptos::prelude::*;

#[component]
pub fn ConnectionState() -> impl IntoView {
    let state = live::connection();
    let text = move || match state.get() {
        Connection::Opening => "connecting".to_owned(),
        Connection::Live => "live".to_owned(),
        Connection::Lost { data_from } => format!("connection lost, data from {}", local(data_from, format::time_of_day)),
    };
    let key = move || match state.get() {
        Connection::Opening => "opening",
        Connection::Live => "live",
        Connection::Lost { .. } => "lost",
    };
    view! { <span class="connection" data-state=key role="status">{text}</span> }
}

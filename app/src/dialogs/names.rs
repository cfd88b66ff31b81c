//! Many names: as many as one reads at a glance, the rest one press away.

use leptos::prelude::*;

/// How the names are said, and all of them where those are not all.
pub fn few(names: &[String], most: usize) -> (String, Option<String>) {
    if names.len() <= most {
        return (names.join(", "), None);
    }
    (format!("{} …", names[..most].join(", ")), Some(names.join(", ")))
}

/// The rest of [`few`].
pub fn all(names: Option<String>) -> impl IntoView {
    names.map(|names| view! { <details class="more"><summary>"All of them"</summary><p>{names}</p></details> })
}

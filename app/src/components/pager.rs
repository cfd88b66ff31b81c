//! Older entries of a list that has no end: links, so that a page of it can be bookmarked.

use leptos::prelude::*;

/// `next` is the cursor that the API gave; `path` the page's own address, `query` what else must stay in it.
#[component]
pub fn Pager(
    #[prop(into)] path: String,
    #[prop(optional, into)] query: String,
    next: Option<String>,
    #[prop(optional)] first: bool,
) -> impl IntoView {
    let join = if query.is_empty() { "?" } else { "&" };
    let base = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
    let older = next.map(|cursor| {
        let href = format!("{base}{join}cursor={cursor}");
        view! { <a class="button" rel="next" href=href>"Older ›"</a> }
    });
    let newest = (!first).then(|| view! { <a class="button" href=base.clone()>"« Newest"</a> });
    view! { <nav class="pager" aria-label="Pages">{newest} {older}</nav> }
}

//! Parts of a page. They are links with the part in the address, so that each can be bookmarked.

use leptos::prelude::*;

/// `items` are address and label; the one whose address is `current` is marked.
#[component]
pub fn Tabs(
    #[prop(into)] items: Vec<(String, String)>,
    #[prop(into)] current: Signal<String>,
    #[prop(into)] label: String,
) -> impl IntoView {
    let links = items.into_iter().map(|(href, label)| {
        let own = href.clone();
        let here = move || (current.get() == own).then_some("page");
        view! { <a href=href aria-current=here>{label}</a> }
    });
    view! { <nav class="tabs" aria-label=label>{links.collect_view()}</nav> }
}

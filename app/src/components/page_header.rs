//! The head of a page: its title (also the tab's), the way back, and what can be done.

use crate::frame::Announced;
use leptos::prelude::*;
use leptos_meta::Title;

/// `back` is address and label of the list that this page belongs to. Children are the buttons on the right.
#[component]
pub fn PageHeader(
    #[prop(into)] title: Signal<String>,
    #[prop(optional, into)] back: Option<(&'static str, &'static str)>,
    /// One quiet line under the title.
    #[prop(optional, into)]
    about: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    Effect::new(move |_| Announced::set(&title.get()));
    view! {
        // The tab asks for the old page's title once more while the next page comes, when its signals are gone already.
        <Title text=move || title.try_get().unwrap_or_default()/>
        <header class="page-head">
            <div class="page-name">
                {back.map(|(href, label)| view! { <a class="page-back" href=href>"‹ " {label}</a> })}
                <h1>{title}</h1>
                <p class="page-about">{about}</p>
            </div>
            <div class="page-tools">{children.map(|c| c())}</div>
        </header>
    }
}

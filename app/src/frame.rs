//! What stands around every page for somebody who is signed in: the bar with the ways, the state of the stream,
//! who one is, the warning of simulated clouds, and the palette.

mod connection;
mod menu;
mod palette;
mod theme;

use crate::{
    api,
    components::{simulated_badge::SimulatedBadge, toast::ToastRegion},
    live,
    state::Session,
};
use leptos::prelude::*;
use leptos_router::components::{A, Outlet};
use model::access::Me;

pub use theme::ThemeChoice;

/// Address and label, in the order of the bar.
pub const WAYS: [(&str, &str); 8] = [
    ("/", "Overview"),
    ("/machines", "Machines"),
    ("/clouds", "Clouds"),
    ("/protection", "Protection"),
    ("/plans", "Plans"),
    ("/runs", "Runs"),
    ("/activity", "Activity"),
    ("/settings", "Settings"),
];

#[component]
pub fn Frame() -> impl IntoView {
    let me = Resource::new(|| (), |()| api::get::<Me>("/me"));
    let palette = RwSignal::new(false);
    remember(me);
    live::follow();
    view! {
        <a class="skip" href="#main">"Skip to content"</a>
        <header class="bar">
            <a class="brand" href="/">
                <svg class="brand-mark" viewBox="0 0 16 16" aria-hidden="true">
                    <path class="brand-a" d="M1 12 8 4v8z"></path>
                    <path class="brand-b" d="M15 12 8 4v8z"></path>
                </svg>
                "Crossfade"
            </a>
            <nav class="ways" aria-label="Main">
                {WAYS.map(|(href, label)| view! { <A href=href exact=href == "/">{label}</A> }).collect_view()}
            </nav>
            <div class="bar-end">
                <Suspense>{move || Suspend::new(async move { me.await.is_ok_and(|m| m.simulated).then(|| view! { <SimulatedBadge/> }) })}</Suspense>
                <connection::ConnectionState/>
                <palette::PaletteButton open=palette/>
                <Suspense>{move || Suspend::new(async move { me.await.ok().map(|m| view! { <menu::UserMenu me=m/> }) })}</Suspense>
            </div>
        </header>
        <main id="main" class="page" tabindex="-1">
            <Outlet/>
        </main>
        <palette::Palette open=palette/>
        <ToastRegion/>
    }
}

/// Everything below reads the session from its signal. A one-time password leads to its change first.
fn remember(me: Resource<api::Result<Me>>) {
    let session = Session::get();
    Effect::new(move |_| {
        if let Some(Ok(me)) = me.get() {
            #[cfg(feature = "hydrate")]
            crate::state::remember_csrf(&me.csrf);
            if me.must_change_password {
                leptos_router::hooks::use_navigate()("/sign-in", Default::default());
            }
            session.0.set(Some(me));
        }
    });
}

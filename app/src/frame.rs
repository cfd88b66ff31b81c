//! What stands around every page for somebody who is signed in: the bar with the ways, the state of the stream,
//! who one is, the warning of simulated clouds, and the palette.

mod arrival;
mod connection;
mod menu;
mod palette;
mod password;
mod session;
mod theme;

use crate::{
    api,
    components::{simulated_badge::AnySimulated, toast::ToastRegion},
    live,
};
use leptos::prelude::*;
use leptos_router::components::{A, Outlet};
use model::access::Me;

pub use arrival::Announced;
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
    let (palette, password) = (RwSignal::new(false), RwSignal::new(false));
    session::remember(me);
    theme::provide();
    Announced::provide();
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
                <AnySimulated/>
                <connection::ConnectionState/>
                <palette::PaletteButton open=palette/>
                <Suspense>{move || Suspend::new(async move { me.await.ok().map(|m| view! { <menu::UserMenu me=m password=password/> }) })}</Suspense>
            </div>
        </header>
        <arrival::Arrival/>
        <main id="main" class="page" tabindex="-1">
            <Outlet/>
        </main>
        <palette::Palette open=palette password=password/>
        <password::PasswordDialog open=password/>
        <ToastRegion/>
    }
}

//! The table of contents: every page with its address.

use crate::{
    chunks::Page,
    components::toast::Toasts,
    frame::Frame,
    live, pages,
    state::{Clock, Session},
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

/// Pages leave the server whole: they are then readable without any script.
const WHOLE: SsrMode = SsrMode::Async;

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Session::provide();
    Clock::provide();
    live::provide();
    Toasts::provide();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Crossfade".to_owned() } else { format!("{title} · Crossfade") }/>
        <Router>
            <Routes fallback=pages::not_found::NotFoundPage>
                <Route path=path!("/sign-in") view=pages::sign_in::SignInPage ssr=WHOLE/>
                <ParentRoute path=path!("") view=Frame ssr=WHOLE>
                    <Route path=path!("") view=pages::overview::OverviewPage ssr=WHOLE/>
                    <Route path=path!("machines") view=Page::Machines ssr=WHOLE/>
                    <Route path=path!("machines/:id") view=Page::Machine ssr=WHOLE/>
                    <Route path=path!("clouds") view=Page::Clouds ssr=WHOLE/>
                    <Route path=path!("clouds/add") view=Page::AddCloud ssr=WHOLE/>
                    <Route path=path!("clouds/:id") view=Page::Cloud ssr=WHOLE/>
                    <Route path=path!("protection") view=Page::Protection ssr=WHOLE/>
                    <Route path=path!("protection/:id") view=Page::Group ssr=WHOLE/>
                    <Route path=path!("plans") view=Page::Plans ssr=WHOLE/>
                    <Route path=path!("plans/:id") view=Page::Plan ssr=WHOLE/>
                    <Route path=path!("runs") view=Page::Runs ssr=WHOLE/>
                    <Route path=path!("runs/:id") view=Page::Run ssr=WHOLE/>
                    <Route path=path!("activity") view=Page::Activity ssr=WHOLE/>
                    <Route path=path!("settings") view=Page::Settings ssr=WHOLE/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

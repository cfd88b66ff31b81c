//! The table of contents: every page with its address.

use crate::{
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
                    <Route path=path!("machines") view=pages::machines::MachinesPage ssr=WHOLE/>
                    <Route path=path!("machines/:id") view=pages::machine::MachinePage ssr=WHOLE/>
                    <Route path=path!("clouds") view=pages::clouds::CloudsPage ssr=WHOLE/>
                    <Route path=path!("clouds/add") view=pages::clouds::AddCloudPage ssr=WHOLE/>
                    <Route path=path!("clouds/:id") view=pages::clouds::CloudPage ssr=WHOLE/>
                    <Route path=path!("protection") view=pages::protection::ProtectionPage ssr=WHOLE/>
                    <Route path=path!("protection/:id") view=pages::protection::GroupPage ssr=WHOLE/>
                    <Route path=path!("plans") view=pages::plans::PlansPage ssr=WHOLE/>
                    <Route path=path!("plans/:id") view=pages::plans::PlanPage ssr=WHOLE/>
                    <Route path=path!("runs") view=pages::runs::RunsPage ssr=WHOLE/>
                    <Route path=path!("runs/:id") view=pages::runs::RunPage ssr=WHOLE/>
                    <Route path=path!("activity") view=pages::activity::ActivityPage ssr=WHOLE/>
                    <Route path=path!("settings") view=pages::settings::SettingsPage ssr=WHOLE/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

//! Pages that are not part of the first download.
//!
//! With the feature `split` (the release build) each group below is a file of its own, cut out of the WebAssembly by
//! `cargo xtask build`; pages that are visited together lie in one. The server names the files of the page that it
//! renders in its HTML, so that the browser asks for them together with the main part. Without the feature (the
//! server, a debug build) these are plain calls.

#![cfg_attr(feature = "split", allow(unsafe_code, reason = "the cut is made of imports and exports of the module"))]

use crate::{components::empty_state::EmptyState, pages};
use leptos::prelude::*;
use leptos_router::ChooseView;

/// The file is not there: no network, or another version of the node has taken over since this tab was opened.
#[derive(Clone, Copy, Debug)]
pub struct Missing;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

/// A macro, since the splitter wants a function of its own for each page.
macro_rules! chunks {
    ($($chunk:ident { $($name:ident = $page:path;)+ })+) => {
        /// What the table of routes takes for such a page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Page { $($($name,)+)+ }

        impl Page {
            #[cfg(feature = "ssr")]
            fn chunk(self) -> &'static str {
                match self { $($(Self::$name => stringify!($chunk),)+)+ }
            }

            async fn fetch(self) -> Result<(), Missing> {
                match self { $($(Self::$name => $name::fetch().await?,)+)+ }
                Ok(())
            }

            async fn draw(self) -> Result<AnyView, Missing> {
                match self { $($(Self::$name => $name::$name().await,)+)+ }
            }
        }

        $($(
            #[allow(non_snake_case)]
            mod $name {
                use super::*;

                #[cfg(feature = "split")]
                #[wasm_split_helpers::wasm_split($chunk, fallible, preload(fetch))]
                pub fn $name() -> Result<AnyView, Missing> {
                    Ok($page().into_any())
                }

                #[cfg(not(feature = "split"))]
                pub async fn $name() -> Result<AnyView, Missing> {
                    Ok($page().into_any())
                }

                #[cfg(not(feature = "split"))]
                pub async fn fetch() -> Result<(), Missing> {
                    Ok(())
                }
            }
        )+)+
    };
}

// Few groups: what two of them need and the main part does not is a file of its own for each set of groups. The
// sign-in page and the overview are in the main part: everybody begins with them.
chunks! {
    machines {
        Machines = pages::machines::MachinesPage;
        Machine = pages::machine::MachinePage;
    }
    recovery {
        Protection = pages::protection::ProtectionPage;
        Group = pages::protection::GroupPage;
        Plans = pages::plans::PlansPage;
        Plan = pages::plans::PlanPage;
        Runs = pages::runs::RunsPage;
        Run = pages::runs::RunPage;
    }
    admin {
        Clouds = pages::clouds::CloudsPage;
        AddCloud = pages::clouds::AddCloudPage;
        Cloud = pages::clouds::CloudPage;
        Activity = pages::activity::ActivityPage;
        Settings = pages::settings::SettingsPage;
    }
}

impl ChooseView for Page {
    async fn choose(self) -> AnyView {
        #[cfg(feature = "ssr")]
        crate::shell::preload(self.chunk());
        self.draw().await.unwrap_or_else(|Missing| missing().into_any())
    }

    /// What fails here fails again, and is shown, when the page is drawn.
    async fn preload(&self) {
        let _ = self.fetch().await;
    }
}

fn missing() -> impl IntoView {
    let again = |_| {
        #[cfg(feature = "hydrate")]
        if let Some(window) = web_sys::window() {
            let _ = window.location().reload();
        }
    };
    view! {
        <EmptyState title="This page could not be loaded">
            <p>"The node does not answer, or it was updated since this tab was opened."</p>
            <button type="button" class="button primary" on:click=again>"Load it again"</button>
        </EmptyState>
    }
}

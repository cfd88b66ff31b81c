//! The screens: compiled twice, for the server's first rendering (`ssr`) and for the browser (`hydrate`).

#![recursion_limit = "512"]

pub mod api;
mod chunks;
pub mod components;
pub mod dialogs;
pub mod format;
pub mod frame;
pub mod live;
pub mod order;
pub mod pages;
pub mod routes;
pub mod shell;
pub mod state;

pub use routes::App;
pub use shell::shell;

/// The browser takes over the page that the server rendered; done when the page reacts.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub async fn hydrate() {
    console_error_panic_hook::set_once();
    // Waits for the page's own chunk.
    leptos::mount::hydrate_from_async(leptos::tachys::dom::body(), App).await.forget();
}

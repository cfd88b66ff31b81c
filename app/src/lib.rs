//! The screens: compiled twice, for the server's first rendering (`ssr`) and for the browser (`hydrate`).

#![recursion_limit = "512"]

pub mod api;
pub mod components;
pub mod dialogs;
pub mod format;
pub mod frame;
pub mod live;
pub mod pages;
pub mod routes;
pub mod shell;
pub mod state;

pub use routes::App;
pub use shell::shell;

/// The browser takes over the page that the server rendered.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}

//! The clipboard, where the browser gives one: a page that comes without TLS from another host has none.
//! What is said must be so: nothing is "copied" before the browser has done it.

/// Did it get there?
#[cfg(feature = "hydrate")]
pub async fn copy(text: String) -> bool {
    let Some(window) = web_sys::window() else { return false };
    let navigator = window.navigator();
    // Undefined there: to call it would throw.
    let there = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|c| c.is_object());
    there && wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(&text)).await.is_ok()
}

#[cfg(not(feature = "hydrate"))]
pub async fn copy(_: String) -> bool {
    false
}

/// Marks the text of an element, so that Ctrl-C takes it.
#[cfg(feature = "hydrate")]
pub fn select(element: &web_sys::Element) {
    use wasm_bindgen::{JsCast, JsValue};
    let call = |on: &JsValue, name: &str, argument: &JsValue| -> Result<JsValue, JsValue> {
        js_sys::Reflect::get(on, &name.into())?.dyn_into::<js_sys::Function>()?.call1(on, argument)
    };
    if let Some(window) = web_sys::window()
        && let Ok(selection) = call(&window, "getSelection", &JsValue::UNDEFINED)
    {
        let _ = call(&selection, "selectAllChildren", element);
    }
}

#[cfg(not(feature = "hydrate"))]
pub fn select<T>(_: &T) {}

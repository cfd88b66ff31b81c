//! Which columns are shown; the choice is kept in the browser.

use leptos::prelude::*;

/// Key (also the CSS class `col-…`), label, and how the API sorts by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub key: &'static str,
    pub label: &'static str,
    pub sort: Option<&'static str>,
    pub figure: bool,
}

const fn column(key: &'static str, label: &'static str, sort: Option<&'static str>, figure: bool) -> Column {
    Column { key, label, sort, figure }
}

/// After the name, which is always there.
pub const COLUMNS: [Column; 9] = [
    column("state", "State", Some("state"), false),
    column("cloud", "Site and cloud", Some("cloud"), false),
    column("protection", "Protection", None, false),
    column("vcpus", "vCPUs", Some("vcpus"), true),
    column("memory", "Memory", Some("memory"), true),
    column("disk", "Disks", None, true),
    column("addresses", "Addresses", None, false),
    column("tags", "Tags", None, false),
    column("observed", "Seen", Some("observed"), true),
];

const KEY: &str = "machines.hidden";

/// The keys of the hidden ones. The server shows all; the browser applies the choice when it takes over.
pub fn chosen() -> RwSignal<Vec<String>> {
    let hidden = RwSignal::new(Vec::new());
    Effect::new(move |_| hidden.set(stored()));
    hidden
}

pub fn shown(hidden: &[String]) -> Vec<Column> {
    COLUMNS.into_iter().filter(|c| !hidden.iter().any(|h| h == c.key)).collect()
}

#[component]
pub fn ColumnChoice(hidden: RwSignal<Vec<String>>) -> impl IntoView {
    let check = move |column: Column| {
        let on = move || hidden.with(|h| !h.iter().any(|k| k == column.key));
        let toggle = move |_| {
            hidden.update(|h| match h.iter().position(|k| k == column.key) {
                Some(at) => drop(h.remove(at)),
                None => h.push(column.key.to_owned()),
            });
            store(&hidden.get_untracked());
        };
        view! {
            <label class="switch">
                <input type="checkbox" prop:checked=on checked=true on:change=toggle/>
                {column.label}
            </label>
        }
    };
    view! {
        <details class="menu">
            <summary class="button">"Columns"</summary>
            <div class="menu-body checks">{COLUMNS.map(check).collect_view()}</div>
        </details>
    }
}

#[cfg(feature = "hydrate")]
fn stored() -> Vec<String> {
    let text = web_sys::window().and_then(|w| w.local_storage().ok().flatten()).and_then(|s| s.get_item(KEY).ok().flatten());
    text.unwrap_or_default().split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect()
}

#[cfg(feature = "hydrate")]
fn store(hidden: &[String]) {
    if let Some(storage) = web_sys::window().and_then(|w| w.local_storage().ok().flatten()) {
        let _ = storage.set_item(KEY, &hidden.join(","));
    }
}

#[cfg(not(feature = "hydrate"))]
fn stored() -> Vec<String> {
    let _ = KEY;
    Vec::new()
}

#[cfg(not(feature = "hydrate"))]
fn store(_: &[String]) {}

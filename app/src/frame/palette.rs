//! The command palette (Ctrl-K): go anywhere and do anything by typing.

mod entries;

use super::{menu, theme};
use crate::components::dialog::Dialog;
use entries::{Act, Entry};
use leptos::{ev, html, prelude::*};
use leptos_router::hooks::use_navigate;

#[component]
pub fn PaletteButton(open: RwSignal<bool>) -> impl IntoView {
    view! {
        <button type="button" class="button small palette-button" aria-keyshortcuts="Control+K" on:click=move |_| open.set(true)>
            "Search" <kbd>"Ctrl K"</kbd>
        </button>
    }
}

#[component]
pub fn Palette(open: RwSignal<bool>, password: RwSignal<bool>) -> impl IntoView {
    shortcut(open);
    view! {
        <Dialog open=open title="Go to" look="palette">
            <Finder open=open password=password/>
        </Dialog>
    }
}

/// Ctrl-K or ⌘K, wherever the focus is.
fn shortcut(open: RwSignal<bool>) {
    Effect::new(move |_| {
        let handle = window_event_listener(ev::keydown, move |event| {
            if (event.ctrl_key() || event.meta_key()) && event.key().eq_ignore_ascii_case("k") {
                event.prevent_default();
                open.update(|o| *o = !*o);
            }
        });
        on_cleanup(move || handle.remove());
    });
}

#[component]
fn Finder(open: RwSignal<bool>, password: RwSignal<bool>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let marked = RwSignal::new(0_usize);
    let input = NodeRef::<html::Input>::new();
    // Drawn after the dialog has taken the focus, or before: either way it ends here.
    Effect::new(move |_| {
        if let Some(input) = input.get() {
            let _ = input.focus();
        }
    });
    let known = LocalResource::new(entries::read);
    // With the words that they were found for: what is still shown may belong to fewer of them.
    let found = LocalResource::new(move || {
        let words = typed.get();
        async move {
            let asked = words.trim().to_lowercase();
            if asked.is_empty() {
                return (words, entries::fitting(&Default::default(), ""));
            }
            let mut found = entries::fitting(&known.await, &asked);
            found.extend(entries::machines(&asked).await);
            (words, found)
        }
    });
    let answer = Memo::new(move |before: Option<&(String, Vec<Entry>)>| found.get().or_else(|| before.cloned()).unwrap_or_default());
    let entries = Memo::new(move |_| answer.with(|(_, entries)| entries.clone()));
    // Enter came before the answer to the last letter: it goes there when that has come, never to what stood there before.
    let entered = RwSignal::new(false);
    Effect::new(move |_| {
        typed.track();
        marked.set(0);
    });
    Effect::new(move |_| show(marked.get()));
    let go = {
        let (navigate, choose, sign_out) = (use_navigate(), theme::chooser(), menu::way_out());
        move |entry: &Entry| {
            open.set(false);
            match &entry.act {
                Act::Go(href) => navigate(href, Default::default()),
                Act::Theme(key) => choose(key),
                Act::Password => password.set(true),
                Act::SignOut => sign_out(),
            }
        }
    };
    Effect::new({
        let go = go.clone();
        move |_| {
            let current = answer.with(|(words, _)| *words == typed.get());
            if entered.get() && current {
                entered.set(false);
                let chosen = entries.with_untracked(|all| all.get(marked.get_untracked()).cloned());
                chosen.iter().for_each(&go);
            }
        }
    });
    let by_key = {
        move |event: ev::KeyboardEvent| {
            let count = entries.with(Vec::len);
            match event.key().as_str() {
                "ArrowDown" if count > 0 => marked.update(|m| *m = (*m + 1) % count),
                "ArrowUp" if count > 0 => marked.update(|m| *m = (*m + count - 1) % count),
                "Enter" => entered.set(true),
                _ => return,
            }
            event.prevent_default();
        }
    };
    let options = move || {
        let option = |(index, entry): (usize, Entry)| {
            let (go, label, kind) = (go.clone(), entry.label.clone(), entry.kind);
            let selected = move || marked.get() == index;
            view! {
                <li id=format!("palette-{index}") role="option" aria-selected=move || selected().to_string() on:click=move |_| go(&entry)>
                    <span>{label}</span>
                    <span class="palette-kind">{kind}</span>
                </li>
            }
        };
        entries.get().into_iter().enumerate().map(option).collect_view()
    };
    view! {
        <input
            class="input palette-input"
            node_ref=input
            autofocus
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-label="Page, machine, site, run, plan … or action"
            placeholder="Page, machine, site, run, plan … or action"
            aria-activedescendant=move || format!("palette-{}", marked.get())
            bind:value=typed
            on:input=move |_| entered.set(false)
            on:keydown=by_key
        />
        <ul id="palette-list" class="palette-list" role="listbox" aria-label="Found">
            {options}
        </ul>
    }
}

/// Moves the list so far that the marked entry is seen, and no further.
#[cfg(feature = "hydrate")]
fn show(marked: usize) {
    let Some(document) = web_sys::window().and_then(|w| w.document()) else { return };
    let (Some(list), Some(entry)) = (document.get_element_by_id("palette-list"), document.get_element_by_id(&format!("palette-{marked}")))
    else {
        return;
    };
    let (frame, own) = (list.get_bounding_client_rect(), entry.get_bounding_client_rect());
    let off = (own.bottom() - frame.bottom()).max(0.0) + (own.top() - frame.top()).min(0.0);
    list.set_scroll_top(list.scroll_top() + off.round() as i32);
}

#[cfg(not(feature = "hydrate"))]
fn show(_: usize) {}

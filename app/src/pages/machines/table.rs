//! The list itself: only the rows in sight are in the document.

use super::{
    cells,
    choice::{self, Choice},
    columns::{Column, shown},
    query::Query,
    rows::Rows,
    window,
};
use crate::{
    components::{empty_state::EmptyState, error_note::ErrorNote, toast::Toasts},
    format,
};
use leptos::{html, prelude::*};
use model::{Page, machine::MachineRow};
use std::ops::Range;

#[component]
pub fn MachineTable(query: Query, page: Page<MachineRow>, hidden: RwSignal<Vec<String>>, choice: Choice) -> impl IntoView {
    let (first, searched) = (0..page.items.len(), !query.q.trim().is_empty());
    let rows = Rows::new(query.clone(), page);
    let window = RwSignal::new(first);
    let pane = NodeRef::<html::Div>::new();
    let look = move || {
        if let Some(pane) = pane.get_untracked() {
            measure(&pane, rows, window);
        }
    };
    // Also when the list gets longer or shorter: what is in sight is then something else.
    Effect::new(move |_| {
        rows.total.track();
        if pane.get().is_some() {
            look();
        }
    });
    Effect::new(move |_| {
        let resized = window_event_listener(leptos::ev::resize, move |_| look());
        on_cleanup(move || resized.remove());
    });
    follow(pane, rows, window);
    let columns = Memo::new(move |_| hidden.with(|h| shown(h)));
    view! {
        <p class="soft" role="status">{move || counted(rows.total.get())}</p>
        {move || rows.error.get().map(|e| view! { <ErrorNote error=e retry=Callback::new(move |()| rows.refresh())/> })}
        <Show when=move || rows.total.get() != 0 fallback=move || nothing(searched)>
            <div class="vlist" node_ref=pane on:scroll=move |_| look() tabindex="0" role="region" aria-label="Machines">
                <table aria-rowcount=move || (rows.total.get() + 1).to_string()>
                    {heads(&query, columns, rows, choice)}
                    <tbody>
                        <tr class="pad" aria-hidden="true"><td></td></tr>
                        <For each=move || window.get() key=|place| *place let:place>
                            {line(place, rows, columns, choice)}
                        </For>
                        <tr class="pad" aria-hidden="true"><td></td></tr>
                    </tbody>
                </table>
            </div>
        </Show>
    }
}

fn counted(total: usize) -> String {
    match total {
        1 => "1 machine".to_owned(),
        n => format!("{} machines", format::count(n as u64)),
    }
}

fn nothing(searched: bool) -> impl IntoView {
    if searched {
        return view! {
            <EmptyState title="No machine matches">
                <p>"Words are searched in names, addresses and tags; all of them must fit. "<a href="/machines">"Show all machines"</a></p>
            </EmptyState>
        };
    }
    view! {
        <EmptyState title="There is no machine yet">
            <p>"Machines appear here within seconds once their cloud is connected. "<a href="/clouds">"Clouds"</a></p>
        </EmptyState>
    }
}

fn heads(query: &Query, columns: Memo<Vec<Column>>, rows: Rows, choice: Choice) -> impl IntoView + use<> {
    let query = query.clone();
    let name = Column { key: "name", label: "Name", sort: Some("name"), figure: false };
    let all = move || std::iter::once(name).chain(columns.get()).map(|c| head(c, &query)).collect_view();
    view! { <thead><tr aria-rowindex="1"><th class="col-mark" scope="col">{every(rows, choice)}</th>{all}</tr></thead> }
}

/// Chooses all that the search found, also what is not on the screen.
fn every(rows: Rows, choice: Choice) -> impl IntoView {
    let toasts = Toasts::get();
    let all = Memo::new(move |_| {
        let held = || rows.by_place.with(|held| choice.names.with(|n| held.values().all(|r| n.contains_key(&r.id))));
        rows.total.get() <= choice.names.with(|n| n.len()) && held()
    });
    let label = move || match rows.total.get() {
        n if n > choice::MOST => format!("Choose all: possible for up to {} machines, these are {}", choice::MOST, format::count(n as u64)),
        n => format!("Choose all {n}"),
    };
    let press = move |event: leptos::ev::Event| {
        let on = event_target_checked(&event);
        let span = 0..rows.total.get_untracked();
        leptos::task::spawn_local(async move {
            match choice::read(rows.query(), span).await {
                Ok(found) => choice.set(&found, on),
                Err(error) => toasts.error(&error),
            }
        });
    };
    let far = move || rows.total.get() > choice::MOST;
    view! { <input type="checkbox" aria-label=label title=label disabled=far prop:checked=move || all.get() on:change=press/> }
}

fn head(column: Column, query: &Query) -> impl IntoView + use<> {
    let class = format!("col-{}{}", column.key, if column.figure { " num" } else { "" });
    let (sort, label) = match column.sort {
        Some(by) => {
            (query.direction(by), view! { <a href=query.sorted_by(by).href()>{column.label}{arrow(query.direction(by))}</a> }.into_any())
        }
        None => (None, column.label.into_any()),
    };
    view! { <th class=class scope="col" aria-sort=sort>{label}</th> }
}

fn arrow(direction: Option<&str>) -> &'static str {
    match direction {
        Some("ascending") => " ↑",
        Some(_) => " ↓",
        None => "",
    }
}

fn line(place: usize, rows: Rows, columns: Memo<Vec<Column>>, choice: Choice) -> impl IntoView {
    // That it was seen again changes one figure: the row is not drawn anew for that, or the focus would leave it.
    let observed = Memo::new(move |_| rows.by_place.with(|all| all.get(&place).map(|r| r.observed_at)));
    let row = Memo::new(move |_| rows.by_place.with(|all| all.get(&place).map(|r| MachineRow { observed_at: 0, ..r.clone() })));
    let split = move || row.with(|r| r.as_ref().is_some_and(|r| r.split_brain));
    let marked = move || row.with(|r| r.as_ref().is_some_and(|r| choice.names.with(|c| c.contains_key(&r.id))));
    let content = move || match row.get() {
        Some(machine) => cells::all(&machine, observed, &columns.get(), rows, choice).into_any(),
        None => view! { <td class="col-mark"></td><th scope="row" class="col-name soft">"…"</th> }.into_any(),
    };
    view! { <tr class="row" class:split=split class:chosen=marked aria-rowindex=(place + 2).to_string()>{content}</tr> }
}

/// Sizes are set through the CSSOM: a `style` attribute would need a weaker policy.
#[cfg(feature = "hydrate")]
fn measure(pane: &web_sys::HtmlDivElement, rows: Rows, window: RwSignal<Range<usize>>) {
    let row = row_height(pane);
    let seen = window::visible(f64::from(pane.scroll_top()), f64::from(pane.client_height()), row, rows.total.get_untracked());
    if seen != window.get_untracked() {
        window.set(seen.clone());
    }
    rows.show(seen);
}

#[cfg(feature = "hydrate")]
fn row_height(pane: &web_sys::HtmlDivElement) -> f64 {
    let row = pane.query_selector("tr.row").ok().flatten();
    row.map(|r| r.get_bounding_client_rect().height()).filter(|h| *h > 8.0).unwrap_or(28.0)
}

/// Empty space above and below stands for the rows that are not drawn.
#[cfg(feature = "hydrate")]
fn follow(pane: NodeRef<html::Div>, rows: Rows, window: RwSignal<Range<usize>>) {
    use wasm_bindgen::JsCast;
    Effect::new(move |_| {
        let (seen, total) = (window.get(), rows.total.get());
        let Some(pane) = pane.get() else { return };
        let row = row_height(&pane);
        let Ok(pads) = pane.query_selector_all("tr.pad > td") else { return };
        for (index, count) in [(0, seen.start), (1, total.saturating_sub(seen.end))] {
            if let Some(pad) = pads.item(index).and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = pad.style().set_property("height", &format!("{}px", count as f64 * row));
            }
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn measure<T>(_: &T, rows: Rows, window: RwSignal<Range<usize>>) {
    rows.show(window::visible(0.0, 0.0, 1.0, window.get_untracked().end));
}

#[cfg(not(feature = "hydrate"))]
fn follow(_: NodeRef<html::Div>, _: Rows, _: RwSignal<Range<usize>>) {}

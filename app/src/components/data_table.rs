//! The frame of a table: caption, heads, and a box that scrolls sideways on a narrow screen instead of the page.

use leptos::prelude::*;

/// One head. `class` goes to the cells as well where the page sets it: `num` right-aligns figures,
/// `wide-only` hides a column on narrow screens.
#[derive(Clone, Copy)]
pub struct Column(pub &'static str, pub &'static str);

/// Children are the `<tr>`s.
#[component]
pub fn DataTable(
    /// Read by screen readers; not drawn.
    #[prop(into)]
    caption: String,
    columns: &'static [Column],
    children: Children,
) -> impl IntoView {
    let heads = columns.iter().map(|Column(label, class)| view! { <th scope="col" class=*class>{*label}</th> });
    let label = caption.clone();
    view! {
        <div class="table-box" tabindex="0" role="region" aria-label=label>
            <table class="table">
                <caption class="unseen">{caption}</caption>
                <thead>
                    <tr>{heads.collect_view()}</tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}

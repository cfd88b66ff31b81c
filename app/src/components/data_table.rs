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
    // A column of buttons needs no head: an empty one would be read as nothing.
    let head = |Column(label, class): &Column| match *label {
        "" => view! { <td class=*class></td> }.into_any(),
        label => view! { <th scope="col" class=*class>{label}</th> }.into_any(),
    };
    let heads = columns.iter().map(head);
    let label = caption.clone();
    view! {
        <div class="table-box" tabindex="0" role="group" aria-label=label>
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

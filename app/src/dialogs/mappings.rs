//! Source object to target object, one choice for each: networks, places for disks.

use leptos::prelude::*;
use model::Mapping;

/// `id` must be unique on the page.
#[component]
pub fn MappingFields(
    title: &'static str,
    id: &'static str,
    /// What needs a counterpart.
    #[prop(into)]
    from: Signal<Vec<String>>,
    /// What the target has.
    #[prop(into)]
    options: Signal<Vec<String>>,
    /// What was chosen; what is not in it is left to the node.
    value: RwSignal<Vec<Mapping>>,
    /// What the node would take for those.
    #[prop(optional, into)]
    planned: Signal<Vec<Mapping>>,
) -> impl IntoView {
    view! {
        <Show when=move || from.with(|f| !f.is_empty())>
            <fieldset class="mappings">
                <legend>{title}</legend>
                <For each=move || from.get() key=String::clone let:name>
                    <Row id name options value planned/>
                </For>
            </fieldset>
        </Show>
    }
}

#[component]
fn Row(
    id: &'static str,
    name: String,
    options: Signal<Vec<String>>,
    value: RwSignal<Vec<Mapping>>,
    planned: Signal<Vec<Mapping>>,
) -> impl IntoView {
    let field = format!("{id}-{}", name.replace(|c: char| !c.is_alphanumeric(), "-"));
    let from = StoredValue::new(name.clone());
    let chosen = Memo::new(move |_| value.with(|v| from.with_value(|f| target(v, f))));
    let automatic = move || match planned.with(|p| from.with_value(|f| target(p, f))) {
        Some(name) if chosen.get().is_none() => format!("automatic: {name}"),
        _ => "automatic".into(),
    };
    let choose = move |e| value.update(|v| from.with_value(|f| set(v, f, event_target_value(&e))));
    let choice = move |option: String| {
        let (value, own) = (option.clone(), option.clone());
        view! { <option value=value selected=move || chosen.get().as_ref() == Some(&own)>{option}</option> }
    };
    view! {
        <div class="mapping">
            <label for=field.clone()>{name}</label>
            <span aria-hidden="true">"→"</span>
            <select class="input" id=field on:change=choose>
                <option value="" selected=move || chosen.get().is_none()>{automatic}</option>
                {move || options.get().into_iter().map(choice).collect_view()}
            </select>
        </div>
    }
}

fn target(list: &[Mapping], from: &str) -> Option<String> {
    list.iter().find(|m| m.from == from).map(|m| m.to.clone())
}

/// Sets one entry; an empty choice takes it out.
fn set(list: &mut Vec<Mapping>, from: &str, to: String) {
    list.retain(|m| m.from != from);
    if !to.is_empty() {
        list.push(Mapping { from: from.into(), to });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_choice_leaves_it_to_the_node() {
        let mut list = vec![];
        set(&mut list, "lan", "lan2".into());
        set(&mut list, "lan", "lan3".into());
        assert_eq!(target(&list, "lan"), Some("lan3".into()));
        set(&mut list, "lan", String::new());
        assert!(list.is_empty());
    }
}

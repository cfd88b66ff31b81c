//! Label, help and error around an input. The error is tied to its input for screen readers.

use leptos::prelude::*;
use model::error::ApiError;

/// What the API said about one field, as a signal for the field's `error`.
pub fn error_of(errors: RwSignal<Option<ApiError>>, field: impl Into<String>) -> Signal<Option<String>> {
    let field = field.into();
    Signal::derive(move || errors.with(|e| e.as_ref()?.fields.iter().find(|f| f.field == field).map(|f| f.message.clone())))
}

/// What was said of a value, as long as it is still that value: who edits it has read it.
fn until_edited(error: Signal<Option<String>>, value: RwSignal<String>) -> Signal<Option<String>> {
    let said = Memo::new(move |_| error.get().map(|error| (error, value.get_untracked())));
    Signal::derive(move || said.get().filter(|(_, was)| value.with(|now| now == was)).map(|(error, _)| error))
}

/// Anything with a label. `name` must be unique on the page: the help and the error are found by it.
#[component]
pub fn Field(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] help: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    children: Children,
) -> impl IntoView {
    let (input, note) = (name.clone(), format!("{name}-note"));
    view! {
        <div class="field" class:wrong=move || error.with(Option::is_some)>
            <label class="field-label" for=input>{label}</label>
            {children()}
            <p class="field-note" id=note>
                {move || error.get().map(|e| view! { <strong class="field-error">{e}</strong> })}
                <span>{help}</span>
            </p>
        </div>
    }
}

/// One line of text; `kind` is the input's type (`password`, `number` …).
#[component]
pub fn TextField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(optional, into)] help: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] required: bool,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional, into)] placeholder: String,
) -> impl IntoView {
    let (id, note, error) = (name.clone(), format!("{name}-note"), until_edited(error, value));
    view! {
        <Field label=label name=name.clone() help=help error=error>
            <input
                class="input"
                id=id
                name=name
                type=kind
                required=required
                autocomplete=autocomplete
                placeholder=placeholder
                aria-describedby=note
                aria-invalid=move || error.with(Option::is_some).to_string()
                value=value.get_untracked()
                bind:value=value
            />
        </Field>
    }
}

/// Several lines: a certificate, a key.
#[component]
pub fn LongTextField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(optional, into)] help: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] required: bool,
) -> impl IntoView {
    let (id, note, error) = (name.clone(), format!("{name}-note"), until_edited(error, value));
    view! {
        <Field label=label name=name.clone() help=help error=error>
            <textarea
                class="input code"
                id=id
                name=name
                rows="5"
                spellcheck="false"
                required=required
                aria-describedby=note
                aria-invalid=move || error.with(Option::is_some).to_string()
                bind:value=value
            ></textarea>
        </Field>
    }
}

/// One of several; `options` are value and label.
#[component]
pub fn SelectField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    value: RwSignal<String>,
    #[prop(into)] options: Signal<Vec<(String, String)>>,
    #[prop(optional, into)] help: String,
    #[prop(optional, into)] error: Signal<Option<String>>,
) -> impl IntoView {
    let (id, note, error) = (name.clone(), format!("{name}-note"), until_edited(error, value));
    let choices = move || {
        let option = |(key, label): (String, String)| {
            let own = key.clone();
            view! { <option value=key selected=move || value.get() == own>{label}</option> }
        };
        options.get().into_iter().map(option).collect_view()
    };
    view! {
        <Field label=label name=name.clone() help=help error=error>
            <select class="input" id=id name=name aria-describedby=note on:change:target=move |e| value.set(e.target().value())>
                {choices}
            </select>
        </Field>
    }
}

/// On or off.
#[component]
pub fn SwitchField(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    value: RwSignal<bool>,
    #[prop(optional, into)] help: String,
) -> impl IntoView {
    let note = format!("{name}-note");
    view! {
        <div class="field">
            <label class="switch">
                <input type="checkbox" id=name.clone() name=name aria-describedby=note.clone() checked=value.get_untracked() bind:checked=value/>
                <span class="field-label">{label}</span>
            </label>
            <p class="field-note" id=note>{help}</p>
        </div>
    }
}

//! The fields of a driver as a form. Which there are is the driver's own declaration: nothing here knows any cloud.

use crate::components::field::{LongTextField, SelectField, SwitchField, TextField, error_of};
use leptos::prelude::*;
use model::{
    cloud::{DriverInfo, FieldInput, FieldSpec, NewCloud},
    error::ApiError,
};
use std::collections::BTreeMap;

/// What is typed so far.
#[derive(Clone)]
pub struct Draft {
    pub kind: String,
    pub name: RwSignal<String>,
    pub site: RwSignal<String>,
    pub fields: Vec<(FieldSpec, Input)>,
}

#[derive(Clone, Copy)]
pub enum Input {
    Text(RwSignal<String>),
    Switch(RwSignal<bool>),
}

impl Draft {
    pub fn new(driver: &DriverInfo, name: &str, site: &str, known: &BTreeMap<String, String>) -> Self {
        let fields = driver.fields.iter().map(|spec| (spec.clone(), input(spec, known))).collect();
        Self { kind: driver.kind.clone(), name: RwSignal::new(name.to_owned()), site: RwSignal::new(site.to_owned()), fields }
    }

    /// An empty field is left out: for a secret that means "as before".
    pub fn body(&self, fingerprint: Option<String>) -> NewCloud {
        let value = |input: Input| match input {
            Input::Text(text) => text.get_untracked().trim().to_owned(),
            Input::Switch(on) => on.get_untracked().to_string(),
        };
        let fields = self.fields.iter().map(|(spec, input)| (spec.name.clone(), value(*input))).filter(|(_, v)| !v.is_empty()).collect();
        let (name, site) = (self.name.get_untracked().trim().to_owned(), self.site.get_untracked().trim().to_owned());
        NewCloud { name, kind: self.kind.clone(), site, fields, fingerprint }
    }
}

fn input(spec: &FieldSpec, known: &BTreeMap<String, String>) -> Input {
    let value = known.get(&spec.name).or(spec.default.as_ref()).cloned().unwrap_or_default();
    match spec.input {
        FieldInput::Switch => Input::Switch(RwSignal::new(value == "true")),
        _ => Input::Text(RwSignal::new(value)),
    }
}

/// `editing`: secrets are there already, leaving them empty keeps them.
#[component]
pub fn CloudFields(draft: Draft, error: RwSignal<Option<ApiError>>, #[prop(optional)] editing: bool) -> impl IntoView {
    let fields = draft.fields.into_iter().map(move |(spec, input)| field(spec, input, error, editing)).collect_view();
    view! {
        <TextField label="Name" name="name" value=draft.name required=true help="How the console calls it." error=error_of(error, "name") placeholder="berlin-1"/>
        <TextField label="Site" name="site" value=draft.site required=true help="The place that can be lost as a whole; clouds of one place share it." error=error_of(error, "site") placeholder="berlin"/>
        {fields}
    }
}

fn field(spec: FieldSpec, input: Input, error: RwSignal<Option<ApiError>>, editing: bool) -> AnyView {
    let wrong = either(error_of(error, spec.name.clone()), error_of(error, format!("fields.{}", spec.name)));
    let kept = editing && spec.input.is_secret();
    let help = if kept { format!("{} Leave it empty to keep what is stored.", spec.help) } else { spec.help };
    let (label, name, example) = (spec.label, spec.name, spec.example.unwrap_or_default());
    let required = spec.required && !kept;
    match (input, spec.input) {
        (Input::Switch(on), _) => view! { <SwitchField label=label name=name value=on help=help/> }.into_any(),
        (Input::Text(value), FieldInput::LongText | FieldInput::LongSecret) => {
            view! { <LongTextField label=label name=name value=value help=help error=wrong required=required/> }.into_any()
        }
        (Input::Text(value), FieldInput::Choice { options }) => {
            let options: Vec<(String, String)> = options.into_iter().map(|o| (o.clone(), o)).collect();
            view! { <SelectField label=label name=name value=value options=options help=help error=wrong/> }.into_any()
        }
        (Input::Text(value), FieldInput::Secret) => {
            view! { <TextField label=label name=name value=value kind="password" autocomplete="new-password" help=help error=wrong required=required/> }.into_any()
        }
        (Input::Text(value), FieldInput::Number) => {
            view! { <TextField label=label name=name value=value kind="number" help=help error=wrong required=required placeholder=example/> }.into_any()
        }
        (Input::Text(value), _) => view! { <TextField label=label name=name value=value help=help error=wrong required=required placeholder=example/> }.into_any(),
    }
}

fn either(first: Signal<Option<String>>, second: Signal<Option<String>>) -> Signal<Option<String>> {
    Signal::derive(move || first.get().or_else(|| second.get()))
}

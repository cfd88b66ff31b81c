//! The fields of a health check: only those that the chosen kind needs.

use super::health::{Fault, HealthDraft, Kind};
use crate::components::field::{SelectField, TextField};
use leptos::prelude::*;
use model::plan::HealthCheck;

/// One signal for each field, so that typing redraws nothing else.
#[derive(Clone, Copy)]
pub struct HealthForm {
    kind: RwSignal<String>,
    address: RwSignal<String>,
    port: RwSignal<String>,
    path: RwSignal<String>,
}

impl HealthForm {
    pub fn new(check: &HealthCheck) -> Self {
        let draft = HealthDraft::from(check);
        Self {
            kind: RwSignal::new(draft.kind.value().into()),
            address: RwSignal::new(draft.address),
            port: RwSignal::new(draft.port),
            path: RwSignal::new(draft.path),
        }
    }

    /// Reactive.
    pub fn draft(self) -> HealthDraft {
        HealthDraft { kind: self.chosen(), address: self.address.get(), port: self.port.get(), path: self.path.get() }
    }

    /// Of what is typed now; one at a time.
    pub fn fault(self) -> Signal<Option<Fault>> {
        Signal::derive(move || self.draft().parse().err())
    }

    fn chosen(self) -> Kind {
        self.kind.with(|k| Kind::parse(k))
    }
}

/// `id` must be unique on the page.
#[component]
pub fn HealthFields(
    #[prop(into)] id: String,
    form: HealthForm,
    #[prop(default = "Health check")] label: &'static str,
    #[prop(default = "The machine's own first address")] no_address: &'static str,
) -> impl IntoView {
    let kinds: Vec<(String, String)> = Kind::ALL.into_iter().map(|k| (k.value().into(), k.label().into())).collect();
    let fault = form.fault();
    let of = move |field: &'static str| Signal::derive(move || fault.get().filter(|f| f.0 == field).map(|f| f.1));
    let id = StoredValue::new(id);
    let name = move |part: &str| id.with_value(|id| format!("{id}-{part}"));
    view! {
        <div class="health-fields">
            <SelectField label name=name("health") value=form.kind options=kinds/>
            <Show when=move || form.chosen().has_address()>
                <TextField label="Address" name=name("health-address") value=form.address placeholder=no_address error=of("address")/>
            </Show>
            <Show when=move || form.chosen().has_port()>
                <TextField label="Port" name=name("health-port") value=form.port kind="number" error=of("port")/>
            </Show>
            <Show when=move || form.chosen() == Kind::Http>
                <TextField label="Path" name=name("health-path") value=form.path help="Any 2xx or 3xx answer is good." error=of("path")/>
            </Show>
        </div>
    }
}

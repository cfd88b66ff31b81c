//! The fields of the move form as signals; [`super::draft`] says what they mean.

use super::draft::MoveDraft;
use crate::pages::plans::health_fields::HealthForm;
use leptos::prelude::*;
use model::{
    Mapping,
    error::FieldError,
    machine::Machine,
    plan::HealthCheck,
    run::{MoveMode, MoveRequest},
};

pub type Parsed = Memo<Result<MoveRequest, Vec<FieldError>>>;

#[derive(Clone, Copy)]
pub struct MoveFields {
    machine: StoredValue<String>,
    pub target: RwSignal<String>,
    pub mode: RwSignal<MoveMode>,
    pub convert: RwSignal<bool>,
    /// Identifier of an older recovery point; empty: the last changes.
    pub point: RwSignal<String>,
    pub networks: RwSignal<Vec<Mapping>>,
    pub rules: RwSignal<String>,
    pub storage: RwSignal<Vec<Mapping>>,
    pub health: HealthForm,
    pub stop_timeout: RwSignal<String>,
    pub addresses: RwSignal<String>,
    pub keep_hours: RwSignal<String>,
}

impl MoveFields {
    pub fn new(machine: &Machine) -> Self {
        Self {
            machine: StoredValue::new(machine.row.id.clone()),
            target: RwSignal::default(),
            mode: RwSignal::default(),
            convert: RwSignal::new(true),
            point: RwSignal::default(),
            networks: RwSignal::default(),
            rules: RwSignal::default(),
            storage: RwSignal::default(),
            health: HealthForm::new(&HealthCheck::Running),
            stop_timeout: RwSignal::new("60".into()),
            addresses: RwSignal::default(),
            keep_hours: RwSignal::new("24".into()),
        }
    }

    /// Reactive.
    pub fn draft(self) -> MoveDraft {
        MoveDraft {
            machine_id: self.machine.get_value(),
            target: self.target.get(),
            mode: self.mode.get(),
            convert: self.convert.get(),
            point: self.point.get(),
            networks: self.networks.get(),
            rules: self.rules.get(),
            storage: self.storage.get(),
            health: self.health.draft(),
            stop_timeout: self.stop_timeout.get(),
            addresses: self.addresses.get(),
            keep_hours: self.keep_hours.get(),
        }
    }

    /// What fits one target does not fit another.
    pub fn forget_target(self) {
        self.convert.set(true);
        self.point.set(String::new());
        self.networks.set(vec![]);
        self.rules.set(String::new());
        self.storage.set(vec![]);
    }
}

pub fn fault(parsed: Parsed, name: &'static str) -> Signal<Option<String>> {
    Signal::derive(move || {
        parsed.with(|p| p.as_ref().err().and_then(|list| list.iter().find(|f| f.field == name)).map(|f| f.message.clone()))
    })
}

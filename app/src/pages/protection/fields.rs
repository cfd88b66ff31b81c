//! The fields of the group form as signals; [`super::draft`] says what they mean.

use super::draft::{GroupDraft, PolicyDraft, Unit};
use crate::dialogs::addresses;
use leptos::prelude::*;
use model::{Mapping, error::ApiError};

#[derive(Clone, Copy)]
pub struct GroupFields {
    pub name: RwSignal<String>,
    pub site: RwSignal<String>,
    pub target: RwSignal<String>,
    pub rpo: RwSignal<String>,
    pub rpo_unit: RwSignal<String>,
    pub keep_points: RwSignal<String>,
    pub keep_hours: RwSignal<String>,
    pub bandwidth: RwSignal<String>,
    pub networks: RwSignal<Vec<Mapping>>,
    pub addresses: RwSignal<String>,
    pub storage: RwSignal<Vec<Mapping>>,
    pub machines: RwSignal<Vec<String>>,
    /// What the last try to save found wrong, here or at the node.
    pub errors: RwSignal<Option<ApiError>>,
}

impl GroupFields {
    pub fn new(draft: GroupDraft) -> Self {
        let policy = draft.policy;
        Self {
            name: RwSignal::new(draft.name),
            site: RwSignal::new(draft.protected_site),
            target: RwSignal::new(draft.target_cloud_id),
            rpo: RwSignal::new(policy.rpo),
            rpo_unit: RwSignal::new(policy.rpo_unit.value().into()),
            keep_points: RwSignal::new(policy.keep_points),
            keep_hours: RwSignal::new(policy.keep_hours),
            bandwidth: RwSignal::new(policy.bandwidth),
            networks: RwSignal::new(draft.networks),
            addresses: RwSignal::new(draft.addresses),
            storage: RwSignal::new(draft.storage),
            machines: RwSignal::new(draft.machine_ids),
            errors: RwSignal::new(None),
        }
    }

    /// Not reactive: read at the press of the button.
    pub fn draft(self) -> GroupDraft {
        GroupDraft {
            name: self.name.get_untracked(),
            protected_site: self.site.get_untracked(),
            target_cloud_id: self.target.get_untracked(),
            policy: PolicyDraft {
                rpo: self.rpo.get_untracked(),
                rpo_unit: self.rpo_unit.with_untracked(|u| Unit::parse(u)),
                keep_points: self.keep_points.get_untracked(),
                keep_hours: self.keep_hours.get_untracked(),
                bandwidth: self.bandwidth.get_untracked(),
            },
            networks: self.networks.get_untracked(),
            addresses: self.addresses.get_untracked(),
            storage: self.storage.get_untracked(),
            machine_ids: self.machines.get_untracked(),
        }
    }

    /// The message under a field. The node may write the whole path of it: `policy.rpo_seconds`.
    pub fn error(self, field: &'static str) -> Signal<Option<String>> {
        Signal::derive(move || {
            let of = |name: &str| name.rsplit('.').next() == Some(field) || field == "addresses" && addresses::of_rule(name);
            self.errors.with(|e| e.as_ref()?.fields.iter().find(|f| of(&f.field)).map(|f| f.message.clone()))
        })
    }
}

//! The form of a further target is the form of a group without its name: what it is filled with, and what it means.

use super::{draft::GroupDraft, fields::GroupFields, save};
use crate::{api, dialogs::addresses};
use leptos::prelude::*;
use model::{
    cloud::Cloud,
    protection::{Group, NewTarget, Target},
};

/// Of one that is there, else of a new one with the policy of the group.
pub fn fields(group: &Group, target: Option<&Target>) -> GroupFields {
    let draft = GroupDraft::of(group);
    let (networks, addresses) = addresses::split(target.map_or(&[], |t| &t.networks));
    GroupFields::new(match target {
        Some(t) => GroupDraft {
            target_cloud_id: t.cloud_id.clone(),
            policy: (&t.policy).into(),
            networks,
            addresses,
            storage: t.storage.clone(),
            ..draft
        },
        None => GroupDraft { target_cloud_id: String::new(), networks, addresses, storage: vec![], ..draft },
    })
}

/// Clouds that are no target of the group yet; of one that is there only its own, since its points lie there.
pub fn possible(mut clouds: Vec<Cloud>, group: &Group, target: Option<&Target>) -> Vec<Cloud> {
    match target {
        // The others are there for the names of the protected site's networks.
        Some(t) => clouds.retain(|c| c.id == t.cloud_id || c.site == group.protected_site),
        None => clouds.retain(|c| c.id != group.target_cloud_id && group.further.iter().all(|t| t.cloud_id != c.id)),
    }
    clouds
}

pub fn checked(fields: GroupFields, clouds: StoredValue<Vec<Cloud>>) -> api::Result<NewTarget> {
    let whole = save::checked(fields, clouds, &[])?;
    Ok(NewTarget { cloud_id: whole.target_cloud_id, policy: whole.policy, networks: whole.networks, storage: whole.storage })
}

/// The node calls the field by another name than the group's form.
pub fn kept<T>(fields: GroupFields, mut answer: api::Result<T>) -> api::Result<T> {
    if let Err(error) = &mut answer {
        error.fields.iter_mut().filter(|f| f.field == "cloud_id").for_each(|f| f.field = "target_cloud_id".into());
    }
    save::kept(fields, answer)
}

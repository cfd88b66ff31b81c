//! What a live event does to the rows that the browser holds. Pure, so that it can be tested without a stream.
//!
//! Few changes come one by one, with the row; many come as one word: read the list again. Only rows that look
//! different are sent: that all others were seen as well is what the event of their cloud says.

use model::{
    cloud::Cloud,
    live::{LiveEvent, Topic},
    machine::MachineRow,
};
use std::collections::BTreeMap;

/// By their place in the list.
pub type Held = BTreeMap<usize, MachineRow>;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Nothing,
    /// This row in these places.
    Row(Vec<usize>, Box<MachineRow>),
    /// What the rows of this cloud say of it.
    Seen(Box<Cloud>),
    /// A row came, went or may have moved: read again what is in sight.
    ReadAgain,
}

/// `ordered`: the list is by name and shows everything, so that a row that changed stays in its place.
pub fn effect(held: &Held, event: &LiveEvent, ordered: bool) -> Effect {
    match event.topic {
        Topic::Machine => of_machine(held, event, ordered),
        Topic::Cloud => of_cloud(held, event),
        Topic::Machines | Topic::Reset => Effect::ReadAgain,
        _ => Effect::Nothing,
    }
}

fn of_machine(held: &Held, event: &LiveEvent, ordered: bool) -> Effect {
    // Gone, or not understood: the list knows.
    let Ok(row) = serde_json::from_value::<MachineRow>(event.data.clone()) else { return Effect::ReadAgain };
    let places: Vec<usize> = held.iter().filter(|(_, r)| r.id == row.id).map(|(place, _)| *place).collect();
    let named = places.iter().filter_map(|p| held.get(p)).all(|r| r.name == row.name);
    if places.is_empty() || !named || !ordered { Effect::ReadAgain } else { Effect::Row(places, Box::new(row)) }
}

fn of_cloud(held: &Held, event: &LiveEvent) -> Effect {
    let Ok(cloud) = serde_json::from_value::<Cloud>(event.data.clone()) else { return Effect::ReadAgain };
    let differs = |r: &MachineRow| r.cloud_id == cloud.id && seen(r, &cloud) != *r;
    if held.values().any(differs) { Effect::Seen(Box::new(cloud)) } else { Effect::Nothing }
}

/// The row after its cloud was looked at. A row that was looked at by itself since then is newer.
pub fn seen(row: &MachineRow, cloud: &Cloud) -> MachineRow {
    MachineRow {
        observed_at: row.observed_at.max(cloud.observed_at.unwrap_or(0)),
        cloud_status: cloud.status,
        cloud: cloud.name.clone(),
        site: cloud.site.clone(),
        ..row.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::machines::sample;
    use model::cloud::CloudStatus;
    use serde_json::{Value, json};

    fn event(topic: Topic, id: &str, data: Value) -> LiveEvent {
        LiveEvent { seq: 1, topic, id: id.into(), data }
    }

    fn held() -> Held {
        [(0, sample::row("a")), (7, sample::row("b"))].into()
    }

    #[test]
    fn a_row_that_is_held_changes_in_its_place() {
        let mut row = sample::row("b");
        row.vcpus = 9;
        let seen = effect(&held(), &event(Topic::Machine, "b", json!(row)), true);
        assert_eq!(seen, Effect::Row(vec![7], Box::new(row.clone())));
        assert_eq!(effect(&held(), &event(Topic::Machine, "b", json!(row)), false), Effect::ReadAgain, "it may have moved");
        row.name = "z".into();
        assert_eq!(effect(&held(), &event(Topic::Machine, "b", json!(row)), true), Effect::ReadAgain, "it moved");
    }

    #[test]
    fn a_new_machine_and_one_that_is_gone_read_the_list_again() {
        assert_eq!(effect(&held(), &event(Topic::Machine, "c", json!(sample::row("c"))), true), Effect::ReadAgain);
        assert_eq!(effect(&held(), &event(Topic::Machine, "a", Value::Null), true), Effect::ReadAgain);
        assert_eq!(effect(&held(), &event(Topic::Machines, "cloud", Value::Null), true), Effect::ReadAgain);
        assert_eq!(effect(&held(), &event(Topic::Run, "r", Value::Null), true), Effect::Nothing);
    }

    #[test]
    fn a_look_at_the_cloud_makes_all_its_rows_fresh() {
        let cloud = Cloud { observed_at: Some(5_000), status: CloudStatus::Stale, ..sample::cloud() };
        let Effect::Seen(cloud) = effect(&held(), &event(Topic::Cloud, "c", json!(cloud)), true) else { panic!("nothing was seen") };
        let row = seen(&held()[&0], &cloud);
        assert_eq!((row.observed_at, row.cloud_status), (5_000, CloudStatus::Stale));
        assert_eq!(seen(&MachineRow { observed_at: 9_000, ..row.clone() }, &cloud).observed_at, 9_000);
        let again = [(0, row)].into();
        assert_eq!(effect(&again, &event(Topic::Cloud, "c", json!(*cloud)), true), Effect::Nothing, "all is known");
        let other = Cloud { id: "other".into(), ..sample::cloud() };
        assert_eq!(effect(&held(), &event(Topic::Cloud, "other", json!(other)), true), Effect::Nothing);
    }
}

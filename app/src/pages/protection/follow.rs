//! What a live event does to the groups on the screen. Pure.

use model::{
    live::{LiveEvent, Topic},
    protection::{Group, Member},
};

/// Takes the newest state of a member. `false`: it cannot be shown from the event alone, read again.
pub fn apply<'a>(groups: impl IntoIterator<Item = &'a mut Group>, event: &LiveEvent) -> bool {
    if event.topic != Topic::Member {
        return false;
    }
    let Ok(member) = serde_json::from_value::<Member>(event.data.clone()) else { return false };
    let mut all = groups.into_iter().flat_map(|g| g.members.iter_mut().chain(g.further.iter_mut().flat_map(|t| &mut t.members)));
    match all.find(|known| known.id == member.id) {
        Some(known) => {
            *known = member;
            true
        }
        None => false,
    }
}

/// Is it about a member of this group, or of one of its further targets?
pub fn is_of(group: &Group, event: &LiveEvent) -> Option<bool> {
    let of = event.data.get("group_id")?.as_str()?;
    Some(group.id == of || group.further.iter().any(|t| t.id == of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::protection::sample;

    fn event(topic: Topic, data: serde_json::Value) -> LiveEvent {
        LiveEvent { seq: 1, topic, id: "m1".into(), data }
    }

    #[test]
    fn a_member_is_taken_in_place_and_a_new_one_asks_for_all() {
        let mut groups = [sample::group()];
        let mut member = groups[0].members[0].clone();
        member.replication.points = 9;
        let data = serde_json::to_value(&member).unwrap_or_default();
        assert!(apply(&mut groups, &event(Topic::Member, data)));
        assert_eq!(groups[0].members[0].replication.points, 9);
        member.id = "new".into();
        let data = serde_json::to_value(&member).unwrap_or_default();
        assert!(!apply(&mut groups, &event(Topic::Member, data)));
    }

    #[test]
    fn a_member_that_is_gone_asks_for_all() {
        assert!(!apply(&mut [sample::group()], &event(Topic::Member, serde_json::Value::Null)));
        assert!(!apply(&mut [sample::group()], &event(Topic::Group, serde_json::Value::Null)));
    }
}

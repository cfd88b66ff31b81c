//! The choice of a recovery point: an older one than usual, since after an attack the newest may hold the damage.

use crate::{
    components::{
        age::{DateTime, local},
        field::SelectField,
    },
    format,
};
use leptos::prelude::*;
use model::{Millis, protection::RecoveryPoint};

/// What stands first in the list, for whoever chooses nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// The newest point, which is then no choice of its own.
    Newest,
    /// What was written since the newest point, too.
    LastChanges,
}

/// `value` is the identifier of the point; empty: the usual one. `points` are newest first.
#[component]
pub fn PointField(
    name: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    points: Signal<Vec<RecoveryPoint>>,
    usual: Usual,
) -> impl IntoView {
    let options = Signal::derive(move || points.with(|p| choices(p, usual, |at| local(at, format::date_time))));
    view! { <SelectField label name value options/> }
}

/// What is given up by it.
#[component]
pub fn GivenUp(at: Millis) -> impl IntoView {
    view! { "as it was at "<DateTime at/>". What it wrote after that is given up." }
}

/// A point that the target does not show now cannot be taken.
fn choices(points: &[RecoveryPoint], usual: Usual, time: impl Fn(Millis) -> String) -> Vec<(String, String)> {
    let there: Vec<&RecoveryPoint> = points.iter().filter(|p| p.missing_since.is_none()).collect();
    let newest = there.first().map(|p| p.taken_at).unwrap_or_default();
    let line = |p: &&RecoveryPoint| {
        let age = if p.taken_at == newest {
            "the newest".to_owned()
        } else {
            format!("{} older than the newest", format::age(newest - p.taken_at))
        };
        (p.id.clone(), format!("Point {} of {}, {age}", p.seq, time(p.taken_at)))
    };
    let (first, skip) = match usual {
        Usual::Newest => ("Newest", 1),
        Usual::LastChanges => ("The last changes", 0),
    };
    std::iter::once((String::new(), first.to_owned())).chain(there.iter().skip(skip).map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(seq: i64, missing: bool) -> RecoveryPoint {
        RecoveryPoint {
            id: format!("p{seq}"),
            member_id: "m".into(),
            cloud_id: "c".into(),
            seq,
            taken_at: seq * 1000,
            committed_at: seq * 1000,
            full: false,
            bytes: 1,
            held: false,
            missing_since: missing.then_some(1),
        }
    }

    fn lines(usual: Usual) -> Vec<String> {
        let points = [point(5, true), point(4, false), point(3, true), point(1, false)];
        choices(&points, usual, |at| format!("t{at}")).into_iter().map(|(id, text)| format!("{id}|{text}")).collect()
    }

    #[test]
    fn what_the_target_does_not_show_is_no_choice() {
        assert_eq!(lines(Usual::Newest), ["|Newest", "p1|Point 1 of t1000, 3 s older than the newest"]);
    }

    #[test]
    fn in_place_of_the_last_changes_the_newest_point_can_be_taken() {
        let expected = ["|The last changes", "p4|Point 4 of t4000, the newest", "p1|Point 1 of t1000, 3 s older than the newest"];
        assert_eq!(lines(Usual::LastChanges), expected);
    }
}

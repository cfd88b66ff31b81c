//! Our snapshots of a machine, by their names.

use super::super::{
    link::{Link, Ref},
    props::Object,
    task,
    xml::{Node, tag},
};
use crate::clouds::error::{Kind, Result};

const OURS: &str = "crossfade ";

/// Without memory and without asking the guest: crash-consistent.
///
/// # Errors
/// By kind.
pub async fn create(link: &Link, machine: &Ref, token: &str) -> Result<Ref> {
    let name: String = format!("{OURS}{token}").chars().take(80).collect();
    let args = format!(
        "{}{}<memory>false</memory><quiesce>false</quiesce>",
        tag("name", name),
        tag("description", "A recovery point is being read; Crossfade removes this.")
    );
    Ok(Ref::of(&task::run(link, "CreateSnapshot_Task", machine, &args).await?))
}

/// Gone already is fine.
///
/// # Errors
/// By kind.
pub async fn remove(link: &Link, snapshot: &Ref) -> Result<()> {
    let args = "<removeChildren>false</removeChildren><consolidate>true</consolidate>";
    match task::run(link, "RemoveSnapshot_Task", snapshot, args).await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// Of the machine's property `snapshot`: ours, and how many there are of others.
pub fn of(machine: &Object) -> (Vec<Ref>, usize) {
    let (mut ours, mut others) = (vec![], 0);
    if let Some(info) = machine.prop("snapshot") {
        info.all("rootSnapshotList").for_each(|one| walk(one, &mut ours, &mut others));
    }
    (ours, others)
}

fn walk(tree: &Node, ours: &mut Vec<Ref>, others: &mut usize) {
    match tree.child("snapshot").map(Ref::of) {
        Some(one) if tree.get("name").is_some_and(|name| name.starts_with(OURS)) => ours.push(one),
        _ => *others += 1,
    }
    tree.all("childSnapshotList").for_each(|one| walk(one, ours, others));
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};

    #[test]
    fn ours_are_told_from_those_of_people() {
        let text = "<o><obj type='VirtualMachine'>v</obj><propSet><name>snapshot</name><val><currentSnapshot type='VirtualMachineSnapshot'>s-3</currentSnapshot><rootSnapshotList><snapshot type='VirtualMachineSnapshot'>s-1</snapshot><name>before upgrade</name><childSnapshotList><snapshot type='VirtualMachineSnapshot'>s-2</snapshot><name>crossfade l1-2</name></childSnapshotList></rootSnapshotList></val></propSet></o>";
        let (ours, others) = of(&Object::read(parse(text).unwrap()));
        assert_eq!((ours, others), (vec![Ref::new("VirtualMachineSnapshot", "s-2")], 1));
    }
}

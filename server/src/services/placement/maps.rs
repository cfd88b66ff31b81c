//! Networks and places for disks at a cloud that has other names: what a person would choose there is their decision, so
//! the check goes on with the first one, and the choice is a thing to know.

use crate::{
    clouds::guard::SHORT,
    error::Result,
    services::moves::{Maps, Origin},
    state::Node,
    store::groups,
};
use model::{Mapping, Problem, Severity, cloud::Cloud};

/// Names that are listed in a sentence.
const LISTED: usize = 4;

/// # Errors
/// The cloud's, or the store's.
pub async fn choose(node: &Node, origin: &Origin, cloud: &Cloud) -> Result<(Maps, Vec<Problem>)> {
    let mut maps = of_group(node, origin, cloud).await?;
    let mut findings = vec![];
    let Some(guard) = node.clouds.get(&cloud.id) else { return Ok((maps, findings)) };
    let there = guard.run("resources", SHORT, guard.cloud().inventory().resources()).await?;
    let networks: Vec<String> = there.networks.iter().filter(|n| n.active).map(|n| n.name.clone()).collect();
    let pools: Vec<String> = there.pools.iter().filter(|p| p.active).map(|p| p.name.clone()).collect();
    let disks = origin.observed.disks.iter().filter(|d| d.device == "disk");
    let wanted = origin.observed.nics.iter().filter_map(|n| n.network.as_ref());
    fill("network", wanted, &networks, &mut maps.networks, (&cloud.name, &mut findings));
    fill("place for disks", disks.filter_map(|d| d.pool.as_ref()), &pools, &mut maps.storage, (&cloud.name, &mut findings));
    Ok((maps, findings))
}

/// Where it is protected to, this was chosen already.
async fn of_group(node: &Node, origin: &Origin, cloud: &Cloud) -> Result<Maps> {
    let Some(id) = origin.to(&cloud.id).and_then(|(m, _)| m.group_id.as_ref()) else { return Ok(Maps::default()) };
    let group = groups::get(&node.db, id).await?;
    Ok(group.map(|g| Maps { networks: g.networks, storage: g.storage }).unwrap_or_default())
}

fn fill<'a>(
    what: &str,
    wanted: impl Iterator<Item = &'a String>,
    there: &[String],
    maps: &mut Vec<Mapping>,
    (cloud, findings): (&str, &mut Vec<Problem>),
) {
    for from in wanted {
        // The cloud itself says what it thinks of one that has no counterpart at all.
        let Some(first) = there.first().filter(|_| !there.contains(from) && !maps.iter().any(|m| &m.from == from)) else { continue };
        maps.push(Mapping { from: from.clone(), to: first.clone() });
        let mut list = there.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
        if there.len() > LISTED {
            list += " …";
        }
        let said = format!("It has no {what} '{from}'.");
        findings.push(Problem::new(Severity::Warning, cloud, said, format!("Choose which one it becomes when you move it there: {list}.")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_same_name_or_was_chosen_needs_no_choice() {
        let there = ["lan".to_owned(), "net2".to_owned()];
        let wanted = ["lan".to_owned(), "dmz".to_owned(), "old".to_owned(), "dmz".to_owned()];
        let (mut maps, mut findings) = (vec![Mapping { from: "old".into(), to: "net2".into() }], vec![]);
        fill("network", wanted.iter(), &there, &mut maps, ("c", &mut findings));
        assert_eq!(maps.len(), 2);
        assert_eq!((maps[1].from.as_str(), maps[1].to.as_str(), findings.len()), ("dmz", "lan", 1));
        let (mut maps, mut findings) = (vec![], vec![]);
        fill("network", wanted.iter(), &[], &mut maps, ("c", &mut findings));
        assert!(maps.is_empty() && findings.is_empty(), "the cloud says it");
    }
}

//! Shows this node's tabs the runs that other nodes drive: what changed in their rows, about once a second.
//!
//! With one node there is nothing to do. Nothing here decides anything.

use super::view;
use crate::{
    state::Node,
    store::{StoreResult, runs, steps},
};
use model::{Id, live::Topic};
use std::{collections::HashMap, time::Duration};

const EVERY: Duration = Duration::from_secs(1);
/// More runs at a time are not followed to the second.
const MOST: i64 = 50;

/// What the tabs were told last.
#[derive(Default)]
pub struct Seen {
    run: String,
    steps: HashMap<String, String>,
    event: i64,
}

pub async fn watch(node: Node) {
    let mut seen: HashMap<Id, Seen> = HashMap::new();
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY.min(node.recovery.timing.keep)) => {}
        }
        if let Err(error) = look(&node, &mut seen).await {
            tracing::debug!(%error, "the runs of other nodes could not be read");
        }
    }
}

/// One pass.
///
/// # Errors
/// Of the store.
pub async fn look(node: &Node, seen: &mut HashMap<Id, Seen>) -> StoreResult<()> {
    let active = runs::list(&node.db, Some(true), MOST, None).await?;
    // One that ended since the last pass has its end to be told.
    let mut ended = vec![];
    for id in seen.keys().filter(|id| !active.iter().any(|r| &r.id == *id)) {
        ended.extend(runs::get(&node.db, id).await?);
    }
    for run in active.iter().filter(|r| r.owner.as_ref().is_some_and(|o| *o != node.name)) {
        tell(node, run, seen.entry(run.id.clone()).or_default()).await?;
    }
    for run in &ended {
        if let Some(mut last) = seen.remove(&run.id) {
            tell(node, run, &mut last).await?;
        }
    }
    Ok(())
}

async fn tell(node: &Node, run: &runs::RunRow, seen: &mut Seen) -> StoreResult<()> {
    for step in steps::of_run(&node.db, &run.id).await? {
        let shown = view::step(&step);
        let text = serde_json::json!(shown).to_string();
        if seen.steps.get(&step.key) != Some(&text) {
            node.live.publish(Topic::Step, &run.id, &shown);
            seen.steps.insert(step.key.clone(), text);
        }
    }
    for event in steps::events(&node.db, &run.id, seen.event, 200).await? {
        seen.event = event.seq;
        node.live.publish(Topic::RunEvent, &run.id, &view::event(&event));
    }
    let shown = view::run(run);
    let text = serde_json::json!(shown).to_string();
    if seen.run != text {
        node.live.publish(Topic::Run, &run.id, &shown);
        seen.run = text;
    }
    Ok(())
}

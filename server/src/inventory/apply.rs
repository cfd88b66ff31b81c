//! Writes what was seen: first the store, then the table in memory, then the screens.

use super::{
    differ::{self, Difference, Digest},
    machine_id, rows,
    table::Row,
};
use crate::{
    clouds::Observed,
    state::{Node, now},
    store::{StoreResult, machines as store, to_json},
};
use model::{Id, Millis, live::Topic};
use std::{collections::HashSet, sync::Arc};

/// What the store has of a cloud, at the start of the node.
pub async fn load(node: &Node, cloud_id: &str) -> StoreResult<()> {
    let cloud: Arc<str> = cloud_id.into();
    let mut rows = vec![];
    for (id, detail) in store::details(&node.db, cloud_id).await? {
        let observed: Observed = crate::store::json(&detail)?;
        rows.push(Arc::new(Row::new(id, cloud.clone(), &observed, differ::digest_of_text(&detail), 0)));
    }
    node.inventory.change(rows, &[]);
    count(node, cloud_id);
    Ok(())
}

/// A look at everything, begun at `seen_at`. What was looked at by itself since then is newer and stays.
pub async fn all(node: &Node, cloud_id: &str, seen: &[Observed], seen_at: Millis) -> StoreResult<()> {
    write(node, cloud_id, seen, seen_at, Some(seen_at)).await
}

/// Single machines that the cloud told of.
pub async fn some(node: &Node, cloud_id: &str, seen: &[Observed], seen_at: Millis) -> StoreResult<()> {
    write(node, cloud_id, seen, seen_at, None).await
}

/// One machine that was asked for; `None`: it is not there.
pub async fn one(node: &Node, cloud_id: &str, native_id: &str, seen: Option<Observed>, seen_at: Millis) -> StoreResult<()> {
    match seen {
        Some(observed) => some(node, cloud_id, &[observed], seen_at).await,
        None => gone(node, cloud_id, &[native_id.to_owned()]).await,
    }
}

pub async fn gone(node: &Node, cloud_id: &str, native_ids: &[String]) -> StoreResult<()> {
    let ids = native_ids.iter().map(|n| machine_id(cloud_id, n));
    let ids: Vec<Id> = ids.filter(|id| node.inventory.row(id).is_some()).collect();
    store::save(&node.db, cloud_id, &[], &ids, now()).await?;
    take(node, cloud_id, vec![], ids);
    Ok(())
}

async fn write(node: &Node, cloud_id: &str, seen: &[Observed], seen_at: Millis, complete: Option<Millis>) -> StoreResult<()> {
    // Without a control the cloud was removed meanwhile: nothing of it is written any more.
    let Some(control) = node.inventory.control(cloud_id) else { return Ok(()) };
    let _writing = control.writing.lock().await;
    let digests: Vec<(String, Digest)> = seen.iter().map(|o| (o.native_id.clone(), differ::digest(o))).collect();
    let mut difference = difference(node, cloud_id, &digests, complete.is_some());
    if let Some(begun) = complete {
        leave_newer(node, cloud_id, &digests, &mut difference, begun);
    }
    let cloud: Arc<str> = cloud_id.into();
    let row = |i: &usize| Arc::new(Row::new(machine_id(cloud_id, &seen[*i].native_id), cloud.clone(), &seen[*i], digests[*i].1, seen_at));
    let put: Vec<Arc<Row>> = difference.written.iter().map(row).collect();
    let taken: Vec<Id> = difference.gone.iter().map(|native| machine_id(cloud_id, native)).collect();
    if !put.is_empty() || !taken.is_empty() {
        let text = |(i, row): (&usize, _)| Ok(store::Write { id: id_of(row), observed: &seen[*i], detail: to_json(&seen[*i])? });
        let writes = difference.written.iter().zip(&put).map(text).collect::<StoreResult<Vec<_>>>()?;
        let _saving = node.inventory.saving.lock().await;
        store::save(&node.db, cloud_id, &writes, &taken, now()).await?;
    }
    take(node, cloud_id, put, taken);
    Ok(())
}

fn id_of(row: &Arc<Row>) -> &str {
    &row.id
}

fn difference(node: &Node, cloud_id: &str, digests: &[(String, Digest)], complete: bool) -> Difference {
    let table = node.inventory.table();
    if complete {
        return differ::compare(&table.digests(cloud_id), digests, true);
    }
    let known = digests.iter().filter_map(|(native, _)| table.get(&machine_id(cloud_id, native)));
    differ::compare(&known.map(|r| (r.native_id.to_string(), r.digest)).collect(), digests, false)
}

fn leave_newer(node: &Node, cloud_id: &str, digests: &[(String, Digest)], difference: &mut Difference, begun: Millis) {
    let table = node.inventory.table();
    // One that was seen in the future was seen before the clock was set back: that says nothing.
    let now = now();
    let newer = |native: &str| table.get(&machine_id(cloud_id, native)).is_some_and(|r| r.seen_at > begun && r.seen_at <= now);
    difference.written.retain(|i| !newer(&digests[*i].0));
    difference.gone.retain(|native| !newer(native));
}

fn take(node: &Node, cloud_id: &str, put: Vec<Arc<Row>>, taken: Vec<Id>) {
    let looks_new = |r: &&Arc<Row>| node.inventory.row(&r.id).is_none_or(|old| !old.looks_like(r));
    let changed: HashSet<Id> = put.iter().filter(looks_new).map(|r| r.id.clone()).collect();
    if put.is_empty() && taken.is_empty() {
        return;
    }
    node.inventory.change(put, &taken);
    if !changed.is_empty() || !taken.is_empty() {
        count(node, cloud_id);
    }
    rows::show(node, changed);
    if taken.len() > 20 {
        rows::show_all(node, cloud_id);
    } else {
        taken.iter().for_each(|id| node.live.publish(Topic::Machine, id.as_str(), &serde_json::Value::Null));
    }
}

/// How many machines the cloud has, and how many run.
fn count(node: &Node, cloud_id: &str) {
    let (mut machines, mut running) = (0, 0);
    for row in node.inventory.table().of_cloud(cloud_id) {
        machines += 1;
        running += u32::from(row.state.is_live());
    }
    if let Some(cloud) = node.inventory.cloud(cloud_id)
        && (cloud.machines, cloud.running) != (machines, running)
    {
        let cloud = node.inventory.set_cloud(model::cloud::Cloud { machines, running, ..(*cloud).clone() });
        node.live.publish(Topic::Cloud, cloud_id, &*cloud);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clouds::{Settings, registry},
        state::{Inner, clock},
        store::{Db, on},
    };

    /// A clock that was an hour ahead: what was seen then must not stand for an hour.
    #[tokio::test]
    async fn a_clock_that_is_set_back_freezes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}/t.db", dir.path().display())).await.unwrap();
        let sql = "INSERT INTO clouds (id, name, kind, site, simulated, fields, created_at, status, status_since) \
                   VALUES ('c', 'c', 'simulator', 'x', 1, '{}', 0, 'ok', 0)";
        on!(&db, p => { sqlx::query(sql).execute(p).await.unwrap(); });
        let node = Node::new(Inner::new("n".into(), db, crate::secrets::Key::from_bytes([7; 32]), dir.path().into(), 8));
        node.inventory.take_over("c");
        let cloud = registry::open("simulator", Settings::default()).unwrap();
        let mut seen = cloud.inventory().list(None).await.unwrap().machines;
        clock::set(3_600_000);
        all(&node, "c", &seen, now()).await.unwrap();
        clock::set(-3_600_000);
        seen[0].name = "renamed".into();
        let gone = seen.pop().unwrap();
        all(&node, "c", &seen, now()).await.unwrap();
        let name = |native: &str| node.inventory.row(&machine_id("c", native)).map(|r| r.name.to_string());
        assert_eq!(name(&seen[0].native_id).as_deref(), Some("renamed"));
        assert_eq!(name(&gone.native_id), None);
    }
}

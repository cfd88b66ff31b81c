//! The inventory against simulated clouds: what a screen sees when sites are lost, machines come and go, clouds lie.
#![allow(clippy::unwrap_used)]

mod full;

use model::{
    access::Role,
    cloud::{Cloud, CloudStatus, NewCloud},
    machine::{MachineRow, PowerAction, PowerState},
};
use server::{
    clouds::simulator::{Fault, World, world},
    inventory::{self, list, list::Request},
    secrets::Key,
    services::{caller::Caller, clouds, machines},
    state::{Inner, Node, now},
    store::Db,
};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

struct Site {
    node: Node,
    dir: tempfile::TempDir,
}

fn admin() -> Caller {
    Caller { name: "admin".into(), role: Role::Administrator, address: None }
}

async fn node_in(dir: &std::path::Path) -> Node {
    let db = Db::open(&format!("sqlite://{}/t.db", dir.display())).await.unwrap();
    let node = Node::new(Inner::new("test".into(), db, Key::from_bytes([7; 32]), dir.into(), 64));
    clouds::open_all(&node).await.unwrap();
    inventory::start(&node).await.unwrap();
    node
}

impl Site {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { node: node_in(dir.path()).await, dir }
    }

    /// A simulated cloud of that name, and the world behind it.
    async fn add(&self, name: &str, site: &str, more: &[(&str, &str)]) -> (Cloud, Arc<World>) {
        let key = format!("{}/{name}", self.dir.path().display());
        let base = [("world", key.as_str()), ("machines", "20"), ("site", site)];
        let fields = base.iter().chain(more).map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let new = NewCloud { name: name.into(), kind: "simulator".into(), site: site.into(), fields, fingerprint: None };
        let cloud = clouds::add(&self.node, &admin(), new).await.unwrap();
        self.until("first look", || self.status(&cloud.id) == CloudStatus::Ok).await;
        (cloud, world(&key).unwrap())
    }

    fn status(&self, id: &str) -> CloudStatus {
        self.node.inventory.cloud(id).unwrap().status
    }

    fn rows(&self, q: &str) -> Vec<MachineRow> {
        list::page(&self.node, &Request { q: q.into(), limit: 500, ..Request::default() }).unwrap().items
    }

    fn alarms(&self) -> Vec<String> {
        inventory::alarms::active(&self.node).into_iter().map(|a| a.kind).collect()
    }

    /// Within ten seconds, as the screens promise; answers how long it took.
    async fn until(&self, what: &str, holds: impl Fn() -> bool) -> Duration {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(10), "not within 10 s: {what}; alarms {:?}", self.alarms());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }

    async fn copies(&self, of: &[(&str, &str)]) {
        for (machine, role) in of {
            let sql = "INSERT INTO copies (machine_id, lineage, role, since) VALUES ($1, 'L', $2, 1)";
            let Db::Lite(pool) = &self.node.db else { panic!() };
            sqlx::query(sql).bind(*machine).bind(*role).execute(pool).await.unwrap();
        }
        inventory::reload(&self.node).await.unwrap();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.node.stopping.cancel();
    }
}

#[tokio::test]
async fn a_lost_site_turns_red_and_keeps_its_machines() {
    let s = Site::new().await;
    let (cloud, world) = s.add("berlin-1", "berlin", &[]).await;
    s.add("dublin-1", "dublin", &[]).await;
    world.crash();
    s.until("down", || s.alarms() == ["site_down"]).await;
    let rows = s.rows("site:berlin");
    assert_eq!(rows.len(), 20, "the last known machines stay");
    assert!(rows.iter().all(|r| r.cloud_status == CloudStatus::Unreachable && r.observed_at <= now()));
    let known = s.node.inventory.cloud(&cloud.id).unwrap();
    assert!(known.retry_at.is_some() && known.message.as_ref().unwrap().contains("no route"));
    world.restore();
    s.until("green again", || s.status(&cloud.id) == CloudStatus::Ok && s.alarms().is_empty()).await;
}

#[tokio::test]
async fn all_clouds_lost_at_once_make_the_console_suspect_itself() {
    let s = Site::new().await;
    let (_, a) = s.add("a", "berlin", &[]).await;
    let (_, b) = s.add("b", "dublin", &[]).await;
    a.cut();
    b.cut();
    s.until("suspicion", || s.alarms().contains(&"own_network".into())).await;
    a.restore();
    s.until("no suspicion", || !s.alarms().contains(&"own_network".into())).await;
}

#[tokio::test]
async fn the_old_copy_started_by_hand_is_a_split_brain_within_seconds() {
    let s = Site::new().await;
    let (_, a) = s.add("a", "berlin", &[]).await;
    s.add("b", "dublin", &[("seed", "9")]).await;
    let old = s.rows("site:berlin state:stopped").into_iter().next();
    let old = match old {
        Some(row) => row,
        None => {
            let row = s.rows("site:berlin").remove(0);
            machines::power(&s.node, &admin(), &row.id, PowerAction::PowerOff).await.unwrap();
            row
        }
    };
    let active = s.rows("site:dublin state:running").remove(0);
    s.copies(&[(&old.id, "superseded"), (&active.id, "active")]).await;
    let refused = machines::power(&s.node, &admin(), &old.id, PowerAction::Start).await.unwrap_err();
    assert!(refused.message.starts_with("Superseded by the copy at dublin since"), "{}", refused.message);
    let native = machines::get(&s.node, &admin(), &old.id).await.unwrap().native_id;
    a.by_hand(&native, PowerState::Running).unwrap();
    let split = || s.alarms().contains(&"split_brain".into()) && s.alarms().contains(&"superseded_running".into());
    s.until("split brain", split).await;
    assert_eq!(s.rows("split:yes").len(), 2);
    machines::power(&s.node, &admin(), &old.id, PowerAction::PowerOff).await.unwrap();
    s.until("over", || !s.alarms().iter().any(|k| k == "split_brain" || k == "superseded_running")).await;
    assert_eq!(s.rows("split:yes").len(), 0);
}

#[tokio::test]
async fn a_look_that_hangs_is_given_up_and_said() {
    let s = Site::new().await;
    let (cloud, world) = s.add("a", "berlin", &[]).await;
    world.fail("capacity", 1, 1000, Fault::Hang);
    s.until("stale", || s.status(&cloud.id) != CloudStatus::Ok).await;
    world.heal();
    s.until("well", || s.status(&cloud.id) == CloudStatus::Ok).await;
}

#[tokio::test]
async fn a_big_cloud_is_shown_page_by_page_at_first() {
    let s = Site::new().await;
    // Three pages.
    let fields = [("machines", "1200"), ("site", "berlin"), ("latency_ms", "300")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let new = NewCloud { name: "big".into(), kind: "simulator".into(), site: "berlin".into(), fields, fingerprint: None };
    let cloud = clouds::add(&s.node, &admin(), new).await.unwrap();
    let there = || list::page(&s.node, &Request { limit: 1, ..Request::default() }).unwrap().total.unwrap();
    s.until("the first page", || there() > 0).await;
    assert!(there() < 1200 && s.status(&cloud.id) == CloudStatus::Connecting, "{} machines", there());
    s.until("all of it", || s.status(&cloud.id) == CloudStatus::Ok).await;
    assert_eq!(there(), 1200);
}

#[tokio::test]
async fn power_is_done_when_the_cloud_shows_it() {
    let s = Site::new().await;
    let (_, world) = s.add("a", "berlin", &[]).await;
    let row = s.rows("state:running").remove(0);
    world.fail("stop", 1, 1, Fault::Lie);
    let lie = machines::power(&s.node, &admin(), &row.id, PowerAction::PowerOff).await.unwrap_err();
    assert!(lie.message.contains("says that it is off, but shows it running"), "{}", lie.message);
    let off = machines::power(&s.node, &admin(), &row.id, PowerAction::PowerOff).await.unwrap();
    assert_eq!(off.row.state, PowerState::Stopped);
    let viewer = Caller { role: Role::Viewer, ..admin() };
    assert!(machines::power(&s.node, &viewer, &row.id, PowerAction::Start).await.unwrap_err().message.contains("operator"));
}

#[tokio::test]
async fn a_machine_that_is_gone_leaves_the_list_and_stays_readable() {
    let s = Site::new().await;
    let (cloud, _) = s.add("a", "berlin", &[]).await;
    let row = s.rows("state:running").remove(0);
    machines::power(&s.node, &admin(), &row.id, PowerAction::PowerOff).await.unwrap();
    let native = machines::get(&s.node, &admin(), &row.id).await.unwrap().native_id;
    let guard = s.node.clouds.get(&cloud.id).unwrap();
    guard.cloud().machines().unwrap().delete(&native, true).await.unwrap();
    s.until("gone", || s.rows("").len() == 19).await;
    let machine = machines::get(&s.node, &admin(), &row.id).await.unwrap();
    assert!(machine.gone_at.is_some());
    assert!(machine.actions.iter().all(|a| a.refused.as_ref().unwrap().contains("gone from a")));
}

#[tokio::test]
async fn a_node_that_starts_again_shows_what_it_knew_with_its_age() {
    let s = Site::new().await;
    let (cloud, world) = s.add("a", "berlin", &[]).await;
    s.node.stopping.cancel();
    s.node.tasks.close();
    s.node.tasks.wait().await;
    world.cut();
    let again = node_in(s.dir.path()).await;
    let rows = list::page(&again, &Request { limit: 500, ..Request::default() }).unwrap();
    assert_eq!(rows.total, Some(20), "before any look");
    assert!(rows.items[0].observed_at > 0);
    assert_eq!(again.inventory.cloud(&cloud.id).unwrap().machines, 20);
    again.stopping.cancel();
    world.restore();
}

#[tokio::test]
async fn secrets_and_settings_follow_the_drivers_declaration() {
    let s = Site::new().await;
    let (cloud, _) = s.add("a", "berlin", &[]).await;
    let new = |name: &str, fields: &[(&str, &str)]| NewCloud {
        name: name.into(),
        kind: "simulator".into(),
        site: "x".into(),
        fields: fields.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        fingerprint: None,
    };
    let twice = clouds::add(&s.node, &admin(), new("A", &[])).await.unwrap_err();
    assert_eq!(twice.fields[0].field, "name", "names differ by more than case");
    let wrong = clouds::add(&s.node, &admin(), new("b/c", &[("machines", "many"), ("colour", "red")])).await.unwrap_err();
    let fields: Vec<_> = wrong.fields.iter().map(|f| f.field.as_str()).collect();
    assert_eq!(fields, ["name", "fields.machines", "fields.colour"]);
    let refused = clouds::add(&s.node, &admin(), new("c", &[("fault", "refused")])).await.unwrap_err();
    assert!(refused.message.starts_with("credentials: "), "{}", refused.message);
    let down = clouds::add(&s.node, &admin(), new("c", &[("fault", "down")])).await.unwrap_err();
    assert!(down.message.starts_with("connection: "), "{}", down.message);
    let viewer = Caller { role: Role::Operator, ..admin() };
    assert!(clouds::remove(&s.node, &viewer, &cloud.id).await.unwrap_err().message.contains("administrator"));
    clouds::remove(&s.node, &admin(), &cloud.id).await.unwrap();
    assert_eq!(s.rows("").len(), 0);
    assert!(!s.dir.path().join("clouds").join(&cloud.id).exists());
}

#[tokio::test]
async fn pages_by_cursor_hold_every_machine_once_in_every_order() {
    let s = Site::new().await;
    s.add("a", "berlin", &[("machines", "130")]).await;
    s.add("b", "dublin", &[("machines", "90"), ("seed", "2")]).await;
    for sort in ["", "name", "-name", "site", "-memory", "state", "vcpus", "-disk", "cloud"] {
        let (mut seen, mut from) = (std::collections::BTreeSet::new(), list::From::Start);
        loop {
            let request = Request { q: "-state:paused".into(), sort: sort.into(), limit: 17, from };
            let page = list::page(&s.node, &request).unwrap();
            assert!(page.items.iter().all(|r| seen.insert(r.id.clone())), "twice by {sort}");
            match page.next {
                Some(next) => from = list::From::After(next),
                None => break assert_eq!(Some(seen.len() as u64), page.total, "all by {sort}"),
            }
        }
    }
    let wrong = list::page(&s.node, &Request { sort: "colour".into(), limit: 1, ..Request::default() }).unwrap_err();
    assert!(wrong.message.contains("cannot be sorted by"));
}

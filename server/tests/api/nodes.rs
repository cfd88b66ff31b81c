//! Several nodes on one store, on SQLite and, where there is one, on PostgreSQL: one of them does a thing, and the others
//! learn of what they have to know.

use super::support::postgres;
use model::{
    cloud::{Cloud, CloudStatus},
    machine::{Firmware, PowerState},
};
use server::{
    clouds::Observed,
    inventory,
    services::clouds::follow,
    state::{Inner, Node, new_id, now},
    store::{
        Db,
        audit::StoredAudit,
        clouds::{self, StoredCloud},
        copies, machines, member_leases,
        members::{self, NewMember},
        old_copies, points, work,
    },
};
use std::{collections::BTreeMap, path::Path};

async fn stores(folder: &Path) -> Vec<String> {
    let mut all = vec![format!("sqlite://{}/store.db", folder.display())];
    all.extend(postgres().await);
    all
}

async fn node(url: &str, folder: &Path) -> Node {
    let key = server::secrets::Key::from_bytes([7; 32]);
    let name = new_id();
    Node::new(Inner::new(name.clone(), Db::open(url).await.unwrap(), key, folder.join(name), 64))
}

fn cloud(id: &str, name: &str) -> StoredCloud {
    let fields: BTreeMap<String, String> = [("machines".to_owned(), "2".to_owned()), ("world".to_owned(), new_id())].into();
    let cloud = Cloud {
        id: id.into(),
        name: name.into(),
        kind: "simulator".into(),
        site: format!("{name}-site"),
        simulated: true,
        status: CloudStatus::Ok,
        status_since: 0,
        message: None,
        observed_at: None,
        retry_at: None,
        version: None,
        fingerprint: None,
        capabilities: vec![],
        capacity: None,
        machines: 0,
        running: 0,
        fields,
    };
    StoredCloud { cloud, secrets: None, host_id: None }
}

fn event() -> StoredAudit {
    StoredAudit {
        seq: 0,
        at: now(),
        actor: "node:x".into(),
        action: "machine.lock".into(),
        subject: "web1".into(),
        object: None,
        ok: 1,
        detail: String::new(),
        address: None,
        also: vec![],
    }
}

fn observed(native_id: &str) -> Observed {
    Observed {
        native_id: native_id.into(),
        name: "web1".into(),
        state: PowerState::Stopped,
        vcpus: 1,
        memory_mib: 128,
        disks: vec![],
        nics: vec![],
        tags: vec![],
        title: None,
        firmware: Firmware::Bios,
        arch: None,
        guest_os: None,
        autostart: Some(true),
        locked: None,
        native: serde_json::Value::Null,
    }
}

/// One machine at two clouds, a member of nobody's group; answers its ids and the member's.
async fn machine(db: &Db) -> (String, String, String) {
    let mut ids = vec![];
    for id in ["a", "b"] {
        clouds::insert(db, &cloud(id, id), now(), &event()).await.unwrap();
        let seen = observed("n");
        let machine_id = inventory::machine_id(id, "n");
        let detail = serde_json::to_string(&seen).unwrap();
        machines::save(db, id, &[machines::Write { id: &machine_id, observed: &seen, detail }], &[], now()).await.unwrap();
        ids.push(machine_id);
    }
    let new = NewMember {
        id: new_id(),
        group_id: None,
        machine_id: ids[0].clone(),
        name: "web1".into(),
        target_cloud_id: "b".into(),
        storage: vec![],
        held_by: None,
        further: false,
    };
    members::insert(db, &new, &new_id(), now()).await.unwrap().unwrap();
    (ids[0].clone(), ids[1].clone(), new.id)
}

#[tokio::test]
async fn one_of_many_nodes_gets_a_member_and_each_claim_raises_its_epoch() {
    let folder = tempfile::tempdir().unwrap();
    for url in stores(folder.path()).await {
        let db = Db::open(&url).await.unwrap();
        let (_, _, member) = machine(&db).await;
        let claims = (0..8).map(|i| {
            let (db, member) = (db.clone(), member.clone());
            async move { member_leases::claim(&db, &member, &format!("node{i}"), None, 10_000).await.unwrap() }
        });
        let won: Vec<_> = futures::future::join_all(claims).await.into_iter().flatten().collect();
        assert_eq!(won.len(), 1, "{won:?}");
        let first = &won[0];
        assert!(member_leases::renew(&db, first, None, 10_000).await.unwrap());
        assert!(members::set_state(&db, first, model::protection::ReplicationState::Replicating).await.unwrap());
        // A run wants it: the next renewal says so, and a claim of the background is refused.
        assert!(members::hold(&db, &member, "run1").await.unwrap());
        assert!(!member_leases::renew(&db, first, None, 10_000).await.unwrap());
        member_leases::release(&db, first).await.unwrap();
        assert!(member_leases::claim(&db, &member, "other", None, 10_000).await.unwrap().is_none());
        let second = member_leases::claim(&db, &member, "other", Some("run1"), 1).await.unwrap().unwrap();
        assert_eq!(second.epoch, first.epoch + 1);
        // Its lease is over: nothing that it writes counts any more.
        while member_leases::renew(&db, &second, Some("run1"), 1).await.unwrap() {}
        assert!(!members::set_state(&db, &second, model::protection::ReplicationState::Resync).await.unwrap());
        assert!(work::get(&db, &member).await.unwrap().unwrap().autostart);
        assert!(points::missing(&db, &member).await.unwrap().is_empty());
        member_leases::leave(&db, "other").await.unwrap();
        assert_eq!(members::get(&db, &member).await.unwrap().unwrap().owner, None);
    }
}

#[tokio::test]
async fn one_node_locks_an_old_copy_and_it_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    for url in stores(folder.path()).await {
        let db = Db::open(&url).await.unwrap();
        let (old, new, _) = machine(&db).await;
        let lineage = copies::get(&db, &old).await.unwrap().unwrap().lineage;
        assert!(old_copies::loose(&db).await.unwrap().is_empty());
        let sql = format!(
            "UPDATE copies SET role = 'superseded' WHERE machine_id = '{old}'; \
             INSERT INTO copies (machine_id, lineage, role, since) VALUES ('{new}', '{lineage}', 'active', 1)"
        );
        match &db {
            Db::Lite(p) => drop(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(p).await.unwrap()),
            Db::Pg(p) => drop(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(p).await.unwrap()),
        }
        let loose = old_copies::loose(&db).await.unwrap();
        assert_eq!((loose.len(), loose[0].autostart, loose[0].is_written_down()), (1, 1, false));
        assert!(old_copies::claim(&db, &old, 10_000).await.unwrap());
        assert!(!old_copies::claim(&db, &old, 10_000).await.unwrap(), "two at once");
        assert!(old_copies::is_claimed(&db, &old).await.unwrap());
        let event = event();
        assert!(old_copies::locked(&db, &loose[0], now(), &event).await.unwrap().is_some());
        assert!(old_copies::locked(&db, &loose[0], now(), &event).await.unwrap().is_none(), "told twice");
        assert!(!old_copies::is_claimed(&db, &old).await.unwrap());
        let at = old_copies::at(&db, &lineage, "a").await.unwrap().unwrap();
        assert!(at.is_written_down() && at.keep_until.is_none());
    }
}

#[tokio::test]
async fn a_cloud_that_one_node_adds_changes_or_removes_is_followed_by_the_other() {
    let folder = tempfile::tempdir().unwrap();
    for url in stores(folder.path()).await {
        let (one, two) = (node(&url, folder.path()).await, node(&url, folder.path()).await);
        let mut stored = cloud(&new_id(), "berlin");
        clouds::insert(&one.db, &stored, now(), &event()).await.unwrap();
        let id = stored.cloud.id.clone();
        for node in [&one, &two] {
            follow::look(node).await.unwrap();
            assert_eq!(node.clouds.get(&id).unwrap().name, "berlin");
        }
        let opened = two.clouds.get(&id).unwrap();
        follow::look(&two).await.unwrap();
        assert!(std::sync::Arc::ptr_eq(&opened, &two.clouds.get(&id).unwrap()), "opened anew without need");
        stored.cloud.name = "berlin-2".into();
        clouds::update(&one.db, &stored, &event()).await.unwrap();
        follow::look(&two).await.unwrap();
        assert_eq!(two.clouds.get(&id).unwrap().name, "berlin-2");
        assert_eq!(two.inventory.cloud(&id).unwrap().name, "berlin-2");
        clouds::remove(&one.db, &id, &event()).await.unwrap();
        follow::look(&two).await.unwrap();
        assert!(two.clouds.get(&id).is_none() && two.inventory.cloud(&id).is_none());
        for node in [&one, &two] {
            node.stopping.cancel();
        }
    }
}

//! Two simulated sites, one machine at the first, and a node that may be killed and started again.

use crate::{
    clouds::{CreateRequest, MachineSpec, Settings, guard::Guard, registry, simulator},
    replication::{self, Cycle, Job, Result, cycle, retention},
    state::{Inner, Node, new_id, now},
    store::{
        Db,
        members::{self, NewMember},
        points::{self, StoredPoint},
    },
};
use model::{Id, machine::PowerState, protection::Policy};
use std::{future::Future, pin::pin, sync::Arc, task::Poll};
use tokio_util::sync::CancellationToken;

pub const POLICY: Policy = Policy { rpo_seconds: 5, keep_points: 3, keep_hours: 24, bandwidth: None };

pub struct Lab {
    pub node: Node,
    pub a: Arc<simulator::World>,
    pub b: Arc<simulator::World>,
    pub native: String,
    pub member: Id,
    _folder: tempfile::TempDir,
}

/// `name` keeps the worlds of tests apart; every call to a cloud takes `latency` ms.
pub async fn lab(name: &str, latency: u32) -> Lab {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite://{}/store.db", folder.path().display())).await.unwrap();
    let node = node(db, folder.path());
    let (a, b) = (format!("{name}-a"), format!("{name}-b"));
    connect(&node, &a, latency).await;
    connect(&node, &b, latency).await;
    let (world_a, world_b) = (simulator::world(&a).unwrap(), simulator::world(&b).unwrap());
    let native = world_a.machine_names().into_iter().find(|m| m.2 == PowerState::Running).unwrap().0;
    // Its guest writes only when the test says so.
    world_a.by_hand(&native, PowerState::Paused).unwrap();
    let member = protect(&node, &a, &b, &native).await;
    Lab { node, a: world_a, b: world_b, native, member, _folder: folder }
}

fn node(db: Db, folder: &std::path::Path) -> Node {
    Node::new(Inner::new(new_id(), db, crate::secrets::Key::from_bytes([7; 32]), folder.into(), 64))
}

/// A simulated cloud of this name, in the store and at this node.
pub async fn connect(node: &Node, name: &str, latency: u32) {
    open(node, name, latency);
    sql(
        &node.db,
        &format!(
            "INSERT INTO clouds (id, name, kind, site, simulated, fields, created_at, status, status_since, capabilities) VALUES \
             ('{name}', '{name}', 'simulator', '{name}', 1, '{{}}', 0, 'ok', 0, '[\"create\",\"disk_sink\",\"disk_source\"]') ON CONFLICT DO NOTHING"
        ),
    )
    .await;
}

fn open(node: &Node, name: &str, latency: u32) {
    let seed = name.bytes().map(u64::from).sum::<u64>().to_string();
    let latency = latency.to_string();
    let fields = [("world", name), ("machines", "4"), ("site", name), ("latency_ms", &latency), ("seed", &seed)];
    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let driver = registry::open("simulator", Settings { fields, ..Settings::default() }).unwrap();
    node.clouds.put(Arc::new(Guard::new(name.into(), name.into(), name.into(), true, driver, 16, node.calls.clone())));
}

async fn protect(node: &Node, a: &str, b: &str, native: &str) -> Id {
    let policy = serde_json::to_string(&POLICY).unwrap();
    sql(
        &node.db,
        &format!(
            "INSERT INTO machines (id, cloud_id, native_id, name, state, vcpus, memory_mib, disk_bytes, addresses, tags, detail, changed_at) \
             VALUES ('{a}-m', '{a}', '{native}', 'm', 'paused', 1, 1, 1, '[]', '[]', '{{}}', 0); \
             INSERT INTO groups (id, name, protected_site, recovery_site, target_cloud_id, policy, networks, storage, created_at) \
             VALUES ('g', 'tier', '{a}', '{b}', '{b}', '{policy}', '[]', '[]', 0)"
        ),
    )
    .await;
    let new = NewMember {
        id: new_id(),
        group_id: Some("g".into()),
        machine_id: format!("{a}-m"),
        name: "m".into(),
        target_cloud_id: b.into(),
        storage: vec![],
        held_by: None,
        further: false,
    };
    members::insert(&node.db, &new, &new_id(), now()).await.unwrap().unwrap();
    new.id
}

pub async fn sql(db: &Db, text: &str) {
    let Db::Lite(pool) = db else { unreachable!("the tests open SQLite") };
    sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap();
}

impl Lab {
    /// The node was killed and is started again: nothing but the store and the clouds is left.
    pub async fn restart(&mut self) {
        // A commit that this process has handed over already lands before it; a killed one would have lost it.
        sql(&self.node.db, "BEGIN IMMEDIATE; COMMIT").await;
        self.expire_leases().await;
        self.node = self.another_node();
    }

    pub async fn cycle(&self) -> Result<Cycle> {
        replication::cycle(&self.node, &self.member, |_| {}, CancellationToken::new()).await
    }

    pub fn write(&self, offset: u64, text: &str) {
        self.a.guest_write(&self.native, 0, offset, text.as_bytes()).unwrap();
    }

    pub async fn newest(&self) -> Option<StoredPoint> {
        points::newest(&self.node.db, &self.member).await.unwrap()
    }

    pub async fn rows(&self) -> Vec<StoredPoint> {
        points::all(&self.node.db, &self.member).await.unwrap()
    }

    pub async fn row(&self) -> members::StoredMember {
        members::get(&self.node.db, &self.member).await.unwrap().unwrap()
    }

    pub fn source_disk(&self) -> simulator::Image {
        self.a.disk(&self.native, 0).unwrap()
    }

    /// What a machine that is brought up from this point finds on its disk.
    pub async fn disk_of(&self, point: &StoredPoint) -> simulator::Image {
        let cloud = self.node.clouds.get(&point.cloud_id).unwrap();
        let machines = cloud.cloud().machines().unwrap();
        let name = new_id();
        let spec = MachineSpec { name: name.clone(), uuid: None, ..point.spec.clone() };
        let request = CreateRequest {
            token: name,
            lineage: point.lineage.clone(),
            spec,
            point: point.sink_ref.clone(),
            networks: vec![],
            storage: vec![],
            guest: None,
        };
        let made = machines.create(&request).await.expect("a machine can be made from a committed point");
        let disk = simulator::world(&point.cloud_id).unwrap().disk(&made, 0).unwrap();
        machines.delete(&made, true).await.unwrap();
        disk
    }

    /// Nothing lies at the target that no row knows, and nothing is missing.
    pub async fn assert_no_leftovers(&self) {
        assert_eq!(self.b.leftovers(), (self.rows().await.len(), 0), "recovery points and uploads at the target against rows");
    }

    pub async fn assert_newest_equals_source(&self) {
        let newest = self.newest().await.expect("a recovery point");
        assert!(self.disk_of(&newest).await == self.source_disk(), "the newest point differs from the source");
    }

    pub async fn would_expire(&self) -> Vec<Id> {
        retention::expired(&self.rows().await, &POLICY, Some(now()))
    }

    /// After a fault that was only answered wrongly a leftover may stay until the next start.
    pub async fn restart_and_settle(mut self) -> Self {
        self.restart().await;
        self.write(13 << 20, "settled");
        self.cycle().await.unwrap();
        self
    }

    /// As if the time of the dead node were over.
    pub async fn expire_leases(&self) {
        sql(&self.node.db, "UPDATE members SET lease_until = 0").await;
    }

    /// Another node on the same store and the same clouds.
    pub fn another_node(&self) -> Node {
        let other = node(self.node.db.clone(), &self.node.data_dir);
        self.node.clouds.all().into_iter().for_each(|cloud| drop(other.clouds.put(cloud)));
        other
    }

    /// For one cycle, under a claim.
    pub async fn job(&self) -> Job {
        let held_by = self.row().await.held_by;
        let held = replication::lease::Held::claim(&self.node, &self.member, held_by.as_ref()).await.unwrap().expect("a claim");
        Job::under(&held.claim, &self.node, self.node.replication.slot(&self.member)).await.unwrap()
    }

    /// One cycle whose node is killed at its `n`th wait; `None`: it was through before.
    pub async fn cycle_killed_at(&self, n: usize) -> Option<Result<Cycle>> {
        let job = self.job().await;
        let cancel = CancellationToken::new();
        let work = pin!(async {
            let outcome = cycle::run(&job, &|_| {}, &cancel).await;
            let _ = replication::prune::expired(&job).await;
            outcome
        });
        killed_at(n, work).await
    }
}

/// Lets a future run until it has waited `n` times, then drops it: a kill -9 as seen from outside the process.
async fn killed_at<F: Future>(n: usize, mut work: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut waits = 0;
    std::future::poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(out) => Poll::Ready(Some(out)),
        Poll::Pending if waits == n => Poll::Ready(None),
        Poll::Pending => {
            waits += 1;
            Poll::Pending
        }
    })
    .await
}

/// Waits until it is so; says what it waited for when it never is.
pub async fn until<F: Future<Output = bool>>(what: &str, mut so: impl FnMut() -> F) {
    let begun = std::time::Instant::now();
    while !so().await {
        assert!(begun.elapsed().as_secs() < 20, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

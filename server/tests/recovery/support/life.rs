//! One life of a node, on a runtime of its own: dropping that is a kill -9 as far as tasks are concerned.

use super::{
    Lab,
    watched::{Crash, Watched},
};
use server::{
    clouds::{Settings, guard::Guard, registry},
    inventory, recovery,
    recovery::Timing,
    state::{Inner, Node, new_id},
    store::Db,
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::runtime::Runtime;

pub struct Life {
    pub node: Node,
    pub crash: Arc<Crash>,
    runtime: Option<Runtime>,
}

/// Short, so that a takeover takes no ten seconds.
const TIMING: Timing = Timing {
    lease: Duration::from_millis(1500),
    heartbeat: Duration::from_millis(300),
    margin: Duration::from_millis(300),
    poll: Duration::from_millis(15),
    keep: Duration::from_millis(50),
};

impl Life {
    pub fn new(lab: &Lab, crash: Arc<Crash>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            // A test that sets its clock sets that of its nodes.
            .on_thread_start(server::state::clock::shared())
            .enable_all()
            .build()
            .unwrap();
        let node = runtime.block_on(open(lab, &crash));
        Self { node, crash, runtime: Some(runtime) }
    }

    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.as_ref().unwrap().block_on(work)
    }

    /// Waits until the machines of both clouds are in the store.
    pub async fn known(&self) {
        super::soon("all machines are known", || async {
            let known: Vec<_> = self.node.clouds.all().iter().map(|g| g.id.clone()).collect();
            let mut all = true;
            for id in known {
                all &= !server::store::machines::details(&self.node.db, &id).await.unwrap().is_empty() || !id.ends_with("berlin");
            }
            all
        })
        .await;
    }

    pub async fn sql(&self, text: &str) {
        let Db::Lite(pool) = &self.node.db else { unreachable!("the tests open SQLite") };
        sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap();
    }

    /// The node is gone at once, whatever it was doing.
    pub fn kill(mut self) {
        self.crash.die();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }

    /// For the next life: as if the lease had run out already.
    pub async fn expire_leases(&self) {
        self.sql("UPDATE runs SET lease_until = 0; UPDATE members SET lease_until = 0; UPDATE copies SET locking_until = 0").await;
        self.node.recovery.wake();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            self.crash.die();
            runtime.shutdown_background();
        }
    }
}

async fn open(lab: &Lab, crash: &Arc<Crash>) -> Node {
    let db = Db::open(&format!("sqlite://{}/store.db", lab.path().display())).await.unwrap();
    let mut inner = Inner::new(format!("node-{}", new_id()), db, server::secrets::Key::from_bytes([7; 32]), lab.path(), 256);
    inner.recovery = recovery::Runtime::new(TIMING);
    inner.virt_v2v = Some(lab.virt_v2v.clone().unwrap_or_else(|| lab.path().join("none")));
    let counted = crash.clone();
    inner.recovery.after_write = Some(Arc::new(move || counted.strikes()));
    let node = Node::new(inner);
    for (site, machines, seed) in [("berlin", "8", "3"), ("dublin", "0", "9"), ("cologne", "0", "5")] {
        if !lab.sites.contains(&site) {
            continue;
        }
        connect(lab, &node, crash, site, machines, seed).await;
    }
    inventory::start(&node).await.unwrap();
    recovery::start(&node);
    node
}

async fn connect(lab: &Lab, node: &Node, crash: &Arc<Crash>, site: &str, machines: &str, seed: &str) {
    let id = lab.cloud(site);
    let fields = [("world", id.as_str()), ("machines", machines), ("site", site), ("seed", seed)];
    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let driver = registry::open("simulator", Settings { fields, ..Settings::default() }).unwrap();
    let others = lab.sites.iter().filter(|s| **s != site).map(|s| lab.cloud(s)).collect();
    let watched = Arc::new(Watched { inner: driver, others, crash: crash.clone(), violations: lab.violations.clone() });
    node.clouds.put(Arc::new(Guard::new(id.clone(), id.clone(), site.into(), true, watched, 64, node.calls.clone())));
    let Db::Lite(pool) = &node.db else { unreachable!("the tests open SQLite") };
    let sql = format!(
        "INSERT INTO clouds (id, name, kind, site, simulated, fields, created_at, status, status_since, capabilities) VALUES \
         ('{id}', '{id}', 'simulator', '{site}', 1, '{{}}', 0, 'ok', 0, '[]') ON CONFLICT DO NOTHING"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(pool).await.unwrap();
}

//! A cloud that is watched: no start goes unseen, and the node can die right after any change.

use async_trait::async_trait;
use model::{
    Mapping, Problem,
    cloud::{Capability, ProbeReport},
    machine::PowerState,
};
use server::clouds::{
    Cloud, CreateRequest, DiskSink, DiskSource, Inventory, LiveMigration, MachineSpec, Machines, MigrateRequest, Power, StopMode,
    error::{Error, Result},
    simulator,
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::{Notify, mpsc};

pub type Violations = Arc<Mutex<Vec<String>>>;

/// When the node dies.
pub struct Crash {
    left: AtomicU64,
    pub count: AtomicU64,
    dead: AtomicBool,
    pub hit: Notify,
}

impl Crash {
    pub fn never() -> Arc<Self> {
        Self::after(u64::MAX)
    }
    pub fn after(n: u64) -> Arc<Self> {
        Arc::new(Self { left: AtomicU64::new(n), count: AtomicU64::new(0), dead: AtomicBool::new(false), hit: Notify::new() })
    }
    pub fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }
    /// Counts one change of the world. `true`: the node is dead now.
    pub fn strikes(&self) -> bool {
        if self.is_dead() {
            return true;
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.die();
            self.hit.notify_one();
            return true;
        }
        false
    }
}

pub struct Watched {
    pub inner: Arc<dyn Cloud>,
    /// Worlds of the other sites.
    pub others: Vec<String>,
    pub crash: Arc<Crash>,
    pub violations: Violations,
}

impl Watched {
    /// A dead node changes nothing, and dies right after the change at which it was to die.
    async fn change<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        if self.crash.is_dead() {
            std::future::pending::<()>().await;
        }
        let answer = work.await;
        if self.crash.strikes() {
            std::future::pending::<()>().await;
        }
        answer
    }
    fn power(&self) -> Result<&dyn Power> {
        self.inner.power().ok_or_else(|| Error::lacks("power"))
    }
    fn moved(&self) -> Result<&dyn LiveMigration> {
        self.inner.live_migration().ok_or_else(|| Error::lacks("live migration"))
    }
    fn made(&self) -> Result<&dyn Machines> {
        self.inner.machines().ok_or_else(|| Error::lacks("machines"))
    }
}

#[async_trait]
impl Cloud for Watched {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn capabilities(&self) -> Vec<Capability> {
        self.inner.capabilities()
    }
    async fn probe(&self) -> Result<ProbeReport> {
        self.inner.probe().await
    }
    fn inventory(&self) -> &dyn Inventory {
        self.inner.inventory()
    }
    fn power(&self) -> Option<&dyn Power> {
        Some(self)
    }
    fn machines(&self) -> Option<&dyn Machines> {
        Some(self)
    }
    fn disk_source(&self) -> Option<&dyn DiskSource> {
        self.inner.disk_source()
    }
    fn disk_sink(&self) -> Option<&dyn DiskSink> {
        self.inner.disk_sink()
    }
    fn live_migration(&self) -> Option<&dyn LiveMigration> {
        Some(self)
    }
}

#[async_trait]
impl Power for Watched {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        Watched::power(self)?.state(native_id).await
    }
    async fn start(&self, native_id: &str) -> Result<()> {
        for other in &self.others {
            let there = simulator::world(other).map(|w| w.machine_names()).unwrap_or_default();
            if there.iter().any(|m| m.0 == native_id && m.2.is_live()) && !self.crash.is_dead() {
                self.violations.lock().unwrap().push(format!("{native_id} while it ran at {other}"));
            }
        }
        self.change(Watched::power(self)?.start(native_id)).await
    }
    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        self.change(Watched::power(self)?.stop(native_id, mode)).await
    }
    async fn reset(&self, native_id: &str) -> Result<()> {
        self.change(Watched::power(self)?.reset(native_id)).await
    }
    async fn set_autostart(&self, native_id: &str, on: bool) -> Result<bool> {
        self.change(Watched::power(self)?.set_autostart(native_id, on)).await
    }
    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        self.change(Watched::power(self)?.lock(native_id, reason)).await
    }
    async fn unlock(&self, native_id: &str) -> Result<()> {
        self.change(Watched::power(self)?.unlock(native_id)).await
    }
}

#[async_trait]
impl Machines for Watched {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        self.made()?.describe(native_id).await
    }
    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>> {
        self.made()?.check_create(spec, networks, storage, replaces).await
    }
    async fn create(&self, request: &CreateRequest) -> Result<String> {
        self.change(self.made()?.create(request)).await
    }
    async fn find(&self, token: &str) -> Result<Option<String>> {
        self.made()?.find(token).await
    }
    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        self.change(self.made()?.set_aside(native_id, token)).await
    }
    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        self.change(self.made()?.delete(native_id, with_disks)).await
    }
}

#[async_trait]
impl LiveMigration for Watched {
    async fn endpoint(&self) -> Result<serde_json::Value> {
        self.moved()?.endpoint().await
    }
    async fn check(&self, request: &MigrateRequest) -> Result<Vec<Problem>> {
        self.moved()?.check(request).await
    }
    async fn migrate(&self, request: &MigrateRequest, progress: mpsc::Sender<(u64, u64)>) -> Result<()> {
        // The node can die when it has begun, and when it has ended.
        let begun = async {
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            if self.crash.strikes() {
                std::future::pending::<()>().await;
            }
            std::future::pending::<Result<()>>().await
        };
        let work = async {
            tokio::select! { done = self.moved()?.migrate(request, progress) => done, never = begun => never }
        };
        self.change(work).await
    }
    async fn cancel(&self, native_id: &str) -> Result<()> {
        self.change(self.moved()?.cancel(native_id)).await
    }
    async fn forget(&self, token: &str, lineage: &str) -> Result<()> {
        self.change(self.moved()?.forget(token, lineage)).await
    }
}

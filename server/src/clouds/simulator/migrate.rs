//! Live migration between simulated clouds: on a thread of its own, as a hypervisor does it, whoever asked for it.

use super::{
    super::{
        LiveMigration, MigrateRequest,
        error::{Error, Result},
    },
    Simulator,
    machines::map,
    vm::Vm,
    world::{self, World},
};
use async_trait::async_trait;
use model::{Mapping, Problem, machine::PowerState};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

const STEPS: u64 = 10;
const STEP: Duration = Duration::from_millis(10);

/// One machine on its way.
#[derive(Default)]
pub struct Leaving {
    stop: AtomicBool,
    done: AtomicU64,
    total: AtomicU64,
}

impl Leaving {
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
    fn bytes(&self) -> (u64, u64) {
        (self.done.load(Ordering::SeqCst), self.total.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl LiveMigration for Simulator {
    async fn endpoint(&self) -> Result<serde_json::Value> {
        self.look("endpoint", |_| Ok(serde_json::json!({ "world": self.config.world }))).await
    }

    async fn check(&self, request: &MigrateRequest) -> Result<Vec<Problem>> {
        peer(request)?;
        self.look("check_migrate", |state| state.vm(&request.native_id).map(|_| vec![])).await
    }

    async fn migrate(&self, request: &MigrateRequest, progress: mpsc::Sender<(u64, u64)>) -> Result<()> {
        let to = peer(request)?;
        let from = self.world.clone();
        let leaving = self.act("migrate", Arc::default(), |state| {
            if let Some(under_way) = state.leaving.get(&request.native_id) {
                return Ok(under_way.clone());
            }
            if state.vm(&request.native_id)?.state() != PowerState::Running {
                return Err(Error::conflict("It does not run: it cannot be migrated."));
            }
            let total = state.vm(&request.native_id)?.observed().disks.iter().map(|d| d.size_bytes).sum();
            let leaving = Arc::new(Leaving { total: AtomicU64::new(total), ..Leaving::default() });
            state.leaving.insert(request.native_id.clone(), leaving.clone());
            let (request, leaving_too) = (request.clone(), leaving.clone());
            std::thread::spawn(move || carry(&from, &to, &request, &leaving_too));
            Ok(leaving)
        });
        let leaving = leaving.await?;
        let _end = AtDrop(self.world.clone(), leaving.clone());
        while self.world.lock().leaving.contains_key(&request.native_id) {
            let _ = progress.try_send(leaving.bytes());
            tokio::time::sleep(STEP).await;
        }
        let here = self.world.lock().vm(&request.native_id)?.state();
        if here.is_off() { Ok(()) } else { Err(Error::transient("The migration ended without arriving (simulated).")) }
    }

    async fn cancel(&self, native_id: &str) -> Result<()> {
        self.act("cancel_migration", (), |state| {
            if let Some(leaving) = state.leaving.get(native_id) {
                leaving.stop();
            }
            Ok(())
        })
        .await?;
        while self.world.lock().leaving.contains_key(native_id) {
            tokio::time::sleep(STEP).await;
        }
        Ok(())
    }

    async fn forget(&self, _token: &str, _lineage: &str) -> Result<()> {
        self.look("forget", |_| Ok(())).await
    }
}

fn peer(request: &MigrateRequest) -> Result<Arc<World>> {
    let name = request.endpoint["world"].as_str().unwrap_or_default();
    world::world(name).ok_or_else(|| Error::not_found("There is no such simulated cloud to migrate to."))
}

struct AtDrop(Arc<World>, Arc<Leaving>);

impl Drop for AtDrop {
    fn drop(&mut self) {
        if !self.0.lock().outlive {
            self.1.stop();
        }
    }
}

/// A paused machine at the target first; at the end the source stops, then the target runs. Never both.
fn carry(from: &World, to: &World, request: &MigrateRequest, leaving: &Leaving) {
    let id = &request.native_id;
    if arrive(from, to, request).is_ok() {
        let mut step = 0;
        while (step < STEPS || from.lock().held) && !leaving.stop.load(Ordering::SeqCst) {
            step = (step + 1).min(STEPS);
            leaving.done.store(leaving.total.load(Ordering::SeqCst) / STEPS * step, Ordering::SeqCst);
            std::thread::sleep(STEP);
        }
        let images = {
            let mut state = from.lock();
            let stopped = leaving.stop.load(Ordering::SeqCst);
            let left = !stopped && state.vm(id).is_ok_and(|vm| vm.state() == PowerState::Running);
            left.then(|| {
                let _ = state.set_power(id, PowerState::Stopped);
                state.vm(id).map(|vm| vm.images().to_vec()).unwrap_or_default()
            })
        };
        let mut state = to.lock();
        match images {
            Some(images) => {
                if let Ok(vm) = state.vm(id) {
                    vm.take_over(images);
                }
                let _ = state.set_power(id, PowerState::Running);
            }
            None => {
                state.machines.remove(id);
                state.tell(id);
            }
        }
    }
    from.lock().leaving.remove(id);
}

fn arrive(from: &World, to: &World, request: &MigrateRequest) -> Result<()> {
    let mut shown = from.lock().vm(&request.native_id)?.observed();
    let mapped = |name: &Option<String>, by: &[Mapping]| name.as_deref().map(|n| map(n, by));
    shown.nics.iter_mut().for_each(|nic| nic.network = mapped(&nic.network, &request.networks));
    shown.disks.iter_mut().for_each(|disk| disk.pool = mapped(&disk.pool, &request.storage));
    (shown.state, shown.autostart, shown.locked) = (PowerState::Paused, Some(false), None);
    let mut state = to.lock();
    if state.machines.contains_key(&request.native_id) {
        return Err(Error::conflict("A machine with its identity exists there."));
    }
    let mut vm = Vm::new(shown);
    vm.token = Some(request.token.clone());
    state.machines.insert(request.native_id.clone(), vm);
    state.tell(&request.native_id);
    Ok(())
}

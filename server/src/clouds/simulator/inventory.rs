//! Looking at a simulated cloud: pages, one machine, resources, and a stream of changes.

use super::{
    super::{Change, Inventory, ListPage, Observed, error::Result},
    Simulator,
    generate::Dice,
    vm,
    world::{State, World},
};
use async_trait::async_trait;
use model::{
    cloud::{Capacity, Hba, Host, Network, Pool, Resources},
    machine::PowerState,
};
use std::{
    ops::Bound::{Excluded, Unbounded},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{broadcast, mpsc};

const PAGE: usize = 500;
pub const NETWORKS: [(&str, &str); 3] = [("lan", "10.0.0.0/8"), ("dmz", "172.20.0.0/16"), ("svc", "10.88.0.0/24")];
pub const POOLS: [&str; 2] = ["fast", "bulk"];
const POOL_BYTES: u64 = 500 << 40;

#[async_trait]
impl Inventory for Simulator {
    async fn list(&self, cursor: Option<String>) -> Result<ListPage> {
        self.look("list", |state| {
            let from = cursor.map_or(Unbounded, Excluded);
            let machines: Vec<Observed> =
                state.machines.range::<String, _>((from, Unbounded)).take(PAGE).map(|(_, vm)| vm.observed()).collect();
            let next = machines.last().filter(|_| machines.len() == PAGE).map(|m| m.native_id.clone());
            Ok(ListPage { machines, next })
        })
        .await
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        self.look("one", |state| Ok(state.machines.get(native_id).map(vm::Vm::observed))).await
    }

    async fn resources(&self) -> Result<Resources> {
        let capacity = self.look("resources", |state| Ok(self.totals(state))).await?;
        let count = self.config.hosts as u32;
        let host = |i: u32| Host {
            name: self.config.host_name(i as usize),
            cpus: capacity.cpus / count,
            cpu_model: "Simulated-v1".into(),
            memory_mib: capacity.memory_mib / u64::from(count),
            memory_free_mib: capacity.memory_free_mib / u64::from(count),
        };
        Ok(Resources {
            observed_at: vm::now(),
            hosts: (0..count).map(host).collect(),
            networks: NETWORKS.iter().map(|(name, cidr)| network(name, cidr)).collect(),
            pools: POOLS.iter().map(|name| pool(name)).collect(),
            hbas: (0..count.min(4)).map(hba).collect(),
        })
    }

    async fn capacity(&self) -> Result<Capacity> {
        self.look("capacity", |state| Ok(self.totals(state))).await
    }

    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>> {
        let heard = self.look("watch", |state| Ok(state.changes.subscribe())).await?;
        let (tell, changes) = mpsc::channel(256);
        tokio::spawn(forward(heard, tell.clone()));
        if self.config.changes > 0.0 {
            tokio::spawn(live(self.world.clone(), tell, self.config.changes, self.config.seed));
        }
        Ok(Some(changes))
    }
}

impl Simulator {
    fn totals(&self, state: &State) -> Capacity {
        let used: u64 = state.machines.values().filter(|vm| vm.state().is_live()).map(vm::Vm::memory_mib).sum();
        let hosts = self.config.hosts as u64;
        // Twice of what it begins with, so that another cloud of the same size can be recovered here.
        let memory_mib = hosts * (512 << 10) + self.config.machines as u64 * (32 << 10);
        Capacity {
            cpus: (hosts * 64) as u32,
            memory_mib,
            memory_free_mib: memory_mib.saturating_sub(used),
            storage_bytes: POOL_BYTES * POOLS.len() as u64,
            storage_free_bytes: POOL_BYTES,
        }
    }
}

fn network(name: &str, cidr: &str) -> Network {
    Network {
        name: name.into(),
        active: true,
        kind: "bridge".into(),
        bridge: Some(format!("br-{name}")),
        cidr: Some(cidr.into()),
        vlan: None,
    }
}

fn pool(name: &str) -> Pool {
    let path = Some(format!("/{name}"));
    Pool { name: name.into(), active: true, kind: "dir".into(), path, total_bytes: POOL_BYTES, free_bytes: POOL_BYTES / 2 }
}

fn hba(i: u32) -> Hba {
    Hba {
        name: format!("scsi_host{i}"),
        wwnn: format!("20000000c9{i:06x}"),
        wwpn: format!("10000000c9{i:06x}"),
        fabric_wwn: Some("100000051e000001".into()),
        vports: true,
    }
}

async fn forward(mut heard: broadcast::Receiver<Change>, tell: mpsc::Sender<Change>) {
    loop {
        let change = tokio::select! {
            () = tell.closed() => return,
            heard = heard.recv() => match heard {
                Ok(change) => change,
                Err(broadcast::error::RecvError::Lagged(_)) => Change::Relist,
                Err(broadcast::error::RecvError::Closed) => return,
            },
        };
        let last = matches!(change, Change::Lost(_));
        if tell.send(change).await.is_err() || last {
            return;
        }
    }
}

/// Things that happen by themselves, as long as somebody watches: workers come and go, disks fill.
async fn live(world: Arc<World>, watcher: mpsc::Sender<Change>, per_second: f64, seed: u64) {
    let mut clock = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
    let mut dice = Dice::new(seed, 1 << 40);
    loop {
        tokio::select! {
            () = watcher.closed() => return,
            _ = clock.tick() => happen(&mut world.lock(), &mut dice),
        }
    }
}

fn happen(state: &mut State, dice: &mut Dice) {
    let count = state.machines.len() as u64;
    let Some((id, vm)) = state.machines.iter_mut().nth(dice.roll(count) as usize) else { return };
    let (id, elastic) = (id.clone(), vm.shown().tags.iter().any(|t| t == "elastic"));
    if elastic && vm.shown().locked.is_none() {
        let to = if vm.state().is_live() { PowerState::Stopped } else { PowerState::Running };
        vm.set_power(to);
    } else if let Some(disk) = vm.shown().disks.first_mut() {
        disk.allocated_bytes = disk.allocated_bytes.map(|a| (a + (64 << 20)).min(disk.size_bytes));
    }
    state.tell(&id);
}

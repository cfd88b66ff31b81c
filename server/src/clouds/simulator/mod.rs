//! Clouds in memory: deterministic by seed, any size, with scripted faults. For tests, scale and the demo without a lab.
//!
//! The machines live in a [`World`] that is kept for the whole process, by name: closing the driver and opening it
//! again finds the same machines, as with a real cloud. Nothing survives the process. A test holds the world too and
//! plays the guests, the administrator at the host's own console, and fate ([`World::fail`], [`World::crash`]).

mod disk;
mod faults;
mod generate;
mod inventory;
mod machines;
mod migrate;
mod power;
mod settings;
mod sink;
mod source;
#[cfg(test)]
mod tests;
mod vm;
mod world;

pub use disk::Image;
pub use faults::Fault;
pub use settings::info;
pub use world::{World, site, world};

use super::{Cloud, DiskSink, DiskSource, Inventory, LiveMigration, Machines, Power, Settings, error::Result};
use async_trait::async_trait;
use faults::Effect;
use model::{
    Problem, Severity,
    cloud::{Capability, ProbeReport},
};
use settings::Config;
use std::sync::Arc;
use world::State;

/// One opened simulated cloud: its settings, and the world that it looks into.
#[derive(Clone)]
pub(super) struct Simulator {
    config: Arc<Config>,
    world: Arc<World>,
}

/// # Errors
/// A field that cannot be right.
pub fn open(settings: Settings) -> Result<Arc<dyn Cloud>> {
    let config = Config::parse(&settings)?;
    let world = world::find_or_make(&config);
    Ok(Arc::new(Simulator { config: Arc::new(config), world }))
}

impl Simulator {
    /// One call: through latency and faults, then at once. `lie` is what it answers when it only says that it did.
    async fn act<T>(&self, op: &'static str, lie: T, deed: impl FnOnce(&mut State) -> Result<T> + Send) -> Result<T> {
        match self.world.admit(op, &self.config).await? {
            Effect::Lie => Ok(lie),
            effect => effect.answer(op, deed(&mut self.world.lock())),
        }
    }

    /// A call that only looks.
    async fn look<T>(&self, op: &'static str, deed: impl FnOnce(&mut State) -> Result<T> + Send) -> Result<T> {
        self.world.admit(op, &self.config).await?;
        deed(&mut self.world.lock())
    }
}

#[async_trait]
impl Cloud for Simulator {
    fn kind(&self) -> &'static str {
        "simulator"
    }

    fn capabilities(&self) -> Vec<Capability> {
        use Capability::{Create, DiskSink, DiskSource, Events, LiveMigration, Power, StartLock};
        vec![Events, Power, Create, DiskSource, DiskSink, LiveMigration, StartLock]
    }

    async fn probe(&self) -> Result<ProbeReport> {
        let machines = self.look("probe", |state| Ok(state.machines.len())).await?;
        let about = "Nothing here is real: the machines live in the node's memory.";
        Ok(ProbeReport {
            ok: true,
            identity: Some("simulator".into()),
            host: Some(self.config.host_name(0)),
            host_id: None,
            version: Some(concat!("simulator ", env!("CARGO_PKG_VERSION")).into()),
            fingerprint: None,
            capabilities: self.capabilities(),
            machines: Some(u32::try_from(machines).unwrap_or(u32::MAX)),
            problems: vec![Problem::new(Severity::Info, "simulator", about, "Use it for trials; add a real cloud for real work.")],
        })
    }

    fn inventory(&self) -> &dyn Inventory {
        self
    }
    fn power(&self) -> Option<&dyn Power> {
        Some(self)
    }
    fn machines(&self) -> Option<&dyn Machines> {
        Some(self)
    }
    fn disk_source(&self) -> Option<&dyn DiskSource> {
        Some(self)
    }
    fn disk_sink(&self) -> Option<&dyn DiskSink> {
        Some(self)
    }
    fn live_migration(&self) -> Option<&dyn LiveMigration> {
        Some(self)
    }
}

//! Clouds in memory: deterministic by seed, any size, with scripted faults. For tests, scale and the demo without a lab.

use super::{
    Cloud, Settings,
    error::{Error, Result},
};
use model::cloud::DriverInfo;
use std::sync::Arc;

pub fn info() -> DriverInfo {
    DriverInfo {
        kind: "simulator".into(),
        title: "Simulated cloud".into(),
        about: "Machines in this node's memory, for trials and tests.".into(),
        simulated: true,
        fields: vec![],
    }
}

/// # Errors
/// A field that cannot be right.
pub fn open(_settings: Settings) -> Result<Arc<dyn Cloud>> {
    Err(Error::lacks("be opened yet"))
}

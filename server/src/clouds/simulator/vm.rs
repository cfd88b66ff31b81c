//! One simulated machine: what is shown of it, its disks, and which of their blocks changed since which point.
//!
//! Its guest counts ten times a second while it runs and keeps the count on its first disk, so that a copy can be
//! judged: a recovered machine must go on from the count at its recovery point.

use super::{
    super::Observed,
    disk::{BLOCK, Image},
};
use model::{Millis, machine::PowerState};
use std::collections::BTreeSet;

const TICK: Millis = 100;
/// Where the count lies on the first disk.
const COUNTER_AT: u64 = BLOCK;

pub struct Vm {
    shown: Observed,
    /// Made at the first touch: most machines are only looked at.
    images: Vec<Image>,
    pub tracked: Vec<Tracked>,
    /// Of the request that created it.
    pub token: Option<String>,
    /// Which host carries it; the native fields are made from it when somebody looks, or 50,000 maps would be kept.
    pub host: u16,
    /// The recovery point that its disks are overlays of.
    pub base: Option<String>,
    counter: u64,
    counted_at: Millis,
    lost_power: bool,
}

/// A point in time from which on changed blocks are recorded, for each disk.
pub struct Tracked {
    pub name: String,
    pub dirty: Vec<BTreeSet<u64>>,
}

pub fn now() -> Millis {
    crate::state::now()
}

pub fn read_counter(disk: &Image) -> u64 {
    let text = disk.read(COUNTER_AT, 32);
    let text = String::from_utf8_lossy(&text);
    text.trim_start_matches("counter=").split('\n').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

impl Vm {
    pub fn new(shown: Observed) -> Self {
        Self { shown, images: vec![], tracked: vec![], token: None, host: 0, base: None, counter: 0, counted_at: now(), lost_power: false }
    }

    /// With disks that hold something already: the guest goes on counting from there.
    pub fn with_images(shown: Observed, images: Vec<Image>) -> Self {
        let counter = images.first().map_or(0, read_counter);
        Self { images, counter, ..Self::new(shown) }
    }

    /// The disks come over, and the guest goes on counting.
    pub fn take_over(&mut self, images: Vec<Image>) {
        self.counter = images.first().map_or(0, read_counter);
        self.images = images;
    }

    pub fn observed(&self) -> Observed {
        let native = serde_json::json!({ "host": self.host + 1, "created_by": self.token });
        Observed { native, ..self.shown.clone() }
    }
    pub fn shown(&mut self) -> &mut Observed {
        &mut self.shown
    }
    pub fn native_id(&self) -> &str {
        &self.shown.native_id
    }
    pub fn name(&self) -> &str {
        &self.shown.name
    }
    pub fn memory_mib(&self) -> u64 {
        self.shown.memory_mib
    }
    pub fn state(&self) -> PowerState {
        self.shown.state
    }

    pub fn images(&mut self) -> &[Image] {
        if self.images.is_empty() {
            self.images = self.shown.disks.iter().map(|d| Image::new(d.size_bytes)).collect();
            if let Some(first) = self.images.first_mut() {
                first.write(0, format!("boot sector of {}\n", self.shown.name).as_bytes());
                first.write(8 * BLOCK, &self.shown.native_id.repeat(4 * BLOCK as usize / 36).into_bytes());
            }
        }
        &self.images
    }

    pub fn write(&mut self, disk: usize, offset: u64, data: &[u8]) {
        self.images();
        let Some(image) = self.images.get_mut(disk) else { return };
        let touched = image.write(offset, data);
        for tracked in &mut self.tracked {
            if let Some(dirty) = tracked.dirty.get_mut(disk) {
                dirty.extend(&touched);
            }
        }
    }

    /// Lets the guest do what it did since somebody looked last.
    pub fn settle(&mut self) {
        let ticks = if self.shown.state == PowerState::Running { (now() - self.counted_at).max(0) / TICK } else { 0 };
        if ticks > 0 {
            self.counted_at += ticks * TICK;
            self.counter += ticks.unsigned_abs();
            self.write(0, COUNTER_AT, format!("counter={}\n", self.counter).as_bytes());
        }
    }

    pub fn set_power(&mut self, to: PowerState) {
        self.settle();
        if self.shown.state != PowerState::Running {
            self.counted_at = now();
        }
        self.shown.state = to;
    }

    pub fn lose_power(&mut self) {
        if self.shown.state.is_live() {
            self.set_power(PowerState::Stopped);
            self.tracked.clear();
        }
        self.lost_power = true;
    }

    pub fn power_returns(&mut self) {
        let starts = self.shown.autostart == Some(true) && self.shown.locked.is_none();
        if std::mem::take(&mut self.lost_power) && starts {
            self.set_power(PowerState::Running);
        }
    }
}

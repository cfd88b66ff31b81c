//! What a machine is at another kind of cloud than the one that described it: it goes back there as what it was.
//!
//! A driver that keeps machines of other kinds (in their metadata, in an attribute) answers this with their description; a
//! driver that makes a machine asks for its own part of it by [`MachineSpec::native_of`] and its neighbours.

use super::{MachineSpec, Observed};
use model::machine::Nic;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub kind: String,
    /// As [`MachineSpec::native`], of that kind.
    pub native: String,
    /// Keys of the disks there, in order.
    pub disks: Vec<String>,
    /// Models of the cards there, by MAC in small letters.
    pub models: Vec<(String, String)>,
}

impl Origin {
    /// Of a description by the kind itself; one that was changed on its way (a conversion) has what it was before with it.
    pub fn of(spec: &MachineSpec) -> Self {
        if let Some(was) = spec.origin_of(&spec.native_kind) {
            return was.clone();
        }
        let model = |nic: &Nic| Some((nic.mac.to_lowercase(), nic.model.clone()?));
        Self {
            kind: spec.native_kind.clone(),
            native: spec.native.clone(),
            disks: spec.disks.iter().map(|disk| disk.key.clone()).collect(),
            models: spec.nics.iter().filter_map(model).collect(),
        }
    }
}

impl MachineSpec {
    /// What its own cloud shows of it; `uuid`: its identity there.
    pub fn seen(kind: &str, uuid: Option<String>, seen: Observed) -> Self {
        Self {
            name: seen.name,
            uuid,
            vcpus: seen.vcpus,
            memory_mib: seen.memory_mib,
            firmware: seen.firmware,
            arch: seen.arch,
            guest_os: seen.guest_os,
            disks: seen.disks.into_iter().filter(|disk| disk.device == "disk").collect(),
            nics: seen.nics,
            tags: seen.tags,
            title: seen.title,
            native_kind: kind.into(),
            native: seen.native.to_string(),
            origins: vec![],
        }
    }

    fn origin_of(&self, kind: &str) -> Option<&Origin> {
        self.origins.iter().find(|origin| origin.kind == kind)
    }

    /// What is known of other kinds of cloud, with what it is now at one of them.
    pub fn origins_with(&self, now: Origin) -> Vec<Origin> {
        self.origins.iter().filter(|one| one.kind != now.kind).cloned().chain([now.clone()]).collect()
    }

    /// The definition of this kind of cloud, if it has one.
    pub fn native_of(&self, kind: &str) -> Option<&str> {
        if self.native_kind == kind { Some(&self.native) } else { self.origin_of(kind).map(|origin| origin.native.as_str()) }
    }

    /// What a disk is called at this kind of cloud. Disks that came or went since make all of them new.
    pub fn key_of(&self, kind: &str, disk: usize) -> Option<&str> {
        if self.native_kind == kind {
            return self.disks.get(disk).map(|one| one.key.as_str());
        }
        self.origin_of(kind).filter(|origin| origin.disks.len() == self.disks.len())?.disks.get(disk).map(String::as_str)
    }

    /// Which model a card is at this kind of cloud; else as described.
    pub fn model_of<'a>(&'a self, kind: &str, nic: &'a Nic) -> Option<&'a str> {
        let there = self.origin_of(kind).and_then(|origin| origin.models.iter().find(|(mac, _)| mac.eq_ignore_ascii_case(&nic.mac)));
        there.map(|(_, model)| model.as_str()).or(nic.model.as_deref())
    }
}

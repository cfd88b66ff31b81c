//! A row and a cloud for tests.

use model::{
    cloud::{Cloud, CloudStatus},
    machine::{MachineRow, PowerState},
};

pub fn row(id: &str) -> MachineRow {
    MachineRow {
        id: id.into(),
        name: id.into(),
        site: "berlin".into(),
        cloud_id: "c".into(),
        cloud: "kvm".into(),
        cloud_status: CloudStatus::Ok,
        simulated: false,
        state: PowerState::Running,
        vcpus: 1,
        memory_mib: 64,
        disk_bytes: 0,
        addresses: vec![],
        tags: vec![],
        role: None,
        split_brain: false,
        protection: None,
        run_id: None,
        observed_at: 1_000,
    }
}

pub fn cloud() -> Cloud {
    Cloud {
        id: "c".into(),
        name: "kvm".into(),
        kind: "libvirt".into(),
        site: "berlin".into(),
        simulated: false,
        status: CloudStatus::Ok,
        status_since: 0,
        message: None,
        observed_at: Some(1_000),
        retry_at: None,
        version: None,
        fingerprint: None,
        capabilities: vec![],
        capacity: None,
        machines: 2,
        running: 2,
        fields: Default::default(),
    }
}

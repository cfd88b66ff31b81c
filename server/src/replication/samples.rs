//! Small values for the tests of the pure parts.

use crate::{
    clouds::{MachineSpec, PointRef, SinkRef},
    store::points::StoredPoint,
};
use model::machine::{Disk, Firmware};

pub fn disk(key: &str, size_bytes: u64) -> Disk {
    Disk {
        key: key.into(),
        bus: "virtio".into(),
        size_bytes,
        allocated_bytes: None,
        format: None,
        source: None,
        pool: None,
        device: "disk".into(),
        read_only: false,
    }
}

pub fn point(seq: i64, depth: u32) -> StoredPoint {
    StoredPoint {
        id: format!("p{seq}"),
        member_id: "m".into(),
        lineage: "l".into(),
        cloud_id: "t".into(),
        seq,
        parent_id: (depth > 0).then(|| format!("p{}", seq - 1)),
        depth,
        source_point: Some(PointRef(format!("s{seq}"))),
        sink_ref: SinkRef(format!("k{seq}")),
        spec: MachineSpec {
            name: "web1".into(),
            uuid: None,
            vcpus: 1,
            memory_mib: 128,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: None,
            disks: vec![disk("vda", 1 << 30)],
            nics: vec![],
            tags: vec![],
            title: None,
            native_kind: "simulator".into(),
            native: String::new(),
            origins: vec![],
        },
        taken_at: seq * 1000,
        committed_at: seq * 1000 + 100,
        bytes: 1,
        held: false,
        deleting: false,
        missing_since: None,
    }
}

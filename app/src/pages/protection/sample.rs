//! A small group for the tests of this folder.

use model::protection::{Group, Member, Policy, Replication, ReplicationState};

pub fn group() -> Group {
    Group {
        id: "g1".into(),
        name: "shop".into(),
        protected_site: "berlin".into(),
        recovery_site: "dublin".into(),
        target_cloud_id: "c2".into(),
        target_cloud: "dub".into(),
        policy: Policy::default(),
        networks: vec![],
        storage: vec![],
        paused: false,
        version: 1,
        members: vec![member("m1", "db1")],
        further: vec![],
        created_at: 0,
    }
}

fn member(id: &str, name: &str) -> Member {
    let replication = Replication {
        state: ReplicationState::Replicating,
        newest_point_at: Some(0),
        points: 3,
        missing: 0,
        transfer: None,
        last_cycle_ms: None,
        last_cycle_bytes: None,
        last_error: None,
        error_since: None,
        next_try_at: None,
    };
    Member {
        id: id.into(),
        group_id: "g1".into(),
        machine_id: format!("vm-{id}"),
        name: name.into(),
        lineage: id.into(),
        replication,
        warning: None,
    }
}

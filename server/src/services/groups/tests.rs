use crate::{
    error::Code,
    replication::{
        prune,
        tests::support::{Lab, lab, sql},
    },
    services::{caller::Caller, groups},
    store::audit,
};
use model::{
    access::Role,
    protection::{Group, NewGroup, ReplicationState},
};

fn caller(role: Role) -> Caller {
    Caller { name: "ada".into(), role, address: None }
}

/// The lab's own group is taken apart, so that the machine is free; it starts with its host.
async fn free(name: &str) -> (Lab, NewGroup) {
    let lab = lab(name, 0).await;
    let admin = caller(Role::Administrator);
    groups::delete(&lab.node, &admin, "g").await.unwrap();
    power(&lab).set_autostart(&lab.native, true).await.unwrap();
    let (a, b) = (format!("{name}-a"), format!("{name}-b"));
    let new = NewGroup {
        name: " web ".into(),
        protected_site: a.clone(),
        recovery_site: b.clone(),
        target_cloud_id: b,
        machine_ids: vec![format!("{a}-m")],
        ..NewGroup::default()
    };
    (lab, new)
}

struct Power(std::sync::Arc<crate::clouds::guard::Guard>);

impl Power {
    async fn set_autostart(&self, native: &str, on: bool) -> Option<bool> {
        self.0.cloud().power().unwrap().set_autostart(native, on).await.ok()
    }
    async fn autostart(&self, native: &str) -> Option<bool> {
        self.0.cloud().inventory().one(native).await.unwrap().unwrap().autostart
    }
}

fn power(lab: &Lab) -> Power {
    let source = lab.node.clouds.all().into_iter().find(|c| c.name.ends_with("-a")).unwrap();
    Power(source)
}

async fn make(lab: &Lab, new: &NewGroup) -> Group {
    groups::create(&lab.node, &caller(Role::Administrator), new.clone()).await.unwrap()
}

#[tokio::test]
async fn protection_takes_autostart_away_and_its_end_puts_it_back() {
    let (lab, new) = free("groups-auto").await;
    let group = make(&lab, &new).await;
    assert_eq!((group.name.as_str(), group.members.len()), ("web", 1));
    let member = &group.members[0];
    assert_eq!((member.replication.state, &member.warning), (ReplicationState::Waiting, &None));
    assert_eq!(power(&lab).autostart(&lab.native).await, Some(false));
    crate::replication::turn::take(&lab.node, &member.id).await;
    assert_eq!(groups::points_of_member(&lab.node, &member.id, None, 10).await.unwrap().items.len(), 1);
    assert_eq!(groups::points_of_machine(&lab.node, &member.machine_id, None, 10).await.unwrap().items.len(), 1);
    let admin = caller(Role::Administrator);
    let group = groups::remove(&lab.node, &admin, &group.id, &member.id).await.unwrap();
    assert!(group.members.is_empty());
    assert_eq!(power(&lab).autostart(&lab.native).await, Some(true));
    prune::doomed(&lab.node).await.unwrap();
    assert_eq!(lab.b.leftovers(), (0, 0));
    let actions: Vec<_> =
        audit::list(&lab.node.db, audit::Filter::default(), i64::MAX, 10).await.unwrap().into_iter().map(|a| (a.action, a.ok)).collect();
    let expected =
        ["machine.unprotect", "machine.autostart", "machine.autostart", "machine.protect", "group.add"].map(|a| (a.to_owned(), 1));
    assert_eq!(actions[..5], expected, "newest first");
}

#[tokio::test]
async fn an_autostart_that_stays_is_shown_and_tried_again() {
    let (lab, new) = free("groups-stays").await;
    lab.a.fail("set_autostart", 1, 1, crate::clouds::simulator::Fault::Error(crate::clouds::error::Kind::Auth, "no right".into()));
    let group = make(&lab, &new).await;
    let warning = group.members[0].warning.clone().expect("a warning");
    assert!(warning.contains("may come up by itself") && warning.contains("no right"), "{warning}");
    crate::replication::turn::take(&lab.node, &group.members[0].id).await;
    let group = groups::get(&lab.node, &group.id).await.unwrap();
    assert_eq!(group.members[0].warning, None);
    assert_eq!(power(&lab).autostart(&lab.native).await, Some(false));
}

#[tokio::test]
async fn roles_names_and_double_protection() {
    let (lab, new) = free("groups-roles").await;
    let refused = groups::create(&lab.node, &caller(Role::Operator), new.clone()).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    let group = make(&lab, &new).await;
    let admin = caller(Role::Administrator);
    let twice = groups::create(&lab.node, &admin, NewGroup { machine_ids: vec![], ..new.clone() }).await.unwrap_err();
    assert_eq!((twice.code, twice.fields[0].field.as_str()), (Code::Conflict, "name"));
    let double = groups::create(&lab.node, &admin, NewGroup { name: "other".into(), ..new.clone() }).await.unwrap_err();
    assert_eq!(double.fields[0].field, "machine_ids[0]");
    assert!(double.message.contains("protected already by the group web"), "{}", double.message);
    assert_eq!(groups::set_paused(&lab.node, &caller(Role::Viewer), &group.id, true).await.unwrap_err().code, Code::Forbidden);
    let paused = groups::set_paused(&lab.node, &caller(Role::Operator), &group.id, true).await.unwrap();
    assert!(paused.paused && paused.members[0].replication.state == ReplicationState::Paused);
    let mut changed = NewGroup { machine_ids: vec![], ..new.clone() };
    changed.policy.rpo_seconds = 30;
    let after = groups::update(&lab.node, &admin, &group.id, changed.clone(), None).await.unwrap();
    assert_eq!((after.policy.rpo_seconds, after.members.len()), (30, 1), "a body without machines takes none out");
    changed.target_cloud_id = new.protected_site.clone();
    assert!(
        groups::update(&lab.node, &admin, &group.id, changed, None).await.unwrap_err().fields.iter().any(|f| f.field == "target_cloud_id")
    );
}

#[tokio::test]
async fn what_is_needed_is_not_taken_apart() {
    let (lab, new) = free("groups-needed").await;
    let group = make(&lab, &new).await;
    let admin = caller(Role::Administrator);
    crate::replication::hold(&lab.node, &group.members[0].id, "run1").await.unwrap();
    let held = groups::remove(&lab.node, &admin, &group.id, &group.members[0].id).await.unwrap_err();
    assert_eq!(held.code, Code::Conflict);
    crate::replication::release(&lab.node, &group.members[0].id, "run1").await.unwrap();
    let spec = format!("{{\"group_ids\":[\"{}\"]}}", group.id);
    sql(&lab.node.db, &format!("INSERT INTO plans (id, name, spec, updated_at) VALUES ('p', 'site plan', '{spec}', 0)")).await;
    let planned = groups::delete(&lab.node, &admin, &group.id).await.unwrap_err();
    assert!(planned.message.contains("in the plan site plan"), "{}", planned.message);
    sql(&lab.node.db, "DELETE FROM plans").await;
    groups::delete(&lab.node, &admin, &group.id).await.unwrap();
    assert_eq!(groups::get(&lab.node, &group.id).await.unwrap_err().code, Code::NotFound);
}

//! A group with a near and a far target: whichever comes up, the rest goes on from there, and never two copies run.

use super::{crash::Then, support::*};
use model::{
    Id,
    failover::TargetChoice,
    machine::PowerState,
    protection::{Group, NewTarget, Policy, ReplicationState},
    run::{FailoverRequest, MoveRequest},
};
use server::{
    error::Code,
    services::{failover, groups, moves, recover},
    store::plans,
};

fn group_of(lab: &Lab) -> String {
    format!("{}-group", lab.name)
}

/// Protected to dublin, and to cologne besides; a recovery point at each.
async fn protect(life: &life::Life, lab: &Lab, natives: &[String]) -> Group {
    life.protect(lab, natives).await;
    life.plan(lab, vec![], |_| {}).await;
    let able = || async { groups::add_target(&life.node, &admin(), &group_of(lab), cologne(lab)).await.is_ok() };
    soon("cologne can be a target", able).await;
    let group = groups::get(&life.node, &group_of(lab)).await.unwrap();
    for member in &group.further[0].members {
        life.cycle(&member.id).await;
    }
    group
}

fn cologne(lab: &Lab) -> NewTarget {
    let policy = Policy { rpo_seconds: 300, keep_points: 2, ..Policy::default() };
    NewTarget { cloud_id: lab.cloud("cologne"), policy, ..NewTarget::default() }
}

fn to(lab: &Lab, site: &str) -> Vec<TargetChoice> {
    vec![TargetChoice { group_id: group_of(lab), cloud_id: lab.cloud(site) }]
}

async fn fail_over_to(life: &life::Life, lab: &Lab, from: &str, site: &str, lost: bool) -> Id {
    let statement = lost.then(|| server::recovery::statement(from));
    let request = FailoverRequest { confirm: from.into(), statement, targets: to(lab, site), ..FailoverRequest::default() };
    failover::start(&life.node, &admin(), from, &request).await.unwrap().id
}

fn assert_runs_at(lab: &Lab, site: &str, natives: &[String]) {
    for native in natives {
        lab.assert_one_copy(native);
        assert_eq!(lab.state_at(&lab.world(site), native), Some(PowerState::Running), "{native} does not run at {site}");
    }
}

async fn shown(life: &life::Life, lab: &Lab) -> Group {
    groups::get(&life.node, &group_of(lab)).await.unwrap()
}

fn places(group: &Group) -> (String, String, Vec<String>) {
    (group.protected_site.clone(), group.recovery_site.clone(), group.further.iter().map(|t| t.site.clone()).collect())
}

fn three(a: &str, b: &str, c: &[&str]) -> (String, String, Vec<String>) {
    (a.into(), b.into(), c.iter().map(|s| (*s).to_owned()).collect())
}

#[test]
fn a_site_and_its_near_target_are_lost_and_the_far_one_takes_over() {
    let lab = Lab::of_three("far");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        let group = protect(&life, &lab, &natives).await;
        assert_eq!(places(&group), three("berlin", "dublin", &["cologne"]));
        lab.source().crash();
        lab.target().cut();
        let blast = failover::blast_radius(&life.node, "berlin", &to(&lab, "cologne"), false).await.unwrap();
        let options = &blast.targets[0].options;
        assert_eq!(
            options.iter().map(|o| (o.site.as_str(), o.main, o.without)).collect::<Vec<_>>(),
            [("dublin", true, 0), ("cologne", false, 0)]
        );
        assert!(options[0].memory_free_mib.is_none() && options[1].memory_free_mib.is_some(), "{options:?}");
        assert!(blast.machines.iter().all(|m| m.target_cloud == lab.cloud("cologne") && m.newest_point_at.is_some()));
        let wrong = failover::blast_radius(&life.node, "berlin", &to(&lab, "berlin"), false).await.unwrap_err();
        assert_eq!((wrong.code, wrong.fields[0].field.as_str()), (Code::Invalid, "targets[0].cloud_id"));
        let run = fail_over_to(&life, &lab, "berlin", "cologne", true).await;
        assert_succeeded(&life.over(&run).await);
        assert_runs_at(&lab, "cologne", &natives);
        let group = shown(&life, &lab).await;
        assert_eq!(places(&group), three("cologne", "berlin", &["dublin"]), "the way back is to where they came from");
        let resting = group.members.iter().chain(&group.further[0].members);
        assert!(resting.clone().count() == 4 && resting.clone().all(|m| m.replication.state == ReplicationState::Recovered));

        lab.source().restore();
        lab.target().restore();
        let counters: Vec<u64> = natives.iter().map(|n| lab.world("cologne").counter(n).unwrap()).collect();
        groups::reprotect(&life.node, &admin(), &group_of(&lab)).await.unwrap();
        let group = shown(&life, &lab).await;
        for member in group.members.iter().chain(&group.further[0].members) {
            life.cycle(&member.id).await;
        }
        assert_succeeded(&life.over(&life.fail_over_from("cologne", false).await.unwrap().id).await);
        assert_runs_at(&lab, "berlin", &natives);
        for (native, counter) in natives.iter().zip(counters) {
            assert!(lab.source().counter(native).unwrap() >= counter, "writes at cologne were lost");
        }
        assert_eq!(places(&shown(&life, &lab).await), three("berlin", "cologne", &["dublin"]));
    });
}

#[test]
fn the_near_target_takes_over_and_the_far_one_is_served_from_there() {
    let lab = Lab::of_three("near");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        protect(&life, &lab, &natives).await;
        lab.source().crash();
        assert_succeeded(&life.over(&life.fail_over(true).await.id).await);
        assert_runs_at(&lab, "dublin", &natives);
        lab.source().restore();
        groups::reprotect(&life.node, &admin(), &group_of(&lab)).await.unwrap();
        let group = shown(&life, &lab).await;
        assert_eq!(places(&group), three("dublin", "berlin", &["cologne"]));
        for member in &group.further[0].members {
            life.cycle(&member.id).await;
        }
        // Dublin is lost before anything went back to berlin: cologne has it.
        lab.target().crash();
        let run = fail_over_to(&life, &lab, "dublin", "cologne", true).await;
        assert_succeeded(&life.over(&run).await);
        assert_runs_at(&lab, "cologne", &natives);
    });
}

#[test]
fn one_machine_of_a_group_moves_to_the_further_target_and_one_recovers_there() {
    let lab = Lab::of_three("single");
    let life = lab.boot();
    let natives = lab.running[..3].to_vec();
    life.block_on(async {
        protect(&life, &lab, &natives).await;
        let request = |native: &str, site: &str| MoveRequest { target_cloud_id: lab.cloud(site), ..move_request(&lab, native) };
        let counter = lab.source().counter(&natives[0]).unwrap();
        let run = moves::start(&life.node, &admin(), &request(&natives[0], "cologne")).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        assert_runs_at(&lab, "cologne", &natives[..1]);
        assert!(lab.world("cologne").counter(&natives[0]).unwrap() >= counter);
        assert_eq!(places(&shown(&life, &lab).await), three("berlin", "dublin", &["cologne"]), "the others are where they were");
        lab.source().by_hand(&natives[1], PowerState::Crashed).unwrap();
        let id = lab.machine_id(&natives[1]);
        let name = plans::protected(&life.node.db, None).await.unwrap().into_iter().find(|m| m.machine_id == id).unwrap().name;
        let recovery = recover::look(&life.node, &id, None).await.unwrap();
        let far = recover::look(&life.node, &id, Some(&lab.cloud("cologne"))).await.unwrap();
        assert_eq!(far.point.cloud_id, lab.cloud("cologne"));
        assert_eq!(recovery.rows.iter().filter(|r| r.point_at.is_some()).count(), 2, "{:?}", recovery.rows);
        let request = model::recovery::RecoverRequest {
            confirm: name,
            target_cloud_id: Some(lab.cloud("cologne")),
            ..model::recovery::RecoverRequest::default()
        };
        let run = recover::start(&life.node, &admin(), &id, &request).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        assert_runs_at(&lab, "cologne", &natives[..2]);
        assert_runs_at(&lab, "berlin", &natives[2..]);
    });
}

#[test]
fn a_target_is_added_changed_and_removed() {
    let lab = Lab::of_three("crud");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        let group = protect(&life, &lab, &natives).await;
        let target = &group.further[0];
        assert_eq!((target.policy.rpo_seconds, target.members.len()), (300, 2));
        let again = groups::add_target(&life.node, &admin(), &group.id, cologne(&lab)).await.unwrap_err();
        assert!(again.fields[0].field == "cloud_id" && again.message.contains("already"), "{}", again.message);
        for (site, why) in [("dublin", "main target"), ("berlin", "lost together")] {
            let new = NewTarget { cloud_id: lab.cloud(site), ..NewTarget::default() };
            let refused = groups::add_target(&life.node, &admin(), &group.id, new).await.unwrap_err();
            assert!(refused.message.contains(why), "{}", refused.message);
        }
        // Killed before all machines had come to the target: the same request does the rest.
        life.sql(&format!("DELETE FROM members WHERE id = '{}'", target.members[0].id)).await;
        let again = groups::add_target(&life.node, &admin(), &group.id, cologne(&lab)).await.unwrap();
        assert_eq!((again.further.len(), again.further[0].members.len()), (1, 2));
        let mut changed = cologne(&lab);
        changed.policy.rpo_seconds = 900;
        let group = groups::update_target(&life.node, &admin(), &group.id, &target.id, changed).await.unwrap();
        assert_eq!(group.further[0].policy.rpo_seconds, 900);
        let group = groups::remove_target(&life.node, &admin(), &group.id, &target.id).await.unwrap();
        assert!(group.further.is_empty() && group.members.len() == 2);
        life.cycle(&group.members[0].id).await;
        assert!(life.newest(&group.members[0].id).await.unwrap().parent_id.is_some(), "the main target began anew");
    });
}

#[test]
fn a_failover_to_the_far_target_survives_a_kill_after_every_write() {
    super::crash::everywhere(
        2,
        &Then::GoOn,
        || {
            let lab = Lab::of_three("farkill");
            let natives = lab.running[..2].to_vec();
            let first = lab.boot();
            first.block_on(async { protect(&first, &lab, &natives).await });
            first.kill();
            lab.source().crash();
            lab
        },
        async |life, lab| fail_over_to(life, lab, "berlin", "cologne", true).await,
        |lab, _| {
            assert_runs_at(lab, "cologne", &lab.running[..2]);
            let life = lab.boot();
            let group = life.block_on(shown(&life, lab));
            assert_eq!(places(&group), three("cologne", "berlin", &["dublin"]));
        },
    );
}

use super::*;
use clap::Parser;
use model::plan::HealthCheck;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

fn group(names: &[&str]) -> Group {
    let member = |n: &&str| {
        serde_json::json!({"id": format!("m-{n}"), "group_id": "g", "machine_id": "x", "name": n, "lineage": "l", "replication":
            {"state": "waiting", "points": 0, "newest_point_at": null, "transfer": null, "last_cycle_ms": null, "last_cycle_bytes": null,
             "last_error": null, "error_since": null, "next_try_at": null}})
    };
    serde_json::from_value(serde_json::json!({"id": "g", "name": "shop", "protected_site": "a", "recovery_site": "b", "target_cloud_id": "c",
        "target_cloud": "c", "policy": {"rpo_seconds": 1, "keep_points": 1, "keep_hours": 1}, "networks": [], "storage": [], "paused": false,
        "members": names.iter().map(member).collect::<Vec<_>>(), "created_at": 0}))
    .unwrap()
}

fn changed(mut plan: PlanSpec, line: &str) -> Result<PlanSpec> {
    let flags = Line::try_parse_from(["x"].into_iter().chain(line.split_whitespace())).unwrap().flags;
    flags.apply(&mut plan, &[group(&["db1", "web1"])])?;
    Ok(plan)
}

fn made(line: &str) -> Result<PlanSpec> {
    changed(PlanSpec::default(), line)
}

#[test]
fn the_flags_become_a_plan() {
    let plan = made("--priority 1=db1 --health web1=tcp:80 --health http:/status --service-address 10.0.0.1=web1").unwrap();
    assert_eq!((plan.machines[0].priority, plan.machines[1].priority), (1, 3));
    assert_eq!(plan.machines[0].health, HealthCheck::Http { address: None, port: 80, path: "/status".into() });
    assert_eq!(plan.machines[1].health, HealthCheck::Tcp { address: None, port: 80 });
    assert_eq!(plan.service_addresses[0].member_id, "m-web1");
}

#[test]
fn all_that_the_screens_set_can_be_set() {
    let plan = made(
        "--always-start db1 --start-delay web1=30 --health-timeout 60 --health-timeout db1=300 --after web1=db1 \
         --service-address 10.0.0.1=web1 --address-network 10.0.0.1=lan --address-probe 10.0.0.1=tcp:443 --health db1=ping@10.9.0.1",
    )
    .unwrap();
    let (db, web) = (&plan.machines[0], &plan.machines[1]);
    assert_eq!((db.always_start, web.always_start, web.start_delay_seconds), (true, false, 30));
    assert_eq!((db.health_timeout_seconds, web.health_timeout_seconds), (300, 60));
    assert_eq!(web.after, ["m-db1"]);
    assert_eq!(db.health, HealthCheck::Ping { address: Some("10.9.0.1".into()) });
    let address = &plan.service_addresses[0];
    assert_eq!((address.network.as_deref(), &address.probe), (Some("lan"), &HealthCheck::Tcp { address: None, port: 443 }));
}

#[test]
fn a_change_leaves_alone_what_it_does_not_name() {
    let plan = made("--priority 1=db1 --always-start db1 --service-address 10.0.0.1=web1 --address-network 10.0.0.1=lan --prompt 1=Sure?")
        .unwrap();
    let after = changed(plan.clone(), "--as-seen db1 --service-address 10.0.0.1=db1").unwrap();
    assert_eq!((after.machines[0].priority, after.machines[0].always_start), (1, false));
    assert_eq!((after.service_addresses.len(), after.service_addresses[0].network.as_deref()), (1, Some("lan")));
    assert_eq!((after.service_addresses[0].member_id.as_str(), after.callouts.len()), ("m-db1", 1));
    assert_eq!(changed(plan.clone(), "").unwrap(), plan);
}

#[test]
fn what_goes_must_be_there() {
    let mut plan = made("--service-address 10.0.0.1=web1 --script 1=notify").unwrap();
    assert!(take_away(&mut plan, &["10.0.0.9".into()], &[]).unwrap_err().to_string().contains("10.0.0.9"));
    assert!(take_away(&mut plan, &[], &["ring".into()]).unwrap_err().to_string().contains("notify"), "it says which there are");
    take_away(&mut plan, &["10.0.0.1".into()], &["notify".into()]).unwrap();
    assert!(plan.service_addresses.is_empty() && plan.callouts.is_empty());
}

#[test]
fn wrong_flags_say_what_would_be_right() {
    for (line, said) in [
        ("--priority 9=db1", "1 to 5"),
        ("--priority 1=db7", "db7"),
        ("--health-timeout db1=0", "from 1 to 3600"),
        ("--start-delay web1=soon", "from 0 to 3600"),
        ("--address-network 10.0.0.1=lan", "--service-address 10.0.0.1=MACHINE"),
        ("--always-start db7", "db7"),
    ] {
        let message = made(line).unwrap_err().to_string();
        assert!(message.contains(said), "{line}: {message}");
    }
}

//! Making a machine at the target from what was replicated.

use super::{
    copy::Chain,
    harness::{Bed, everything, pairs, until},
};
use model::{Mapping, machine::PowerState};
use server::clouds::{CreateRequest, StopMode, error::Kind};
use std::time::Duration;

fn request(bed: &Bed, chain: &Chain<'_>, spec: server::clouds::MachineSpec, networks: Vec<Mapping>) -> CreateRequest {
    let point = chain.last.as_ref().unwrap().1.clone();
    let token = format!("{}-{}-create", bed.kind, chain.lineage);
    CreateRequest { token, lineage: chain.lineage.clone(), spec, point, networks, storage: vec![], guest: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_moves_and_its_counter_goes_on() {
    for bed in pairs() {
        let name = "suite-move";
        let machine = bed.machine(name, &["mem=96", "disks=2", "tags=a,b"]).await;
        let (id, power) = (machine.native_id.clone(), bed.source.power().unwrap());
        power.start(&id).await.unwrap();
        if let Some(lab) = &bed.lab {
            lab.run(&["wait", name]);
        }
        let mut chain = Chain::new(&bed, &id);
        chain.cycle().await;
        let seen = bed.lab.as_ref().map(|_| bed.figure(name, "counter"));
        let off = || async {
            power.stop(&id, StopMode::Graceful).await.unwrap();
            power.state(&id).await.unwrap().is_off()
        };
        until("off", Duration::from_secs(60), off).await;
        chain.cycle().await;

        let spec = bed.source.machines().unwrap().describe(&id).await.unwrap();
        assert_eq!((spec.name.as_str(), spec.disks.len()), (machine.name.as_str(), chain.open().await.disks().len()));
        let target = bed.target.machines().unwrap();
        let mapped = bed.target.inventory().resources().await.unwrap().networks;
        let networks: Vec<Mapping> = match bed.lab {
            Some(_) => vec![],
            None => spec.nics.iter().filter_map(|n| n.network.clone()).map(|from| Mapping { from, to: mapped[0].name.clone() }).collect(),
        };
        let problems = target.check_create(&spec, &networks, &[], None).await.unwrap();
        assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
        let request = request(&bed, &chain, spec.clone(), networks.clone());
        assert_eq!(target.find(&request.token).await.unwrap(), None);
        let made = target.create(&request).await.unwrap();
        assert_eq!(target.create(&request).await.unwrap(), made, "a second time with the same token");
        assert_eq!(target.find(&request.token).await.unwrap().as_deref(), Some(made.as_str()));

        let new = bed.target.inventory().one(&made).await.unwrap().unwrap();
        assert_eq!((new.state, new.autostart.unwrap_or(false), &new.name), (PowerState::Stopped, false, &machine.name));
        let macs = |all: &[model::machine::Nic]| all.iter().map(|n| n.mac.clone()).collect::<Vec<_>>();
        assert_eq!(macs(&new.nics), macs(&spec.nics));
        assert_eq!(new.disks.iter().map(|d| d.size_bytes).collect::<Vec<_>>(), spec.disks.iter().map(|d| d.size_bytes).collect::<Vec<_>>());
        // Another request for the same machine, and a check, find it in the way.
        let other = CreateRequest { token: "another".into(), ..request.clone() };
        assert_eq!(target.create(&other).await.unwrap_err().kind, Kind::Conflict);
        assert!(target.check_create(&spec, &networks, &[], None).await.unwrap().iter().any(|one| one.blocks()));
        let replaced = target.check_create(&spec, &networks, &[], Some(&made)).await.unwrap();
        assert!(replaced.iter().all(|one| !one.blocks()), "one that gives way is not in the way: {replaced:?}");

        let there = bed.target.power().unwrap();
        there.start(&made).await.unwrap();
        if let Some(lab) = &bed.lab {
            lab.run(&["wait", name]);
            assert!(bed.figure(name, "counter_at_boot") >= seen.unwrap(), "nothing is lost");
        }
        let sink = bed.target.disk_sink().unwrap();
        assert_eq!(sink.delete(&request.point).await.unwrap_err().kind, Kind::Conflict, "a machine runs on it");
        sink.tidy(&chain.lineage, &[]).await.unwrap();
        assert!(sink.exists(&request.point).await.unwrap(), "a machine runs on it");
        assert_eq!(target.delete(&made, true).await.unwrap_err().kind, Kind::Conflict, "not while it runs");
        there.stop(&made, StopMode::Hard).await.unwrap();
        for _ in 0..2 {
            target.delete(&made, true).await.unwrap();
        }
        assert!(everything(bed.target.inventory()).await.iter().all(|one| one.native_id != made));
        sink.tidy(&chain.lineage, &[]).await.unwrap();
        assert!(!sink.exists(&request.point).await.unwrap());
        bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    }
}

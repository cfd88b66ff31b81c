//! Floating addresses of a real Neutron, by what Neutron says; that one is carried is shown by `e2e/recovery/targets.sh`.
#![cfg(feature = "openstack")]

use super::{harness::cumulus, openstack::forget};
use server::clouds::error::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn a_floating_address_goes_from_one_machine_to_the_other() {
    let Some(bed) = cumulus() else { return };
    let Ok(address) = std::env::var("CF_CUMULUS_FLOATING") else { return };
    let addresses = bed.source.addresses().unwrap();
    let one = bed.machine("suite-float-a", &["mem=96"]).await;
    let two = bed.machine("suite-float-b", &["mem=96"]).await;
    for machine in [&one, &two, &two] {
        let mac = machine.nics[0].mac.to_uppercase();
        let seen = addresses.assign(&address, &machine.native_id, &mac).await.unwrap();
        assert_eq!(seen.machine.as_deref(), Some(machine.native_id.as_str()));
        let listed = addresses.list().await.unwrap().into_iter().find(|one| one.address == address);
        assert_eq!(listed, Some(seen), "read back");
        // Nova shows it beside the card's own, and the card stays one.
        let now = bed.source.inventory().one(&machine.native_id).await.unwrap().unwrap();
        assert_eq!(now.nics.len(), 1);
    }
    let missing = addresses.assign("203.0.113.9", &one.native_id, &one.nics[0].mac).await.unwrap_err();
    assert!(missing.kind == Kind::NotFound && missing.message.contains("allocate"), "{missing}");
    let card = addresses.assign(&address, &one.native_id, "02:00:00:00:00:01").await.unwrap_err();
    assert_eq!(card.kind, Kind::NotFound, "{card}");
    let asked = bed.source.requests().unwrap();
    assert!(asked.counts.iter().any(|count| count.service == "network" && count.kind == "PUT" && count.total >= 2), "{asked:?}");
    for name in ["suite-float-a", "suite-float-b"] {
        forget(&*bed.source, name).await;
    }
}

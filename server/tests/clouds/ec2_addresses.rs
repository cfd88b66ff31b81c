//! Elastic IPs: on the lab's simulated AWS, and by answers that were made by hand, which come a moment late.
#![cfg(feature = "ec2")]

use super::{
    ec2::other_tool,
    ec2_answers::{Answer, Script, refused, xml},
    harness::aws,
};
use server::clouds::error::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn an_elastic_address_goes_from_one_machine_to_the_other() {
    let Some(bed) = aws() else { return };
    let made: serde_json::Value = serde_json::from_str(&other_tool(&["allocate-address", "--domain", "vpc"])).unwrap();
    let address = made["PublicIp"].as_str().unwrap();
    let addresses = bed.source.addresses().unwrap();
    let listed = async || addresses.list().await.unwrap().into_iter().find(|one| one.address == address).unwrap();
    assert_eq!((listed().await.machine, listed().await.mac), (None, None), "it reaches nothing yet");
    let one = bed.machine("suite-aws-float-a", &[]).await;
    let two = bed.machine("suite-aws-float-b", &[]).await;
    for machine in [&one, &two, &two] {
        let seen = addresses.assign(address, &machine.native_id, &machine.nics[0].mac.to_uppercase()).await.unwrap();
        assert_eq!((seen.machine.as_deref(), seen.mac.as_ref()), (Some(machine.native_id.as_str()), Some(&machine.nics[0].mac)));
        assert_eq!(listed().await, seen, "read back");
        let now = bed.source.inventory().one(&machine.native_id).await.unwrap().unwrap();
        assert_eq!(now.nics.len(), 1, "the card stays one");
    }
    let missing = addresses.assign("203.0.113.9", &one.native_id, &one.nics[0].mac).await.unwrap_err();
    assert!(missing.kind == Kind::NotFound && missing.message.contains("allocate"), "{missing}");
    let card = addresses.assign(address, &one.native_id, "02:00:00:00:00:01").await.unwrap_err();
    assert_eq!(card.kind, Kind::NotFound, "{card}");
    let asked = bed.source.requests().unwrap().counts;
    let sent = asked.iter().find(|count| count.service == "ec2" && count.kind == "AssociateAddress").map(|count| count.total);
    assert_eq!(sent, Some(2), "the third time it was there already: {asked:?}");
    for machine in [&one, &two] {
        bed.source.machines().unwrap().delete(&machine.native_id, true).await.unwrap();
    }
    other_tool(&["release-address", "--allocation-id", made["AllocationId"].as_str().unwrap()]);
}

fn addresses(card: &str) -> Answer {
    let on = if card.is_empty() { String::new() } else { format!("<networkInterfaceId>{card}</networkInterfaceId>") };
    let one = format!("<item><publicIp>198.51.100.7</publicIp><allocationId>eipalloc-1</allocationId><domain>vpc</domain>{on}</item>");
    xml("DescribeAddresses", &format!("<addressesSet>{one}</addressesSet>"))
}

#[tokio::test]
async fn an_elastic_address_is_taken_from_wherever_it_is_and_read_back() {
    let script = Script::default();
    let card = "<networkInterfaceId>eni-1</networkInterfaceId><macAddress>02:00:00:00:00:0a</macAddress>";
    let machine = format!("<item><instanceId>i-1</instanceId><networkInterfaceSet><item>{card}</item></networkInterfaceSet></item>");
    let machine = format!("<reservationSet><item><instancesSet>{machine}</instancesSet></item></reservationSet>");
    let with_machine = format!("<item>{card}<attachment><instanceId>i-1</instanceId></attachment></item>");
    script
        .on("DescribeInstances", [xml("DescribeInstances", &machine)])
        .on(
            "DescribeNetworkInterfaces",
            [xml("DescribeNetworkInterfaces", &format!("<networkInterfaceSet>{with_machine}</networkInterfaceSet>"))],
        )
        .on(
            "AssociateAddress",
            [refused(403, "UnauthorizedOperation"), xml("AssociateAddress", "<associationId>eipassoc-1</associationId>")],
        )
        // At another one; there still after the change; at last here.
        .on("DescribeAddresses", [addresses("eni-9"), addresses("eni-9"), addresses("eni-9"), addresses("eni-1")]);
    let cloud = script.cloud().await;
    let elastic = cloud.addresses().unwrap();
    let refused = elastic.assign("198.51.100.7", "i-1", "02:00:00:00:00:0A").await.unwrap_err();
    assert!(refused.kind == Kind::Auth && refused.message.starts_with("point an Elastic IP"), "{refused}");
    for _ in 0..2 {
        let seen = elastic.assign("198.51.100.7", "i-1", "02:00:00:00:00:0A").await.unwrap();
        assert_eq!((seen.machine.as_deref(), seen.mac.as_deref()), (Some("i-1"), Some("02:00:00:00:00:0a")));
    }
    assert_eq!(script.count("AssociateAddress"), 2, "it is there already: nothing is sent");
    let asked = String::from_utf8(script.all("AssociateAddress")[1].body.clone()).unwrap();
    for wanted in ["AllocationId=eipalloc-1", "NetworkInterfaceId=eni-1", "AllowReassociation=true"] {
        assert!(asked.contains(wanted), "{asked}");
    }
}

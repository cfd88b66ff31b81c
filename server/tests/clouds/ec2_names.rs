//! Names in hosted zones of Route 53: on the lab's simulated AWS, and by answers that were made by hand, where a change takes its
//! time.
#![cfg(feature = "ec2")]

use super::{
    ec2::tool,
    ec2_answers::{Answer, Script, ok},
    harness::aws,
};
use server::clouds::error::Kind;
use std::net::IpAddr;

fn ips(all: &[&str]) -> Vec<IpAddr> {
    all.iter().map(|one| one.parse().unwrap()).collect()
}

fn zone(name: &str) -> String {
    let made = tool("route53", &["create-hosted-zone", "--name", name, "--caller-reference", name]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    made["HostedZone"]["Id"].as_str().unwrap().to_owned()
}

fn set(zone: &str, name: &str, kind: &str, ttl: u32, value: &str) {
    let set = serde_json::json!({ "Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{ "Value": value }] });
    let batch = serde_json::json!({ "Changes": [{ "Action": "CREATE", "ResourceRecordSet": set }] }).to_string();
    let said = tool("route53", &["change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", &batch]);
    assert!(said.contains("ChangeInfo"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_goes_to_other_addresses_in_its_longest_zone() {
    let Some(bed) = aws() else { return };
    // A zone may be there from an earlier run.
    let all = format!("suite-{}.example", std::process::id());
    let (shop, www) = (format!("shop.{all}"), format!("www.shop.{all}"));
    let (outer, inner) = (zone(&all), zone(&shop));
    set(&inner, &www, "A", 300, "192.0.2.1");
    set(&inner, &www, "AAAA", 300, "2001:db8::1");
    set(&outer, &format!("mail.{all}"), "CNAME", 60, "elsewhere.example");
    let names = bed.target.names().unwrap();
    let seen = names.look(&www.replace("shop", "Shop")).await.unwrap().unwrap();
    assert_eq!((seen.zone, seen.addresses, seen.ttl), (shop, ips(&["192.0.2.1", "2001:db8::1"]), Some(300)));
    for _ in 0..2 {
        let now = names.point(&www, &ips(&["198.51.100.7"]), 30).await.unwrap();
        assert_eq!((now.addresses, now.ttl), (ips(&["198.51.100.7"]), Some(30)), "the record of the other kind is gone");
    }
    let listed = tool("route53", &["list-resource-record-sets", "--hosted-zone-id", &inner]);
    assert!(listed.contains("198.51.100.7") && !listed.contains("2001:db8::1"), "{listed}");
    let fresh = format!("new.{all}");
    let new = names.look(&fresh).await.unwrap().unwrap();
    assert_eq!((&new.zone, new.private, new.addresses, new.ttl), (&all, false, vec![], None));
    assert_eq!(names.point(&fresh, &ips(&["10.0.0.9"]), 30).await.unwrap().addresses, ips(&["10.0.0.9"]));
    let other = names.look(&format!("mail.{all}")).await.unwrap_err();
    assert!(other.kind == Kind::Conflict && other.message.contains("CNAME"), "{other}");
    assert_eq!(names.look("www.elsewhere.example").await.unwrap(), None);
    let counted = bed.target.requests().unwrap().counts;
    let sent = counted.iter().find(|one| one.service == "route53" && one.kind == "ChangeResourceRecordSets").map(|one| one.total);
    assert_eq!(sent, Some(2), "what is there already is not sent: {counted:?}");
}

const SPACE: &str = r#"xmlns="https://route53.amazonaws.com/doc/2013-04-01/""#;

fn zones(all: &[(&str, &str, bool)]) -> Answer {
    let one = |(id, name, private): &(&str, &str, bool)| {
        let config = format!("<Config><PrivateZone>{private}</PrivateZone></Config>");
        format!("<HostedZone><Id>/hostedzone/{id}</Id><Name>{name}.</Name><CallerReference>r</CallerReference>{config}</HostedZone>")
    };
    let all: String = all.iter().map(one).collect();
    ok(format!(
        "<ListHostedZonesByNameResponse {SPACE}><HostedZones>{all}</HostedZones><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListHostedZonesByNameResponse>"
    ))
}

fn sets(value: &str, ttl: u32) -> Answer {
    let record = format!("<ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords>");
    let one = format!("<ResourceRecordSet><Name>shop.example.com.</Name><Type>A</Type><TTL>{ttl}</TTL>{record}</ResourceRecordSet>");
    let next = "<ResourceRecordSet><Name>web.example.com.</Name><Type>A</Type><TTL>5</TTL></ResourceRecordSet>";
    ok(format!(
        "<ListResourceRecordSetsResponse {SPACE}><ResourceRecordSets>{one}{next}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>20</MaxItems></ListResourceRecordSetsResponse>"
    ))
}

fn changed(what: &str, status: &str) -> Answer {
    let info = format!("<Id>/change/C1</Id><Status>{status}</Status><SubmittedAt>2026-01-01T00:00:00Z</SubmittedAt>");
    ok(format!("<{what}Response {SPACE}><ChangeInfo>{info}</ChangeInfo></{what}Response>"))
}

#[tokio::test]
async fn a_change_is_waited_for_until_all_servers_have_it() {
    let script = Script::default();
    // Those that begin with the name that was asked for come first, and then others.
    let own = ("Z1", "example.com", true);
    script
        .on("GET /2013-04-01/hostedzonesbyname", [zones(&[("Z2", "web.example.com", false)]), zones(&[own, ("Z3", "net", false)])])
        .on("GET /2013-04-01/hostedzone/Z1/rrset", [sets("192.0.2.1", 300), sets("10.0.0.5", 30)])
        .on("POST /2013-04-01/hostedzone/Z1/rrset", [changed("ChangeResourceRecordSets", "PENDING")])
        .on("GET /2013-04-01/change/C1", [changed("GetChange", "PENDING"), changed("GetChange", "INSYNC")]);
    let cloud = script.cloud().await;
    let seen = cloud.names().unwrap().point("shop.example.com", &ips(&["10.0.0.5"]), 30).await.unwrap();
    assert_eq!((seen.private, seen.addresses, seen.ttl), (true, ips(&["10.0.0.5"]), Some(30)));
    assert_eq!(script.count("GET /2013-04-01/change/C1"), 2);
    let asked = script.all("GET /2013-04-01/hostedzonesbyname");
    assert!(asked[0].path.contains("dnsname=shop.example.com.") && asked[1].path.contains("dnsname=example.com."), "{}", asked[1].path);
    let sent = String::from_utf8(script.all("POST /2013-04-01/hostedzone/Z1/rrset")[0].body.clone()).unwrap();
    for wanted in ["<Action>UPSERT</Action>", "<Name>shop.example.com.</Name>", "<TTL>30</TTL>", "<Value>10.0.0.5</Value>"] {
        assert!(sent.contains(wanted), "{sent}");
    }
}

/// The node that changed it was killed before all servers had it: the record is there, and nothing tells of its change.
#[tokio::test]
async fn a_change_that_nobody_waited_for_is_waited_for() {
    let script = Script::default();
    script
        .on("GET /2013-04-01/hostedzonesbyname", [zones(&[("Z1", "example.com", false)])])
        .on("GET /2013-04-01/hostedzone/Z1/rrset", [sets("10.0.0.5", 20)])
        .on("POST /2013-04-01/hostedzone/Z1/rrset", [changed("ChangeResourceRecordSets", "PENDING")])
        .on("GET /2013-04-01/change/C1", [changed("GetChange", "PENDING"), changed("GetChange", "INSYNC")]);
    let cloud = script.cloud().await;
    for _ in 0..2 {
        let seen = cloud.names().unwrap().point("shop.example.com", &ips(&["10.0.0.5"]), 30).await.unwrap();
        assert_eq!((seen.addresses, seen.ttl), (ips(&["10.0.0.5"]), Some(20)), "a shorter TTL stays");
    }
    let sent = script.all("POST /2013-04-01/hostedzone/Z1/rrset");
    let body = String::from_utf8(sent[0].body.clone()).unwrap();
    assert!(
        body.contains("<Action>UPSERT</Action>") && body.contains("<TTL>20</TTL>") && body.contains("<Value>10.0.0.5</Value>"),
        "{body}"
    );
    assert_eq!((sent.len(), script.count("GET /2013-04-01/change/C1")), (1, 2), "once for each life of a node");
}

#[tokio::test]
async fn two_zones_of_one_name_are_not_chosen_from() {
    let script = Script::default();
    script.on("GET /2013-04-01/hostedzonesbyname", [zones(&[("Z1", "shop.example.com", true), ("Z2", "shop.example.com", false)])]);
    let error = script.cloud().await.names().unwrap().look("shop.example.com").await.unwrap_err();
    assert!(error.kind == Kind::Conflict && error.message.contains("several hosted zones"), "{error}");
}

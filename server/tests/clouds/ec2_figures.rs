//! Figures of the driver for EC2, for `e2e/bench/ec2/run`: against a server in this process that answers at once, what moto once
//! answered for a machine, with other ids. One JSON line each. Only in a release build do they mean something.
#![cfg(feature = "ec2")]

use super::harness::{crypto, everything};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream};
use server::clouds::{BeginPoint, Cloud, DiskShape, Extent, Settings, SinkDisk, SinkRef, registry};
use sha2::{Digest, Sha256};
use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const MACHINES: usize = 5000;
const BLOCK: u64 = 512 << 10;
const BLOCKS: u64 = 1024;
/// As the driver has it.
const AT_ONCE: usize = 16;

fn xml(name: &str, inside: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><{name}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15"><requestId>r</requestId>{inside}</{name}Response>"#
    )
}

fn instance(n: usize) -> String {
    format!(
        "<item><reservationId>r-{n:017x}</reservationId><ownerId>123456789012</ownerId><groupSet/><instancesSet><item><architecture>x86_64</architecture>\
        <blockDeviceMapping><item><deviceName>/dev/sda1</deviceName><ebs><attachTime>2026-01-01T00:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination><status>attached</status><volumeId>vol-{n:017x}</volumeId></ebs></item></blockDeviceMapping>\
        <ebsOptimized>false</ebsOptimized><hypervisor>xen</hypervisor><networkInterfaceSet><item><association/><attachment><attachTime>2026-01-01T00:00:00.000Z</attachTime><attachmentId>eni-attach-{n:017x}</attachmentId><deleteOnTermination>false</deleteOnTermination><deviceIndex>0</deviceIndex><status>attached</status><networkCardIndex>0</networkCardIndex></attachment>\
        <description>Primary network interface</description><groupSet><item><groupId>sg-1d5206032e5cfc5cf</groupId><groupName>default</groupName></item></groupSet><ipv6AddressesSet/><macAddress>02:00:00:c5:14:87</macAddress><networkInterfaceId>eni-{n:017x}</networkInterfaceId><ownerId>123456789012</ownerId><privateDnsName>ip-172-31-0-4.ec2.internal</privateDnsName><privateIpAddress>172.31.0.4</privateIpAddress>\
        <privateIpAddressesSet><item><primary>true</primary><privateIpAddress>172.31.0.4</privateIpAddress></item></privateIpAddressesSet><sourceDestCheck>true</sourceDestCheck><status>in-use</status><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><interfaceType>interface</interfaceType></item></networkInterfaceSet>\
        <rootDeviceName>/dev/sda1</rootDeviceName><rootDeviceType>ebs</rootDeviceType><groupSet/><sourceDestCheck>true</sourceDestCheck><sriovNetSupport>simple</sriovNetSupport><stateReason><code/><message/></stateReason><tagSet><item><key>Name</key><value>machine-{n}</value></item><item><key>tier</key><value>web</value></item></tagSet><virtualizationType>hvm</virtualizationType>\
        <metadataOptions><state>applied</state><httpTokens>optional</httpTokens><httpPutResponseHopLimit>1</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint><httpProtocolIpv6>disabled</httpProtocolIpv6><instanceMetadataTags>disabled</instanceMetadataTags></metadataOptions>\
        <instanceId>i-{n:017x}</instanceId><imageId>ami-03cf127a</imageId><instanceState><code>16</code><name>running</name></instanceState><privateDnsName>ip-172-31-0-4.eu-north-1.compute.internal</privateDnsName><reason/><amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>t3.nano</instanceType><launchTime>2026-01-01T00:00:00.000Z</launchTime>\
        <placement><groupName/><tenancy>default</tenancy><availabilityZone>eu-north-1a</availabilityZone></placement><monitoring><state>disabled</state></monitoring><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><privateIpAddress>172.31.0.4</privateIpAddress></item></instancesSet></item>"
    )
}

fn volume(n: usize) -> String {
    format!(
        "<item><volumeId>vol-{n:017x}</volumeId><size>8</size><snapshotId/><availabilityZone>eu-north-1a</availabilityZone><status>in-use</status><createTime>2026-01-01T00:00:00.000Z</createTime>\
        <attachmentSet><item><volumeId>vol-{n:017x}</volumeId><instanceId>i-{n:017x}</instanceId><device>/dev/sda1</device><status>attached</status><attachTime>2026-01-01T00:00:00.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></item></attachmentSet><volumeType>gp2</volumeType><encrypted>false</encrypted></item>"
    )
}

/// A page of a list, as large as it was asked for, 1000 at most.
fn page(asked: &[(String, String)], name: &str, set: &str, one: fn(usize) -> String) -> String {
    let get = |key: &str| asked.iter().find(|(name, _)| name == key).and_then(|(_, value)| value.parse::<usize>().ok());
    let (from, most) = (get("NextToken").unwrap_or(0), get("MaxResults").unwrap_or(1000).min(1000));
    // Volumes of so many instances: which does not matter here, how many does.
    let named = asked
        .iter()
        .filter(|(key, _)| key.starts_with("Filter.1.Value") && name == "DescribeVolumes")
        .filter_map(|(_, id)| usize::from_str_radix(id.trim_start_matches("i-"), 16).ok());
    let named: Vec<usize> = named.collect();
    let all: Vec<usize> = if named.is_empty() { (from..(from + most).min(MACHINES)).collect() } else { named };
    let next =
        if asked.iter().all(|(key, _)| !key.starts_with("Filter.1.Value")) || name == "DescribeInstances" { from + most } else { MACHINES };
    let next = if next < MACHINES { format!("<nextToken>{next}</nextToken>") } else { String::new() };
    xml(name, &format!("<{set}>{}</{set}>{next}", all.into_iter().map(one).collect::<String>()))
}

async fn serve(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
    if path == "/snapshots" {
        return r#"{"SnapshotId":"snap-2","Status":"pending"}"#.into_response();
    }
    if path.starts_with("/snapshots/") {
        return r#"{"Status":"completed"}"#.into_response();
    }
    let asked: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let action = asked.iter().find(|(key, _)| key == "Action").map_or("", |(_, value)| value.as_str());
    let note = |key: &str, value: &str| format!("<item><key>crossfade:{key}</key><value>{value}</value></item>");
    let whole = note("complete", "yes") + &note("token", "t") + &note("disks", "1");
    let text = match action {
        "DescribeInstances" => page(&asked, action, "reservationSet", instance),
        "DescribeVolumes" => page(&asked, action, "volumeSet", volume),
        "DescribeSubnets" => {
            xml(action, "<subnetSet><item><subnetId>subnet-1</subnetId><cidrBlock>172.31.0.0/20</cidrBlock></item></subnetSet>")
        }
        "DescribeInstanceTypes" => xml(
            action,
            "<instanceTypeSet><item><instanceType>t3.nano</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus></vCpuInfo><memoryInfo><sizeInMiB>512</sizeInMiB></memoryInfo></item></instanceTypeSet>",
        ),
        "DescribeSnapshots" => xml(
            action,
            &format!(
                "<snapshotSet><item><snapshotId>snap-2</snapshotId><status>completed</status><tagSet>{whole}</tagSet></item></snapshotSet>"
            ),
        ),
        other => xml(other, "<return>true</return>"),
    };
    Body::from(text).into_response()
}

/// Its address, and the driver that talks to it.
async fn cloud() -> (String, Arc<dyn Cloud>) {
    crypto();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
    let pairs = [("endpoint", address.as_str()), ("region", "eu-north-1"), ("access_key", "a"), ("secret_key", "b"), ("insecure", "true")];
    let fields = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let cloud = registry::open("ec2", Settings { fields, ..Settings::default() }).unwrap();
    (address, cloud)
}

fn figure(name: &str, ours: f64, reference: f64, more: serde_json::Value) {
    let mut line = serde_json::json!({ "name": name, "ours": ours, "reference": reference, "ratio": ours / reference });
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    // The name of the test stands before it.
    println!("\n{line}");
}

fn middle(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64()
}

/// The list that the screens need, against Amazon's own command line asking for the same: instances and volumes, subnets, types.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn figures_of_the_list() {
    let cli = std::env::var("CF_AWS_CLI").expect("CF_AWS_CLI: Amazon's command line (e2e/lab/moto install)");
    let (address, first) = cloud().await;
    assert_eq!(everything(first.inventory()).await.len(), MACHINES);
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..3 {
        let fields =
            [("endpoint", address.as_str()), ("region", "eu-north-1"), ("access_key", "a"), ("secret_key", "b"), ("insecure", "true")];
        let fields = fields.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let begun = Instant::now();
        let fresh = registry::open("ec2", Settings { fields, ..Settings::default() }).unwrap();
        let all = everything(fresh.inventory()).await;
        ours.push(begun.elapsed());
        assert!(all.len() == MACHINES && all[17].disks[0].size_bytes == 8 << 30 && all[17].memory_mib == 512);
        let begun = Instant::now();
        for what in [
            &["describe-instances"][..],
            &["describe-volumes"],
            &["describe-subnets"],
            &["describe-instance-types", "--instance-types", "t3.nano"],
        ] {
            let mut call = Command::new(&cli);
            call.args(["--endpoint-url", &address, "--region", "eu-north-1", "ec2"]).args(what).stdout(Stdio::null());
            let call = call.env("AWS_ACCESS_KEY_ID", "a").env("AWS_SECRET_ACCESS_KEY", "b").status();
            assert!(call.unwrap().success());
        }
        theirs.push(begun.elapsed());
    }
    figure("ec2_list.seconds", middle(ours), middle(theirs), serde_json::json!({ "machines": MACHINES }));
}

fn block(index: u64) -> Bytes {
    let mut data = vec![0u8; BLOCK as usize];
    data.chunks_mut(8).zip(index << 32..).for_each(|(piece, n)| piece.copy_from_slice(&n.to_le_bytes()[..piece.len()]));
    Bytes::from(data)
}

/// A delta of half a GiB, against a client that does nothing but send the same blocks, with their checksums, as many at once.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures"]
async fn figures_of_the_upload() {
    let (address, cloud) = cloud().await;
    let blocks: Vec<Bytes> = (0..BLOCKS).map(block).collect();
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..3 {
        let begun = Instant::now();
        let extents = vec![Extent { offset: 0, length: BLOCKS * BLOCK, zero: false }];
        let shape = DiskShape { key: "vda".into(), size_bytes: BLOCKS * BLOCK };
        let parent =
            SinkRef(format!(r#"{{"lineage":"l","token":"t0","disks":[{{"key":"vda","snapshot":"snap-1","size":{}}}]}}"#, BLOCKS * BLOCK));
        let request = BeginPoint {
            token: "t".into(),
            lineage: "l".into(),
            parent: Some(parent),
            disks: vec![SinkDisk { shape, pool: None, extents }],
            storage: vec![],
        };
        let mut point = cloud.disk_sink().unwrap().begin(request).await.unwrap();
        for (index, data) in blocks.iter().enumerate() {
            point.write(0, index as u64 * BLOCK, data.clone()).await.unwrap();
        }
        point.commit().await.unwrap();
        ours.push(begun.elapsed());
        let (begun, client) = (Instant::now(), reqwest::Client::builder().no_proxy().build().unwrap());
        let send = |(index, data): (usize, Bytes)| {
            let call = client.put(format!("{address}/snapshots/snap-2/blocks/{index}"));
            async move {
                let call =
                    call.header("x-amz-checksum", STANDARD.encode(Sha256::digest(&data))).header("x-amz-data-length", BLOCK.to_string());
                assert!(call.body(data).send().await.unwrap().bytes().await.is_ok());
            }
        };
        stream::iter(blocks.iter().cloned().enumerate().map(send)).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        theirs.push(begun.elapsed());
    }
    let mib = ((BLOCKS * BLOCK) >> 20) as f64;
    figure("ebs_put.mib_per_s", mib / middle(ours), mib / middle(theirs), serde_json::json!({ "mib": mib, "at_once": AT_ONCE }));
}

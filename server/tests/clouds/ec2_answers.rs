//! What no simulator does, by answers that were made by hand after Amazon's API reference: pages, waiting times, damaged blocks,
//! snapshots that take their time. Nobody has seen a real AWS here.
#![cfg(feature = "ec2")]

use super::harness::crypto;
use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use server::clouds::{BeginPoint, Cloud, DiskShape, Extent, OpenPoint, PointRef, Settings, SinkDisk, SinkRef, error::Kind, registry};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

const BLOCK: u64 = 512 << 10;

/// What came, and what is answered.
#[derive(Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Clone, Default)]
pub struct Script {
    /// By action or by `METHOD path` without the query; the last answer stays.
    answers: Arc<Mutex<BTreeMap<String, VecDeque<Answer>>>>,
    seen: Arc<Mutex<Vec<(String, Seen)>>>,
}

#[derive(Clone, Default)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub fn ok(body: impl Into<Vec<u8>>) -> Answer {
    Answer { status: 200, body: body.into(), ..Answer::default() }
}

impl Answer {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

pub fn refused(status: u16, code: &str) -> Answer {
    let body =
        format!("<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>");
    Answer { status, body: body.into(), ..Answer::default() }
}

pub fn json_refused(status: u16, code: &str) -> Answer {
    Answer { status, body: br#"{"Message":"no"}"#.to_vec(), ..Answer::default() }.with("x-amzn-errortype", code)
}

impl Script {
    pub fn on(&self, what: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        self.answers.lock().unwrap().insert(what.to_owned(), answers.into_iter().collect());
        self
    }

    pub fn count(&self, what: &str) -> usize {
        self.all(what).len()
    }

    pub fn all(&self, what: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|(key, _)| key == what).map(|(_, seen)| seen.clone()).collect()
    }

    fn next(&self, key: &str) -> Answer {
        let mut all = self.answers.lock().unwrap();
        let Some(left) = all.get_mut(key) else { return refused(400, "InvalidAction") };
        if left.len() > 1 { left.pop_front().unwrap() } else { left.front().cloned().unwrap_or_default() }
    }

    /// A cloud that is answered by it.
    pub async fn cloud(&self) -> Arc<dyn Cloud> {
        crypto();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let pairs = [("endpoint", address.as_str()), ("region", "r-1"), ("access_key", "a"), ("secret_key", "b"), ("insecure", "true")];
        let fields = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        registry::open("ec2", Settings { fields, ..Settings::default() }).unwrap()
    }
}

async fn serve(State(script): State<Script>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap().to_vec();
    let text = String::from_utf8_lossy(&body);
    let action = text.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let key = action.map_or_else(|| format!("{} {}", parts.method, parts.uri.path()), str::to_owned);
    let answer = script.next(&key);
    let path = parts.uri.to_string();
    script.seen.lock().unwrap().push((key, Seen { method: parts.method, path, headers: parts.headers, body: body.clone() }));
    let headers: HeaderMap = answer.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (StatusCode::from_u16(answer.status).unwrap(), headers, Bytes::from(answer.body)).into_response()
}

pub fn xml(name: &str, inside: &str) -> Answer {
    ok(format!(r#"<{name}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>{inside}</{name}Response>"#))
}

fn instances(range: std::ops::Range<u32>, next: &str) -> Answer {
    let one = |n| {
        format!(
            "<item><reservationId>r-{n}</reservationId><instancesSet><item><instanceId>i-{n}</instanceId><instanceState><code>80</code><name>stopped</name></instanceState><instanceType>m5.large</instanceType></item></instancesSet></item>"
        )
    };
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    xml("DescribeInstances", &format!("<reservationSet>{}</reservationSet>{next}", range.map(one).collect::<String>()))
}

fn snapshot(id: &str, state: &str, whole: bool) -> String {
    let tag = |key: &str, value: &str| format!("<item><key>{key}</key><value>{value}</value></item>");
    let whole = if whole { tag("crossfade:complete", "yes") } else { String::new() };
    let tags = tag("crossfade:token", "t1") + &tag("crossfade:disks", "1") + &whole;
    format!("<item><snapshotId>{id}</snapshotId><volumeId>vol-1</volumeId><status>{state}</status><tagSet>{tags}</tagSet></item>")
}

fn snapshots(all: &[String]) -> Answer {
    xml("DescribeSnapshots", &format!("<snapshotSet>{}</snapshotSet>", all.concat()))
}

fn sum(data: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(data))
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let script = Script::default();
    script.on("DescribeInstances", [instances(0..500, "t2"), instances(500..700, "")]);
    script.on("DescribeVolumes", [xml("DescribeVolumes", "<volumeSet/>")]).on("DescribeSubnets", [xml("DescribeSubnets", "<subnetSet/>")]);
    let cloud = script.cloud().await;
    let all = super::harness::everything(cloud.inventory()).await;
    assert_eq!((all.len(), all[699].native_id.as_str()), (700, "i-699"));
    let asked = script.all("DescribeInstances");
    let text = |seen: &Seen| String::from_utf8(seen.body.clone()).unwrap();
    assert!(text(&asked[0]).contains("MaxResults=500") && !text(&asked[0]).contains("NextToken"));
    assert!(asked.len() == 2 && text(&asked[1]).contains("NextToken=t2"));
    assert_eq!(script.count("DescribeVolumes"), 3 + 1, "200 values are the most that a filter takes");
    assert_eq!(script.count("DescribeInstanceTypes"), 1, "a type that the cloud does not know is asked for once");
}

#[tokio::test]
async fn throttling_is_told_with_its_time_after_three_tries() {
    let script = Script::default();
    script.on("DescribeInstances", [refused(503, "RequestLimitExceeded").with("retry-after", "2")]);
    let cloud = script.cloud().await;
    assert_eq!(cloud.inventory().list(None).await.unwrap_err().kind, Kind::Throttled(Duration::from_secs(2)));
    assert_eq!(script.count("DescribeInstances"), 3);
    let counted: Vec<_> = cloud.requests().unwrap().counts.into_iter().map(|one| (one.service, one.kind, one.total)).collect();
    assert_eq!(counted, [("ec2".to_owned(), "DescribeInstances".to_owned(), 3)], "every try");
    script.on("DescribeInstances", [refused(400, "ExpiredToken")]);
    let ended = cloud.inventory().list(None).await.unwrap_err();
    assert!(ended.kind == Kind::Auth && ended.message.contains("ExpiredToken"), "{ended}");
    assert_eq!(script.count("DescribeInstances"), 4, "a token that ended does not get better");
}

fn begin(parent: Option<&str>, extents: Vec<Extent>) -> BeginPoint {
    let point =
        |id: &str| SinkRef(format!(r#"{{"lineage":"l","token":"t0","disks":[{{"key":"vda","snapshot":"{id}","size":{}}}]}}"#, 4 * BLOCK));
    let shape = DiskShape { key: "vda".into(), size_bytes: 4 * BLOCK };
    let disks = vec![SinkDisk { shape, pool: None, extents }];
    BeginPoint { token: "t1".into(), lineage: "l".into(), parent: parent.map(point), disks, storage: vec![] }
}

fn data(offset: u64, length: u64) -> Extent {
    Extent { offset, length, zero: false }
}

/// Everything that a delta is on the wire: its parent, only what is new, old bytes around it, checksums of each and of all.
#[tokio::test]
async fn a_delta_goes_on_its_parent_with_checksums() {
    let script = Script::default();
    let old = vec![9u8; BLOCK as usize];
    let done = [snapshot("snap-new", "completed", true)];
    // First nothing is torn; then EBS takes its time, then it is completed, then it has its note.
    script.on(
        "DescribeSnapshots",
        [
            snapshots(&[]),
            snapshots(&[snapshot("snap-new", "pending", false)]),
            snapshots(&[snapshot("snap-new", "completed", false)]),
            snapshots(&done),
        ],
    );
    script.on("POST /snapshots", [ok(r#"{"SnapshotId":"snap-new","Status":"pending","BlockSize":524288,"VolumeSize":1}"#)]);
    let listed = r#"{"Blocks":[{"BlockIndex":0,"BlockToken":"b0"},{"BlockIndex":2,"BlockToken":"b2"}],"BlockSize":524288,"VolumeSize":1}"#;
    script.on("GET /snapshots/snap-old/blocks", [ok(listed)]);
    script.on("GET /snapshots/snap-old/blocks/0", [ok(old.clone()).with("x-amz-Checksum", sum(&old)).with("x-amz-Data-Length", "524288")]);
    let slow = json_refused(400, "RequestThrottledException");
    for (index, answers) in [(0, vec![slow.clone(), slow, ok("{}")]), (1, vec![ok("{}")]), (2, vec![ok("{}")])] {
        script.on(&format!("PUT /snapshots/snap-new/blocks/{index}"), answers);
    }
    script
        .on("POST /snapshots/completion/snap-new", [ok(r#"{"Status":"pending"}"#)])
        .on("CreateTags", [xml("CreateTags", "<return>true</return>")]);
    let cloud = script.cloud().await;
    let sink = cloud.disk_sink().unwrap();
    let zeroes = Extent { offset: 2 * BLOCK, length: 2 * BLOCK, zero: true };
    let mut point = sink.begin(begin(Some("snap-old"), vec![data(100, 50), data(BLOCK, BLOCK), zeroes])).await.unwrap();
    point.write(0, 100, Bytes::from(vec![1; 50])).await.unwrap();
    point.write(0, BLOCK, Bytes::from(vec![2; BLOCK as usize])).await.unwrap();
    let made = point.commit().await.unwrap();
    assert!(made.0.contains("snap-new") && sink.exists(&made).await.unwrap());

    let started: serde_json::Value = serde_json::from_slice(&script.all("POST /snapshots")[0].body).unwrap();
    assert_eq!((started["ParentSnapshotId"].as_str(), started["VolumeSize"].as_i64()), (Some("snap-old"), Some(1)));
    assert!(started["ClientToken"].is_string());
    let mut first = old;
    first[100..150].fill(1);
    let blocks = [first, vec![2; BLOCK as usize], vec![0; BLOCK as usize]];
    for (index, wanted) in blocks.iter().enumerate() {
        let put = script.all(&format!("PUT /snapshots/snap-new/blocks/{index}")).pop().unwrap();
        assert!(put.body == *wanted && put.headers["x-amz-checksum"] == sum(wanted).as_str(), "block {index}");
        assert_eq!(put.headers["x-amz-data-length"], "524288");
    }
    assert_eq!(script.count("PUT /snapshots/snap-new/blocks/0"), 3, "it was throttled twice");
    let counted = cloud.requests().unwrap().counts;
    assert!(
        counted.iter().any(|one| (one.service.as_str(), one.kind.as_str(), one.total) == ("ebs", "PutSnapshotBlock", 5)),
        "{counted:?}"
    );
    assert_eq!(script.count("PUT /snapshots/snap-new/blocks/3"), 0, "nothing was there, so nothing is zeroed");
    let all: Vec<u8> = blocks.iter().flat_map(|block| Sha256::digest(block).to_vec()).collect();
    let completed = script.all("POST /snapshots/completion/snap-new").pop().unwrap();
    assert_eq!(completed.headers["x-amz-checksum"], sum(&all).as_str());
    assert_eq!(
        (&completed.headers["x-amz-changedblockscount"], &completed.headers["x-amz-checksum-aggregation-method"]),
        (&"3".parse().unwrap(), &"LINEAR".parse().unwrap())
    );
    let noted = String::from_utf8(script.all("CreateTags")[0].body.clone()).unwrap();
    assert!(noted.contains("ResourceId.1=snap-new") && noted.contains("crossfade%3Acomplete"), "{noted}");
}

#[tokio::test]
async fn a_block_that_the_service_does_not_take_ends_the_point_and_nothing_is_left() {
    let script = Script::default();
    script
        .on("DescribeSnapshots", [snapshots(&[snapshot("snap-torn", "pending", false)])])
        .on("DeleteSnapshot", [xml("DeleteSnapshot", "<return>true</return>")]);
    script.on("POST /snapshots", [ok(r#"{"SnapshotId":"snap-new","Status":"pending"}"#)]);
    // A moment passes until the snapshot is known everywhere.
    let unknown = json_refused(404, "ResourceNotFoundException");
    script.on("PUT /snapshots/snap-new/blocks/0", [unknown.clone(), unknown, json_refused(400, "ValidationException")]);
    let cloud = script.cloud().await;
    let mut point = cloud.disk_sink().unwrap().begin(begin(None, vec![data(0, 2 * BLOCK)])).await.unwrap();
    let removed = |number: usize| String::from_utf8(script.all("DeleteSnapshot")[number].body.clone()).unwrap();
    assert!(removed(0).contains("snap-torn"), "what a node that was killed left goes first");
    point.write(0, 0, Bytes::from(vec![1; BLOCK as usize])).await.unwrap();
    // One that is open at the end goes out with the commit.
    point.write(0, BLOCK, Bytes::from(vec![0; BLOCK as usize])).await.unwrap();
    let refused = point.commit().await.unwrap_err();
    assert_eq!(script.count("PUT /snapshots/snap-new/blocks/1"), 0, "zeroes over nothing are nothing");
    assert!(refused.kind == Kind::Permanent && refused.message.contains("ValidationException"), "{refused}");
    assert_eq!(script.count("POST /snapshots/completion/snap-new"), 0);
    let point = cloud.disk_sink().unwrap().begin(begin(None, vec![])).await.unwrap();
    point.abort().await.unwrap();
    assert!(removed(2).contains("snap-new"));
}

fn source(script: &Script) {
    let mapping =
        "<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId></ebs></item></blockDeviceMapping>";
    let one = format!(
        "<item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState><rootDeviceName>/dev/xvda</rootDeviceName>{mapping}<launchTime>2026-01-01T00:00:00.000Z</launchTime></item>"
    );
    script.on(
        "DescribeInstances",
        [xml("DescribeInstances", &format!("<reservationSet><item><instancesSet>{one}</instancesSet></item></reservationSet>"))],
    );
    script.on(
        "DescribeVolumes",
        [xml("DescribeVolumes", "<volumeSet><item><volumeId>vol-1</volumeId><size>1</size><status>in-use</status></item></volumeSet>")],
    );
    script.on(
        "CreateSnapshots",
        [xml(
            "CreateSnapshots",
            "<snapshotSet><item><snapshotId>snap-2</snapshotId><volumeId>vol-1</volumeId><state>pending</state></item></snapshotSet>",
        )],
    );
    script
        .on("CreateTags", [xml("CreateTags", "<return>true</return>")])
        .on("DeleteSnapshot", [xml("DeleteSnapshot", "<return>true</return>")]);
}

/// A snapshot of the source, with the notes that it has.
fn taken(id: &str, token: &str, state: &str, status: &str, seen: &str) -> String {
    let tag = |key: &str, value: &str| format!("<item><key>crossfade:{key}</key><value>{value}</value></item>");
    let tags = tag("token", token) + &tag("state", state) + &tag("seen", seen);
    format!(
        "<item><snapshotId>{id}</snapshotId><volumeId>vol-1</volumeId><status>{status}</status><startTime>2026-01-01T00:00:10.000Z</startTime><tagSet>{tags}</tagSet></item>"
    )
}

#[tokio::test]
async fn what_changed_comes_in_pages_and_a_damaged_block_is_not_taken() {
    let script = Script::default();
    source(&script);
    let kept = taken("snap-1", "t0", "kept", "completed", "");
    script.on(
        "DescribeSnapshots",
        [
            snapshots(std::slice::from_ref(&kept)),
            snapshots(&[snapshot("snap-2", "pending", false)]),
            snapshots(&[snapshot("snap-2", "completed", false)]),
        ],
    );
    let page = |blocks: &str, next: &str| ok(format!(r#"{{"ChangedBlocks":[{blocks}],"BlockSize":524288,"VolumeSize":1{next}}}"#));
    let first = r#"{"BlockIndex":3,"FirstBlockToken":"o3","SecondBlockToken":"n3"},{"BlockIndex":4,"SecondBlockToken":"n4"}"#;
    let pages = [page(first, r#","NextToken":"more""#), page(r#"{"BlockIndex":5,"FirstBlockToken":"o5"}"#, ""), page(first, "")];
    script.on("GET /snapshots/snap-2/changedblocks", pages);
    let good = vec![3u8; BLOCK as usize];
    script.on("GET /snapshots/snap-2/blocks/3", [ok(good.clone()).with("x-amz-Checksum", sum(&good)).with("x-amz-Data-Length", "524288")]);
    script
        .on("GET /snapshots/snap-2/blocks/4", [ok(good.clone()).with("x-amz-Checksum", sum(b"else")).with("x-amz-Data-Length", "524288")]);
    let cloud = script.cloud().await;
    let request = OpenPoint { token: "t1".into(), since: Some(PointRef("t0".into())), others: vec![] };
    let mut point = cloud.disk_source().unwrap().open("i-1", request).await.unwrap();
    assert!(point.incremental() && point.disks()[0].size_bytes == 1 << 30);
    let extents = point.extents(0).await.unwrap();
    let seen: Vec<_> = extents.iter().map(|one| (one.offset / BLOCK, one.length / BLOCK, one.zero)).collect();
    assert_eq!(seen, [(3, 2, false), (5, 1, true)]);
    assert!(script.all("GET /snapshots/snap-2/changedblocks")[0].path.contains("firstSnapshotId=snap-1"));
    assert_eq!(point.read(0, 3 * BLOCK + 10, 20).await.unwrap(), vec![3u8; 20]);
    let damaged = point.read(0, 3 * BLOCK, 2 * BLOCK as u32).await.unwrap_err();
    assert!(damaged.kind == Kind::Transient && damaged.message.contains("checksum differs"), "{damaged}");
    assert_eq!(script.all("GET /snapshots/snap-2/blocks/3")[0].method, Method::GET);
}

/// The first snapshot of a large volume takes hours: the next try goes on with it, unless the machine was switched since.
#[tokio::test]
async fn a_point_that_takes_its_time_is_taken_up_again() {
    let on = "on 2026-01-01T00:00:00Z";
    for (seen, again) in [(on, true), ("off 2026-01-01T00:00:00Z", false)] {
        let script = Script::default();
        source(&script);
        let waiting = taken("snap-9", "t8", "waiting", "pending", seen);
        let now = if again { "snap-9" } else { "snap-2" };
        script.on("DescribeSnapshots", [snapshots(&[waiting]), snapshots(&[snapshot(now, "completed", false)])]);
        let cloud = script.cloud().await;
        let point = cloud.disk_source().unwrap().open("i-1", OpenPoint { token: "t9".into(), since: None, others: vec![] }).await.unwrap();
        assert_eq!((script.count("CreateSnapshots"), script.count("DeleteSnapshot")), if again { (0, 0) } else { (1, 1) });
        assert_eq!(point.reference().0, if again { "t8" } else { "t9" });
        assert!(!again || point.taken_at() < 1_767_225_610_000, "the instant of the snapshot");
    }
}

//! Who is at the other end, what is said when it is the wrong one, and that a loss is noticed.

use super::harness::{crypto, everything, libvirt, until};
use server::clouds::{Change, Cloud, Settings, error::Kind, registry};
use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

/// Certificates of the lab, as an administrator pastes them.
fn fields() -> Option<BTreeMap<String, String>> {
    let (folder, uri) = (std::env::var("CF_PKI").ok()?, std::env::var("CF_BERLIN_ENDPOINT").ok()?);
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}.pem")).unwrap();
    let pairs = [("uri", uri), ("ca", read("cacert")), ("cert", read("clientcert")), ("key", read("clientkey"))];
    Some(pairs.map(|(k, v)| (k.to_owned(), v)).into())
}

fn open(fields: &BTreeMap<String, String>, fingerprint: Option<String>) -> (Arc<dyn Cloud>, tempfile::TempDir) {
    crypto();
    let scratch = tempfile::tempdir().unwrap();
    let settings = Settings { fields: fields.clone(), fingerprint, scratch: scratch.path().to_owned(), ..Settings::default() };
    (registry::open("libvirt", settings).unwrap(), scratch)
}

async fn refusal(change: impl FnOnce(&mut BTreeMap<String, String>), fingerprint: Option<String>) -> (Kind, String) {
    let mut fields = fields().unwrap();
    change(&mut fields);
    let (cloud, _scratch) = open(&fields, fingerprint);
    let begun = Instant::now();
    let error = cloud.probe().await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(14), "an answer comes in time: {error}");
    (error.kind, error.message)
}

/// A certificate that nobody knows.
fn stranger() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["stranger".to_owned()]).unwrap().self_signed(&key).unwrap();
    (cert.pem(), key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_is_told_from_another() {
    if fields().is_none() {
        return;
    }
    let uri = |to: &str| {
        let to = to.to_owned();
        move |fields: &mut BTreeMap<String, String>| drop(fields.insert("uri".into(), to))
    };
    let ip = std::env::var("CF_BERLIN_IP").unwrap();
    let (kind, message) = refusal(uri(&format!("qemu+tls://{ip}:1/system")), None).await;
    assert!(kind == Kind::Transient && message.contains("nothing listens there"), "{message}");
    let (kind, message) = refusal(uri("qemu+tls://no-such-host.invalid/system"), None).await;
    assert!(kind == Kind::Transient && message.contains("is the name right?"), "{message}");
    let (kind, message) = refusal(uri("qemu+tls://192.0.2.1/system"), None).await;
    assert!(kind == Kind::Transient, "{message}");
    let (kind, message) = refusal(|_| (), Some("00".repeat(32))).await;
    assert!(kind == Kind::Identity && message.contains("another certificate"), "{message}");
    let (cert, key) = stranger();
    let (kind, message) =
        refusal(|fields| drop((fields.insert("cert".into(), cert.clone()), fields.insert("key".into(), key))), None).await;
    assert!(kind == Kind::Auth && message.contains("client certificate"), "{message}");
    let (kind, message) = refusal(|fields| drop(fields.insert("ca".into(), cert)), None).await;
    assert!(kind == Kind::Identity, "{kind:?} {message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_that_was_accepted_is_taken_again() {
    let Some(fields) = fields() else { return };
    let (cloud, _scratch) = open(&fields, None);
    let fingerprint = cloud.probe().await.unwrap().fingerprint;
    assert!(fingerprint.is_some());
    let (pinned, scratch) = open(&fields, fingerprint);
    assert!(pinned.probe().await.unwrap().ok);
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(scratch.path().join("pki/clientkey.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others cannot read the key");
}

/// The keys of the site's ssh server, as `lab ssh` tells them.
#[tokio::test(flavor = "multi_thread")]
async fn over_ssh_only_the_host_whose_key_is_known_is_talked_to() {
    let Some(bed) = libvirt() else { return };
    let told = bed.lab.as_ref().unwrap().run(&["ssh", "berlin"]);
    let value = |name: &str| told.split_once(&format!("{name}='")).unwrap().1.split('\'').next().unwrap().to_owned();
    let (uri, folder) = (value("CF_BERLIN_SSH_URI"), value("CF_BERLIN_SSH"));
    let read = |name: &str| fs::read_to_string(format!("{folder}/{name}")).unwrap();
    let good: BTreeMap<String, String> =
        [("uri", uri), ("ssh_key", read("id")), ("ssh_known_hosts", read("known_hosts"))].map(|(k, v)| (k.to_owned(), v)).into();
    let (cloud, scratch) = open(&good, None);
    assert!(cloud.probe().await.unwrap().ok);
    let over_tls = everything(bed.source.inventory()).await;
    assert_eq!(everything(cloud.inventory()).await.len(), over_tls.len());
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(scratch.path().join("ssh/key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others cannot read the key");

    let other = read("known_hosts").split(' ').next().unwrap().to_owned()
        + " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n";
    let said = |name: &str, text: String| {
        let mut fields = good.clone();
        fields.insert(name.into(), text);
        async move {
            let (cloud, _scratch) = open(&fields, None);
            cloud.probe().await.unwrap_err()
        }
    };
    let error = said("ssh_known_hosts", other).await;
    assert!(error.kind == Kind::Identity && error.message.contains("key"), "{:?} {error}", error.kind);
    let error =
        said("ssh_known_hosts", "elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n".into())
            .await;
    assert!(error.kind == Kind::Identity && error.message.contains("known_hosts"), "{:?} {error}", error.kind);
    let strange =
        std::process::Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(scratch.path().join("strange")).status();
    assert!(strange.unwrap().success());
    let error = said("ssh_key", fs::read_to_string(scratch.path().join("strange")).unwrap()).await;
    assert!(error.kind == Kind::Auth && error.message.contains("SSH key"), "{:?} {error}", error.kind);
}

/// Cuts the power of a whole site: run alone (`--ignored`), since it takes every other test's machines along.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "kills the site berlin of the lab"]
async fn a_power_cut_is_noticed_and_so_is_the_return() {
    let Some(bed) = libvirt() else { return };
    let lab = bed.lab.as_ref().unwrap();
    for cut in [&["kill", "berlin"][..], &["cut", "berlin"]] {
        everything(bed.source.inventory()).await;
        let mut changes = bed.source.inventory().watch().await.unwrap().unwrap();
        lab.run(cut);
        let begun = Instant::now();
        loop {
            let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await.expect("noticed within 10 s").unwrap();
            if let Change::Lost(reason) = change {
                println!("{cut:?}: {reason} after {:?}", begun.elapsed());
                break;
            }
        }
        assert_eq!(bed.source.inventory().list(None).await.unwrap_err().kind, Kind::Transient);
        lab.run(if cut[0] == "kill" { &["return", "berlin"] } else { &["uncut", "berlin"] });
        until("back again", Duration::from_secs(40), || async { bed.source.inventory().list(None).await.is_ok() }).await;
    }
}

/// Inventory at scale, on libvirt's own test driver.
#[tokio::test(flavor = "multi_thread")]
async fn the_test_driver_is_an_inventory() {
    if fields().is_none() {
        return;
    }
    let fields: BTreeMap<_, _> = [("uri", "test:///default"), ("insecure", "true")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let (cloud, _scratch) = open(&fields, None);
    let report = cloud.probe().await.unwrap();
    assert_eq!(report.machines, Some(1));
    assert!(cloud.machines().is_none() && cloud.disk_sink().is_none() && cloud.disk_source().is_none());
    assert!(!cloud.inventory().resources().await.unwrap().hbas.is_empty(), "Fibre Channel adapters");
    assert_eq!(everything(cloud.inventory()).await.len(), 1);
}

//! A cloud whose certificate was renewed: refused until somebody compared the new one, against a real TLS server.
#![cfg(feature = "libvirt")]

use crate::support::Api;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use server::{
    services::{audit, caller::Caller},
    store::clouds::{self, StoredCloud},
};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

struct Host {
    issuer: Issuer<'static, KeyPair>,
    ca: String,
    port: u16,
    shown: Arc<Mutex<Arc<ServerConfig>>>,
}

impl Host {
    /// Greets as libvirt's TLS server does, then says nothing more.
    async fn start() -> (Self, String) {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let (ca, issuer) = (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key));
        let (config, print) = certificate(&issuer);
        let shown = Arc::new(Mutex::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let current = shown.clone();
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let config = current.lock().unwrap().clone();
                tokio::spawn(async move {
                    let mut tls = TlsAcceptor::from(config).accept(tcp).await?;
                    tls.write_all(&[1]).await?;
                    tls.read_u8().await
                });
            }
        });
        (Self { issuer, ca, port, shown }, print)
    }

    /// Answers the new fingerprint.
    fn renew(&self) -> String {
        let (config, print) = certificate(&self.issuer);
        *self.shown.lock().unwrap() = config;
        print
    }

    fn settings(&self) -> Value {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        json!({ "uri": format!("qemu+tls://127.0.0.1:{}/system", self.port), "ca": self.ca, "cert": cert.pem(), "key": key.serialize_pem() })
    }
}

fn certificate(issuer: &Issuer<'_, KeyPair>) -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let cert = params.signed_by(&key, issuer).unwrap();
    let print = Sha256::digest(cert.der()).iter().map(|b| format!("{b:02x}")).collect();
    let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    // libvirt's client takes the first thing after the handshake for the greeting.
    config.send_tls13_tickets = 0;
    (Arc::new(config), print)
}

/// As it would have been added when a whole libvirt stood behind it.
async fn saved(api: &Api, host: &Host, fingerprint: &str) -> (String, Value) {
    let mut fields = host.settings();
    let key = fields.as_object_mut().unwrap().remove("key").unwrap();
    let secrets = api.node.secrets.seal(&serde_json::to_vec(&json!({ "key": key })).unwrap()).unwrap();
    let cloud = json!({ "id": server::state::new_id(), "name": "berlin-kvm", "kind": "libvirt", "site": "berlin", "simulated": false,
        "status": "connecting", "status_since": 0, "fingerprint": fingerprint, "capabilities": [], "machines": 0, "running": 0, "fields": fields });
    let stored = StoredCloud { cloud: serde_json::from_value(cloud.clone()).unwrap(), secrets: Some(secrets), host_id: None };
    let itself = Caller { name: "test".into(), role: model::access::Role::Administrator, address: None };
    clouds::insert(&api.node.db, &stored, 0, &audit::event(&itself, "cloud.add", "berlin-kvm", "")).await.unwrap();
    server::services::clouds::open_all(&api.node).await.unwrap();
    server::inventory::start(&api.node).await.unwrap();
    let body = json!({ "name": "berlin-kvm", "kind": "libvirt", "site": "berlin", "fields": fields });
    (format!("/clouds/{}", cloud["id"].as_str().unwrap()), body)
}

fn subject(report: &Value) -> &str {
    report["problems"][0]["subject"].as_str().unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_refused_until_it_is_accepted() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let api = Api::new().await;
    let (host, first) = Host::start().await;
    let (path, mut body) = saved(&api, &host, &first).await;
    let (admin, operator) = (api.admin(), api.role("operator").await);
    let probe = format!("{path}/probe");
    assert_ne!(subject(&api.post(&probe, &admin, json!({})).await.expect(200).json()), "certificate", "the one that is pinned");

    let second = host.renew();
    // An answer of a moment ago is shared by those who ask together: the old one may come a few times.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let report = loop {
        let report = api.post(&probe, &operator, json!({})).await.expect(200).json();
        if subject(&report) == "certificate" {
            break report;
        }
        assert!(std::time::Instant::now() < end, "the new certificate is not seen: {report}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!((subject(&report), report["fingerprint"].as_str()), ("certificate", Some(second.as_str())), "what it shows now");
    // A change that accepts nothing stays with the pinned one, and is refused.
    let refused = api.put(&path, &admin, body.clone()).await.expect(400).json();
    assert!(refused["message"].as_str().unwrap().contains(&second), "{refused}");
    let typed = api.post(&probe, &admin, body.clone()).await.expect(200).json();
    assert_eq!(typed["fingerprint"].as_str(), Some(second.as_str()), "what is typed is tried with the stored key");
    api.post(&probe, &operator, body.clone()).await.expect(403);

    body["fingerprint"] = json!(second);
    assert_eq!(api.put(&path, &admin, body).await.expect(200).json()["fingerprint"].as_str(), Some(second.as_str()));
    assert_ne!(subject(&api.post(&probe, &admin, json!({})).await.expect(200).json()), "certificate");
    let audit = api.get("/audit?subject=berlin-kvm", &admin).await.json();
    let change = audit["items"].as_array().unwrap().iter().find(|e| e["action"] == "cloud.change" && e["ok"] == true).unwrap();
    let detail = change["detail"].as_str().unwrap();
    assert!(detail.contains(&first) && detail.contains(&second), "{detail}");
}

/// The program's words and whether it succeeded, against this router.
async fn cli(api: &Api, args: &[&str]) -> (bool, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = api.router.clone().into_make_service_with_connect_info::<std::net::SocketAddr>();
    let served = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_crossfade"));
    command.env_clear().args(["--url", &url, "--token", &api.admin]).args(args);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    served.abort();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_shows_the_new_fingerprint_and_accepts_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let api = Api::new().await;
    let (host, first) = Host::start().await;
    let (path, _) = saved(&api, &host, &first).await;
    let second = host.renew();
    let (done, text) = cli(&api, &["cloud", "change", "berlin-kvm"]).await;
    assert!(!done && text.contains(&format!("--accept-fingerprint {second}")), "{text}");
    let (done, text) = cli(&api, &["cloud", "change", "berlin-kvm", "--accept-fingerprint", &first]).await;
    assert!(!done && text.contains("Nothing was saved"), "not the one that it shows: {text}");
    let colons: Vec<String> = second.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two).to_uppercase()).collect();
    let args = ["cloud", "change", "berlin-kvm", "--accept-fingerprint", &colons.join(":"), "--field", "nbd_host=10.0.0.9"];
    let (done, text) = cli(&api, &args).await;
    assert!(done && text.contains("berlin-kvm is changed"), "{text}");
    let cloud = api.get(&path, &api.admin()).await.expect(200).json();
    assert_eq!((cloud["fingerprint"].as_str(), cloud["fields"]["nbd_host"].as_str()), (Some(second.as_str()), Some("10.0.0.9")));
}

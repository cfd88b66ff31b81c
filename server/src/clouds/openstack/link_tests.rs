//! Sessions and certificates, against a small server of our own: what a real cloud does once a day or never.

use super::{
    auth::Service,
    fields::{Config, Login},
    link::Link,
};
use crate::clouds::error::{Error, Kind};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Clone, Default)]
struct Fake {
    address: String,
    signed_in: Arc<AtomicU32>,
    /// Tokens up to this number are refused.
    revoked: Arc<AtomicU32>,
    /// Actions that were asked for.
    asked: Arc<AtomicU32>,
    life_seconds: i64,
}

async fn answer(State(fake): State<Fake>, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == "/v3/auth/tokens" {
        let number = fake.signed_in.fetch_add(1, SeqCst) + 1;
        let now = jiff::Timestamp::now();
        let end = now + jiff::SignedDuration::from_secs(fake.life_seconds);
        let url = format!("{}/v2.1", fake.address);
        let token = json!({ "token": { "issued_at": now.to_string(), "expires_at": end.to_string(), "user": { "name": "u" }, "project": { "id": "p", "name": "p" },
            "catalog": [{ "type": "compute", "endpoints": [{ "interface": "public", "region_id": "R", "url": url }] }] } });
        return ([("x-subject-token", number.to_string())], Json(token)).into_response();
    }
    let token: u32 = headers["x-auth-token"].to_str().unwrap_or_default().parse().unwrap_or_default();
    match uri.path() {
        _ if token <= fake.revoked.load(SeqCst) => (StatusCode::UNAUTHORIZED, "{}").into_response(),
        "/v2.1/servers/s1/action" if fake.asked.fetch_add(1, SeqCst) < 2 => {
            let message = "Cannot 'stop' instance s1 while it is in task_state image_pending_upload";
            (StatusCode::CONFLICT, Json(json!({ "conflictingRequest": { "code": 409, "message": message } }))).into_response()
        }
        "/v2.1/busy" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")], "slow down").into_response(),
        _ => Json(json!({ "token": token })).into_response(),
    }
}

pub fn config(auth_url: String, fingerprint: Option<String>) -> Config {
    let login = Login::ApplicationCredential { id: "a".into(), secret: "b".into() };
    Config { auth_url, login, region: None, interface: "public".into(), ca: None, fingerprint, longest_pause: Duration::from_secs(20) }
}

async fn cloud(life_seconds: i64) -> (Fake, Link) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let fake = Fake { address: address.clone(), life_seconds, ..Fake::default() };
    let app = Router::new().fallback(answer).with_state(fake.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    (fake, Link::new(config(format!("{address}/v3"), None)).unwrap())
}

#[tokio::test]
async fn a_token_is_used_until_it_ends_or_is_revoked() {
    let (fake, link) = cloud(3600).await;
    let ask = async || link.get::<Value>(Service::Compute, "/x").await;
    for _ in 0..2 {
        assert_eq!(ask().await.unwrap()["token"], 1);
    }
    fake.revoked.store(1, SeqCst);
    assert_eq!(ask().await.unwrap()["token"], 2, "signed in once more, unseen by the caller");
    fake.revoked.store(100, SeqCst);
    assert_eq!(ask().await.unwrap_err().kind, Kind::Auth);
    let (_, link) = cloud(1).await;
    let ask = async || link.get::<Value>(Service::Compute, "/x").await;
    assert_eq!(ask().await.unwrap()["token"], 1);
    let renewed = async { while ask().await.unwrap()["token"] != 2 {} };
    tokio::time::timeout(Duration::from_secs(5), renewed).await.expect("renewed before it ends, and no call fails meanwhile");
}

#[tokio::test]
async fn a_throttled_call_says_for_how_long() {
    let (_, link) = cloud(3600).await;
    let error = link.get::<Value>(Service::Compute, "/busy?x=1").await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Throttled(Duration::from_secs(9)), "busy: slow down"));
}

/// Answers 401 to everything, over TLS with a certificate that nobody signed.
async fn stranger() -> (String, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let fingerprint = Sha256::digest(cert.der()).iter().map(|byte| format!("{byte:02x}")).collect();
    let private = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![cert.der().clone()], private).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}/v3", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (address, fingerprint)
}

#[tokio::test]
async fn only_the_certificate_that_was_accepted_is_taken() {
    let (address, fingerprint) = stranger().await;
    let refusal = async |pin: Option<String>| -> (Error, Option<String>) {
        let link = Link::new(config(address.clone(), pin)).unwrap();
        (link.session().await.unwrap_err(), link.fingerprint())
    };
    let (error, seen) = refusal(Some(fingerprint.clone())).await;
    assert_eq!((error.kind, seen), (Kind::Auth, Some(fingerprint)), "it was talked to: {error}");
    let (error, _) = refusal(Some("00".repeat(32))).await;
    assert!(error.kind == Kind::Identity && error.message.contains("another certificate"), "{error}");
    assert_eq!(refusal(None).await.0.kind, Kind::Identity, "nobody that is known signed it");
}

#[tokio::test]
async fn a_machine_of_which_a_snapshot_is_taken_is_stopped_after_it() {
    let (fake, link) = cloud(3600).await;
    super::power::when_free(&link, "s1", json!({ "os-stop": null })).await.unwrap();
    assert_eq!(fake.asked.load(SeqCst), 3);
}

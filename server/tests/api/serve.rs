//! The node as it listens: TLS, a renewed certificate, a stop, and the program's own log.

use rcgen::{CertificateParams, KeyPair};
use reqwest::{Certificate, Client};
use server::{boot, config::Settings, services::first_start, state::Node, web};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Another key and certificate each time; answers the certificate (PEM).
fn renew(dir: &Path) -> String {
    let key = KeyPair::generate().unwrap();
    let cert = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(dir.join("cert.pem"), cert.pem()).unwrap();
    cert.pem()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Trusts this certificate and no other.
fn client(pem: &str) -> Client {
    let one = Certificate::from_pem(pem.as_bytes()).unwrap();
    Client::builder().no_proxy().tls_certs_only([one]).timeout(Duration::from_secs(10)).build().unwrap()
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !is().await {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn serve(dir: &Path, port: u16) -> (Node, JoinHandle<anyhow::Result<()>>) {
    let settings = Settings {
        data_dir: Some(dir.join("data")),
        listen: Some(format!("127.0.0.1:{port}")),
        tls_cert: Some(dir.join("cert.pem")),
        tls_key: Some(dir.join("key.pem")),
        bootstrap_token_file: Some(dir.join("token")),
        ..Settings::default()
    };
    let config = settings.resolve().unwrap();
    let node = boot::open(&config).await.unwrap();
    first_start::prepare(&node, &config).await.unwrap();
    let state = web::AppState::new(node.clone(), &config);
    (node, tokio::spawn(async move { web::serve::run(state, &config).await }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_speaks_tls_takes_a_renewed_certificate_and_stops_in_order() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let (first, port) = (renew(dir.path()), free_port());
    let (node, served) = serve(dir.path(), port).await;
    let url = |path: &str| format!("https://localhost:{port}{path}");
    let known = client(&first);
    until("it is ready", async || known.get(url("/readyz")).send().await.is_ok_and(|a| a.status() == 200)).await;
    let answer = known.post(url("/api/v1/session")).json(&serde_json::json!({ "name": "a", "password": "b" })).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("strict-transport-security").is_some()), (401, true));

    let second = renew(dir.path());
    until("the new certificate is in use", async || client(&second).get(url("/healthz")).send().await.is_ok()).await;
    assert!(client(&first).get(url("/healthz")).send().await.is_err(), "the old one is not shown any more");
    // One that is broken changes nothing.
    fs::write(dir.path().join("cert.pem"), "broken").unwrap();
    tokio::time::sleep(Duration::from_secs(7)).await;
    let current = client(&second);
    assert!(current.get(url("/healthz")).send().await.is_ok());

    let token = fs::read_to_string(dir.path().join("token")).unwrap();
    let mut stream = current.get(url("/api/v1/events")).bearer_auth(token.trim()).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some());
    let stopped = Instant::now();
    node.stopping.cancel();
    while let Ok(Some(_)) = stream.chunk().await {}
    served.await.unwrap().unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(9), "streams end at once, nothing is waited for in vain");
    assert!(current.get(url("/healthz")).send().await.is_err());
}

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_logs_json_keeps_its_password_to_itself_and_obeys_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(["serve", "--log-format", "json", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(dir.path().join("data"));
    let mut program = Program(command.stderr(Stdio::piped()).spawn().unwrap());
    let stderr = program.0.stderr.take().unwrap();
    let reader = std::thread::spawn(move || BufReader::new(stderr).lines().map_while(Result::ok).collect::<Vec<String>>());
    let plain = Client::builder().no_proxy().build().unwrap();
    until("it is ready", async || plain.get(format!("http://127.0.0.1:{port}/readyz")).send().await.is_ok_and(|a| a.status() == 200)).await;
    let pid = program.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = program.0.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not stop");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(status.success(), "{status}");
    let lines = reader.join().unwrap();
    let password = fs::read_to_string(dir.path().join("data/initial-password")).unwrap();
    assert!(lines.iter().all(|l| !l.contains(password.trim())), "{lines:#?}");
    assert!(lines.iter().any(|l| l.contains("initial-password")), "it says where the password is: {lines:#?}");
    let logged: Vec<serde_json::Value> = lines.iter().filter(|l| l.starts_with('{')).map(|l| serde_json::from_str(l).unwrap()).collect();
    let said = |message: &str| logged.iter().any(|l| l["message"] == message && l["level"] == "INFO" && l["timestamp"].is_string());
    assert!(said("ready") && said("stopping") && said("stopped"), "{lines:#?}");
    let other = lines.iter().filter(|l| !l.is_empty() && !l.starts_with('{')).count();
    assert_eq!(other, 1, "only the welcome is no JSON: {lines:#?}");
}

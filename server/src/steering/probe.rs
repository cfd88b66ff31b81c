//! One look at a service from outside: does it answer?

use super::socket;
use model::plan::HealthCheck;
use reqwest::header::HOST;
use std::{net::Ipv4Addr, sync::LazyLock, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// A machine that is up answers to a SYN in milliseconds; one that boots is asked again soon.
const CONNECT: Duration = Duration::from_millis(500);
/// A guest that has just booted on a busy host may take seconds for its first page.
const ANSWER: Duration = Duration::from_secs(5);

/// The address that a check names, if it does.
pub fn address(check: &HealthCheck) -> Option<&str> {
    match check {
        HealthCheck::Ping { address } | HealthCheck::Tcp { address, .. } | HealthCheck::Http { address, .. } => address.as_deref(),
        HealthCheck::Running | HealthCheck::GuestAgent => None,
    }
}

/// What was answered, or why there was no good answer. `to` counts where the check names no address itself.
///
/// # Errors
/// In words, for the log of a run.
pub async fn answer(check: &HealthCheck, to: &str) -> Result<String, String> {
    answer_as(check, to, None).await
}

/// The same; a web server is asked for the site of that name.
///
/// # Errors
/// In words, for the log of a run.
pub async fn answer_as(check: &HealthCheck, to: &str, name: Option<&str>) -> Result<String, String> {
    let to = address(check).unwrap_or(to);
    match check {
        HealthCheck::Ping { .. } => ping(to).await,
        HealthCheck::Tcp { port, .. } => tcp(to, *port).await,
        HealthCheck::Http { port, path, .. } => http(to, *port, path, name).await,
        HealthCheck::Running | HealthCheck::GuestAgent => Err("this check does not look from outside.".into()),
    }
}

async fn ping(to: &str) -> Result<String, String> {
    let address: Ipv4Addr = to.parse().map_err(|_| format!("'{to}' is not an IPv4 address."))?;
    let asked = tokio::task::spawn_blocking(move || socket::ping(address, CONNECT)).await.map_err(|e| e.to_string())?;
    match asked {
        Ok(true) => Ok(format!("{to} answers to ping")),
        Ok(false) => Err(format!("{to} does not answer to ping.")),
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Err(
            "this node may not send pings: allow its group in net.ipv4.ping_group_range, give it CAP_NET_RAW, or use a TCP or HTTP check."
                .into(),
        ),
        Err(e) => Err(format!("{to} cannot be pinged: {e}.")),
    }
}

async fn tcp(to: &str, port: u16) -> Result<String, String> {
    match timeout(CONNECT, TcpStream::connect((to, port))).await {
        Ok(Ok(_)) => Ok(format!("{to} accepts connections at port {port}")),
        Ok(Err(e)) => Err(format!("{to} port {port}: {e}.")),
        Err(_) => Err(format!("{to} port {port} does not answer.")),
    }
}

// A new connection every time: one that is kept open would prove nothing.
static CLIENT: LazyLock<Option<reqwest::Client>> = LazyLock::new(|| {
    let builder = reqwest::Client::builder().connect_timeout(CONNECT).timeout(ANSWER).pool_max_idle_per_host(0);
    builder.redirect(reqwest::redirect::Policy::none()).no_proxy().build().ok()
});

async fn http(to: &str, port: u16, path: &str, name: Option<&str>) -> Result<String, String> {
    let client = CLIENT.as_ref().ok_or("the HTTP client could not be set up.")?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let to = if to.contains(':') { format!("[{to}]") } else { to.to_owned() };
    let url = format!("http://{to}:{port}{slash}{path}");
    let mut call = client.get(&url);
    if let Some(name) = name {
        call = call.header(HOST, if port == 80 { name.to_owned() } else { format!("{name}:{port}") });
    }
    match call.send().await {
        Ok(r) if r.status().is_success() || r.status().is_redirection() => Ok(format!("{url} answers {}", r.status().as_u16())),
        Ok(r) => Err(format!("{url} answers {}.", r.status())),
        Err(e) if e.is_connect() || e.is_timeout() => Err(format!("{url} does not answer.")),
        Err(e) => Err(format!("{url}: {e}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    async fn server(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn a_good_answer_is_well_and_an_error_is_not() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let good = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let bad = server("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await;
        let check = |port| HealthCheck::Http { address: None, port, path: "/".into() };
        assert!(answer(&check(good), "127.0.0.1").await.unwrap().contains("200"));
        assert!(answer(&check(bad), "127.0.0.1").await.unwrap_err().contains("503"));
        assert!(answer(&HealthCheck::Tcp { address: None, port: good }, "127.0.0.1").await.is_ok());
    }

    #[tokio::test]
    async fn nobody_there_is_not_well() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        assert!(answer(&HealthCheck::Tcp { address: Some("127.0.0.1".into()), port: free }, "x").await.is_err());
    }
}

//! Against the reference server (`qemu-nbd`), in clear and over TLS, and against servers that mean us harm.

use super::*;
use proptest::prelude::*;
use std::{
    path::Path,
    process::{Child, Command, Stdio},
};
use tokio::{io::AsyncReadExt, net::TcpListener};

const SOON: Duration = Duration::from_secs(10);
const SIZE: usize = 8 << 20;

struct Server(Child, u16);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// 8 MiB with data in the second and the sixth MiB, else never written.
fn image(path: &Path) -> Vec<u8> {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::create(path).unwrap();
    file.set_len(SIZE as u64).unwrap();
    let mut bytes = vec![0; SIZE];
    for mib in [1usize, 5] {
        let part: Vec<u8> = (0..1 << 20).map(|i| (i / 251 + mib) as u8 | 1).collect();
        file.write_all_at(&part, (mib << 20) as u64).unwrap();
        bytes[mib << 20..(mib + 1) << 20].copy_from_slice(&part);
    }
    bytes
}

fn qemu_nbd(dir: &Path, extra: &[&str]) -> Server {
    // A port that was free a moment ago; a collision shows as a server that ends at once.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("qemu-nbd");
    command.args(["-r", "-t", "-e", "8", "-f", "raw", "-x", "disk", "-b", "127.0.0.1", "-p", &port.to_string()]).args(extra);
    let child = command.arg(dir.join("disk.raw")).stderr(Stdio::inherit()).spawn().expect("qemu-nbd is needed (Debian: qemu-utils)");
    Server(child, port)
}

fn target(port: u16, tls: Option<Arc<ClientConfig>>) -> Target {
    Target {
        host: "127.0.0.1".into(),
        port,
        export: "disk".into(),
        tls,
        server_name: String::new(),
        contexts: vec!["base:allocation".into()],
    }
}

/// Waits for the server's port, not for a time.
async fn connect(server: &Server, tls: Option<Arc<ClientConfig>>) -> Result<Client> {
    let end = std::time::Instant::now() + SOON;
    loop {
        match Client::connect(&target(server.1, tls.clone()), SOON).await {
            Err(e) if e.message.starts_with("Cannot reach") && std::time::Instant::now() < end => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

async fn reads_everything(client: &Client, bytes: &[u8]) {
    assert_eq!(client.size(), SIZE as u64);
    let data: Vec<_> =
        client.extents("base:allocation").await.unwrap().into_iter().filter(|r| r.flags & 2 == 0).map(|r| (r.offset, r.length)).collect();
    assert_eq!(data, [(1 << 20, 1 << 20), (5 << 20, 1 << 20)]);
    let parts = (0..64u64).map(|i| client.read(i * (128 << 10), 128 << 10));
    for (i, part) in futures::future::join_all(parts).await.into_iter().enumerate() {
        assert_eq!(part.unwrap(), bytes[i * (128 << 10)..(i + 1) * (128 << 10)]);
    }
}

#[tokio::test]
async fn reads_a_disk_in_clear() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = image(&dir.path().join("disk.raw"));
    let server = qemu_nbd(dir.path(), &[]);
    let client = connect(&server, None).await.unwrap();
    reads_everything(&client, &bytes).await;
    assert_eq!(client.read(SIZE as u64 - 1, 2).await.unwrap_err().kind, Kind::Permanent);
    assert_eq!(client.extents("qemu:dirty-bitmap:none").await.unwrap_err().kind, Kind::Unsupported);
    let mut wrong = target(server.1, None);
    wrong.export = "other".into();
    assert_eq!(Client::connect(&wrong, SOON).await.err().unwrap().kind, Kind::NotFound);
    client.close().await;
}

struct Pki {
    trusted: Arc<ClientConfig>,
    stranger: Arc<ClientConfig>,
}

/// A CA, a server and a client signed by it, in QEMU's file names; and a client that another CA signed.
fn pki(dir: &Path) -> Pki {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = || {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        (params.self_signed(&key).unwrap(), Issuer::new(params, key))
    };
    let ((ca, issuer), (other_ca, other)) = (authority(), authority());
    let leaf = |issuer: &Issuer<'_, KeyPair>, usage| {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, issuer).unwrap(), key)
    };
    let (cert, key) = leaf(&issuer, rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    for (name, text) in [("ca-cert.pem", ca.pem()), ("server-cert.pem", cert.pem()), ("server-key.pem", key.serialize_pem())] {
        std::fs::write(dir.join(name), text).unwrap();
    }
    let config = |ca: &rcgen::Certificate, (cert, key): (rcgen::Certificate, KeyPair)| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca.der().clone()).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_client_auth_cert(vec![cert.der().clone()], key).unwrap())
    };
    let client = rcgen::ExtendedKeyUsagePurpose::ClientAuth;
    Pki { trusted: config(&ca, leaf(&issuer, client.clone())), stranger: config(&other_ca, leaf(&other, client)) }
}

#[tokio::test]
async fn reads_a_disk_over_tls_and_from_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = image(&dir.path().join("disk.raw"));
    let pki = pki(dir.path());
    let creds = format!("tls-creds-x509,id=tls,endpoint=server,verify-peer=yes,dir={}", dir.path().display());
    let server = qemu_nbd(dir.path(), &["--object", &creds, "--tls-creds", "tls"]);
    let client = connect(&server, Some(pki.trusted)).await.unwrap();
    reads_everything(&client, &bytes).await;
    // The wrong authority: we do not trust the server.
    assert_eq!(connect(&server, Some(pki.stranger)).await.err().unwrap().kind, Kind::Identity);
    // No TLS at all: the server does not trust us.
    assert_eq!(connect(&server, None).await.err().unwrap().kind, Kind::Auth);
}

#[tokio::test]
async fn a_killed_server_fails_every_call_at_once() {
    let dir = tempfile::tempdir().unwrap();
    image(&dir.path().join("disk.raw"));
    let server = qemu_nbd(dir.path(), &[]);
    let client = connect(&server, None).await.unwrap();
    drop(server);
    let begun = std::time::Instant::now();
    assert_eq!(client.read(0, 512).await.unwrap_err().kind, Kind::Transient);
    assert_eq!(client.extents("base:allocation").await.unwrap_err().kind, Kind::Transient);
    assert!(begun.elapsed() < SOON, "it waited for the timeout");
}

/// A server that shakes hands well and then sends these bytes.
async fn hostile(after: Vec<u8>, polite: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await?;
        if polite {
            greet(&mut peer).await?;
            // An answer before the question would be dropped with the connection.
            peer.read_exact(&mut [0; 28]).await?;
        }
        peer.write_all(&after).await?;
        // Hangs up: a client that still waits then has no excuse.
        peer.shutdown().await
    });
    port
}

async fn greet(peer: &mut TcpStream) -> std::io::Result<()> {
    peer.write_all(&[&wire::NBD_MAGIC.to_be_bytes()[..], &wire::OPTION_MAGIC.to_be_bytes(), &3u16.to_be_bytes()].concat()).await?;
    peer.read_u32().await?;
    let context = [&1u32.to_be_bytes()[..], b"base:allocation"].concat();
    let info = [&[0, 0][..], &(SIZE as u64).to_be_bytes(), &[0, 1]].concat();
    for replies in [
        vec![(wire::REP_ACK, vec![])],
        vec![(wire::REP_CONTEXT, context), (wire::REP_ACK, vec![])],
        vec![(wire::REP_INFO, info), (wire::REP_ACK, vec![])],
    ] {
        let mut head = [0; 16];
        peer.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[12], head[13], head[14], head[15]]);
        peer.read_exact(&mut vec![0; length as usize]).await?;
        for (kind, data) in replies {
            let head =
                [&wire::OPTION_REPLY.to_be_bytes()[..], &head[8..12], &kind.to_be_bytes(), &(data.len() as u32).to_be_bytes()].concat();
            peer.write_all(&[head, data].concat()).await?;
        }
    }
    Ok(())
}

/// Chunks that look right at first: the fields are likely values, the lengths lie.
fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop::sample::select(vec![0u16, 1, 2, 5, 0x8001, 0x8002, 7]);
    let lengths = prop::sample::select(vec![0u32, 8, 12, 20, 520, 4108, u32::MAX, 1 << 20]);
    (0u16..2, kinds, 0u64..4, lengths, prop::collection::vec(any::<u8>(), 0..600)).prop_map(|(flags, kind, cookie, length, body)| {
        [
            &wire::STRUCTURED_REPLY.to_be_bytes()[..],
            &flags.to_be_bytes(),
            &kind.to_be_bytes(),
            &cookie.to_be_bytes(),
            &length.to_be_bytes(),
            &body,
        ]
        .concat()
    })
}

/// An answer to a read of 512 bytes: pieces in any order, each with its content or a hole.
#[derive(Clone, Debug)]
struct Piece {
    at: u64,
    length: u32,
    hole: bool,
    seed: u8,
}

impl Piece {
    fn byte(&self, at: u64) -> u8 {
        if self.hole { 0 } else { (at as u8).wrapping_mul(7).wrapping_add(self.seed) }
    }

    fn chunk(&self, cookie: u64, last: bool) -> Vec<u8> {
        let (kind, body) = match self.hole {
            true => (2u16, self.length.to_be_bytes().to_vec()),
            false => (1, (self.at..self.at + u64::from(self.length)).map(|at| self.byte(at)).collect()),
        };
        let length = (8 + body.len()) as u32;
        let flags = u16::from(last);
        let head = [&wire::STRUCTURED_REPLY.to_be_bytes()[..], &flags.to_be_bytes(), &kind.to_be_bytes(), &cookie.to_be_bytes()].concat();
        [head, length.to_be_bytes().to_vec(), self.at.to_be_bytes().to_vec(), body].concat()
    }
}

#[derive(Clone, Copy, Debug)]
enum Lie {
    None,
    /// One piece is missing.
    Gap,
    /// One comes twice, with other bytes the second time.
    Twice,
    /// One comes in place of another of the same length: the sum is right.
    Instead,
    /// One begins a byte early.
    Early,
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    let cuts = prop::collection::btree_set(1u64..511, 1..6);
    (cuts, prop::collection::vec((any::<bool>(), any::<u8>()), 8))
        .prop_map(|(cuts, how)| {
            let edges: Vec<u64> = [0].into_iter().chain(cuts).chain([512]).collect();
            let piece =
                |(w, (hole, seed)): (&[u64], &(bool, u8))| Piece { at: w[0], length: (w[1] - w[0]) as u32, hole: *hole, seed: *seed };
            edges.windows(2).zip(&how).map(piece).collect()
        })
        .prop_shuffle()
}

fn told(pieces: &[Piece], lie: Lie) -> Vec<Piece> {
    let mut told = pieces.to_vec();
    let first = told[0].clone();
    match lie {
        Lie::None => {}
        Lie::Gap => drop(told.remove(0)),
        Lie::Twice => told.push(Piece { seed: first.seed.wrapping_add(1), hole: false, ..first }),
        Lie::Instead => {
            // Halves of the disk: one of them twice.
            told = [0, 0].map(|at| Piece { at, length: 256, hole: false, seed: first.seed }).to_vec();
        }
        Lie::Early => {
            let late = told.iter_mut().find(|p| p.at > 0).unwrap();
            (late.at, late.length) = (late.at - 1, late.length + 1);
        }
    }
    told
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nonsense_in_the_handshake_is_an_error(noise in prop::collection::vec(any::<u8>(), 0..200), magic in any::<bool>()) {
        let greeting = [&wire::NBD_MAGIC.to_be_bytes()[..], &wire::OPTION_MAGIC.to_be_bytes(), &3u16.to_be_bytes()].concat();
        let bytes = if magic { [greeting, noise].concat() } else { noise };
        on_runtime(async {
            let port = hostile(bytes, false).await;
            prop_assert!(Client::connect(&target(port, None), SOON).await.is_err());
            Ok(())
        })?;
    }

    /// A read answers what the pieces hold, byte by byte, or fails: gaps and overlaps are no data.
    #[test]
    fn a_read_is_every_byte_once(
        pieces in pieces(), lie in prop::sample::select(vec![Lie::None, Lie::None, Lie::Gap, Lie::Twice, Lie::Instead, Lie::Early]),
    ) {
        on_runtime(async {
            let all = told(&pieces, lie);
            let last = all.len() - 1;
            let reply: Vec<u8> = all.iter().enumerate().flat_map(|(i, p)| p.chunk(1, i == last)).collect();
            let port = hostile(reply, true).await;
            let client = Client::connect(&target(port, None), SOON).await.unwrap();
            let read = client.read(0, 512).await;
            match lie {
                Lie::None => {
                    let truth: Vec<u8> = (0..512).map(|at| pieces.iter().find(|p| (p.at..p.at + u64::from(p.length)).contains(&at)).unwrap().byte(at)).collect();
                    prop_assert_eq!(read.unwrap(), truth);
                }
                _ => prop_assert!(read.is_err(), "{:?} passed as data", lie),
            }
            Ok(())
        })?;
    }

    /// Whatever comes: an answer of exactly the bytes asked for, or an error; no panic, no endless wait.
    #[test]
    fn nonsense_in_replies_is_an_error(chunks in prop::collection::vec(chunk(), 0..4)) {
        on_runtime(async {
            let port = hostile(chunks.concat(), true).await;
            let client = Client::connect(&target(port, None), SOON).await.unwrap();
            if let Ok(bytes) = client.read(0, 512).await {
                prop_assert_eq!(bytes.len(), 512);
            }
            if let Ok(runs) = client.extents("base:allocation").await {
                prop_assert_eq!(runs.iter().map(|r| r.length).sum::<u64>(), SIZE as u64);
            }
            Ok(())
        })?;
    }
}

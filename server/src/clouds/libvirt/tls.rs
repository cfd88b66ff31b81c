//! TLS of our own: the server's certificate for the fingerprint, and the connection that disks are read over.
//!
//! libvirt's library makes its own TLS connection and does not tell which certificate it saw, so this node looks at it
//! first: same port, same client certificate. libvirt then checks the chain and the name once more by itself.

use super::fields::Pki;
use crate::clouds::error::{Error, Kind, Result};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A connection that is not there after this long counts as lost: well below the 10 s in which a screen turns red.
pub const CONNECT: Duration = Duration::from_secs(5);

/// # Errors
/// `Transient`, in words that say what to look at.
pub async fn tcp(host: &str, port: u16) -> Result<TcpStream> {
    let fail = |why: String| Error::transient(format!("{host}:{port}: {why}"));
    let connected = timeout(CONNECT, TcpStream::connect((host, port))).await;
    let stream =
        connected.map_err(|_| fail(format!("no answer within {} s", CONNECT.as_secs())))?.map_err(|error| fail(explain(&error)))?;
    // Requests are small and wait for their answer.
    stream.set_nodelay(true).map_err(|error| fail(error.to_string()))?;
    Ok(stream)
}

fn explain(error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::ConnectionRefused => ": nothing listens there; is the service on, and is it this port?",
        std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => ": no route to it",
        _ if error.to_string().contains("lookup") => ": is the name right?",
        _ => "",
    };
    format!("{error}{hint}")
}

/// Whom we met at a libvirt TLS port: SHA-256 of its certificate, hex.
///
/// # Errors
/// `Auth` when it refused our certificate, `Transient` when it did not answer.
pub async fn fingerprint(host: &str, tcp: TcpStream, pki: Option<&Pki>) -> Result<String> {
    let connector = TlsConnector::from(Arc::new(config(Arc::new(Anyone(provider())), pki)?));
    let mut stream = handshake(&connector, host, tcp).await?;
    let seen = stream.get_ref().1.peer_certificates().and_then(|all| all.first()).map(|one| hex(&Sha256::digest(one)));
    if pki.is_some() {
        accepted(host, &mut stream).await?;
    }
    seen.ok_or_else(|| Error::new(Kind::Identity, format!("{host} showed no certificate")))
}

/// libvirt's server sends one byte when it has accepted the client's certificate.
async fn accepted(host: &str, stream: &mut TlsStream<TcpStream>) -> Result<()> {
    match timeout(CONNECT, stream.read_u8()).await {
        Ok(Ok(1)) => Ok(()),
        Ok(_) => Err(Error::new(
            Kind::Auth,
            format!(
                "{host} refused this node's client certificate: is it signed by the authority that the host trusts, not expired, and in its tls_allowed_dn_list?"
            ),
        )),
        Err(_) => Err(Error::transient(format!("{host} did not finish the TLS handshake"))),
    }
}

/// TLS for reading disks: the server is checked against the authority and by its name.
///
/// # Errors
/// `Permanent` when the certificates given are unusable.
pub fn strict(pki: &Pki) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for one in certificates("ca", &pki.ca)? {
        roots.add(one).map_err(|error| Error::permanent(format!("ca: {error}")))?;
    }
    let verifier = rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| Error::permanent(format!("ca: {error}")))?;
    Ok(Arc::new(config(verifier, Some(pki))?))
}

/// # Errors
/// `Identity` when the server is not who it should be, `Auth` when it refuses us.
async fn handshake(connector: &TlsConnector, host: &str, tcp: TcpStream) -> Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Error::permanent(format!("'{host}' is no host name")))?;
    match timeout(CONNECT, connector.connect(name, tcp)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(refused(host, &error)),
        Err(_) => Err(Error::transient(format!("{host} did not finish the TLS handshake"))),
    }
}

fn refused(host: &str, error: &std::io::Error) -> Error {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let kind = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => Kind::Identity,
        Some(rustls::Error::AlertReceived(_)) => Kind::Auth,
        Some(_) => Kind::Permanent,
        None => Kind::Transient,
    };
    Error::new(kind, format!("{host}: TLS failed: {error}"))
}

fn config(verifier: Arc<dyn ServerCertVerifier>, pki: Option<&Pki>) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::permanent(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(pki) = pki else { return Ok(builder.with_no_client_auth()) };
    let key = PrivateKeyDer::from_pem_slice(pki.key.as_bytes()).map_err(|error| Error::permanent(format!("key: {error}")))?;
    builder
        .with_client_auth_cert(certificates("cert", &pki.cert)?, key)
        .map_err(|error| Error::permanent(format!("cert, key: they do not fit: {error}")))
}

fn certificates(field: &str, pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let all: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(Error::permanent(format!("{field}: it holds no certificate"))),
        Err(error) => Err(Error::permanent(format!("{field}: {error}"))),
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes any certificate, to look at it: nothing is sent or believed over such a connection.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

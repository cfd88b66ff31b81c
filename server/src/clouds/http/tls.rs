//! The HTTP client: who is at the other end is checked against the pinned certificate, or against the authorities.

use crate::clouds::error::{Error, Result};
use reqwest::{Certificate, Client, redirect::Policy, tls::TlsInfo};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};

/// A connection that is not there after this long counts as lost: well below the 10 s in which a screen turns red.
const CONNECT: Duration = Duration::from_secs(4);
/// Nothing at all for so long: the service hangs. Stores compute checksums at the end of an upload.
const SILENCE: Duration = Duration::from_secs(120);
/// In rustls' words, when the certificate is another one than the pinned.
const OTHER_CERTIFICATE: &str = "another certificate than the accepted one";

/// `ca`: PEM of the authority that signed the servers' certificates, besides those that this host trusts. `fingerprint`:
/// SHA-256 (hex) of the one certificate that is taken instead, whoever signed it; SHA-1 where a server that is trusted already
/// tells another one's in that form only, as a vCenter does of its hosts.
///
/// # Errors
/// `Permanent` when the authority's certificate cannot be read.
pub fn client(ca: Option<&str>, fingerprint: Option<&str>) -> Result<Client> {
    // A node reaches its clouds directly; a token belongs to the service that was asked, so no redirect is followed.
    let mut builder = Client::builder().connect_timeout(CONNECT).read_timeout(SILENCE).redirect(Policy::none()).no_proxy().tls_info(true);
    if let Some(fingerprint) = fingerprint {
        builder = builder.tls_backend_preconfigured(verified(Some(fingerprint))?);
    } else if let Some(pem) = ca {
        let all = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|error| Error::permanent(format!("ca: {error}")))?;
        builder = builder.tls_certs_merge(all);
    }
    builder.build().map_err(|error| Error::permanent(format!("ca: {error}")))
}

/// SHA-256 of the certificate that an answer came with, hex.
pub fn fingerprint(answer: &reqwest::Response) -> Option<String> {
    answer.extensions().get::<TlsInfo>()?.peer_certificate().map(hash)
}

fn hash(der: &[u8]) -> String {
    Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 (hex) of the certificate that is shown at an address. Nothing is sent or believed over this connection.
#[cfg(feature = "vsphere")]
pub async fn shown(address: &str) -> Option<String> {
    use tokio::{net::TcpStream, time::timeout};
    let url = url::Url::parse(address).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    let tcp = timeout(CONNECT, TcpStream::connect((host.as_str(), url.port_or_known_default()?))).await.ok()?.ok()?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(verified(None).ok()?));
    let stream = timeout(CONNECT, connector.connect(ServerName::try_from(host).ok()?, tcp)).await.ok()?.ok()?;
    stream.get_ref().1.peer_certificates()?.first().map(|seen| hash(seen))
}

fn verified(fingerprint: Option<&str>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Pinned { fingerprint: fingerprint.map(str::to_owned), provider: provider.clone() });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Error::permanent(error.to_string()))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Takes the one certificate that an administrator accepted, whoever signed it. All services of a cloud that are
/// reached over https must show it, as those behind one load balancer do.
#[derive(Debug)]
struct Pinned {
    /// `None`: any, to look at it.
    fingerprint: Option<String>,
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    fn takes(&self, seen: &CertificateDer<'_>) -> bool {
        match self.fingerprint.as_deref() {
            None => true,
            #[cfg(feature = "vsphere")]
            Some(sha1) if sha1.len() == 40 => sha1::Sha1::digest(seen).iter().map(|byte| format!("{byte:02x}")).collect::<String>() == sha1,
            Some(sha256) => hash(seen) == sha256,
        }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        seen: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if self.takes(seen) { Ok(ServerCertVerified::assertion()) } else { Err(rustls::Error::General(OTHER_CERTIFICATE.into())) }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

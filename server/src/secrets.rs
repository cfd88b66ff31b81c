//! Secrets at rest: XChaCha20-Poly1305 under the node's key file.
//!
//! The key file is 32 random bytes that only the node's user may read; without it the stored credentials are noise.

use anyhow::{Context, Result, bail};
use chacha20poly1305::{
    Key as CipherKey, XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

#[derive(Clone)]
pub struct Key(XChaCha20Poly1305);

const NONCE: usize = 24;

impl Key {
    /// Reads the key file, or makes it at the first start.
    ///
    /// # Errors
    /// A file that others can read or that is not a key: with what to do.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        if !path.exists() {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("cannot create the key file {}", path.display()))?;
            file.write_all(&rand::random::<[u8; 32]>())?;
            file.sync_all()?;
        }
        let mode = fs::metadata(path)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            bail!("the key file {} can be read by others (mode {mode:o}): run  chmod 600 {}", path.display(), path.display());
        }
        let bytes: [u8; 32] = fs::read(path)?
            .try_into()
            .map_err(|_| anyhow::anyhow!("{} is not a key file of 32 bytes: restore it from your backup", path.display()))?;
        Ok(Self::from_bytes(bytes))
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&CipherKey::from(bytes)))
    }

    /// Nonce and ciphertext.
    ///
    /// # Errors
    /// Only when the cipher itself fails.
    pub fn seal(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE] = rand::random();
        let sealed = self.0.encrypt(&XNonce::from(nonce), plain).map_err(|_| anyhow::anyhow!("a secret could not be encrypted"))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Tells bodies apart without keeping them: a hash that only this key file can make, so that nobody who has the
    /// store alone can try passwords against it.
    ///
    /// # Errors
    /// Only when the cipher itself fails.
    pub fn fingerprint(&self, bytes: &[u8]) -> Result<String> {
        // The key stream of the zero nonce, which a random one of 192 bits never is.
        let secret = self.0.encrypt(&XNonce::from([0; NONCE]), &[0_u8; 32][..]).map_err(|_| anyhow::anyhow!("no fingerprint"))?;
        let hash = Sha256::new().chain_update(&secret).chain_update(Sha256::digest(bytes)).finalize();
        Ok(hash.iter().map(|b| format!("{b:02x}")).collect())
    }

    /// # Errors
    /// The key file is not the one that it was sealed with, or the bytes are damaged.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let (nonce, rest) = sealed.split_at_checked(NONCE).context("a stored secret is damaged")?;
        let nonce: [u8; NONCE] = nonce.try_into()?;
        self.0
            .decrypt(&XNonce::from(nonce), rest)
            .map_err(|_| anyhow::anyhow!("a stored secret cannot be read with this key file: restore the key that belongs to this store"))
    }
}

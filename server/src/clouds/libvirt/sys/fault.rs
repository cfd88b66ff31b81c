//! What libvirt says went wrong, and which of the engine's kinds that is.

use super::raw;
use crate::clouds::error::{Error, Kind};

pub type R<T> = Result<T, Fault>;

#[derive(Clone, Debug)]
pub struct Fault {
    pub code: u32,
    pub message: String,
}

impl Fault {
    /// The last error of this thread.
    pub fn last() -> Self {
        // SAFETY: the error belongs to libvirt's thread-local state and is copied before anything else is called.
        let pointer = unsafe { raw::virGetLastError() };
        if pointer.is_null() {
            return Self::ours("libvirt failed without a reason");
        }
        // SAFETY: not null, see above.
        let error = unsafe { &*pointer };
        Self { code: error.code as u32, message: super::peek(error.message) }
    }

    pub fn ours(message: &str) -> Self {
        Self { code: raw::VIR_ERR_INTERNAL_ERROR, message: message.into() }
    }

    pub fn is(&self, code: u32) -> bool {
        self.code == code
    }

    /// No such machine, volume, pool, network, checkpoint.
    pub fn is_missing(&self) -> bool {
        kind_of(self.code, &self.message) == Kind::NotFound
    }

    pub fn says(&self, words: &str) -> bool {
        self.message.contains(words)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Error::new(kind_of(fault.code, &fault.message), fault.message)
    }
}

/// libvirt's codes are coarse (half of QEMU's failures are "internal error"), so its words decide where they must.
pub fn kind_of(code: u32, message: &str) -> Kind {
    let says = |words: &str| message.contains(words);
    match code {
        _ if says("No space left on device") || says("Disk quota exceeded") => Kind::Full,
        _ if says("client socket is closed") || says("Cannot write data") || says("Cannot recv data") || says("Cannot read data") => {
            Kind::Transient
        }
        raw::VIR_ERR_AUTH_FAILED
        | raw::VIR_ERR_AUTH_CANCELLED
        | raw::VIR_ERR_AUTH_UNAVAILABLE
        | raw::VIR_ERR_ACCESS_DENIED
        | raw::VIR_ERR_OPERATION_DENIED => Kind::Auth,
        raw::VIR_ERR_NO_DOMAIN
        | raw::VIR_ERR_NO_NETWORK
        | raw::VIR_ERR_NO_STORAGE_POOL
        | raw::VIR_ERR_NO_STORAGE_VOL
        | raw::VIR_ERR_NO_DOMAIN_CHECKPOINT
        | raw::VIR_ERR_NO_DOMAIN_BACKUP
        | raw::VIR_ERR_NO_NODE_DEVICE => Kind::NotFound,
        raw::VIR_ERR_NO_SUPPORT
        | raw::VIR_ERR_CONFIG_UNSUPPORTED
        | raw::VIR_ERR_OPERATION_UNSUPPORTED
        | raw::VIR_ERR_ARGUMENT_UNSUPPORTED => Kind::Unsupported,
        raw::VIR_ERR_DOM_EXIST | raw::VIR_ERR_STORAGE_VOL_EXIST | raw::VIR_ERR_OPERATION_INVALID => Kind::Conflict,
        raw::VIR_ERR_OPERATION_TIMEOUT
        | raw::VIR_ERR_RESOURCE_BUSY
        | raw::VIR_ERR_AGENT_UNRESPONSIVE
        | raw::VIR_ERR_RPC
        | raw::VIR_ERR_NO_CONNECT => Kind::Transient,
        raw::VIR_ERR_GNUTLS_ERROR => Kind::Identity,
        _ if says("timed out") || says("Timed out") => Kind::Transient,
        _ => Kind::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_beat_codes_where_libvirt_is_coarse() {
        assert_eq!(kind_of(raw::VIR_ERR_SYSTEM_ERROR, "cannot write: No space left on device"), Kind::Full);
        assert_eq!(kind_of(raw::VIR_ERR_INTERNAL_ERROR, "client socket is closed"), Kind::Transient);
        assert_eq!(kind_of(raw::VIR_ERR_NO_DOMAIN, "Domain not found"), Kind::NotFound);
        assert_eq!(kind_of(raw::VIR_ERR_INTERNAL_ERROR, "process exited while connecting to monitor"), Kind::Permanent);
    }
}

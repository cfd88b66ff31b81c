//! Who asks, and what they may do.

use crate::error::{Code, Error, Result};
use model::access::Role;

/// Made by the web layer from a session or a token, or by the node itself.
#[derive(Clone, Debug)]
pub struct Caller {
    /// User name, `token:<name>` or `node:<name>`: the actor of audit events.
    pub name: String,
    pub role: Role,
    /// Peer address, for the audit.
    pub address: Option<String>,
}

impl Caller {
    /// # Errors
    /// `Forbidden`, naming the role that it takes.
    pub fn must_be(&self, role: Role) -> Result<()> {
        if self.role >= role {
            return Ok(());
        }
        let message = format!("This takes the role {}; {} is {}. Ask an administrator.", role.as_str(), self.name, self.role.as_str());
        Err(Error::new(Code::Forbidden, message))
    }
}

//! The cloud where a machine is, as steering sees it: what points floating addresses.

use crate::{
    clouds::{
        FloatingAddresses,
        error::Error,
        guard::{Guard, LONG, SHORT},
    },
    steering::{Pointer, Result},
};
use async_trait::async_trait;

pub struct CloudOf<'a> {
    pub guard: &'a Guard,
    /// The machine that addresses are to reach.
    pub native_id: &'a str,
}

impl<'a> CloudOf<'a> {
    /// `None`: the cloud has no such addresses.
    pub fn pointer(&self) -> Option<&dyn Pointer> {
        self.guard.cloud().addresses().map(|_| self as &dyn Pointer)
    }

    fn addresses(&self) -> std::result::Result<&dyn FloatingAddresses, Error> {
        self.guard.cloud().addresses().ok_or_else(|| Error::lacks("point floating addresses"))
    }
}

#[async_trait]
impl Pointer for CloudOf<'_> {
    async fn reaches(&self, address: &str) -> Result<Option<String>> {
        let look = self.guard.run("addresses", SHORT, async { self.addresses()?.list().await });
        let all = look.await.map_err(|error| error.message)?;
        let own = all.into_iter().find(|one| one.address == address);
        own.map(|one| one.mac).ok_or_else(|| {
            format!("{address} is no floating address of {}. Have it allocated to the project or account there.", self.guard.name)
        })
    }

    async fn point(&self, address: &str, mac: &str) -> Result<String> {
        let assign = self.guard.run("assign address", LONG, async { self.addresses()?.assign(address, self.native_id, mac).await });
        let seen = assign.await.map_err(|error| error.message)?;
        Ok(format!("{address} points at {} of {}", seen.mac.unwrap_or_default(), self.guard.name))
    }
}

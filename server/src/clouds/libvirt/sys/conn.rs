//! A connection and what hangs on it.

use super::{Domain, Pool, R, Volume, c, check, handle, peek, raw, take, take_list};
use std::ptr::null_mut;

handle!(
    /// One connection to one host.
    Conn, virConnect, virConnectRef, virConnectClose
);
handle!(Network, virNetwork, virNetworkRef, virNetworkFree);
handle!(NodeDevice, virNodeDevice, virNodeDeviceRef, virNodeDeviceFree);

impl Conn {
    pub fn open(uri: &str) -> R<Self> {
        super::start();
        let uri = c(uri)?;
        // SAFETY: the URI outlives the call; no credentials are asked for (null), since nobody sits at a terminal.
        Self::own(unsafe { raw::virConnectOpenAuth(uri.as_ptr(), null_mut(), 0) })
    }

    /// Not an error where the transport has no such thing (test driver, local socket).
    pub fn keep_alive(&self, seconds: i32, misses: u32) {
        // SAFETY: a live connection.
        unsafe { raw::virConnectSetKeepAlive(self.ptr(), seconds, misses) };
    }

    pub fn is_alive(&self) -> bool {
        // SAFETY: a live handle. -1 (cannot tell) counts as alive: the next call will say.
        unsafe { raw::virConnectIsAlive(self.ptr()) != 0 }
    }

    /// Version of the library at the other end: major * 1,000,000 + minor * 1,000 + release.
    pub fn lib_version(&self) -> R<u64> {
        let mut version = 0;
        // SAFETY: the out pointer is a local.
        check(unsafe { raw::virConnectGetLibVersion(self.ptr(), &mut version) })?;
        Ok(version)
    }

    pub fn hypervisor_version(&self) -> R<u64> {
        let mut version = 0;
        // SAFETY: the out pointer is a local.
        check(unsafe { raw::virConnectGetVersion(self.ptr(), &mut version) })?;
        Ok(version)
    }

    /// `QEMU`, `LXC`, `TEST` …
    pub fn kind(&self) -> String {
        // SAFETY: a static string of libvirt.
        peek(unsafe { raw::virConnectGetType(self.ptr()) })
    }

    pub fn hostname(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virConnectGetHostname(self.ptr()) })
    }

    pub fn domains(&self) -> R<Vec<Domain>> {
        let mut list = null_mut();
        // SAFETY: the out pointer is a local; the list is taken over.
        let code = unsafe { raw::virConnectListAllDomains(self.ptr(), &mut list, 0) };
        take_list(code, list, Domain::own)
    }

    pub fn networks(&self) -> R<Vec<Network>> {
        let mut list = null_mut();
        // SAFETY: as above.
        let code = unsafe { raw::virConnectListAllNetworks(self.ptr(), &mut list, 0) };
        take_list(code, list, Network::own)
    }

    pub fn pools(&self) -> R<Vec<Pool>> {
        let mut list = null_mut();
        // SAFETY: as above.
        let code = unsafe { raw::virConnectListAllStoragePools(self.ptr(), &mut list, 0) };
        take_list(code, list, Pool::own)
    }

    pub fn node_devices(&self, flags: u32) -> R<Vec<NodeDevice>> {
        let mut list = null_mut();
        // SAFETY: as above.
        let code = unsafe { raw::virConnectListAllNodeDevices(self.ptr(), &mut list, flags) };
        take_list(code, list, NodeDevice::own)
    }

    pub fn domain(&self, uuid: &str) -> R<Domain> {
        let uuid = c(uuid)?;
        // SAFETY: the string outlives the call.
        Domain::own(unsafe { raw::virDomainLookupByUUIDString(self.ptr(), uuid.as_ptr()) })
    }

    pub fn domain_by_name(&self, name: &str) -> R<Domain> {
        let name = c(name)?;
        // SAFETY: the string outlives the call.
        Domain::own(unsafe { raw::virDomainLookupByName(self.ptr(), name.as_ptr()) })
    }

    pub fn define(&self, xml: &str) -> R<Domain> {
        let xml = c(xml)?;
        // SAFETY: the string outlives the call.
        Domain::own(unsafe { raw::virDomainDefineXMLFlags(self.ptr(), xml.as_ptr(), 0) })
    }

    /// A machine that is gone when it stops; `flags` of virDomainCreateXML.
    pub fn create_transient(&self, xml: &str, flags: u32) -> R<Domain> {
        let xml = c(xml)?;
        // SAFETY: the string outlives the call.
        Domain::own(unsafe { raw::virDomainCreateXML(self.ptr(), xml.as_ptr(), flags) })
    }

    pub fn network(&self, name: &str) -> R<Network> {
        let name = c(name)?;
        // SAFETY: the string outlives the call.
        Network::own(unsafe { raw::virNetworkLookupByName(self.ptr(), name.as_ptr()) })
    }

    pub fn pool(&self, name: &str) -> R<Pool> {
        let name = c(name)?;
        // SAFETY: the string outlives the call.
        Pool::own(unsafe { raw::virStoragePoolLookupByName(self.ptr(), name.as_ptr()) })
    }

    pub fn volume_by_path(&self, path: &str) -> R<Volume> {
        let path = c(path)?;
        // SAFETY: the string outlives the call.
        Volume::own(unsafe { raw::virStorageVolLookupByPath(self.ptr(), path.as_ptr()) })
    }

    pub fn capabilities(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virConnectGetCapabilities(self.ptr()) })
    }

    /// What a machine of this architecture and type could have here.
    pub fn domain_capabilities(&self, arch: &str, machine: Option<&str>, virt: &str) -> R<String> {
        let (arch, virt) = (c(arch)?, c(virt)?);
        let machine = machine.map(c).transpose()?;
        let machine = machine.as_ref().map_or(std::ptr::null(), |m| m.as_ptr());
        // SAFETY: the strings outlive the call; null asks for the default emulator.
        take(unsafe { raw::virConnectGetDomainCapabilities(self.ptr(), std::ptr::null(), arch.as_ptr(), machine, virt.as_ptr(), 0) })
    }
}

impl Network {
    pub fn name(&self) -> String {
        // SAFETY: a string that lives with the handle.
        peek(unsafe { raw::virNetworkGetName(self.ptr()) })
    }
    pub fn is_active(&self) -> R<bool> {
        // SAFETY: a live handle.
        Ok(check(unsafe { raw::virNetworkIsActive(self.ptr()) })? == 1)
    }
    pub fn xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virNetworkGetXMLDesc(self.ptr(), 0) })
    }
}

impl NodeDevice {
    pub fn xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virNodeDeviceGetXMLDesc(self.ptr(), 0) })
    }
}

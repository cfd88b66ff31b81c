//! A machine of libvirt.

use super::{Conn, Fault, R, c, check, handle, peek, raw, take};
use std::ptr::null_mut;

handle!(
    /// A domain, running or not.
    Domain, virDomain, virDomainRef, virDomainFree
);

/// One address that was seen at a network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub mac: String,
    pub address: String,
}

impl Domain {
    pub fn name(&self) -> String {
        // SAFETY: a string that lives with the handle.
        peek(unsafe { raw::virDomainGetName(self.ptr()) })
    }

    pub fn uuid(&self) -> R<String> {
        uuid_of(self.ptr())
    }

    pub fn xml(&self, flags: u32) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virDomainGetXMLDesc(self.ptr(), flags) })
    }

    /// The definition that the next start will use.
    pub fn inactive_xml(&self) -> R<String> {
        self.xml(raw::VIR_DOMAIN_XML_INACTIVE | raw::VIR_DOMAIN_XML_SECURE)
    }

    /// State and reason, as numbers of libvirt.
    pub fn state(&self) -> R<(u32, i32)> {
        let (mut state, mut reason) = (0, 0);
        // SAFETY: the out pointers are locals.
        check(unsafe { raw::virDomainGetState(self.ptr(), &mut state, &mut reason, 0) })?;
        Ok((state as u32, reason))
    }

    pub fn is_active(&self) -> R<bool> {
        // SAFETY: a live handle.
        Ok(check(unsafe { raw::virDomainIsActive(self.ptr()) })? == 1)
    }

    pub fn is_persistent(&self) -> R<bool> {
        // SAFETY: a live handle.
        Ok(check(unsafe { raw::virDomainIsPersistent(self.ptr()) })? == 1)
    }

    pub fn start(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainCreate(self.ptr()) }).map(drop)
    }

    pub fn resume(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainResume(self.ptr()) }).map(drop)
    }

    pub fn wake(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainPMWakeup(self.ptr(), 0) }).map(drop)
    }

    pub fn suspend(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainSuspend(self.ptr()) }).map(drop)
    }

    pub fn shutdown(&self, flags: u32) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainShutdownFlags(self.ptr(), flags) }).map(drop)
    }

    pub fn destroy(&self, flags: u32) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainDestroyFlags(self.ptr(), flags) }).map(drop)
    }

    pub fn reset(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainReset(self.ptr(), 0) }).map(drop)
    }

    pub fn undefine(&self, flags: u32) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainUndefineFlags(self.ptr(), flags) }).map(drop)
    }

    pub fn autostart(&self) -> R<bool> {
        let mut on = 0;
        // SAFETY: the out pointer is a local.
        check(unsafe { raw::virDomainGetAutostart(self.ptr(), &mut on) })?;
        Ok(on != 0)
    }

    pub fn set_autostart(&self, on: bool) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virDomainSetAutostart(self.ptr(), i32::from(on)) }).map(drop)
    }

    /// Virtual size and what is really occupied, of a disk by its target.
    pub fn block_sizes(&self, target: &str) -> R<(u64, u64)> {
        let target = c(target)?;
        let mut info = std::mem::MaybeUninit::<raw::_virDomainBlockInfo>::zeroed();
        // SAFETY: libvirt fills the struct; all-zero is a valid value of it.
        let info = unsafe {
            check(raw::virDomainGetBlockInfo(self.ptr(), target.as_ptr(), info.as_mut_ptr(), 0))?;
            info.assume_init()
        };
        Ok((info.capacity, info.allocation))
    }

    /// Takes everything into the disk that lies above the file `base` in its chain, whose files name each other
    /// relatively; the call only begins it.
    pub fn pull(&self, target: &str, base: &str) -> R<()> {
        let (target, base) = (c(target)?, c(base)?);
        // SAFETY: the strings outlive the call.
        check(unsafe { raw::virDomainBlockRebase(self.ptr(), target.as_ptr(), base.as_ptr(), 0, raw::VIR_DOMAIN_BLOCK_REBASE_RELATIVE) })
            .map(drop)
    }

    /// Does something still work on this disk?
    pub fn has_block_job(&self, target: &str) -> R<bool> {
        let target = c(target)?;
        let mut info = std::mem::MaybeUninit::<raw::virDomainBlockJobInfo>::zeroed();
        // SAFETY: libvirt fills the struct; the string outlives the call.
        Ok(check(unsafe { raw::virDomainGetBlockJobInfo(self.ptr(), target.as_ptr(), info.as_mut_ptr(), 0) })? == 1)
    }

    /// Addresses by `VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_*`.
    pub fn addresses(&self, source: u32) -> R<Vec<Address>> {
        let mut list = null_mut();
        // SAFETY: the out pointer is a local; the list and its elements are freed below.
        let count = check(unsafe { raw::virDomainInterfaceAddresses(self.ptr(), &mut list, source, 0) })? as usize;
        let mut found = vec![];
        for index in 0..count {
            // SAFETY: libvirt allocated `count` elements; each is read, then freed.
            let interface = unsafe { *list.add(index) };
            // SAFETY: as above.
            found.extend(unsafe { addresses_of(interface) });
            // SAFETY: ours to free, once.
            unsafe { raw::virDomainInterfaceFree(interface) };
        }
        // SAFETY: the array itself is ours to free (null is fine).
        unsafe { libc::free(list.cast()) };
        Ok(found)
    }

    /// Moves it to the host behind `uri`; it blocks until the migration ended.
    pub fn migrate(&self, uri: &str, params: &[(&str, super::Param)], flags: u32) -> R<()> {
        let uri = c(uri)?;
        let mut list = super::job::Params::new(params)?;
        // SAFETY: the strings and parameters outlive the call.
        check(unsafe { raw::virDomainMigrateToURI3(self.ptr(), uri.as_ptr(), list.ptr(), list.len(), flags) }).map(drop)
    }

    pub fn connection(&self) -> R<Conn> {
        // SAFETY: the pointer is borrowed from the domain: a reference of our own is taken before it is owned.
        let pointer = unsafe { raw::virDomainGetConnect(self.ptr()) };
        if pointer.is_null() {
            return Err(Fault::last());
        }
        // SAFETY: as above.
        unsafe { raw::virConnectRef(pointer) };
        Conn::own(pointer)
    }
}

/// Asks no server: the handle carries it.
pub(super) fn uuid_of(domain: raw::virDomainPtr) -> R<String> {
    let mut buffer = [0; 37];
    // SAFETY: libvirt writes 36 characters and a zero byte.
    check(unsafe { raw::virDomainGetUUIDString(domain, buffer.as_mut_ptr()) })?;
    Ok(peek(buffer.as_ptr()))
}

/// # Safety
/// `interface` is one that libvirt returned and that was not freed.
unsafe fn addresses_of(interface: raw::virDomainInterfacePtr) -> Vec<Address> {
    // SAFETY: by contract.
    let interface = unsafe { &*interface };
    let mac = peek(interface.hwaddr).to_lowercase();
    (0..interface.naddrs as usize)
        // SAFETY: `naddrs` elements.
        .map(|index| unsafe { &*interface.addrs.add(index) })
        .map(|one| Address { mac: mac.clone(), address: peek(one.addr) })
        .collect()
}

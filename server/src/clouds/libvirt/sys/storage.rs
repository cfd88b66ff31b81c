//! Storage pools and volumes.

use super::{R, Stream, c, check, handle, peek, raw, take, take_list};
use std::ptr::null_mut;

handle!(Pool, virStoragePool, virStoragePoolRef, virStoragePoolFree);
handle!(Volume, virStorageVol, virStorageVolRef, virStorageVolFree);

#[derive(Clone, Copy, Debug, Default)]
pub struct PoolInfo {
    pub active: bool,
    pub capacity: u64,
    pub free: u64,
}

impl Pool {
    pub fn name(&self) -> String {
        // SAFETY: a string that lives with the handle.
        peek(unsafe { raw::virStoragePoolGetName(self.ptr()) })
    }

    pub fn uuid(&self) -> R<String> {
        let mut text = [0; raw::VIR_UUID_STRING_BUFLEN as usize];
        // SAFETY: the buffer is as long as libvirt wants it.
        check(unsafe { raw::virStoragePoolGetUUIDString(self.ptr(), text.as_mut_ptr()) })?;
        Ok(peek(text.as_ptr()))
    }

    pub fn info(&self) -> R<PoolInfo> {
        let mut info = std::mem::MaybeUninit::<raw::_virStoragePoolInfo>::zeroed();
        // SAFETY: libvirt fills the struct; all-zero is a valid value of it.
        let info = unsafe {
            check(raw::virStoragePoolGetInfo(self.ptr(), info.as_mut_ptr()))?;
            info.assume_init()
        };
        Ok(PoolInfo { active: info.state as u32 == raw::VIR_STORAGE_POOL_RUNNING, capacity: info.capacity, free: info.available })
    }

    pub fn xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virStoragePoolGetXMLDesc(self.ptr(), 0) })
    }

    pub fn refresh(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virStoragePoolRefresh(self.ptr(), 0) }).map(drop)
    }

    pub fn volumes(&self) -> R<Vec<Volume>> {
        let mut list = null_mut();
        // SAFETY: the out pointer is a local; the list is taken over.
        let code = unsafe { raw::virStoragePoolListAllVolumes(self.ptr(), &mut list, 0) };
        take_list(code, list, Volume::own)
    }

    pub fn volume(&self, name: &str) -> R<Volume> {
        let name = c(name)?;
        // SAFETY: the string outlives the call.
        Volume::own(unsafe { raw::virStorageVolLookupByName(self.ptr(), name.as_ptr()) })
    }

    pub fn create(&self, xml: &str) -> R<Volume> {
        let xml = c(xml)?;
        // SAFETY: the string outlives the call.
        Volume::own(unsafe { raw::virStorageVolCreateXML(self.ptr(), xml.as_ptr(), 0) })
    }

    pub fn create_from(&self, xml: &str, source: &Volume, flags: u32) -> R<Volume> {
        let xml = c(xml)?;
        // SAFETY: the string outlives the call.
        Volume::own(unsafe { raw::virStorageVolCreateXMLFrom(self.ptr(), xml.as_ptr(), source.ptr(), flags) })
    }
}

impl Volume {
    pub fn name(&self) -> String {
        // SAFETY: a string that lives with the handle.
        peek(unsafe { raw::virStorageVolGetName(self.ptr()) })
    }

    pub fn path(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virStorageVolGetPath(self.ptr()) })
    }

    pub fn xml(&self) -> R<String> {
        // SAFETY: a string handed over to us.
        take(unsafe { raw::virStorageVolGetXMLDesc(self.ptr(), 0) })
    }

    pub fn pool(&self) -> R<Pool> {
        // SAFETY: a reference handed over to us.
        Pool::own(unsafe { raw::virStoragePoolLookupByVolume(self.ptr()) })
    }

    /// Virtual size and what is really occupied, in bytes.
    pub fn sizes(&self) -> R<(u64, u64)> {
        let mut info = std::mem::MaybeUninit::<raw::_virStorageVolInfo>::zeroed();
        // SAFETY: libvirt fills the struct; all-zero is a valid value of it.
        let info = unsafe {
            check(raw::virStorageVolGetInfo(self.ptr(), info.as_mut_ptr()))?;
            info.assume_init()
        };
        Ok((info.capacity, info.allocation))
    }

    pub fn delete(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virStorageVolDelete(self.ptr(), 0) }).map(drop)
    }

    pub fn resize(&self, bytes: u64, flags: u32) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virStorageVolResize(self.ptr(), bytes, flags) }).map(drop)
    }

    /// Opens `stream` for writing `length` bytes at `offset`.
    pub fn upload(&self, stream: &Stream, offset: u64, length: u64) -> R<()> {
        // SAFETY: both handles are alive.
        check(unsafe { raw::virStorageVolUpload(self.ptr(), stream.ptr(), offset, length, 0) }).map(drop)
    }

    /// Opens `stream` for reading `length` bytes at `offset`.
    pub fn download(&self, stream: &Stream, offset: u64, length: u64) -> R<()> {
        // SAFETY: both handles are alive.
        check(unsafe { raw::virStorageVolDownload(self.ptr(), stream.ptr(), offset, length, 0) }).map(drop)
    }
}

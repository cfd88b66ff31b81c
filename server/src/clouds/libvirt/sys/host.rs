//! The host itself: size and load.

use super::{Conn, R, check, peek, raw};

#[derive(Clone, Debug, Default)]
pub struct HostInfo {
    pub cpu_model: String,
    pub cpus: u32,
    pub memory_kib: u64,
    pub free_kib: u64,
}

impl Conn {
    pub fn host_info(&self) -> R<HostInfo> {
        let mut info = std::mem::MaybeUninit::<raw::_virNodeInfo>::zeroed();
        // SAFETY: libvirt fills the struct; all-zero is a valid value of it.
        let info = unsafe {
            check(raw::virNodeGetInfo(self.ptr(), info.as_mut_ptr()))?;
            info.assume_init()
        };
        // SAFETY: a live connection. 0 means that it cannot tell.
        let free = unsafe { raw::virNodeGetFreeMemory(self.ptr()) };
        Ok(HostInfo {
            cpu_model: peek(info.model.as_ptr()),
            cpus: info.cpus,
            memory_kib: info.memory as u64,
            free_kib: self.reclaimable_kib().unwrap_or(free as u64 / 1024),
        })
    }

    /// Free memory plus caches and buffers: what machines could really get. `None` where the host does not say.
    fn reclaimable_kib(&self) -> Option<u64> {
        let mut count = 0;
        // SAFETY: a null list asks for the number of fields.
        check(unsafe { raw::virNodeGetMemoryStats(self.ptr(), raw::VIR_NODE_MEMORY_STATS_ALL_CELLS, std::ptr::null_mut(), &mut count, 0) })
            .ok()?;
        // SAFETY: all-zero is a valid value of this plain struct.
        let mut stats = vec![unsafe { std::mem::zeroed::<raw::_virNodeMemoryStats>() }; count as usize];
        // SAFETY: `count` elements are there.
        check(unsafe { raw::virNodeGetMemoryStats(self.ptr(), raw::VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.as_mut_ptr(), &mut count, 0) })
            .ok()?;
        let sum = |names: &[&str]| stats.iter().filter(|s| names.contains(&peek(s.field.as_ptr()).as_str())).map(|s| s.value).sum::<u64>();
        let available = sum(&["available"]);
        let sum = if available > 0 { available } else { sum(&["free", "buffers", "cached"]) };
        (sum > 0).then_some(sum)
    }
}

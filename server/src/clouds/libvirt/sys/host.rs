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
        let (total, available) = self.memory_kib();
        Ok(HostInfo {
            cpu_model: peek(info.model.as_ptr()),
            cpus: info.cpus,
            // The sum over NUMA cells may leave out memory that belongs to none.
            memory_kib: total.unwrap_or(info.memory as u64),
            free_kib: available.unwrap_or(free as u64 / 1024),
        })
    }

    /// All memory, and what machines could really get of it: free plus caches and buffers. `None` where the host does not say.
    fn memory_kib(&self) -> (Option<u64>, Option<u64>) {
        let stats = self.memory_stats().unwrap_or_default();
        let sum = |names: &[&str]| stats.iter().filter(|s| names.contains(&peek(s.field.as_ptr()).as_str())).map(|s| s.value).sum::<u64>();
        let known = |kib: u64| (kib > 0).then_some(kib);
        (known(sum(&["total"])), known(sum(&["available"])).or_else(|| known(sum(&["free", "buffers", "cached"]))))
    }

    fn memory_stats(&self) -> Option<Vec<raw::_virNodeMemoryStats>> {
        let mut count = 0;
        // SAFETY: a null list asks for the number of fields.
        check(unsafe { raw::virNodeGetMemoryStats(self.ptr(), raw::VIR_NODE_MEMORY_STATS_ALL_CELLS, std::ptr::null_mut(), &mut count, 0) })
            .ok()?;
        // SAFETY: all-zero is a valid value of this plain struct.
        let mut stats = vec![unsafe { std::mem::zeroed::<raw::_virNodeMemoryStats>() }; count as usize];
        // SAFETY: `count` elements are there.
        check(unsafe { raw::virNodeGetMemoryStats(self.ptr(), raw::VIR_NODE_MEMORY_STATS_ALL_CELLS, stats.as_mut_ptr(), &mut count, 0) })
            .ok()?;
        Some(stats)
    }
}

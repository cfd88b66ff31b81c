//! libvirt's C interface in safe clothes: the only place of the driver with `unsafe`.
//!
//! Every call here blocks and belongs on a thread of its own ([`super::threads`]). The crate `virt` is not used: its
//! handles panic when libvirt cannot free them, and it lacks events, checkpoints, backups and streams with holes.
#![allow(unsafe_code, reason = "a C library is called; each block passes pointers that a handle here keeps alive")]
mod checkpoint;
mod conn;
mod domain;
mod events;
mod fault;
mod host;
mod job;
mod storage;
mod stream;

pub use conn::Conn;
pub use domain::Domain;
pub use events::{Signal, Subscription};
pub use fault::{Fault, R};
pub use job::{Param, Stats};
pub use storage::{Pool, Volume};
pub use stream::Stream;
pub use virt_sys as raw;

use std::ffi::{CStr, CString, c_char, c_int};

/// Before anything else: the event loop must be there before the first connection, and libvirt must not print.
pub fn start() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(events::run_loop);
}

/// Of the library on this host: major * 1,000,000 + minor * 1,000 + release.
pub fn library_version() -> R<u64> {
    let mut version = 0;
    // SAFETY: libvirt writes one number; the other pointers may be null.
    check(unsafe { raw::virGetVersion(&raw mut version, std::ptr::null(), std::ptr::null_mut()) })?;
    Ok(version)
}

/// A C string of ours.
fn c(text: &str) -> R<CString> {
    CString::new(text).map_err(|_| Fault::ours("a text contains a zero byte"))
}

/// Takes over a string that libvirt allocated.
fn take(pointer: *mut c_char) -> R<String> {
    if pointer.is_null() {
        return Err(Fault::last());
    }
    let text = peek(pointer);
    // SAFETY: libvirt hands such strings over, to be freed with free(3).
    unsafe { libc::free(pointer.cast()) };
    Ok(text)
}

/// Copies a string that stays libvirt's; empty for none.
fn peek(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: libvirt's strings end with a zero byte and live as long as the handle that they were asked from.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Negative means failed, throughout libvirt.
fn check(code: c_int) -> R<c_int> {
    if code < 0 { Err(Fault::last()) } else { Ok(code) }
}

/// Takes over a list that libvirt allocated; `own` makes a handle of each element.
fn take_list<P: Copy, T>(code: c_int, list: *mut P, own: impl Fn(P) -> R<T>) -> R<Vec<T>> {
    let count = check(code)? as usize;
    if list.is_null() {
        return Ok(vec![]);
    }
    // SAFETY: libvirt allocated `count` elements, each owned by us; the array itself is freed below.
    let all = unsafe { std::slice::from_raw_parts(list, count) }.iter().map(|one| own(*one)).collect();
    // SAFETY: the array is ours to free.
    unsafe { libc::free(list.cast()) };
    all
}

/// A counted handle of libvirt: cloned by a reference, given back when dropped.
macro_rules! handle {
    ($(#[$doc:meta])* $name:ident, $raw:ident, $reference:ident, $free:ident) => {
        $(#[$doc])*
        pub struct $name(std::ptr::NonNull<virt_sys::$raw>);

        // SAFETY: libvirt's objects are reference-counted and locked inside; any thread may use them.
        unsafe impl Send for $name {}
        // SAFETY: see above.
        unsafe impl Sync for $name {}

        impl $name {
            /// Takes over one reference; null means that the call failed.
            pub(in crate::clouds::libvirt::sys) fn own(pointer: *mut virt_sys::$raw) -> $crate::clouds::libvirt::sys::R<Self> {
                std::ptr::NonNull::new(pointer).map(Self).ok_or_else($crate::clouds::libvirt::sys::Fault::last)
            }
            pub(in crate::clouds::libvirt::sys) fn ptr(&self) -> *mut virt_sys::$raw {
                self.0.as_ptr()
            }
        }

        impl Clone for $name {
            fn clone(&self) -> Self {
                // SAFETY: the handle is alive as long as self.
                unsafe { virt_sys::$reference(self.ptr()) };
                Self(self.0)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // SAFETY: this reference is ours and given back once.
                unsafe { virt_sys::$free(self.ptr()) };
            }
        }
    };
}
use handle;

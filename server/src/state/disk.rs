//! How much room a folder has.
#![allow(unsafe_code)] // one system call, checked

use std::{ffi::CString, io, os::unix::ffi::OsStrExt, path::Path};

/// Bytes that this user may still write there.
///
/// # Errors
/// The system's, for a folder that is not there.
pub fn free(folder: &Path) -> io::Result<u64> {
    let path = CString::new(folder.as_os_str().as_bytes())?;
    let mut seen = std::mem::MaybeUninit::<libc::statvfs>::zeroed();
    // SAFETY: the path ends with a zero byte, and the answer has room for all that is written.
    if unsafe { libc::statvfs(path.as_ptr(), seen.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call went well, so it was filled; before it was all zero, which is a valid value too.
    let seen = unsafe { seen.assume_init() };
    Ok(seen.f_bavail * seen.f_frsize)
}

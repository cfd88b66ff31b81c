//! Bulk data over a connection.

use super::{Conn, Fault, R, check, handle, raw};

handle!(
    /// One transfer. It must be finished or aborted; dropping it unfinished aborts it at the server.
    Stream, virStream, virStreamRef, virStreamFree
);

/// The library sends all that it is given as one message, of up to 32 MiB. Measured with 4 MiB, both ends spend twice as
/// much on it as with 256 KiB: memory that is got from the system and given back for each.
const MESSAGE: usize = 256 << 10;

impl Stream {
    pub fn new(conn: &Conn) -> R<Self> {
        // SAFETY: a live connection; blocking mode (no flags).
        Self::own(unsafe { raw::virStreamNew(conn.ptr(), 0) })
    }

    /// Sends all of `data`; blocks while the connection is full.
    pub fn send(&self, mut data: &[u8]) -> R<()> {
        while !data.is_empty() {
            let message = &data[..data.len().min(MESSAGE)];
            // SAFETY: the slice is alive for the call.
            let sent = check(unsafe { raw::virStreamSend(self.ptr(), message.as_ptr().cast(), message.len()) })? as usize;
            if sent == 0 || sent > message.len() {
                return Err(Fault::ours("the stream took nothing"));
            }
            data = &data[sent..];
        }
        Ok(())
    }

    /// Receives some bytes; 0 at the end.
    pub fn receive(&self, into: &mut [u8]) -> R<usize> {
        // SAFETY: the buffer is alive for the call and as long as said.
        Ok(check(unsafe { raw::virStreamRecv(self.ptr(), into.as_mut_ptr().cast(), into.len()) })? as usize)
    }

    /// Waits until the server has taken everything.
    pub fn finish(&self) -> R<()> {
        // SAFETY: a live handle.
        check(unsafe { raw::virStreamFinish(self.ptr()) }).map(drop)
    }

    pub fn abort(&self) {
        // SAFETY: a live handle.
        unsafe { raw::virStreamAbort(self.ptr()) };
    }
}

//! Numbers of the protocol, and what we allow a server to send.

pub const NBD_MAGIC: u64 = u64::from_be_bytes(*b"NBDMAGIC");
pub const OPTION_MAGIC: u64 = u64::from_be_bytes(*b"IHAVEOPT");
pub const OPTION_REPLY: u64 = 0x0003_e889_0455_65a9;
pub const REQUEST: u32 = 0x2560_9513;
pub const SIMPLE_REPLY: u32 = 0x6744_6698;
pub const STRUCTURED_REPLY: u32 = 0x668e_33ef;

// Handshake flags; the client's answer uses the same bits.
pub const FIXED_NEWSTYLE: u16 = 1;
pub const NO_ZEROES: u16 = 2;

// Options and their replies.
pub const OPT_STARTTLS: u32 = 5;
pub const OPT_GO: u32 = 7;
pub const OPT_STRUCTURED: u32 = 8;
pub const OPT_SET_CONTEXT: u32 = 10;
pub const REP_ACK: u32 = 1;
pub const REP_INFO: u32 = 3;
pub const REP_CONTEXT: u32 = 4;
pub const REP_ERROR: u32 = 1 << 31;
pub const ERR_POLICY: u32 = REP_ERROR | 2;
pub const ERR_TLS_REQUIRED: u32 = REP_ERROR | 5;
pub const ERR_UNKNOWN: u32 = REP_ERROR | 6;
pub const INFO_EXPORT: u16 = 0;

// Commands.
pub const READ: u16 = 0;
pub const DISCONNECT: u16 = 2;
pub const BLOCK_STATUS: u16 = 7;

// Chunks of a structured reply.
pub const CHUNK_DONE: u16 = 1;
pub const CHUNK_NONE: u16 = 0;
pub const CHUNK_DATA: u16 = 1;
pub const CHUNK_HOLE: u16 = 2;
pub const CHUNK_STATUS: u16 = 5;
pub const CHUNK_ERROR: u16 = 1 << 15;

/// The protocol's own bound for servers that name none.
pub const MAX_READ: u64 = 32 << 20;
/// One status request: below 4 GiB, a multiple of every block size.
pub const MAX_STATUS: u64 = 1 << 30;
/// A reply to an option: strings of at most 4 KiB each.
pub const MAX_OPTION: u32 = 64 << 10;
/// A status chunk of QEMU holds at most 128 Ki runs.
pub const MAX_STATUS_CHUNK: u32 = 4 + 8 * (128 << 10);
pub const MAX_ERROR_CHUNK: u32 = 14 + (64 << 10);

pub fn request(command: u16, cookie: u64, offset: u64, length: u32) -> [u8; 28] {
    let mut out = [0; 28];
    out[..4].copy_from_slice(&REQUEST.to_be_bytes());
    out[6..8].copy_from_slice(&command.to_be_bytes());
    out[8..16].copy_from_slice(&cookie.to_be_bytes());
    out[16..24].copy_from_slice(&offset.to_be_bytes());
    out[24..].copy_from_slice(&length.to_be_bytes());
    out
}

pub fn option(option: u32, data: &[u8]) -> Vec<u8> {
    let mut out = OPTION_MAGIC.to_be_bytes().to_vec();
    out.extend(option.to_be_bytes());
    out.extend((data.len() as u32).to_be_bytes());
    out.extend(data);
    out
}

/// A length and the bytes.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u32).to_be_bytes());
    out.extend(text.as_bytes());
}

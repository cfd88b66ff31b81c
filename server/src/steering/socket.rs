//! The two sockets that the standard library does not have: raw Ethernet frames and ICMP echo.
#![allow(unsafe_code)] // system calls; every one is checked, and the descriptors are owned

use std::{
    io::{Error, Result},
    mem::size_of,
    net::Ipv4Addr,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::Duration,
};

/// Sends one whole Ethernet frame out of an interface. Takes CAP_NET_RAW.
pub fn send_frame(interface: i32, frame: &[u8]) -> Result<()> {
    let socket = open(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    // SAFETY: all zeroes is a valid sockaddr_ll.
    let mut to: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_ifindex = interface;
    to.sll_halen = 6;
    to.sll_addr[..6].fill(0xff);
    send(&socket, frame, (&raw const to).cast(), size_of::<libc::sockaddr_ll>())
}

/// One echo request; `Ok(false)`: no answer in time. Takes either a group in `net.ipv4.ping_group_range` or CAP_NET_RAW.
pub fn ping(address: Ipv4Addr, timeout: Duration) -> Result<bool> {
    let socket =
        open(libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP).or_else(|_| open(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP))?;
    let wait = libc::timeval { tv_sec: timeout.as_secs() as libc::time_t, tv_usec: libc::suseconds_t::from(timeout.subsec_micros()) };
    // SAFETY: the option's value lives through the call and its size is right.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVTIMEO,
            (&raw const wait).cast(),
            size_of::<libc::timeval>() as u32,
        )
    };
    checked(set as isize)?;
    // SAFETY: all zeroes is a valid sockaddr_in.
    let mut to: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    to.sin_family = libc::AF_INET as u16;
    to.sin_addr.s_addr = u32::from_ne_bytes(address.octets());
    send(&socket, &echo(), (&raw const to).cast(), size_of::<libc::sockaddr_in>())?;
    answered(&socket, address, timeout)
}

/// A raw socket hears every ICMP message of the host: only an echo reply of the one that was asked counts.
fn answered(socket: &OwnedFd, address: Ipv4Addr, timeout: Duration) -> Result<bool> {
    let begun = std::time::Instant::now();
    let mut data = [0u8; 1500];
    while begun.elapsed() < timeout {
        // SAFETY: as in `ping`; the kernel writes at most the given lengths.
        let mut from: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        let mut length = size_of::<libc::sockaddr_in>() as u32;
        let got =
            unsafe { libc::recvfrom(socket.as_raw_fd(), data.as_mut_ptr().cast(), data.len(), 0, (&raw mut from).cast(), &raw mut length) };
        let Ok(got) = checked(got) else { return Ok(false) };
        let header = if data[0] >> 4 == 4 && got > 20 { usize::from(data[0] & 15) * 4 } else { 0 };
        if from.sin_addr.s_addr == u32::from_ne_bytes(address.octets()) && data.get(header) == Some(&0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Echo request, code 0, with its checksum; the kernel puts its own identifier in where it wants one.
fn echo() -> [u8; 16] {
    let mut m = [8, 0, 0, 0, 0xc5, 0x0f, 0, 1, b'c', b'r', b'o', b's', b's', b'f', b'd', 0];
    let sum: u32 = m.chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], c[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    m[2..4].copy_from_slice(&(!(folded as u16)).to_be_bytes());
    m
}

fn open(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: plain call; the descriptor that it answers is ours alone.
    let fd = unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) };
    checked(fd as isize)?;
    // SAFETY: just opened, owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn send(socket: &OwnedFd, data: &[u8], to: *const libc::sockaddr, length: usize) -> Result<()> {
    // SAFETY: both buffers live through the call, with their lengths.
    let sent = unsafe { libc::sendto(socket.as_raw_fd(), data.as_ptr().cast(), data.len(), 0, to, length as u32) };
    checked(sent).map(|_| ())
}

fn checked(result: isize) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_the_echo_is_right() {
        let sum: u32 = echo().chunks(2).map(|c| u32::from(u16::from_be_bytes([c[0], c[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }

    #[test]
    fn this_host_answers_itself_or_says_what_is_missing() {
        match ping(Ipv4Addr::LOCALHOST, Duration::from_secs(2)) {
            Ok(answered) => assert!(answered),
            Err(e) => assert_eq!(e.kind(), std::io::ErrorKind::PermissionDenied),
        }
    }
}

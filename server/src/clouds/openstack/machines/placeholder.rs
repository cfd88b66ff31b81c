//! What a machine that was made and never started has for a disk: a boot sector that does nothing but wait.
//!
//! It goes off when it is asked to. An empty disk would do as well, but Nova gives every guest its time to shut down
//! (60 s by default) before it puts another disk in, and that time would be part of every move.

use super::super::{
    images::{self, KIND},
    link::Link,
    upload::Upload,
};
use crate::clouds::error::Result;
use bytes::Bytes;
use std::sync::Arc;

const KIND_NAME: &str = "placeholder";
const BYTES: usize = 1 << 20;

/// 16-bit code. QEMU's firmware puts the power management registers at 0x600; another one's machine just waits for
/// ever, and Nova takes its power away.
const CODE: [u8; 28] = [
    0xba, 0x02, 0x06, // mov dx, 0x602   enable register
    0xed, // in ax, dx
    0x80, 0xcc, 0x01, // or ah, 1        … of the power button
    0xef, // out dx, ax
    0xfb, // wait: sti
    0xf4, // hlt                         until the timer ticks, 18 times a second
    0xba, 0x00, 0x06, // mov dx, 0x600   status register
    0xed, // in ax, dx
    0xf6, 0xc4, 0x01, // test ah, 1      was the button pressed?
    0x74, 0xf5, // jz wait
    0xba, 0x04, 0x06, // mov dx, 0x604   control register
    0xb8, 0x00, 0x20, // mov ax, 0x2000  off
    0xef, // out dx, ax
    0xeb, 0xec, // jmp wait
];

fn disk() -> Vec<u8> {
    let mut disk = vec![0; BYTES];
    disk[..CODE.len()].copy_from_slice(&CODE);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

/// One for each project, made by whoever needs it first. Answers the image's id.
pub async fn ensure(link: &Arc<Link>) -> Result<String> {
    let known = images::list(link, &[(KIND, KIND_NAME)]).await?;
    if let Some(image) = known.into_iter().find(images::Image::is_complete) {
        return Ok(image.id);
    }
    let image = images::create(link, "crossfade placeholder", "raw", &[(KIND, KIND_NAME.to_owned())]).await?;
    let mut upload = Upload::begin(link.clone(), image.clone(), BYTES as u64);
    upload.push(Bytes::from(disk())).await?;
    upload.finish().await?;
    images::set(link, &image, images::COMPLETE, "yes").await?;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_go_where_they_should() {
        let wait = 8;
        let target = |at: usize| at as i32 + 2 + i32::from(CODE[at + 1] as i8);
        assert_eq!((CODE[wait], target(17), target(26)), (0xfb, wait as i32, wait as i32));
        assert_eq!(&disk()[510..512], &[0x55, 0xaa]);
    }
}

//! What an instance boots that is being made: a disk whose boot sector does nothing.
//!
//! EC2 starts whatever it makes. So that nothing of a copy runs before somebody decided that it may, its instance is made from this
//! image, stopped, and only then gets its own volumes (`build.rs`).

use super::super::{
    blocks::{self, BLOCK},
    fault::{change, look},
    link::Link,
    power::TICK,
    sink::{self, snapshots},
    tags::{self, KIND, having, kind},
};
use crate::clouds::error::{Error, Kind, Result};
use aws_sdk_ec2::types::{
    ArchitectureValues, BlockDeviceMapping, BootModeValues, EbsBlockDevice, Image, ImageState, ResourceType, VolumeType,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

pub const ROOT: &str = "/dev/xvda";

/// 16-bit code, for firmware that boots a sector. Under UEFI nothing on the disk is found at all, and the firmware waits.
const CODE: [u8; 4] = [
    0xfa, // cli
    0xf4, // halt: hlt
    0xeb, 0xfd, // jmp halt
];

fn sector() -> Bytes {
    let mut block = vec![0; BLOCK as usize];
    block[..CODE.len()].copy_from_slice(&CODE);
    block[510..512].copy_from_slice(&[0x55, 0xaa]);
    Bytes::from(block)
}

/// One for each architecture and firmware, made by whoever needs it first. Answers the image's id.
pub async fn ensure(link: &Link, arch: &str, boot: &str) -> Result<String> {
    let name = format!("crossfade placeholder {arch} {boot}");
    if let Some(image) = known(link, &name).await? {
        return Ok(image);
    }
    let id = sink::start(link, 1 << 30, None, &[(KIND, kind::PLACEHOLDER), (tags::NAME, &name)]).await?;
    let sum = blocks::put(&link.ebs().await?, &id, 0, sector()).await?;
    sink::complete(link, &id, 1, STANDARD.encode(blocks::sum(&sum))).await?;
    snapshots::until_completed(link, &[&id]).await?;
    match register(link, &name, arch, boot, &id).await {
        Ok(image) => until_available(link, &image).await,
        // Another node was quicker.
        Err(error) if error.kind == Kind::Conflict => {
            snapshots::delete(link, &id).await?;
            known(link, &name).await?.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn known(link: &Link, name: &str) -> Result<Option<String>> {
    let call = link.ec2().await?.describe_images().owners("self").filters(having(KIND, kind::PLACEHOLDER));
    let images = look("images", call.send()).await?.images.unwrap_or_default();
    match images.iter().find(|image| image.name() == Some(name)).and_then(Image::image_id) {
        Some(id) => until_available(link, id).await.map(Some),
        None => Ok(None),
    }
}

async fn register(link: &Link, name: &str, arch: &str, boot: &str, snapshot: &str) -> Result<String> {
    let disk =
        EbsBlockDevice::builder().snapshot_id(snapshot).volume_size(1).volume_type(VolumeType::Gp2).delete_on_termination(true).build();
    let call = link.ec2().await?.register_image().name(name).description("Boots nothing: for machines that Crossfade makes");
    let call = call
        .architecture(ArchitectureValues::from(arch))
        .boot_mode(BootModeValues::from(boot))
        .virtualization_type("hvm")
        .ena_support(true);
    let call = call.root_device_name(ROOT).block_device_mappings(BlockDeviceMapping::builder().device_name(ROOT).ebs(disk).build());
    let notes = tags::all(&[(KIND, kind::PLACEHOLDER), (tags::NAME, name)]);
    let answer = change("register an image", call.tag_specifications(tags::at_birth(ResourceType::Image, &notes)).send()).await?;
    answer.image_id().map(str::to_owned).ok_or_else(|| Error::new(Kind::Unknown, "EC2 registered an image and does not say which."))
}

async fn until_available(link: &Link, id: &str) -> Result<String> {
    loop {
        let answer = look("the image", link.ec2().await?.describe_images().image_ids(id).send()).await?;
        let image = answer.images().first().ok_or_else(|| Error::not_found(format!("The image {id} is gone.")))?;
        match image.state() {
            Some(ImageState::Available) => return Ok(id.to_owned()),
            Some(ImageState::Failed | ImageState::Error | ImageState::Invalid | ImageState::Deregistered) => {
                return Err(Error::permanent(format!("The image {id} could not be made.")));
            }
            _ => tokio::time::sleep(TICK).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_halts_for_ever() {
        let target = 4 + i32::from(CODE[3] as i8);
        assert_eq!((CODE[target as usize], &sector()[510..512]), (0xf4, &[0x55u8, 0xaa][..]));
    }
}

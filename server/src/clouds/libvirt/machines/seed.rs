//! The drive that tells a guest its new addresses: a CD-ROM that cloud-init reads as its data source *NoCloud*.
//!
//! A small FAT volume with the label that it is looked for by, in sectors of the size that a CD-ROM has. The name of its drive is
//! ours, so that the next move finds it; what it says is kept in the machine's metadata besides, since a guest whose
//! drive is gone at a later start may take the next best addresses.

use super::super::{
    inventory::domain::{child, devices},
    meta::escape,
    sink::names,
    sys::{Conn, Fault, Pool, Stream, raw},
};
use crate::clouds::{
    GuestNetwork,
    error::{Error, Result},
    guest::{self, USER_DATA},
};
use fatfs::{FatType, FileSystem, FormatVolumeOptions, FsOptions};
use roxmltree::Node;
use std::io::{Cursor, Write};

/// Aliases of users' own begin with `ua-`; libvirt keeps those.
pub const ALIAS: &str = "ua-crossfade-addresses";
/// As cloud-init looks for it, in the length that FAT has.
const LABEL: [u8; 11] = *b"CIDATA     ";
const SIZE: usize = 512 << 10;
/// A drive for CD-ROMs refuses smaller ones.
const SECTOR: u16 = 2048;

/// Puts it into the pool, anew: an earlier attempt may have left half of it. Answers its path at the host.
///
/// # Errors
/// libvirt's.
pub fn put(conn: &Conn, pool: &str, lineage: &str, token: &str, guest: &GuestNetwork) -> Result<String> {
    let image = image(guest).map_err(|error| Error::permanent(format!("The drive with its addresses could not be written: {error}")))?;
    let (pool, name) = (conn.pool(pool)?, names::seed(lineage, token));
    let xml = format!("<volume><name>{name}</name><capacity>{SIZE}</capacity><target><format type='raw'/></target></volume>");
    let volume = match pool.create(&xml) {
        Err(fault) if fault.is(raw::VIR_ERR_STORAGE_VOL_EXIST) => again(&pool, &name, &xml)?,
        other => other?,
    };
    let stream = Stream::new(conn)?;
    volume.upload(&stream, 0, image.len() as u64)?;
    stream.send(&image)?;
    stream.finish()?;
    Ok(volume.path()?)
}

fn again(pool: &Pool, name: &str, xml: &str) -> std::result::Result<super::super::sys::Volume, Fault> {
    pool.volume(name)?.delete()?;
    pool.create(xml)
}

fn image(guest: &GuestNetwork) -> std::io::Result<Vec<u8>> {
    let mut image = vec![0; SIZE];
    let options =
        FormatVolumeOptions::new().bytes_per_sector(SECTOR).bytes_per_cluster(SECTOR.into()).fat_type(FatType::Fat12).volume_label(LABEL);
    fatfs::format_volume(Cursor::new(&mut image), options)?;
    let volume = FileSystem::new(Cursor::new(&mut image), FsOptions::new())?;
    let (meta, network) = (guest::meta_data(guest).to_string(), guest::network_config(guest).to_string());
    for (name, text) in [("meta-data", meta.as_str()), ("network-config", &network), ("user-data", USER_DATA)] {
        volume.root_dir().create_file(name)?.write_all(text.as_bytes())?;
    }
    volume.unmount()?;
    Ok(image)
}

pub fn is_seed(node: Node<'_, '_>) -> bool {
    child(node, "alias").and_then(|one| one.attribute("name")) == Some(ALIAS)
}

/// Its file, of a definition that has one.
pub fn path<'a>(root: Node<'a, '_>) -> Option<&'a str> {
    devices(root, "disk").find(|node| is_seed(*node)).and_then(|node| child(node, "source")?.attribute("file"))
}

/// The drive, on a bus that the machine has, under a name that nothing else has there.
pub fn drive(root: Node<'_, '_>, file: &str) -> String {
    let (bus, prefix) = bus(root);
    let taken: Vec<&str> =
        devices(root, "disk").filter(|one| !is_seed(*one)).filter_map(|one| child(one, "target")?.attribute("dev")).collect();
    let name = ('a'..='z').map(|letter| format!("{prefix}{letter}")).find(|name| !taken.contains(&name.as_str())).unwrap_or_default();
    format!(
        "<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{}'/><target dev='{name}' bus='{bus}'/><readonly/><alias name='{ALIAS}'/></disk>",
        escape(file)
    )
}

/// That of another drive for CD-ROMs, else what its board has by itself.
fn bus<'a>(root: Node<'a, '_>) -> (&'a str, &'static str) {
    let other = devices(root, "disk").filter(|one| one.attribute("device") == Some("cdrom") && !is_seed(*one));
    let other = other.filter_map(|one| child(one, "target")?.attribute("bus")).next();
    let board = child(root, "os").and_then(|os| child(os, "type")).and_then(|kind| kind.attribute("machine")).unwrap_or_default();
    let bus = other.unwrap_or(match board {
        board if board.contains("q35") => "sata",
        board if board == "pc" || board.contains("i440fx") => "ide",
        _ => "scsi",
    });
    (bus, if bus == "ide" { "hd" } else { "sd" })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clouds::GuestCard;
    use roxmltree::Document;
    use std::io::Read;

    #[test]
    fn the_volume_is_one_that_a_guest_can_read() {
        let card = GuestCard { mac: "52:54:00:00:00:01".into(), addresses: vec!["10.77.2.11/24".into()], ..GuestCard::default() };
        let mut image = image(&GuestNetwork { instance: "run/1".into(), hostname: "web1".into(), cards: vec![card] }).unwrap();
        assert_eq!(u16::from_le_bytes([image[11], image[12]]), SECTOR);
        let volume = FileSystem::new(Cursor::new(&mut image), FsOptions::new()).unwrap();
        assert_eq!(volume.volume_label(), "CIDATA");
        let read = |name: &str| {
            let mut text = String::new();
            volume.root_dir().open_file(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        assert!(read("meta-data").contains("\"instance-id\":\"run/1\""));
        assert!(read("network-config").contains("10.77.2.11/24"));
        assert!(read("user-data").starts_with("#cloud-config\n"));
    }

    #[test]
    fn its_drive_fits_into_the_machine() {
        let of = |xml: &str| drive(Document::parse(xml).unwrap().root_element(), "/p/a&b");
        let disk = |device: &str, dev: &str, bus: &str, more: &str| {
            format!("<disk type='file' device='{device}'><target dev='{dev}' bus='{bus}'/>{more}</disk>")
        };
        let of = |board: &str, disks: &str| {
            of(&format!("<domain><os><type machine='{board}'>hvm</type></os><devices>{disks}</devices></domain>"))
        };
        assert!(of("pc-q35-9.2", &disk("disk", "sda", "sata", "")).contains("dev='sdb' bus='sata'"));
        assert!(of("pc", &disk("disk", "vda", "virtio", "")).contains("dev='hda' bus='ide'"));
        assert!(of("virt", &disk("cdrom", "sda", "usb", "")).contains("dev='sdb' bus='usb'"));
        let seed = disk("cdrom", "sda", "sata", &format!("<alias name='{ALIAS}'/>"));
        let out = of("q35", &seed);
        assert!(out.contains("dev='sda' bus='sata'") && out.contains("/p/a&amp;b"), "{out}");
    }
}

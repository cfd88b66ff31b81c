//! What is said to libvirt to open a point: which disks, and the XML of backup, checkpoint and reader. Pure.

use super::super::{
    inventory::domain::{child, devices},
    machines::Edits,
    meta::{HELPER_NS, LOCK_FOLDER, escape},
};
use roxmltree::{Document, Node};

/// Checkpoints, scratch files and everything else of ours at a source begin with it.
pub const PREFIX: &str = "crossfade-";

/// One disk that holds data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDisk {
    pub key: String,
    pub path: String,
    /// `file` or `block`.
    pub kind: String,
    pub format: String,
}

/// Disks in the order of the definition; a disk that cannot be copied is an error in words, since leaving it out
/// would lose its data silently.
///
/// # Errors
/// What is in the way.
pub fn disks(xml: &str) -> Result<Vec<SourceDisk>, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let mut all = vec![];
    for node in devices(document.root_element(), "disk").filter(|node| holds_data(*node)) {
        all.push(disk(node)?);
    }
    match all.is_empty() {
        true => Err("the machine has no disk".into()),
        false => Ok(all),
    }
}

/// CD-ROMs, floppies and read-only disks are not the machine's own data; neither is the lock.
pub fn holds_data(node: Node<'_, '_>) -> bool {
    let named = |name: &str| node.children().find(|one| one.tag_name().name() == name);
    let locked = named("source").and_then(|one| one.attribute("file")).is_some_and(|path| path.starts_with(LOCK_FOLDER));
    matches!(node.attribute("device").unwrap_or("disk"), "disk" | "lun") && named("readonly").is_none() && !locked
}

fn disk(node: Node<'_, '_>) -> Result<SourceDisk, String> {
    let attribute = |element: &str, name: &str| {
        node.children().find(|one| one.tag_name().name() == element).and_then(|one| one.attribute(name)).map(str::to_owned)
    };
    let key = attribute("target", "dev").ok_or("a disk has no target")?;
    let kind = node.attribute("type").unwrap_or("file").to_owned();
    if node.attribute("device") == Some("lun") {
        return Err(format!("disk {key} is a LUN passed through to the guest, which cannot be read here"));
    }
    let path = attribute("source", "file").or_else(|| attribute("source", "dev"));
    let path = path.ok_or_else(|| format!("disk {key} is of type '{kind}'; only files and block devices can be read here"))?;
    let format = attribute("driver", "type").unwrap_or_else(|| "raw".into());
    Ok(SourceDisk { key, path, kind, format })
}

/// Only qcow2 can keep a bitmap; with any other disk every point is a full one.
pub fn can_track(disks: &[SourceDisk]) -> bool {
    disks.iter().all(|disk| disk.format == "qcow2")
}

pub fn checkpoint_name(token: &str) -> String {
    format!("{PREFIX}{}", plain(token))
}

/// For names of checkpoints, files and volumes.
pub fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_ascii_alphanumeric() || "-_".contains(one) { one } else { '_' }).collect()
}

pub fn checkpoint_xml(name: &str, disks: &[SourceDisk], all: &[String]) -> String {
    let tracked: String = all
        .iter()
        .map(|key| {
            let mode = if disks.iter().any(|disk| disk.key == *key) { "bitmap" } else { "no" };
            format!("<disk name='{}' checkpoint='{mode}'/>", escape(key))
        })
        .collect();
    format!("<domaincheckpoint><name>{}</name><disks>{tracked}</disks></domaincheckpoint>", escape(name))
}

/// Where the backup is served.
pub struct Served<'a> {
    pub host: &'a str,
    pub port: u16,
    pub tls: bool,
}

pub fn backup_xml(token: &str, since: Option<&str>, disks: &[SourceDisk], all: &[String], served: &Served<'_>) -> String {
    let listed: String = all
        .iter()
        .map(|key| match disks.iter().find(|disk| disk.key == *key) {
            Some(disk) => format!(
                "<disk name='{0}' backup='yes' type='file' exportname='{0}'><scratch file='{1}'/></disk>",
                escape(key),
                escape(&scratch(token, disk))
            ),
            None => format!("<disk name='{}' backup='no'/>", escape(key)),
        })
        .collect();
    let since = since.map(|name| format!("<incremental>{}</incremental>", escape(name))).unwrap_or_default();
    let tls = if served.tls { " tls='yes'" } else { "" };
    format!(
        "<domainbackup mode='pull'>{since}<server transport='tcp'{tls} name='{}' port='{}'/><disks>{listed}</disks></domainbackup>",
        escape(served.host),
        served.port
    )
}

/// Beside the disk, where there is room for a disk; where that is no folder of files, where libvirt keeps its own.
fn scratch(token: &str, disk: &SourceDisk) -> String {
    format!("{}/{PREFIX}{}-{}.scratch", scratch_folder(disk), plain(token), plain(&disk.key))
}

pub fn scratch_folder(disk: &SourceDisk) -> &str {
    match disk.kind.as_str() {
        "file" => disk.path.rsplit_once('/').map_or("", |(folder, _)| folder),
        _ => "/var/lib/libvirt/images",
    }
}

/// Targets of all disks of a definition: backup and checkpoint must name each, or libvirt takes it in by itself.
pub fn targets(xml: &str) -> Vec<String> {
    let Ok(document) = Document::parse(xml) else { return vec![] };
    let with_media = devices(document.root_element(), "disk").filter(|disk| child(*disk, "source").is_some());
    with_media.filter_map(|disk| child(disk, "target")?.attribute("dev")).map(str::to_owned).collect()
}

/// A helper that has these disks and nothing else, on hardware like that of the machine in `xml`. It is never resumed:
/// see [`super::super::reader`] and the sink's merging.
///
/// # Errors
/// The definition cannot be read.
pub fn helper_xml(name: &str, title: &str, made_for: &str, xml: &str, disks: &[SourceDisk]) -> Result<String, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let kind = child(root, "os").and_then(|os| child(os, "type"));
    let os = |attribute: &str| {
        let value = kind.and_then(|node| node.attribute(attribute));
        value.map(|value| format!(" {attribute}='{}'", escape(value))).unwrap_or_default()
    };
    let disks: String = disks
        .iter()
        .enumerate()
        .map(|(index, disk)| {
            let source = if disk.kind == "block" { "dev" } else { "file" };
            format!(
                "<disk type='{}' device='disk'><driver name='qemu' type='{}'/><source {source}='{}'/><target dev='{}' bus='virtio'/><serial>{index}</serial></disk>",
                escape(&disk.kind),
                escape(&disk.format),
                escape(&disk.path),
                escape(&disk.key)
            )
        })
        .collect();
    Ok(format!(
        "<domain type='{}'><name>{}</name><title>{}</title>\
         <metadata><crossfade:helper xmlns:crossfade='{HELPER_NS}' for='{}'/></metadata>\
         <memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type{}{}>hvm</type><boot dev='network'/></os>\
         <on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>\
         <devices>{disks}<controller type='usb' model='none'/><memballoon model='none'/></devices></domain>",
        escape(root.attribute("type").unwrap_or("qemu")),
        escape(name),
        escape(title),
        escape(made_for),
        os("arch"),
        os("machine")
    ))
}

/// A checkpoint of the machine, told again for its reader, which has none of the machine's other drives.
///
/// # Errors
/// The checkpoint's XML cannot be read.
pub fn redefined(checkpoint: &str, reader: &str) -> Result<String, String> {
    let document = Document::parse(checkpoint).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut edits = Edits::default();
    let listed = child(root, "disks").into_iter().flat_map(|list| list.children());
    listed.filter(|disk| disk.attribute("checkpoint") == Some("no")).for_each(|disk| edits.cut(disk));
    let end = checkpoint.rfind("</domaincheckpoint>").ok_or("no checkpoint")?;
    edits.insert(end, reader.find("<domain").map_or("", |at| &reader[at..]));
    Ok(edits.apply(checkpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain type='kvm'><os><type arch='x86_64' machine='q35'>hvm</type></os><devices>\
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/p/a.qcow2'/><target dev='vda' bus='virtio'/></disk>\
        <disk type='file' device='cdrom'><source file='/p/x.iso'/><target dev='sda' bus='sata'/><readonly/></disk>\
        <disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='/dev/vg/b'/><target dev='vdb' bus='virtio'/></disk>\
        <disk type='file' device='disk'><source file='/crossfade-locked/x'/><target dev='vdzz' bus='virtio'/><readonly/></disk></devices></domain>";

    #[test]
    fn data_disks_are_found_and_the_rest_is_left_out_by_name() {
        let found = disks(XML).unwrap();
        assert_eq!(found.iter().map(|d| (d.key.as_str(), d.format.as_str())).collect::<Vec<_>>(), [("vda", "qcow2"), ("vdb", "raw")]);
        assert!(!can_track(&found));
        assert_eq!(targets(XML), ["vda", "sda", "vdb", "vdzz"]);
        let served = Served { host: "h", port: 1, tls: true };
        let xml = backup_xml("t/1", Some("crossfade-0"), &found, &targets(XML), &served);
        assert!(Document::parse(&xml).is_ok());
        assert!(
            xml.contains("<disk name='sda' backup='no'/>") && xml.contains("/p/crossfade-t_1-vda.scratch") && xml.contains("tls='yes'"),
            "{xml}"
        );
        assert!(xml.contains("/var/lib/libvirt/images/crossfade-t_1-vdb.scratch"));
        assert!(checkpoint_xml("c", &found[..1], &targets(XML)).contains("<disk name='vdb' checkpoint='no'/>"));
    }

    #[test]
    fn a_disk_that_cannot_be_read_is_not_left_out_silently() {
        let network = XML.replace("<source file='/p/a.qcow2'/>", "<source protocol='rbd' name='x'/>");
        assert!(disks(&network).unwrap_err().contains("vda"));
        assert!(disks("<domain><devices/></domain>").unwrap_err().contains("no disk"));
    }

    #[test]
    fn a_reader_hears_of_no_drive_that_it_does_not_have() {
        let found = disks(XML).unwrap();
        let told = redefined(&checkpoint_xml("c", &found[..1], &targets(XML)), "<?xml?><domain type='kvm'/>").unwrap();
        let document = Document::parse(&told).unwrap();
        let listed: Vec<_> =
            child(document.root_element(), "disks").unwrap().children().filter_map(|disk| disk.attribute("name")).collect();
        assert_eq!(listed, ["vda"]);
        assert!(child(document.root_element(), "domain").is_some());
    }

    #[test]
    fn a_reader_has_the_disks_and_nothing_else() {
        let xml = helper_xml("r", "Reads", "u", XML, &disks(XML).unwrap()).unwrap();
        let document = Document::parse(&xml).unwrap();
        assert_eq!(devices(document.root_element(), "disk").count(), 2);
        assert_eq!(devices(document.root_element(), "interface").count(), 0);
        assert!(xml.contains("machine='q35'") && super::super::super::meta::read(document.root_element()).helper);
    }
}

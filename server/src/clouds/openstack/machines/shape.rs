//! What of a machine's definition Nova has to be told by properties of its image. Pure.

use crate::clouds::MachineSpec;
use model::machine::Firmware;
use roxmltree::Document;

/// Nova keeps properties of an image in columns of this length: a longer one would be cut at the second start.
pub const LONGEST: usize = 255;

/// A kernel that the hypervisor loads itself, by the names that it had at the machine's old cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    pub kernel: String,
    pub initrd: Option<String>,
    pub command_line: String,
}

/// Only libvirt's definitions have one.
pub fn kernel(spec: &MachineSpec) -> Option<Kernel> {
    if spec.firmware != Firmware::DirectKernel || spec.native_kind != "libvirt" {
        return None;
    }
    let document = Document::parse(&spec.native).ok()?;
    let os = document.root_element().children().find(|one| one.tag_name().name() == "os")?;
    let text =
        |name: &str| os.children().find(|one| one.tag_name().name() == name).and_then(|one| one.text()).map(|text| text.trim().to_owned());
    Some(Kernel { kernel: text("kernel")?, initrd: text("initrd"), command_line: text("cmdline").unwrap_or_default() })
}

/// Hardware that the guest knows: the same bus, the same kind of card, the same firmware.
pub fn hardware(spec: &MachineSpec) -> Vec<(&'static str, String)> {
    let mut out = vec![];
    if let Some(bus) =
        spec.disks.first().map(|disk| disk.bus.as_str()).filter(|bus| matches!(*bus, "virtio" | "scsi" | "sata" | "ide" | "usb"))
    {
        out.push(("hw_disk_bus", bus.to_owned()));
        if bus == "scsi" {
            out.push(("hw_scsi_model", "virtio-scsi".to_owned()));
        }
    }
    let model = spec.nics.first().and_then(|nic| nic.model.as_deref());
    if let Some(model) =
        model.filter(|model| matches!(*model, "virtio" | "e1000" | "e1000e" | "rtl8139" | "ne2k_pci" | "pcnet" | "vmxnet3"))
    {
        out.push(("hw_vif_model", model.to_owned()));
    }
    if spec.firmware == Firmware::Uefi {
        out.push(("hw_firmware_type", "uefi".to_owned()));
        out.push(("hw_machine_type", "q35".to_owned()));
    }
    if let Some(arch) = spec.arch.as_deref() {
        out.push(("hw_architecture", arch.to_owned()));
    }
    out
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::clouds::sample;

    /// A machine of the lab, as libvirt's driver describes it.
    pub fn spec() -> MachineSpec {
        let native = "<domain type='qemu'><name>db1</name><os><type arch='x86_64' machine='pc'>hvm</type><kernel>/lab/vmlinux</kernel>\
            <initrd>/lab/initrd-1</initrd><cmdline>console=ttyS0 quiet cf.name=db1</cmdline></os></domain>";
        MachineSpec { firmware: Firmware::DirectKernel, native: native.into(), ..sample::machine() }
    }

    #[test]
    fn a_kernel_is_found_in_libvirts_definition_only() {
        let found = kernel(&spec()).unwrap();
        assert_eq!((found.kernel.as_str(), found.initrd.as_deref()), ("/lab/vmlinux", Some("/lab/initrd-1")));
        assert_eq!(found.command_line, "console=ttyS0 quiet cf.name=db1");
        assert_eq!(kernel(&MachineSpec { firmware: Firmware::Bios, ..spec() }), None);
        assert_eq!(kernel(&MachineSpec { native_kind: "simulator".into(), ..spec() }), None);
    }

    #[test]
    fn the_guest_keeps_its_hardware() {
        let get = |spec: &MachineSpec, key: &str| hardware(spec).into_iter().find(|(k, _)| *k == key).map(|(_, v)| v);
        assert_eq!(get(&spec(), "hw_disk_bus").as_deref(), Some("virtio"));
        assert_eq!(get(&spec(), "hw_firmware_type"), None);
        let mut other = MachineSpec { firmware: Firmware::Uefi, ..spec() };
        other.disks[0].bus = "scsi".into();
        other.nics[0].model = Some("e1000".into());
        assert_eq!(get(&other, "hw_scsi_model").as_deref(), Some("virtio-scsi"));
        assert_eq!((get(&other, "hw_vif_model").as_deref(), get(&other, "hw_firmware_type").as_deref()), (Some("e1000"), Some("uefi")));
    }
}

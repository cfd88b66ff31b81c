use super::{
    super::super::{props::Object, xml::parse},
    *,
};

/// By VMware's schema, with what a machine usually has.
const MACHINE: &str = r#"<objects><obj type="VirtualMachine">vm-42</obj>
  <propSet><name>name</name><val>db%2f1</val></propSet>
  <propSet><name>config.annotation</name><val>Data base
of the shop</val></propSet>
  <propSet><name>config.firmware</name><val>efi</val></propSet>
  <propSet><name>config.hardware.memoryMB</name><val>4096</val></propSet>
  <propSet><name>config.hardware.numCPU</name><val>2</val></propSet>
  <propSet><name>config.template</name><val>false</val></propSet>
  <propSet><name>summary.storage.committed</name><val>5000</val></propSet>
  <propSet><name>runtime.powerState</name><val>poweredOn</val></propSet>
  <propSet><name>runtime.connectionState</name><val>connected</val></propSet>
  <propSet><name>guest.net</name><val><GuestNicInfo><ipAddress>10.0.0.5</ipAddress><ipAddress>fe80::1</ipAddress><ipAddress>2001:db8::5</ipAddress><macAddress>00:50:56:AA:00:01</macAddress></GuestNicInfo></val></propSet>
  <propSet><name>config.hardware.device</name><val>
    <VirtualDevice xsi:type="ParaVirtualSCSIController"><key>1000</key><busNumber>0</busNumber></VirtualDevice>
    <VirtualDevice xsi:type="VirtualNVMEController"><key>31000</key><busNumber>1</busNumber></VirtualDevice>
    <VirtualDevice xsi:type="VirtualDisk"><key>2000</key><backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds 1] db1/db1.vmdk</fileName></backing><controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>4</capacityInKB></VirtualDevice>
    <VirtualDevice xsi:type="VirtualCdrom"><key>3000</key><backing xsi:type="VirtualCdromRemotePassthroughBackingInfo"/><controllerKey>200</controllerKey><unitNumber>0</unitNumber></VirtualDevice>
    <VirtualDevice xsi:type="VirtualVmxnet3"><key>4000</key><backing xsi:type="VirtualEthernetCardDistributedVirtualPortBackingInfo"><port><switchUuid>50</switchUuid><portgroupKey>dvportgroup-7</portgroupKey></port></backing><macAddress>00:50:56:AA:00:01</macAddress></VirtualDevice>
    <VirtualDevice xsi:type="VirtualE1000e"><key>4001</key><backing xsi:type="VirtualEthernetCardNetworkBackingInfo"><deviceName>VM Network</deviceName></backing><macAddress>00:50:56:aa:00:02</macAddress></VirtualDevice>
  </val></propSet></objects>"#;

fn object(change: &[(&str, &str)]) -> Object {
    let text = change.iter().fold(MACHINE.to_owned(), |text, (from, to)| text.replace(from, to));
    Object::read(parse(&text).unwrap())
}

fn seen(change: &[(&str, &str)]) -> Observed {
    observed(&object(change), &[("dvportgroup-7".to_owned(), "prod".to_owned())].into(), &["tier:db".into()])
}

#[test]
fn a_machine_is_shown_with_all_that_it_has() {
    let machine = seen(&[]);
    assert_eq!((machine.native_id.as_str(), machine.name.as_str(), machine.state), ("vm-42", "db/1", PowerState::Running));
    assert_eq!((machine.vcpus, machine.memory_mib, machine.firmware), (2, 4096, Firmware::Uefi));
    assert_eq!((machine.title.as_deref(), machine.tags), (Some("Data base"), vec!["tier:db".to_owned()]));
    let disks: Vec<_> = machine.disks.iter().map(|d| (d.key.as_str(), d.size_bytes, d.device.as_str(), d.pool.as_deref())).collect();
    assert_eq!(disks, [("scsi0:0", 4096, "disk", Some("ds 1")), ("scsi0:0", 0, "cdrom", None)]);
    assert_eq!(machine.disks[0].allocated_bytes, Some(4096), "never more than the disk has");
    let nics: Vec<_> = machine.nics.iter().map(|n| (n.mac.as_str(), n.model.as_deref(), n.network.as_deref())).collect();
    assert_eq!(nics, [("00:50:56:aa:00:01", Some("vmxnet3"), Some("prod")), ("00:50:56:aa:00:02", Some("e1000e"), Some("VM Network"))]);
    assert_eq!(machine.nics[0].addresses, ["10.0.0.5", "2001:db8::5"]);
    assert!(machine.nics[1].addresses.is_empty() && machine.nics[1].address_source.is_none());
}

#[test]
fn only_what_is_surely_off_counts_as_off() {
    let state = |change: &[(&str, &str)]| seen(change).state;
    assert_eq!(state(&[("poweredOn", "poweredOff")]), PowerState::Stopped);
    assert_eq!(state(&[("poweredOn", "suspended")]), PowerState::Suspended);
    assert_eq!(state(&[("poweredOn", "poweredOff"), (">connected<", ">disconnected<")]), PowerState::Unknown);
    assert_eq!(state(&[("poweredOn", "poweredOff"), (">connected<", ">inaccessible<")]), PowerState::Unknown);
    let asked = "<propSet><name>guest.guestState</name><val>shuttingDown</val></propSet></objects>";
    assert_eq!(state(&[("</objects>", asked)]), PowerState::ShuttingDown);
}

#[test]
fn templates_and_what_is_being_made_are_no_machines() {
    let template = ("<val>false</val>", "<val>true</val>");
    assert!(is_machine(&object(&[])) && !is_machine(&object(&[template])));
    assert!(!is_machine(&object(&[(
        "Data base
of the shop",
        BUILDING
    )])));
    let locked = [template, ("of the shop", "Crossfade lock [resgroup-8]: moved to dublin")];
    assert!(is_machine(&object(&locked)));
    let machine = seen(&locked);
    assert_eq!((machine.locked.as_deref(), machine.title.as_deref()), (Some("moved to dublin"), Some("Data base")));
    assert_eq!(seen(&locked[1..]).locked, None, "the line alone locks nothing");
}

#[test]
fn raw_device_mappings_are_told_from_disks() {
    let raw = seen(&[("VirtualDiskFlatVer2BackingInfo", "VirtualDiskRawDiskMappingVer1BackingInfo")]);
    assert_eq!((raw.disks[0].device.as_str(), raw.disks[0].allocated_bytes), ("lun", None));
}

package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"path"
	"strconv"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// lab is for tests: machines whose disks hold something, sessions that end.
func (f *front) lab(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch path.Base(r.URL.Path) {
	case "machine":
		if err := f.machine(query.Get("name"), func(key string, or int64) int64 {
			if n, err := strconv.ParseInt(query.Get(key), 10, 64); err == nil {
				return n
			}
			return or
		}); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	case "forget":
		f.forget(query.Get("name"))
	case "snapshot": // one of somebody else
		if vm := f.find(query.Get("name")); vm != nil {
			task, err := object.NewVirtualMachine(f.client, vm.Self).CreateSnapshot(context.Background(), "before upgrade", "", false, false)
			if err == nil {
				task.WaitForResult(context.Background(), nil)
				return
			}
		}
		http.NotFound(w, r)
	case "sign-out":
		f.mu.Lock()
		f.signed = map[string]bool{}
		f.mu.Unlock()
	case "requests":
		f.mu.Lock()
		defer f.mu.Unlock()
		reply(w, f.answers)
	case "disk": // the local files of a machine's disks
		if vm := f.find(query.Get("name")); vm != nil {
			var files []string
			for _, device := range disksOf(vm.Config) {
				files = append(files, diskOf(device).file)
			}
			reply(w, files)
			return
		}
		http.NotFound(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (f *front) find(name string) *simulator.VirtualMachine {
	for _, entity := range simulator.Map.All("VirtualMachine") {
		if entity.Entity().Name == name {
			return entity.(*simulator.VirtualMachine)
		}
	}
	return nil
}

func (f *front) forget(name string) {
	ctx := context.Background()
	for vm := f.find(name); vm != nil; vm = f.find(name) {
		one := object.NewVirtualMachine(f.client, vm.Self)
		if task, err := one.PowerOff(ctx); err == nil {
			task.WaitForResult(ctx, nil)
		}
		task, err := one.Destroy(ctx)
		if err != nil {
			return
		}
		if _, err := task.WaitForResult(ctx, nil); err != nil {
			return
		}
	}
}

// machine: mem MiB, disks, size MiB of each, fill MiB of it, dirty KiB a second while it runs, or still.
func (f *front) machine(name string, number func(string, int64) int64) error {
	ctx := context.Background()
	f.forget(name)
	dc := simulator.Map.Any("Datacenter").(*simulator.Datacenter)
	cluster := simulator.Map.Any("ClusterComputeResource").(*simulator.ClusterComputeResource)
	ds := simulator.Map.Any("Datastore").(*simulator.Datastore)
	group := simulator.Map.Any("DistributedVirtualPortgroup").(*simulator.DistributedVirtualPortgroup)
	var devices object.VirtualDeviceList
	scsi, err := devices.CreateSCSIController("pvscsi")
	if err != nil {
		return err
	}
	devices = append(devices, scsi)
	size := number("size", 64) << 20
	for i := int64(0); i < number("disks", 1); i++ {
		one := devices.CreateDisk(scsi.(types.BaseVirtualController), ds.Self, "")
		one.CapacityInKB, one.CapacityInBytes = size>>10, size
		devices = append(devices, one)
	}
	card, err := devices.CreateEthernetCard("vmxnet3", &types.VirtualEthernetCardDistributedVirtualPortBackingInfo{
		Port: types.DistributedVirtualSwitchPortConnection{PortgroupKey: group.Key, SwitchUuid: uuidOf(group)},
	})
	if err != nil {
		return err
	}
	sum := rand.Int31()
	card.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().MacAddress =
		fmt.Sprintf("00:50:56:%02x:%02x:%02x", sum>>16&0x3f, sum>>8&0xff, sum&0xff)
	card.(types.BaseVirtualEthernetCard).GetVirtualEthernetCard().AddressType = "manual"
	devices = append(devices, card)
	change, err := devices.ConfigSpec(types.VirtualDeviceConfigSpecOperationAdd)
	if err != nil {
		return err
	}
	spec := types.VirtualMachineConfigSpec{
		Name: name, GuestId: string(types.VirtualMachineGuestOsIdentifierOtherLinux64Guest), Annotation: "the lab's " + name,
		NumCPUs: 1, MemoryMB: number("mem", 96), DeviceChange: change, Version: "vmx-14",
		Files: &types.VirtualMachineFileInfo{VmPathName: "[" + ds.Name + "]"},
	}
	task, err := object.NewFolder(f.client, dc.VmFolder).CreateVM(ctx, spec, object.NewResourcePool(f.client, *cluster.ResourcePool), nil)
	if err != nil {
		return err
	}
	info, err := task.WaitForResult(ctx, nil)
	if err != nil {
		return err
	}
	vm := machineOf(info.Result.(types.ManagedObjectReference))
	for _, device := range disksOf(vm.Config) {
		d := diskOf(device)
		if err := os.Truncate(d.file, size); err != nil {
			return err
		}
		data := make([]byte, 1<<20)
		for at := int64(0); at < number("fill", 4); at++ {
			rand.Read(data)
			d.write(at<<20, append([]byte{}, data...))
		}
	}
	// One whose disks somebody fills with a system of their own: nothing of it may be written over.
	if number("still", 0) == 0 {
		go guest(vm, size, number("dirty", 256)<<10)
	}
	return nil
}

func uuidOf(group *simulator.DistributedVirtualPortgroup) string {
	return simulator.Map.Get(*group.Config.DistributedVirtualSwitch).(*simulator.DistributedVirtualSwitch).Uuid
}

// guest counts in the first block of each disk and writes all over them, while the machine runs and exists.
func guest(vm *simulator.VirtualMachine, size, dirty int64) {
	const beat = 200 * time.Millisecond
	for count := uint64(1); simulator.Map.Get(vm.Self) != nil; count++ {
		time.Sleep(beat)
		if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOn {
			continue
		}
		for _, device := range disksOf(vm.Config) {
			d := diskOf(device)
			data := make([]byte, block)
			rand.Read(data)
			for done := int64(0); done < dirty/5; done += block {
				d.write((1+rand.Int63n(size/block-1))*block, append([]byte{}, data...))
			}
			first := make([]byte, block)
			binary.BigEndian.PutUint64(first, count)
			d.write(0, first)
		}
	}
}

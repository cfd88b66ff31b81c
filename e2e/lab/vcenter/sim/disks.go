package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"sort"
	"strings"
	"sync"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// CBT looks at disks in pieces of this size.
const block = 64 << 10

// disk is the flat file of a virtual disk.  While a snapshot exists the file stands still: what the guest writes lies in
// `above`, as in the delta disk of a real host.
type disk struct {
	mu     sync.Mutex
	file   string
	above  map[int64][]byte
	frozen bool
	states map[string]map[int64][32]byte // by change id: what each block held
	seq    int
}

var (
	disksMu sync.Mutex
	disks   = map[string]*disk{}
	tracked = map[string]bool{} // machines whose blocks are tracked by now
)

func machineOf(ref types.ManagedObjectReference) *simulator.VirtualMachine {
	vm, _ := simulator.Map.Get(ref).(*simulator.VirtualMachine)
	return vm
}

func localPath(name string) (string, error) {
	var p object.DatastorePath
	if !p.FromString(name) {
		return "", fmt.Errorf("%q is no datastore path", name)
	}
	for _, entity := range simulator.Map.All("Datastore") {
		ds := entity.(*simulator.Datastore)
		if ds.Name == p.Datastore {
			return path.Join(ds.Info.GetDatastoreInfo().Url, p.Path), nil
		}
	}
	return "", fmt.Errorf("there is no datastore %q", p.Datastore)
}

func diskOf(device *types.VirtualDisk) *disk {
	backing, ok := device.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	if !ok {
		return nil
	}
	name, err := localPath(backing.FileName)
	if err != nil {
		return nil
	}
	file := strings.TrimSuffix(name, ".vmdk") + "-flat.vmdk"
	disksMu.Lock()
	defer disksMu.Unlock()
	if disks[file] == nil {
		disks[file] = &disk{file: file, above: map[int64][]byte{}, states: map[string]map[int64][32]byte{}}
	}
	return disks[file]
}

func disksOf(config *types.VirtualMachineConfigInfo) []*types.VirtualDisk {
	var all []*types.VirtualDisk
	for _, device := range config.Hardware.Device {
		if one, ok := device.(*types.VirtualDisk); ok {
			all = append(all, one)
		}
	}
	return all
}

// write is the guest's.
func (d *disk) write(at int64, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.frozen {
		d.above[at] = data
		return
	}
	d.put(at, data)
}

func (d *disk) put(at int64, data []byte) {
	file, err := os.OpenFile(d.file, os.O_WRONLY, 0)
	if err == nil {
		file.WriteAt(data, at)
		file.Close()
	}
}

// snapshot freezes the file; the id of what it holds now.
func (d *disk) snapshot() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.merge()
	d.frozen = true
	d.seq++
	id := fmt.Sprintf("%x/%d", sha256.Sum256([]byte(d.file)), d.seq)
	d.states[id] = d.hashes()
	return id
}

func (d *disk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.frozen = false
	d.merge()
}

func (d *disk) merge() {
	for at, data := range d.above {
		d.put(at, data)
	}
	d.above = map[int64][]byte{}
}

func (d *disk) hashes() map[int64][32]byte {
	found := map[int64][32]byte{}
	file, err := os.Open(d.file)
	if err != nil {
		return found
	}
	defer file.Close()
	zero, data := make([]byte, block), make([]byte, block)
	for at := int64(0); ; at += block {
		n, err := io.ReadFull(file, data)
		if n > 0 && string(data[:n]) != string(zero[:n]) {
			found[at] = sha256.Sum256(data[:n])
		}
		if err != nil {
			return found
		}
	}
}

// queryChangedDiskAreas: '*' is everything that was ever written.
func (f *front) queryChangedDiskAreas(w http.ResponseWriter, body types.AnyType) {
	req := body.(*types.QueryChangedDiskAreas)
	config := machineOf(req.This).Config
	if req.Snapshot != nil {
		snapshot, ok := simulator.Map.Get(*req.Snapshot).(*simulator.VirtualMachineSnapshot)
		if !ok {
			answerFault(w, "", &types.ManagedObjectNotFound{Obj: *req.Snapshot})
			return
		}
		config = &snapshot.Config
	}
	for _, device := range disksOf(config) {
		if device.Key != req.DeviceKey {
			continue
		}
		id := device.Backing.(*types.VirtualDiskFlatVer2BackingInfo).ChangeId
		d := diskOf(device)
		d.mu.Lock()
		now, known := d.states[id]
		before, also := d.states[req.ChangeId]
		d.mu.Unlock()
		if !known || (req.ChangeId != "*" && !also) {
			answerFault(w, "A specified parameter was not correct: changeId", &types.InvalidArgument{InvalidProperty: "changeId"})
			return
		}
		size := device.CapacityInKB << 10
		answer(w, &types.QueryChangedDiskAreasResponse{Returnval: types.DiskChangeInfo{
			StartOffset: req.StartOffset, Length: size - req.StartOffset, ChangedArea: areas(now, before, req.StartOffset, size),
		}})
		return
	}
	answerFault(w, "", &types.InvalidArgument{InvalidProperty: "deviceKey"})
}

func areas(now, before map[int64][32]byte, from, size int64) []types.DiskChangeExtent {
	changed := map[int64]bool{}
	for at, hash := range now {
		changed[at] = before[at] != hash
	}
	for at := range before {
		if _, still := now[at]; !still {
			changed[at] = true
		}
	}
	var all []int64
	for at, yes := range changed {
		if yes && at >= from {
			all = append(all, at)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	var out []types.DiskChangeExtent
	for _, at := range all {
		length := int64(block)
		if at+length > size {
			length = size - at
		}
		if last := len(out) - 1; last >= 0 && out[last].Start+out[last].Length == at {
			out[last].Length += length
			continue
		}
		out = append(out, types.DiskChangeExtent{Start: at, Length: length})
	}
	return out
}

// snapshots lets the simulator work, then does to the disks what a host would do.
func (f *front) snapshots(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	method, err := simulator.UnmarshalBody(types.TypeFunc(), body)
	if err != nil {
		answerFault(w, err.Error(), &types.InvalidRequest{})
		return
	}
	ref := method.This
	if snapshot, ok := simulator.Map.Get(ref).(*simulator.VirtualMachineSnapshot); ok {
		ref = snapshot.Vm
	}
	f.next.ServeHTTP(w, r)
	vm := machineOf(ref)
	if vm == nil {
		return
	}
	if name == "CreateSnapshot_Task" {
		freeze(vm)
	} else if vm.Snapshot == nil {
		for _, device := range disksOf(vm.Config) {
			if d := diskOf(device); d != nil {
				d.release()
			}
		}
	}
}

// freeze: blocks are tracked from the snapshot after the one that tracking was switched on before.
func freeze(vm *simulator.VirtualMachine) {
	snapshot, ok := simulator.Map.Get(*vm.Snapshot.CurrentSnapshot).(*simulator.VirtualMachineSnapshot)
	if !ok {
		return
	}
	on := vm.Config.ChangeTrackingEnabled != nil && *vm.Config.ChangeTrackingEnabled
	disksMu.Lock()
	by := vm.Self.Value
	ready := on && (tracked[by] || vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOff)
	tracked[by] = on
	disksMu.Unlock()
	devices := append([]types.BaseVirtualDevice{}, vm.Config.Hardware.Device...)
	for i, device := range devices {
		one, ok := device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		d := diskOf(one)
		backing, flat := one.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		if d == nil || !flat {
			continue
		}
		id, copied, below := d.snapshot(), *one, *backing
		if ready {
			below.ChangeId = id
		}
		if len(vm.Snapshot.RootSnapshotList) > 0 && len(vm.Snapshot.RootSnapshotList[0].ChildSnapshotList) > 0 {
			// Below ours lies that of somebody else: the disk rests on another one.
			below.Parent = &types.VirtualDiskFlatVer2BackingInfo{VirtualDeviceFileBackingInfo: backing.VirtualDeviceFileBackingInfo}
		}
		copied.Backing = &below
		devices[i] = &copied
	}
	snapshot.Config.Hardware.Device = devices
}

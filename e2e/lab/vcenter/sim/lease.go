package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

const sector = 512

// lease takes or gives the disks of one machine.  The simulator's own throws away what is sent to it.
type lease struct {
	mo.HttpNfcLease
	front   *front
	files   map[string]*types.VirtualDisk
	imports bool
	alive   chan struct{}
	ended   sync.Once
}

var (
	leasesMu sync.Mutex
	leases   = map[string]*lease{}
)

func (f *front) importVApp(w http.ResponseWriter, body types.AnyType) {
	req := body.(*types.ImportVApp)
	spec, ok := req.Spec.(*types.VirtualMachineImportSpec)
	if !ok || req.Folder == nil {
		answerFault(w, "", &types.InvalidArgument{InvalidProperty: "spec"})
		return
	}
	ctx := context.Background()
	pool := object.NewResourcePool(f.client, req.This)
	var host *object.HostSystem
	if req.Host != nil {
		host = object.NewHostSystem(f.client, *req.Host)
	}
	task, err := object.NewFolder(f.client, *req.Folder).CreateVM(ctx, spec.ConfigSpec, pool, host)
	if err != nil {
		answerError(w, err)
		return
	}
	info, err := task.WaitForResult(ctx, nil)
	if err != nil {
		answerError(w, err)
		return
	}
	vm := machineOf(info.Result.(types.ManagedObjectReference))
	answer(w, &types.ImportVAppResponse{Returnval: f.open(vm.Self, vm.Config, true)})
}

func (f *front) exportVM(w http.ResponseWriter, body types.AnyType) {
	vm := machineOf(body.(*types.ExportVm).This)
	if vm.Runtime.PowerState != types.VirtualMachinePowerStatePoweredOff {
		answerFault(w, "", &types.InvalidPowerState{RequestedState: "poweredOff", ExistingState: vm.Runtime.PowerState})
		return
	}
	answer(w, &types.ExportVmResponse{Returnval: f.open(vm.Self, vm.Config, false)})
}

func (f *front) exportSnapshot(w http.ResponseWriter, body types.AnyType) {
	snapshot, ok := simulator.Map.Get(body.(*types.ExportSnapshot).This).(*simulator.VirtualMachineSnapshot)
	if !ok {
		answerFault(w, "", &types.ManagedObjectNotFound{Obj: body.(*types.ExportSnapshot).This})
		return
	}
	answer(w, &types.ExportSnapshotResponse{Returnval: f.open(snapshot.Vm, &snapshot.Config, false)})
}

func (f *front) open(vm types.ManagedObjectReference, config *types.VirtualMachineConfigInfo, imports bool) types.ManagedObjectReference {
	leasesMu.Lock()
	self := types.ManagedObjectReference{Type: "HttpNfcLease", Value: fmt.Sprintf("session[lab]lease-%d", len(leases)+1)}
	l := &lease{front: f, files: map[string]*types.VirtualDisk{}, imports: imports, alive: make(chan struct{}, 1)}
	leases[self.Value] = l
	leasesMu.Unlock()
	l.Self = self
	l.State = types.HttpNfcLeaseStateInitializing
	info := &types.HttpNfcLeaseInfo{Lease: self, Entity: vm, LeaseTimeout: int32(f.life / time.Second)}
	for n, device := range disksOf(config) {
		backing := device.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
		name := fmt.Sprintf("disk-%d.vmdk", n)
		l.files[name] = device
		info.DeviceUrl = append(info.DeviceUrl, types.HttpNfcLeaseDeviceUrl{
			Key: fmt.Sprintf("/%s/VirtualLsiLogicController0:%d", vm.Value, n), ImportKey: fmt.Sprintf("/%s/scsi0:%d", config.Name, n),
			Url:  "https://*/nfc/" + self.Value + "/" + name,
			Disk: types.NewBool(true), TargetId: name, FileSize: device.CapacityInBytes, DatastoreKey: backing.FileName,
		})
	}
	simulator.Map.Put(l)
	go l.live(info, f.life)
	return self
}

// live makes it ready a moment later, as a host does, and ends it when nobody keeps it alive.
func (l *lease) live(info *types.HttpNfcLeaseInfo, life time.Duration) {
	time.Sleep(50 * time.Millisecond)
	simulator.Map.WithLock(l, func() {
		simulator.Map.Update(l, []types.PropertyChange{{Name: "info", Val: info}, {Name: "state", Val: types.HttpNfcLeaseStateReady}})
	})
	for {
		select {
		case _, open := <-l.alive:
			if !open {
				return
			}
		case <-time.After(life):
			l.end(types.HttpNfcLeaseStateError, true)
			return
		}
	}
}

func (l *lease) end(state types.HttpNfcLeaseState, undo bool) {
	l.ended.Do(func() {
		leasesMu.Lock()
		delete(leases, l.Self.Value)
		leases["ended "+l.Self.Value] = l
		leasesMu.Unlock()
		l.State = state
		close(l.alive)
		if undo && l.imports {
			if task, err := object.NewVirtualMachine(l.front.client, l.Info.Entity).Destroy(context.Background()); err == nil {
				task.WaitForResult(context.Background(), nil)
			}
		}
	})
}

func (l *lease) HttpNfcLeaseComplete(req *types.HttpNfcLeaseComplete) soap.HasFault {
	l.end(types.HttpNfcLeaseStateDone, false)
	return &methods.HttpNfcLeaseCompleteBody{Res: new(types.HttpNfcLeaseCompleteResponse)}
}

func (l *lease) HttpNfcLeaseAbort(req *types.HttpNfcLeaseAbort) soap.HasFault {
	l.end(types.HttpNfcLeaseStateError, true)
	return &methods.HttpNfcLeaseAbortBody{Res: new(types.HttpNfcLeaseAbortResponse)}
}

func (l *lease) HttpNfcLeaseProgress(req *types.HttpNfcLeaseProgress) soap.HasFault {
	if l.State == types.HttpNfcLeaseStateReady {
		select {
		case l.alive <- struct{}{}:
		default:
		}
	}
	return &methods.HttpNfcLeaseProgressBody{Res: new(types.HttpNfcLeaseProgressResponse)}
}

func (f *front) nfc(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(r.URL.Path, "/")
	leasesMu.Lock()
	l := leases[parts[len(parts)-2]]
	leasesMu.Unlock()
	if l == nil || l.State != types.HttpNfcLeaseStateReady {
		http.NotFound(w, r)
		return
	}
	device := l.files[parts[len(parts)-1]]
	if device == nil {
		http.NotFound(w, r)
		return
	}
	d := diskOf(device)
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
		if err := sendStream(w, d.file, device.CapacityInKB<<10); err != nil {
			panic(http.ErrAbortHandler)
		}
		return
	}
	if r.ContentLength < 0 {
		http.Error(w, "the length must be said", http.StatusLengthRequired)
		return
	}
	if err := takeStream(r.Body, d.file, device.CapacityInKB<<10); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// takeStream reads a stream-optimised VMDK and writes what it holds to a flat file.
func takeStream(in io.Reader, name string, size int64) error {
	head := make([]byte, sector)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	le := binary.LittleEndian
	if string(head[:4]) != "KDMV" || le.Uint32(head[4:]) != 3 || le.Uint32(head[8:])&0x30000 != 0x30000 {
		return errors.New("this is no stream-optimised VMDK")
	}
	if int64(le.Uint64(head[12:]))*sector != size {
		return fmt.Errorf("it is %d sectors long, the disk %d bytes", le.Uint64(head[12:]), size)
	}
	grain := le.Uint64(head[20:]) * sector
	if _, err := io.CopyN(io.Discard, in, int64(le.Uint64(head[64:])-1)*sector); err != nil {
		return err
	}
	os.MkdirAll(path.Dir(name), 0o700)
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(size); err != nil {
		return err
	}
	for {
		if _, err := io.ReadFull(in, head); err != nil {
			return fmt.Errorf("it ends early: %w", err)
		}
		value, length, kind := le.Uint64(head), le.Uint32(head[8:]), le.Uint32(head[12:])
		switch {
		case length > 0:
			packed := make([]byte, (12+int64(length)+sector-1)/sector*sector-sector)
			if _, err := io.ReadFull(in, packed); err != nil {
				return err
			}
			if err := unpack(out, append(head[12:len(head):len(head)], packed...)[:length], int64(value)*sector, int64(grain), size); err != nil {
				return err
			}
		case kind == 0:
			if n, _ := in.Read(head); n > 0 {
				return errors.New("there is something behind its end")
			}
			return nil
		default:
			if _, err := io.CopyN(io.Discard, in, int64(value)*sector); err != nil {
				return err
			}
		}
	}
}

func unpack(out *os.File, packed []byte, at, grain, size int64) error {
	reader, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	data, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	if int64(len(data)) != grain {
		return fmt.Errorf("a grain has %d bytes", len(data))
	}
	if at+grain > size {
		data = data[:size-at]
	}
	_, err = out.WriteAt(data, at)
	return err
}

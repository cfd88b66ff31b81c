package main

import (
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// addHBAs: each host has a Fibre Channel adapter and one of FCoE beside what the simulator gives it.
func addHBAs() {
	for i, entity := range simulator.Map.All("HostSystem") {
		host := entity.(*simulator.HostSystem)
		if host.Config == nil || host.Config.StorageDevice == nil {
			continue
		}
		adapter := func(name, driver string) types.HostHostBusAdapter {
			return types.HostHostBusAdapter{Key: "key-vim.host.FibreChannelHba-" + name, Device: name, Bus: int32(i), Status: "online", Model: "Lab", Driver: driver}
		}
		fc := types.HostFibreChannelHba{
			HostHostBusAdapter: adapter("vmhba2", "qlnativefc"), PortWorldWideName: 0x2100001b32a0b000 + int64(i), NodeWorldWideName: 0x2000001b32a0b000 + int64(i),
			PortType: types.FibreChannelPortTypeFabric, Speed: 16,
		}
		over := types.HostFibreChannelOverEthernetHba{HostFibreChannelHba: fc, UnderlyingNic: "vmnic0"}
		over.HostHostBusAdapter = adapter("vmhba3", "fcoe")
		over.PortWorldWideName, over.NodeWorldWideName = 0x2100001b32a0c000+int64(i), 0x2000001b32a0c000+int64(i)
		device := *host.Config.StorageDevice
		device.HostBusAdapter = append(append([]types.BaseHostHostBusAdapter{}, device.HostBusAdapter...), &fc, &over)
		host.Config.StorageDevice = &device
	}
}

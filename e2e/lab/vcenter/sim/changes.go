package main

import (
	"fmt"
	"sync/atomic"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

var version int64

// changed does what a vCenter does after a change of a machine's configuration: a key of the extra configuration is there once,
// an empty value removes it, and whoever waits for updates is told.
func changed(body []byte) {
	method, err := simulator.UnmarshalBody(types.TypeFunc(), body)
	if err != nil {
		return
	}
	vm := machineOf(method.This)
	if vm == nil {
		return
	}
	simulator.Map.WithLock(vm, func() {
		last := map[string]int{}
		for i, one := range vm.Config.ExtraConfig {
			last[one.GetOptionValue().Key] = i
		}
		var kept []types.BaseOptionValue
		for i, one := range vm.Config.ExtraConfig {
			if value := one.GetOptionValue(); last[value.Key] == i && value.Value != "" {
				kept = append(kept, one)
			}
		}
		vm.Config.ExtraConfig = kept
		simulator.Map.Update(vm, []types.PropertyChange{
			{Name: "config.changeVersion", Val: fmt.Sprint(atomic.AddInt64(&version, 1))},
			{Name: "config.annotation", Val: vm.Config.Annotation},
			{Name: "config.template", Val: vm.Config.Template},
		})
	})
}

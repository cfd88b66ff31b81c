// A vCenter for tests: VMware's own simulator (govmomi), plus what it lacks and Crossfade uses.
//
// The simulator answers everything that is not named in front.go.  What is added here follows VMware's documentation and
// has not been compared with a real vCenter; docs/clouds/vsphere.md says which is which.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/google/uuid"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"

	_ "github.com/vmware/govmomi/vapi/simulator"
)

func main() {
	m := simulator.VPX()
	flag.IntVar(&m.Cluster, "cluster", m.Cluster, "clusters")
	flag.IntVar(&m.ClusterHost, "host", m.ClusterHost, "hosts of each cluster")
	flag.IntVar(&m.Host, "standalone-host", 0, "hosts without a cluster")
	flag.IntVar(&m.Datastore, "ds", 2, "datastores")
	flag.IntVar(&m.Machine, "vm", 4, "machines of each resource pool")
	flag.IntVar(&m.Portgroup, "pg", 2, "distributed port groups")
	listen := flag.String("l", "127.0.0.1:8989", "address")
	user := flag.String("username", "crossfade@vsphere.local", "")
	password := flag.String("password", "pass", "")
	cert := flag.String("cert", "", "PEM file; without it plain HTTP is spoken")
	key := flag.String("key", "", "PEM file")
	lease := flag.Duration("lease", 300*time.Second, "life of an import lease that nobody keeps alive")
	withHBAs := flag.Bool("hbas", true, "give the hosts FC and FCoE adapters")
	quiet := flag.Bool("quiet", true, "no log of what the simulator does")
	flag.Parse()
	begun := time.Now()
	if err := m.Create(); err != nil {
		log.Fatal(err)
	}
	if *quiet {
		log.SetOutput(nothing{})
	}
	// Two of them must not look like one.
	simulator.Map.Get(vim25.ServiceInstance).(*simulator.ServiceInstance).Content.About.InstanceUuid = uuid.NewSHA1(uuid.NameSpaceURL, []byte(*listen)).String()
	if *withHBAs {
		addHBAs()
	}
	m.Service.Listen = &url.URL{Scheme: "http", Host: "127.0.0.1:0", User: url.UserPassword(*user, *password)}
	m.Service.RegisterEndpoints = true
	m.Service.ServeMux = http.NewServeMux()
	m.Service.NewServer()
	client, err := vim25.NewClient(context.Background(), m.Service)
	if err != nil {
		log.Fatal(err)
	}
	front := newFront(m.Service.ServeMux, client, *lease)
	server := &http.Server{Addr: *listen, Handler: front}
	go func() {
		if *cert == "" {
			fail(server.ListenAndServe())
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		fail(server.ListenAndServeTLS(*cert, *key))
	}()
	fmt.Printf("ready on %s in %s, pid %d\n", *listen, time.Since(begun).Round(time.Millisecond), os.Getpid())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
	m.Remove()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }

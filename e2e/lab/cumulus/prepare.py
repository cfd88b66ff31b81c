#!/usr/bin/python3
"""Makes what the lab's cloud has, looking first: catalogue, a project with one plain member, network, flavours, kernel.

The member's rights are what docs/clouds/openstack.md asks for and no more: so the tests run with these."""
import json
import os
import sys
import time

import requests

IP, LAB, ADMIN, MEMBER, NOTES, *KERNEL = sys.argv[1:]
KEYSTONE = f"http://{IP}:5000/v3"
NOVA, NEUTRON, GLANCE = f"http://{IP}:8774/v2.1", f"http://{IP}:9696/v2.0", f"http://{IP}:9292/v2"
SERVICES = [("nova", "compute", NOVA), ("neutron", "network", f"http://{IP}:9696"), ("glance", "image", f"http://{IP}:9292"),
            ("placement", "placement", f"http://{IP}:8778")]
CINDER = os.environ.get("CINDER") != "0"
if CINDER:
    SERVICES.append(("cinder", "volumev3", f"http://{IP}:8776/v3/%(project_id)s"))
# With a disk each: Nova lets only administrators use flavours without one.
FLAVOURS = [("lab.96", 1, 96, 1), ("lab.128", 1, 128, 1), ("lab.256", 1, 256, 2), ("lab.512", 2, 512, 4), ("lab.1024", 2, 1024, 10)]


def login(user, password, project):
    who = {"name": user, "domain": {"id": "default"}, "password": password}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}},
                     "scope": {"project": {"name": project, "domain": {"id": "default"}}}}}
    answer = requests.post(f"{KEYSTONE}/auth/tokens", json=body, timeout=60)
    answer.raise_for_status()
    session = requests.Session()
    session.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]
    session.user = answer.json()["token"]["user"]["id"]
    return session


def until(what, limit, attempt):
    end = time.time() + limit
    while True:
        try:
            found = attempt()
            if found:
                return found
            why = "not yet"
        except (requests.RequestException, KeyError) as error:
            why = error
        if time.time() > end:
            sys.exit(f"{what}: {why} (after {limit} s)")
        time.sleep(0.3)


def call(session, method, url, **options):
    # Neutron's server and its agents write to one SQLite: a transaction that met another one ends with 500 and changed nothing.
    for pause in (0.5, 1, 2, 4, 0):
        answer = session.request(method, url, timeout=120, **options)
        if answer.status_code != 500 or not pause:
            break
        time.sleep(pause)
    if answer.status_code >= 400:
        raise requests.RequestException(f"{method} {url}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.text else {}


def ensure(session, url, plural, single, name, body):
    """By name; answers its id."""
    for one in call(session, "GET", url)[plural]:
        if one["name"] == name:
            return one["id"]
    return call(session, "POST", url, json={single: dict(body, name=name)})[single]["id"]


def catalogue(admin):
    there = {e["service_id"] for e in call(admin, "GET", f"{KEYSTONE}/endpoints")["endpoints"]}
    for name, kind, url in SERVICES:
        service = ensure(admin, f"{KEYSTONE}/services", "services", "service", name, {"type": kind})
        for interface in ("public", "internal", "admin") if service not in there else ():
            endpoint = {"service_id": service, "interface": interface, "url": url, "region_id": "RegionOne"}
            call(admin, "POST", f"{KEYSTONE}/endpoints", json={"endpoint": endpoint})


def member(admin):
    project = ensure(admin, f"{KEYSTONE}/projects", "projects", "project", "crossfade", {"domain_id": "default"})
    user = ensure(admin, f"{KEYSTONE}/users", "users", "user", "crossfade",
                  {"domain_id": "default", "password": MEMBER, "default_project_id": project})
    role = ensure(admin, f"{KEYSTONE}/roles", "roles", "role", "member", {})
    call(admin, "PUT", f"{KEYSTONE}/projects/{project}/users/{user}/roles/{role}")
    return project


def network(admin, project):
    body = {"project_id": project, "provider:network_type": "flat", "provider:physical_network": "service", "port_security_enabled": False}
    net = ensure(admin, f"{NEUTRON}/networks", "networks", "network", "svc", body)
    subnet = {"network_id": net, "project_id": project, "ip_version": 4, "cidr": f"10.88.{LAB}.0/24", "gateway_ip": f"10.88.{LAB}.1",
              "enable_dhcp": False, "allocation_pools": [{"start": f"10.88.{LAB}.200", "end": f"10.88.{LAB}.250"}]}
    ensure(admin, f"{NEUTRON}/subnets", "subnets", "subnet", "svc", subnet)


def outside(admin, project):
    """Floating addresses, 198.18.LAB.0/24, carried by the agent's router. Without the agents its ports would be bound nowhere."""
    body = {"router:external": True, "provider:network_type": "flat", "provider:physical_network": "outside"}
    net = ensure(admin, f"{NEUTRON}/networks", "networks", "network", "outside", body)
    subnet = {"network_id": net, "ip_version": 4, "cidr": f"198.18.{LAB}.0/24", "enable_dhcp": False}
    ensure(admin, f"{NEUTRON}/subnets", "subnets", "subnet", "outside", subnet)
    address = {"floating_network_id": net, "floating_ip_address": f"198.18.{LAB}.10", "project_id": project}
    if not call(admin, "GET", f"{NEUTRON}/floatingips")["floatingips"]:
        call(admin, "POST", f"{NEUTRON}/floatingips", json={"floatingip": address})
    router = ensure(admin, f"{NEUTRON}/routers", "routers", "router", "edge", {"project_id": project, "external_gateway_info": {"network_id": net}})
    if call(admin, "GET", f"{NEUTRON}/ports", params={"device_id": router, "device_owner": "network:router_interface"})["ports"]:
        return
    svc = call(admin, "GET", f"{NEUTRON}/networks", params={"name": "svc"})["networks"][0]["id"]
    inside = call(admin, "GET", f"{NEUTRON}/subnets", params={"name": "svc"})["subnets"][0]["id"]
    fixed = [{"subnet_id": inside, "ip_address": f"10.88.{LAB}.251"}]
    port = call(admin, "POST", f"{NEUTRON}/ports", json={"port": {"network_id": svc, "project_id": project, "fixed_ips": fixed}})["port"]["id"]
    call(admin, "PUT", f"{NEUTRON}/routers/{router}/add_router_interface", json={"port_id": port})


def volumes(admin):
    cinder = next(s["id"] for s in call(admin, "GET", f"{KEYSTONE}/projects")["projects"] if s["name"] == "admin")
    url = f"http://{IP}:8776/v3/{cinder}"
    ensure(admin, f"{url}/types", "volume_types", "volume_type", "files", {})
    return any(s["binary"] == "cinder-volume" and s["state"] == "up" for s in call(admin, "GET", f"{url}/os-services")["services"])


def flavours(admin):
    for name, vcpus, ram, disk in FLAVOURS:
        ensure(admin, f"{NOVA}/flavors", "flavors", "flavor", name, {"vcpus": vcpus, "ram": ram, "disk": disk})


def credential(user):
    url = f"{KEYSTONE}/users/{user.user}/application_credentials"
    body = {"secret": "application-credential-of-the-lab"}
    return {"credential_id": ensure(user, url, "application_credentials", "application_credential", "lab", body),
            "credential_secret": body["secret"]}


def kernel(user, path, kind):
    """Named by its path: the driver finds there what a machine's definition names."""
    for image in call(user, "GET", f"{GLANCE}/images", params={"name": path})["images"]:
        if image["status"] == "active":
            return
    image = call(user, "POST", f"{GLANCE}/images", json={"name": path, "disk_format": kind, "container_format": kind})["id"]
    with open(path, "rb") as data:
        call(user, "PUT", f"{GLANCE}/images/{image}/file", data=data, headers={"Content-Type": "application/octet-stream"})


def all_agents(admin):
    """Of the networks, and of the router."""
    return sum(a["alive"] for a in call(admin, "GET", f"{NEUTRON}/agents")["agents"]) == 2


def ready(admin):
    services = call(admin, "GET", f"{NOVA}/os-services", params={"binary": "nova-compute"})["services"]
    hosts = call(admin, "GET", f"{NOVA}/os-hypervisors")["hypervisors"]
    return hosts and any(s["state"] == "up" for s in services) and all_agents(admin)


def main():
    admin = until("keystone", 180, lambda: login("admin", ADMIN, "admin"))
    if not os.path.exists(NOTES):
        catalogue(admin)
        project = member(admin)
        until("neutron", 180, lambda: call(admin, "GET", f"{NEUTRON}/networks") is not None)
        until("nova", 180, lambda: call(admin, "GET", f"{NOVA}/flavors") is not None)
        network(admin, project)
        until("Neutron's agents", 240, lambda: all_agents(admin))
        outside(admin, project)
        notes = credential(login("crossfade", MEMBER, "crossfade"))
        with open(NOTES, "w") as out:
            json.dump(notes, out)
    user = login("crossfade", MEMBER, "crossfade")
    until("nova", 120, lambda: flavours(admin) is None)
    until("glance", 120, lambda: call(user, "GET", f"{GLANCE}/images") is not None)
    if CINDER:
        until("cinder", 180, lambda: volumes(admin))
    for path, kind in zip(KERNEL, ("aki", "ari")):
        kernel(user, path, kind)
    until("the compute host", 240, lambda: ready(admin))


main()

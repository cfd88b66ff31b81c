#!/usr/bin/python3
"""Makes a machine as a user of the cloud would. One of that name is replaced."""
import sys
import time

import requests

IP, PASSWORD, NAME, ADDRESS, MAC, MEMORY, START, LINE, KERNEL, INITRD, DISK, DISKS, ROOT, GIB = sys.argv[1:]
NOVA, NEUTRON, GLANCE = f"http://{IP}:8774/v2.1", f"http://{IP}:9696/v2.0", f"http://{IP}:9292/v2"
SESSION = requests.Session()
ADDRESSES = {}


def login():
    who = {"name": "crossfade", "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": who}},
                     "scope": {"project": {"name": "crossfade", "domain": {"id": "default"}}}}}
    answer = requests.post(f"http://{IP}:5000/v3/auth/tokens", json=body, timeout=60)
    answer.raise_for_status()
    SESSION.headers.update({"X-Auth-Token": answer.headers["X-Subject-Token"], "OpenStack-API-Version": "compute 2.79"})
    # Where there is no block storage there is no address for it.
    for service in answer.json()["token"]["catalog"]:
        if service["type"] == "volumev3":
            ADDRESSES["cinder"] = next(e["url"] for e in service["endpoints"] if e["interface"] == "public")


def call(method, url, **options):
    if ":8776/" in url:
        options["headers"] = {"OpenStack-API-Version": "volume 3.59"}
    answer = SESSION.request(method, url, timeout=120, **options)
    if answer.status_code >= 400:
        sys.exit(f"{method} {url}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.text else {}


def image(name):
    return next(i["id"] for i in call("GET", f"{GLANCE}/images", params={"name": name})["images"] if i["status"] == "active")


def forget():
    for server in call("GET", f"{NOVA}/servers", params={"name": f"^{NAME}$"})["servers"]:
        if call("GET", f"{NOVA}/servers/{server['id']}")["server"]["locked"]:
            call("POST", f"{NOVA}/servers/{server['id']}/action", json={"unlock": None})
        call("DELETE", f"{NOVA}/servers/{server['id']}")
        while SESSION.get(f"{NOVA}/servers/{server['id']}", timeout=60).status_code != 404:
            time.sleep(0.3)
    for port in call("GET", f"{NEUTRON}/ports", params={"mac_address": MAC})["ports"]:
        call("DELETE", f"{NEUTRON}/ports/{port['id']}")
    for old in call("GET", f"{GLANCE}/images", params={"name": f"disk of {NAME}"})["images"]:
        call("DELETE", f"{GLANCE}/images/{old['id']}")
    cinder = ADDRESSES.get("cinder")
    for old in call("GET", f"{cinder}/volumes", params={"name": f"disk of {NAME}"})["volumes"] if cinder else ():
        own = {"OpenStack-API-Version": "volume 3.59"}
        while SESSION.delete(f"{cinder}/volumes/{old['id']}", headers=own, timeout=60).status_code != 404:
            time.sleep(0.5)


def volume(image):
    cinder = ADDRESSES["cinder"]
    body = {"size": int(GIB), "name": f"disk of {NAME}", "imageRef": image}
    made = call("POST", f"{cinder}/volumes", json={"volume": body})["volume"]["id"]
    while True:
        status = call("GET", f"{cinder}/volumes/{made}")["volume"]["status"]
        if status == "available":
            return made
        if status == "error":
            sys.exit(f"{NAME}: a volume was not made")
        time.sleep(0.3)


def attached(made, index):
    return {"uuid": made, "boot_index": index, "source_type": "volume", "destination_type": "volume"}


def make():
    body = {"name": f"disk of {NAME}", "disk_format": "qcow2", "container_format": "bare", "kernel_id": image(KERNEL),
            "ramdisk_id": image(INITRD), "os_command_line": LINE, "hw_disk_bus": "virtio", "hw_vif_model": "virtio"}
    disk = call("POST", f"{GLANCE}/images", json=body)["id"]
    with open(DISK, "rb") as data:
        call("PUT", f"{GLANCE}/images/{disk}/file", data=data, headers={"Content-Type": "application/octet-stream"})
    net = call("GET", f"{NEUTRON}/networks", params={"name": "svc"})["networks"][0]["id"]
    port = {"network_id": net, "mac_address": MAC, "fixed_ips": [{"ip_address": ADDRESS}]}
    port = call("POST", f"{NEUTRON}/ports", json={"port": port})["port"]["id"]
    flavours = call("GET", f"{NOVA}/flavors/detail")["flavors"]
    flavour = min((f for f in flavours if f["ram"] >= int(MEMORY)), key=lambda f: f["ram"])["id"]
    server = {"name": NAME, "flavorRef": flavour, "networks": [{"port": port}]}
    if ROOT == "volume":
        devices = [attached(volume(disk), 0)]
    else:
        server["imageRef"] = disk
        devices = [{"uuid": disk, "boot_index": 0, "source_type": "image", "destination_type": "local", "delete_on_termination": True}]
    devices += [attached(volume(disk), -1) for _ in range(1, int(DISKS))]
    if len(devices) > 1 or ROOT == "volume":
        server["block_device_mapping_v2"] = devices
    return call("POST", f"{NOVA}/servers", json={"server": server})["server"]["id"]


def wait(server, status):
    while True:
        seen = call("GET", f"{NOVA}/servers/{server}")["server"]
        if seen["OS-EXT-STS:task_state"] is None and seen["status"] in (status, "ERROR"):
            break
        time.sleep(0.3)
    if seen["status"] != status:
        sys.exit(f"{NAME}: {seen.get('fault', {}).get('message', seen['status'])}")


login()
forget()
made = make()
wait(made, "ACTIVE")
if START == "0":
    call("POST", f"{NOVA}/servers/{made}/action", json={"os-stop": None})
    wait(made, "SHUTOFF")

"""moto with what it lacks, and a door for tests: GET /lab/WHAT?name=VALUE.

usage: server.py PORT
"""

import hashlib
import io
import json
import os
import re
import sys
import threading
import urllib.parse

os.environ.setdefault("MOTO_PORT", sys.argv[1])

import additions  # noqa: E402
from moto.ec2.models import ec2_backends  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app  # noqa: E402
from werkzeug.serving import run_simple  # noqa: E402

ACCOUNT = "123456789012"
KEY = "AKIALABLABLABLABLABL"
REGIONS = {"oslo": "eu-north-1", "lisbon": "eu-west-3"}
ANSWERS = []
COUNT = {}
LOCK = threading.RLock()


def backend(site):
    return ec2_backends[ACCOUNT][REGIONS[site]]


def has(thing, key, value):
    return any(tag["key"] == key and tag["value"] == value for tag in thing.get_tags())


def instances(site, name):
    all_of_them = [one for made in backend(site).reservations.values() for one in made.instances]
    return [one for one in all_of_them if one.state != "terminated" and has(one, "Name", name)]


def volumes(site, instance):
    return [backend(site).get_volume(device.volume_id) for _, device in sorted(instance.get_block_device_mapping, key=lambda one: (one[0] != instance.root_device_name, one[0]))]


def machine(site, name, mem="96", disks="1", fill="4", dirty="0", start="1", subnet=None, **_):
    forget(site, name)
    ec2 = backend(site)
    kind = "t3.nano" if int(mem) <= 512 else "t3.small"
    subnet = sorted(ec2.get_default_subnets().values(), key=lambda one: one.availability_zone)[0]
    kwargs = dict(
        instance_type=kind, is_instance_type_default=False, region_name=REGIONS[site], placement=None, subnet_id=subnet.id, key_name=None,
        security_group_ids=[], nics=[], private_ip=None, associate_public_ip=False, tags={"instance": {"Name": name, "lab": "yes"}},
        client_token=None, instance_initiated_shutdown_behavior="stop", monitoring_state="disabled",
    )
    made = ec2.run_instances("ami-03cf127a", 1, None, [], **kwargs).instances[0]
    for number in range(1, int(disks)):
        extra = ec2.create_volume(size=2, zone_name=subnet.availability_zone, volume_type="gp3")
        ec2.attach_volume(extra.id, made.id, f"/dev/sd{chr(ord('e') + number)}")
    made.lab_dirty = int(dirty)
    for volume in volumes(site, made):
        additions.write(volume, volume.id, range(int(fill) * 2))
    if start == "0":
        ec2.stop_instances([made.id])
    return made.id


def forget(site, name):
    for one in instances(site, name):
        gone = volumes(site, one)
        backend(site).terminate_instances([one.id])
        for volume in gone:
            backend(site).volumes.pop(volume.id, None)
    return ""


def disk(site, name, **_):
    """One digest for each disk, the root's first; zeroes are as good as nothing."""
    def digest(volume):
        out = hashlib.sha256()
        for number, data in sorted(additions.blocks_of(volume).items()):
            if data != additions.ZERO:
                out.update(str(number).encode() + data)
        return out.hexdigest()
    (one,) = instances(site, name)
    return json.dumps([digest(volume) for volume in volumes(site, one)])


def answer(action, status="400", code="", times="1", retry_after="", **_):
    """The next so many calls of an action are answered so, and do nothing."""
    ANSWERS.append({"action": action, "status": int(status), "code": code, "times": int(times), "retry_after": retry_after})
    return ""


def left(site, lineage, **_):
    """What there is of a lineage, whatever it is."""
    ec2 = backend(site)
    tagged = lambda one: has(one, "crossfade:lineage", lineage)
    everything = list(ec2.snapshots.values()) + list(ec2.volumes.values())
    everything += [one for made in ec2.reservations.values() for one in made.instances if one.state != "terminated"]
    return "\n".join(one.id for one in everything if tagged(one))


def running(site, name, **_):
    """Those that are on with disks of their own; what is being made halts at once and has none."""
    return "\n".join(one.id for one in instances(site, name) if one.state == "running" and not has(one, "crossfade:building", "yes"))


def rootless(site, name, **_):
    return json.dumps(all(one.root_device_name not in one.block_device_mapping for one in instances(site, name)))


def requests(**_):
    return json.dumps(COUNT)


def clear(**_):
    ANSWERS.clear()
    return ""


DOORS = {"machine": machine, "forget": lambda site, name, **_: forget(site, name), "disk": disk, "answer": answer, "left": left, "running": running, "rootless": rootless,
         "requests": requests, "clear": clear}
EBS = {("POST", "start"): "StartSnapshot", ("PUT", "block"): "PutSnapshotBlock", ("POST", "completion"): "CompleteSnapshot",
       ("GET", "block"): "GetSnapshotBlock", ("GET", "blocks"): "ListSnapshotBlocks", ("GET", "changedblocks"): "ListChangedBlocks"}


def action_of(method, path, body):
    parts = path.strip("/").split("/")
    if parts[0] == "snapshots":
        what = "start" if len(parts) == 1 else "completion" if parts[1] == "completion" else "block" if len(parts) == 4 else parts[2]
        return EBS.get((method, what), "")
    return dict(urllib.parse.parse_qsl(body.decode("latin-1"))).get("Action", "")


# What Amazon's services answer to a key that they do not know, by the service that it is signed for.
STRANGER = {"sts": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
            "ebs": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
            "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials")}


def stranger(environ):
    """moto takes any key. The lab has one, and those that a role is given."""
    signed = re.search(r"Credential=([^/]+)/[^/]+/[^/]+/(\w+)/", environ.get("HTTP_AUTHORIZATION", ""))
    if signed is None or signed[1] == KEY or signed[1].startswith("ASIA") or signed[2] not in STRANGER:
        return None
    status, code, text = STRANGER[signed[2]]
    return {"status": status, "code": code, "text": text, "retry_after": "", "service": signed[2]}


class Door:
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, environ, start):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path.startswith("/lab/"):
            return self.lab(path[5:], environ, start)
        body = b""
        if not path.startswith("/snapshots"):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
        action = action_of(method, path, body)
        with LOCK:
            COUNT[action] = COUNT.get(action, 0) + 1
            prepared = next((one for one in ANSWERS if one["action"] in (action, "*") and one["times"] > 0), None)
            if prepared:
                prepared["times"] -= 1
        prepared = prepared or stranger(environ)
        if prepared is None:
            return self.inner(environ, start)
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) - len(body))
        return self.refuse(prepared, path, start)

    def refuse(self, one, path, start):
        rest = path.startswith("/snapshots")
        code, text = one["code"], one.get("text", "Prepared by a test.")
        error = f"<Error><Code>{code}</Code><Message>{text}</Message></Error>"
        if one.get("service") == "sts":
            body = f"<ErrorResponse>{error}<RequestId>lab</RequestId></ErrorResponse>"
        else:
            body = json.dumps({"message": text}) if rest else f"<Response><Errors>{error}</Errors><RequestID>lab</RequestID></Response>"
        headers = [("Content-Type", "application/json" if rest else "text/xml"), ("X-Amzn-ErrorType", code), ("Content-Length", str(len(body)))]
        if one["retry_after"]:
            headers.append(("Retry-After", one["retry_after"]))
        start(f"{one['status']} Prepared", headers)
        return [body.encode()]

    def lab(self, what, environ, start):
        options = dict(urllib.parse.parse_qsl(environ.get("QUERY_STRING", "")))
        try:
            with LOCK:
                status, text = "200 OK", DOORS[what](**options)
        except Exception as error:  # a test sees what went wrong
            status, text = "500 Failed", repr(error)
        start(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text.encode())))])
        return [text.encode()]


def prepare():
    """Subnets that have names, the same in both regions."""
    for site in REGIONS:
        for one in backend(site).get_default_subnets().values():
            one.add_tags({"Name": f"default-{one.availability_zone[-1]}"})


if __name__ == "__main__":
    prepare()
    run_simple("127.0.0.1", int(sys.argv[1]), Door(DomainDispatcherApplication(create_backend_app)), threaded=True, request_handler=MotoRequestHandler)

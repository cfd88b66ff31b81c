"""What moto lacks of EBS and of starting machines, added after Amazon's documentation.

- Volumes and snapshots hold blocks; a volume that is made from a snapshot has its blocks, a snapshot those of its volume.
- StartSnapshot goes on from its parent, and stays pending until it is completed.
- ListChangedBlocks compares, lists come in pages, unknown snapshots and wrong checksums are refused.
- An instance without a root volume does not start; RunInstances with a token that was seen answers what that one made.
- The cards that were made with an instance go with it, so that their addresses are free again.
- RegisterImage keeps its firmware and architecture.
"""

import base64
import hashlib
import time

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ebs.models import Block, EBSBackend, EBSSnapshot, ebs_backends
from moto.ebs.responses import EBSResponse
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_block_store import Volume

SIZE = 512 << 10
ZERO = bytes(SIZE)


class NoSnapshot(ServiceException):
    code = "ResourceNotFoundException"

    def __init__(self, name):
        super().__init__(f"The snapshot '{name}' does not exist.")


class Invalid(ServiceException):
    code = "ValidationException"


class NoRoot(EC2ClientError):
    code = 400

    def __init__(self, name):
        super().__init__(
            "InvalidParameterValue",
            f"Invalid value '{name}' for instanceId. Instance does not have a volume attached at root (/dev/sda1)",
        )


def sha(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def blocks_of(thing):
    if not hasattr(thing, "lab_blocks"):
        thing.lab_blocks = {}
    return thing.lab_blocks


# ---- what machines write

def write(volume, seed, numbers):
    for number in numbers:
        blocks_of(volume)[number] = hashlib.shake_128(f"{seed} {number}".encode()).digest(4096) * (SIZE // 4096)


def catch_up(backend, instance):
    """A machine that is on has written so many KiB a second since it was looked at last."""
    rate, now = getattr(instance, "lab_dirty", 0), time.monotonic()
    since, instance.lab_at = getattr(instance, "lab_at", now), now
    if rate and instance.state == "running":
        count = int((now - since) * rate * 1024 / SIZE) + 1
        for _, device in instance.get_block_device_mapping:
            volume = backend.get_volume(device.volume_id)
            seed = getattr(volume, "lab_seed", 0) + 1
            volume.lab_seed = seed
            write(volume, f"{volume.id} {seed}", [(seed * 7 + i) % 64 for i in range(min(count, 32))])


# ---- volumes and snapshots

plain_create_volume = EC2Backend.create_volume
plain_create_snapshot = EC2Backend.create_snapshot
plain_create_snapshots = EC2Backend.create_snapshots
plain_start_instances = EC2Backend.start_instances
plain_stop_instances = EC2Backend.stop_instances
plain_run_instances = EC2Backend.run_instances


def create_volume(self, *args, **kwargs):
    volume = plain_create_volume(self, *args, **kwargs)
    if volume.snapshot_id:
        volume.lab_blocks = dict(blocks_of(self.get_snapshot(volume.snapshot_id)))
    return volume


def ebs_of(backend):
    return ebs_backends[backend.account_id][backend.region_name]


def create_snapshot(self, *args, **kwargs):
    snapshot = plain_create_snapshot(self, *args, **kwargs)
    snapshot.lab_blocks = dict(blocks_of(snapshot.volume))
    return snapshot


def create_snapshots(self, instance_spec, *args, **kwargs):
    catch_up(self, self.get_instance(instance_spec["InstanceId"]))
    return plain_create_snapshots(self, instance_spec, *args, **kwargs)


def start_instances(self, instance_ids):
    for instance in self.get_multi_instances_by_id(instance_ids):
        if instance.root_device_name not in instance.block_device_mapping:
            raise NoRoot(instance.id)
        instance.lab_at = time.monotonic()
    return plain_start_instances(self, instance_ids)


def stop_instances(self, instance_ids):
    for instance in self.get_multi_instances_by_id(instance_ids):
        catch_up(self, instance)
    return plain_stop_instances(self, instance_ids)


TOKENS = {}


def run_instances(self, *args, **kwargs):
    token = kwargs.get("client_token")
    key = (self.region_name, token)
    if token and token != "ABCDE" and key in TOKENS:
        return TOKENS[key]
    made = plain_run_instances(self, *args, **kwargs)
    given = {nic.get("NetworkInterfaceId") for nic in kwargs.get("nics") or []}
    for card in [card for one in made.instances for card in one.nics.values() if card.id not in given]:
        card.delete_on_termination = True
    TOKENS[key] = made
    return made


EC2Backend.create_volume = create_volume
EC2Backend.create_snapshot = create_snapshot
EC2Backend.create_snapshots = create_snapshots
EC2Backend.start_instances = start_instances
EC2Backend.stop_instances = stop_instances
EC2Backend.run_instances = run_instances


# ---- EBS direct

def snapshot_of(self, name):
    found = self.ec2_backend.snapshots.get(name)
    if found is None:
        raise NoSnapshot(name)
    return found


def completed(self, name):
    found = snapshot_of(self, name)
    if found.status != "completed":
        raise Invalid(f"The snapshot '{name}' is not completed.")
    return found


def start_snapshot_response(self):
    backend = self.ebs_backend
    parent = self._get_param("ParentSnapshotId")
    blocks = dict(blocks_of(completed(backend, parent))) if parent else {}
    size = self._get_param("VolumeSize")
    if parent and size < completed(backend, parent).volume.size:
        raise Invalid("The volume may not be smaller than its parent's.")
    volume = Volume(backend.ec2_backend, "vol-ffffffff", size, backend.ec2_backend.get_zone_by_name(f"{self.region}a"), None, False)
    backend.ec2_backend.volumes["vol-ffffffff"] = volume
    snapshot = plain_create_snapshot(backend.ec2_backend, "vol-ffffffff", self._get_param("Description") or "")
    del backend.ec2_backend.volumes["vol-ffffffff"]
    snapshot.status, snapshot.lab_blocks, snapshot.lab_sums = "pending", blocks, {}
    tags = self._get_param("Tags") or []
    snapshot.add_tags({tag["Key"]: tag["Value"] for tag in tags})
    return ActionResult({
        "SnapshotId": snapshot.id, "OwnerId": backend.account_id, "Status": "pending", "StartTime": snapshot.start_time,
        "VolumeSize": size, "BlockSize": SIZE, "Tags": tags, "ParentSnapshotId": parent,
    })


def put_snapshot_block_response(self):
    snapshot = snapshot_of(self.ebs_backend, self._get_param("SnapshotId"))
    data, index = self._get_param("BlockData"), int(self._get_param("BlockIndex"))
    if snapshot.status != "pending":
        raise Invalid("The snapshot was completed.")
    if len(data) != SIZE or sha(data) != self._get_param("Checksum"):
        raise Invalid("The checksum or length of the block is not what was sent.")
    blocks_of(snapshot)[index] = data
    snapshot.lab_sums[index] = hashlib.sha256(data).digest()
    return ActionResult({"Checksum": sha(data), "ChecksumAlgorithm": "SHA256"})


def complete_snapshot_response(self):
    snapshot = snapshot_of(self.ebs_backend, self._get_param("SnapshotId"))
    sums = [snapshot.lab_sums[index] for index in sorted(snapshot.lab_sums)]
    if int(self._get_param("ChangedBlocksCount")) != len(sums):
        raise Invalid("These are not as many blocks as were put.")
    wanted = self._get_param("Checksum")
    if wanted is not None and wanted != base64.b64encode(hashlib.sha256(b"".join(sums)).digest()).decode():
        raise Invalid("The checksum of the snapshot is not what was sent.")
    snapshot.status = "completed"
    return ActionResult({"Status": "completed"})


def get_snapshot_block_response(self):
    name, index = self._get_param("SnapshotId"), int(self._get_param("BlockIndex"))
    data = blocks_of(completed(self.ebs_backend, name)).get(index)
    if data is None or self._get_param("BlockToken") != f"{name}.{index}":
        raise Invalid("There is no such block.")
    return ActionResult({"DataLength": len(data), "BlockData": data, "Checksum": sha(data), "ChecksumAlgorithm": "SHA256"})


def page(self, numbers):
    """Those of this page, and the token of the next."""
    start = int(self._get_param("NextToken") or self._get_param("StartingBlockIndex") or 0)
    most = int(self._get_param("MaxResults") or 10000)
    left = [number for number in sorted(numbers) if number >= start]
    return left[:most], str(left[most]) if len(left) > most else None


def list_snapshot_blocks_response(self):
    name = self._get_param("SnapshotId")
    snapshot = completed(self.ebs_backend, name)
    numbers, following = page(self, blocks_of(snapshot))
    blocks = [{"BlockIndex": number, "BlockToken": f"{name}.{number}"} for number in numbers]
    return ActionResult({"Blocks": blocks, "VolumeSize": snapshot.volume.size, "BlockSize": SIZE, "NextToken": following})


def list_changed_blocks_response(self):
    names = self._get_param("FirstSnapshotId"), self._get_param("SecondSnapshotId")
    first, second = (completed(self.ebs_backend, name) for name in names)
    old, new = blocks_of(first), blocks_of(second)
    numbers, following = page(self, [n for n in old.keys() | new.keys() if old.get(n) != new.get(n)])
    token = lambda name, blocks, number: f"{name}.{number}" if number in blocks else None
    blocks = [{"BlockIndex": n, "FirstBlockToken": token(names[0], old, n), "SecondBlockToken": token(names[1], new, n)} for n in numbers]
    return ActionResult({"ChangedBlocks": blocks, "VolumeSize": second.volume.size, "BlockSize": SIZE, "NextToken": following})


EBSResponse.start_snapshot = start_snapshot_response
EBSResponse.put_snapshot_block = put_snapshot_block_response
EBSResponse.complete_snapshot = complete_snapshot_response
EBSResponse.get_snapshot_block = get_snapshot_block_response
EBSResponse.list_snapshot_blocks = list_snapshot_blocks_response
EBSResponse.list_changed_blocks = list_changed_blocks_response

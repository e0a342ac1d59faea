"""OpenStack Swift with its S3 API in one process: `python swift_program.py FOLDER PORT KEY SECRET`.

It has one device and one replica, and listens on loopback. The file runs in the environment that
has Swift, so it imports nothing of ours.
"""

import sys
from pathlib import Path

import eventlet

eventlet.monkey_patch()

import eventlet.wsgi  # noqa: E402
from swift.common import storage_policy, utils  # noqa: E402
from swift.common.ring.builder import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

SWIFT = """
[swift-hash]
swift_hash_path_suffix = suffix
swift_hash_path_prefix = prefix
[storage-policy:0]
name = gold
default = yes
[swift-constraints]
max_header_size = 16384
"""
STORAGE = """
[DEFAULT]
devices = {devices}
swift_dir = {folder}
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth copy slo dlo \
versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
min_segment_size = 5242880
[filter:tempauth]
use = egg:swift#tempauth
user_{account}_{user} = {secret} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""


def main(folder: Path, port: int, access: str, secret: str) -> None:
    """Serve until the process ends."""
    devices = folder / "devices"
    (devices / "sda").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT)
    utils.set_swift_dir(str(folder))
    storage_policy.reload_storage_policies()
    serving = []
    for kind in ("account", "container", "object"):
        socket = eventlet.listen(("127.0.0.1", 0))
        _ring(folder / f"{kind}.ring.gz", socket.getsockname()[1])
        conf = folder / f"{kind}-server.conf"
        conf.write_text(STORAGE.format(kind=kind, folder=folder, devices=devices))
        serving.append((socket, conf))
    account, _, user = access.partition(":")
    conf = folder / "proxy-server.conf"
    conf.write_text(PROXY.format(folder=folder, account=account, user=user, secret=secret))
    serving.append((eventlet.listen(("127.0.0.1", port)), conf))
    threads = [eventlet.spawn(_serve, socket, conf) for socket, conf in serving]
    for thread in threads:
        thread.wait()


def _ring(file: Path, port: int) -> None:
    builder = RingBuilder(4, 1, 1)
    place = {"region": 1, "zone": 1, "weight": 1, "device": "sda"}
    address = {"ip": "127.0.0.1", "port": port}
    back = {"replication_ip": "127.0.0.1", "replication_port": port}
    builder.add_dev({**place, **address, **back})
    builder.rebalance()
    builder.get_ring().save(str(file))


def _serve(socket: object, conf: Path) -> None:
    app = loadapp(str(conf), global_conf={"log_requests": "false"})
    eventlet.wsgi.server(socket, app, protocol=SwiftHttpProtocol, log_output=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])

"""Configuration of a one-disk OpenStack Swift that speaks S3: five processes, no root, no memcached."""

from __future__ import annotations

import getpass
import os
import secrets
import subprocess
from pathlib import Path

STORAGE_SERVERS = ("account", "container", "object")
SERVERS = (*STORAGE_SERVERS, "proxy")
UPDATER = "object-updater"
"""Updates listings that were unreachable when an object was written; reads the object server's settings."""

_COMMON = """[DEFAULT]
bind_ip = {address}
bind_port = {port}
swift_dir = {etc}
devices = {disk}
mount_check = false
user = {user}
workers = 0
log_level = WARNING
bind_timeout = 5
disable_fallocate = true
fallocate_reserve = 0
container_update_timeout = 10
recon_cache_path = {run}
recon_lock_path = {run}
"""
_STORAGE = """
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[{kind}-updater]
interval = 30
"""
_FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "s3api", "tempauth", "copy", "slo",
            "dlo", "versioned_writes", "symlink")  # fmt: skip
_FILTER_SETTINGS = {
    "s3api": "location = us-east-1\nmax_upload_part_num = 10000\n",
    "tempauth": "user_{account}_{user} = {secret} .admin\n",
    "versioned_writes": "allow_object_versioning = true\n",
}
_RINGS = """
import sys
from swift.common.ring import RingBuilder
for kind, port in zip(('account', 'container', 'object'), sys.argv[2:]):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev(dict(region=1, zone=1, ip='127.0.0.1', port=int(port), device='d1', weight=1.0,
                         replication_ip='127.0.0.1', replication_port=int(port), meta=''))
    builder.rebalance()
    builder.get_ring().save(f'{sys.argv[1]}/{kind}.ring.gz')
"""


def write_config(
    folder: Path,
    python: Path,
    ports: dict[str, int],
    account: str,
    user: str,
    secret: str,
    address: str = "127.0.0.1",
) -> None:
    """Write settings and rings below a folder; existing data is kept.

    Args:
        folder: Gets ``etc``, ``run`` and ``disk``.
        python: Interpreter that has swift.
        ports: Port of each server.
        account: Tempauth account; access keys are ``account:user``.
        user: Tempauth user.
        secret: Secret key, without blanks.
        address: Address of S3; the servers behind it listen on loopback only.

    Raises:
        OSError: If the file system has no user extended attributes, which Swift keeps metadata in.
    """
    etc, run, disk = folder / "etc", folder / "run", folder / "disk"
    for path in (etc, run, disk / "d1"):
        path.mkdir(parents=True, exist_ok=True)
    probe = disk / ".probe"
    probe.touch()
    os.setxattr(probe, "user.probe", b"1")
    probe.unlink()

    def write(name: str, text: str) -> None:
        path = etc / name
        path.touch(mode=0o600)
        path.write_text(text)

    if not (etc / "swift.conf").exists():  # the suffix determines where every object is stored
        write(
            "swift.conf",
            f"[swift-hash]\nswift_hash_path_suffix = {secrets.token_hex(8)}\nswift_hash_path_prefix = maskfold\n"
            "\n[storage-policy:0]\nname = one\ndefault = yes\n",
        )
    places = {"etc": etc, "run": run, "disk": disk, "user": getpass.getuser()}
    for kind in STORAGE_SERVERS:
        common = _COMMON.format(address="127.0.0.1", port=ports[kind], **places)
        write(f"{kind}.conf", common + _STORAGE.format(kind=kind))
    proxy = _COMMON.format(address=address, port=ports["proxy"], **places)
    proxy += f"[pipeline:main]\npipeline = {' '.join(_FILTERS)} proxy-server\n"
    proxy += "[app:proxy-server]\nuse = egg:swift#proxy\naccount_autocreate = true\nnode_timeout = 30\n"
    for name in _FILTERS:
        settings = _FILTER_SETTINGS.get(name, "").format(account=account, user=user, secret=secret)
        proxy += f"[filter:{name}]\nuse = egg:swift#{name}\n{settings}"
    write("proxy.conf", proxy)
    subprocess.run(
        [python, "-c", _RINGS, str(etc), *(str(ports[kind]) for kind in STORAGE_SERVERS)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip

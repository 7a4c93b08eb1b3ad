"""Looks at this machine and its settings: what a run would find here, and what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from maskfold import storage, tracking
from maskfold.cores import usable_cores
from maskfold.errors import MaskfoldError
from maskfold.home import home
from maskfold.launch.slots import visible_gpus
from maskfold.redaction import redacted, without_password

State = Literal["good", "note", "bad"]

ROOM: Final = 5 << 30
"""Bytes that a run on some thousand photographs takes at most: packed faces, checkpoints, weights."""
MEMORY: Final = 4 << 30
"""Bytes with which all presets but the largest networks train on a processor."""
FILES: Final = 1024
"""Open files that a run with its servers may need at a time."""
_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    state: State
    found: str
    advice: str = ""
    """What to do; empty if nothing."""


def examine(weights: str = "", workspace: str = "") -> list[Finding]:
    """Look at everything that a run here depends on.

    Args:
        weights: URI of a folder of initial weights, or empty.
        workspace: URI of a workspace, or empty.
    """
    looks: list[Callable[[], Iterator[Finding]]] = [
        _software,
        _device,
        _memory,
        _disk,
        _files,
        _ports,
        _prefect,
        _mlflow,
        _s3,
        lambda: _weights(weights),
        lambda: _workspace(workspace),
    ]
    return [finding for look in looks for finding in look()]


def _software() -> Iterator[Finding]:
    import torch

    import maskfold

    yield Finding("maskfold", "good", f"{maskfold.__version__}, Python {platform.python_version()}")
    yield Finding("Prefect", "good", version("prefect"))
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "processor only"
    yield Finding("torch", "good", f"{torch.__version__} ({build})")


def _device() -> Iterator[Finding]:
    import torch

    cores = usable_cores()
    yield Finding("processor", "good", f"{cores} core{'s' * (cores != 1)} usable, {platform.machine()}")
    gpus = visible_gpus()
    if torch.cuda.is_available():
        names = ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
        yield Finding("GPU", "good", names)
    elif gpus:
        yield Finding(
            "GPU", "bad", f"{len(gpus)} in this machine, but torch cannot use it", "install a CUDA build of torch"
        )
    else:
        yield Finding("GPU", "note", "none", "fast and good are made for processors; best and hot6 want a GPU")


def _memory() -> Iterator[Finding]:
    import psutil

    available = psutil.virtual_memory().available
    short = available < MEMORY
    yield Finding(
        "memory",
        "bad" if short else "good",
        f"{_gb(available)} of {_gb(psutil.virtual_memory().total)} available",
        "close other programs, or set networks.*.batch_size lower" if short else "",
    )


def _disk() -> Iterator[Finding]:
    places = {"home": home(), "temporary files": Path(tempfile.gettempdir()), "this folder": Path.cwd()}
    for name, folder in places.items():
        writable = os.access(folder, os.W_OK)
        room = shutil.disk_usage(folder).free if folder.exists() else 0
        variable = {"home": "MASKFOLD_HOME", "temporary files": "TMPDIR"}.get(name)
        moved = f"; {variable} moves it" if variable else ""
        if not writable:
            yield Finding(f"disk, {name}", "bad", f"{folder} cannot be written", f"allow writing{moved}")
        else:
            short = room < ROOM
            advice = f"a run may take {_gb(ROOM)}: make room{moved}" if short else ""
            yield Finding(f"disk, {name}", "note" if short else "good", f"{_gb(room)} free in {folder}", advice)


def _files() -> Iterator[Finding]:
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= FILES
    advice = "" if enough else f"ulimit -n {FILES} before many jobs run at a time"
    yield Finding("open files", "good" if enough else "note", f"at most {soft}", advice)


def _ports() -> Iterator[Finding]:
    for port, name in ((4200, "Prefect"), (5000, "MLflow")):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                advice = f"maskfold ui needs another: --{name.lower()}-port"
                yield Finding(f"port {port}", "note", "taken", advice)
            else:
                yield Finding(f"port {port}", "good", f"free for {name} in maskfold ui")


def _prefect() -> Iterator[Finding]:
    address = os.environ.get("PREFECT_API_URL", "")
    if not address:
        yield Finding("Prefect server", "good", "none set: runs bring their own")
        return
    fault = _fault_of(f"{address.rstrip('/')}/health")
    advice = "start it, correct PREFECT_API_URL (it ends with /api), or unset it" if fault else ""
    yield Finding(
        "Prefect server", "bad" if fault else "good", f"{without_password(address)} {fault or 'answers'}", advice
    )


def _mlflow() -> Iterator[Finding]:
    uri = tracking.tracking_uri()
    if not uri.startswith("http"):
        yield Finding("MLflow", "good", f"in {without_password(uri)}")
        return
    fault = _fault_of(f"{without_password(uri).rstrip('/')}/health")
    advice = "start it, or correct MLFLOW_TRACKING_URI; `maskfold sync` records later what it misses" if fault else ""
    yield Finding("MLflow", "note" if fault else "good", f"{without_password(uri)} {fault or 'answers'}", advice)


def _s3() -> Iterator[Finding]:
    if not any(os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_ENDPOINT_URL_S3")):
        yield Finding("S3", "good", "not set up; only needed for s3:// addresses")
        return
    from maskfold.storage.s3_client import Connection

    try:
        endpoint = Connection().endpoint
    except MaskfoldError as error:
        yield Finding("S3", "bad", "settings are not valid", str(error))
        return
    fault = _fault_of(endpoint)
    advice = "start it, or correct AWS_ENDPOINT_URL_S3" if fault else "--workspace s3://... tries a bucket out"
    yield Finding("S3", "bad" if fault else "good", f"{without_password(endpoint)} {fault or 'answers'}", advice)


def _workspace(uri: str) -> Iterator[Finding]:
    if not uri:
        return
    try:
        storage.open_workspace(uri)
    except MaskfoldError as error:
        yield Finding("workspace", "bad", f"{uri} is not usable", str(error))
    else:
        yield Finding("workspace", "good", f"{uri} is usable")


def _weights(folder: str) -> Iterator[Finding]:
    if not folder:
        yield Finding("weights", "note", "none named", "--weights DIR looks for initial weights in a folder")
        return
    try:
        names = storage.list_folder(folder)
    except MaskfoldError as error:
        yield Finding("weights", "bad", "not readable", str(error))
        return
    found = sorted(name.removesuffix(".safetensors") for name in names if name.endswith(".safetensors"))
    advice = "" if found else "expected <backbone>.safetensors, such as mobilenetv2_050.safetensors"
    yield Finding("weights", "good" if found else "bad", ", ".join(found) or f"none in {folder}", advice)


def _fault_of(address: str) -> str:
    """Return why a server does not answer; empty if it does, be it to say no."""
    try:
        urllib.request.urlopen(address, timeout=_SECONDS).close()  # noqa: S310 - the user's own setting
    except urllib.error.HTTPError as error:
        return "" if error.code < HTTPStatus.INTERNAL_SERVER_ERROR else f"answers with {error.code}"
    except (OSError, ValueError) as error:
        return f"does not answer ({redacted(str(getattr(error, 'reason', error)))})"
    return ""


def _gb(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB"

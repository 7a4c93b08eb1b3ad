"""A real S3 server for tests and demonstrations: OpenStack Swift from PyPI, in a separate virtual environment.

It writes objects atomically, rejects wrong secrets, and keeps data across restarts. In tests use the fixtures
``s3_server`` and ``s3_bucket``; by hand::

    eval "$(python -m tests.servers.s3 start --dir /tmp/s3 --port 9000 --bucket demo)"
    python -m tests.servers.s3 stop --dir /tmp/s3
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

from tests.servers.ports import free_ports, listens

ROOT = Path(__file__).resolve().parents[2]
# The same server as in the container stack, so that the tests of S3 cover it.
STORE = ROOT / "docker" / "store"
REQUIREMENTS = STORE / "requirements.txt"
ACCOUNT, USER, SECRET = "test", "tester", "test-secret-key"
REGION = "us-east-1"


_spec = importlib.util.spec_from_file_location("swift_config", STORE / "swift_config.py")
assert _spec is not None
assert _spec.loader is not None
swift_config = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(swift_config)
SERVERS = swift_config.SERVERS


class NoServerError(Exception):
    """The server cannot be installed or started here."""


def cache_folder() -> Path:
    """Return the folder for one-time downloads of tests: ``$MASKFOLD_TEST_CACHE`` or ``.cache`` of the repository."""
    return Path(os.environ.get("MASKFOLD_TEST_CACHE") or ROOT / ".cache")


def install() -> Path:
    """Return the folder of Swift's programs, creating its virtual environment the first time.

    Raises:
        NoServerError: If the packages cannot be installed (no network, no wheels).
    """
    folder = cache_folder() / "swift" / f"venv-{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    wanted, installed = REQUIREMENTS.read_text(), folder / "installed.txt"
    with FileLock(folder.parent / ".lock"):
        if not installed.is_file() or installed.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            try:
                _run(sys.executable, "-m", "venv", str(folder))
                _run(str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                     "--only-binary", ":all:", "--no-deps", "-r", str(REQUIREMENTS))  # fmt: skip
            except subprocess.CalledProcessError as error:
                raise NoServerError(f"OpenStack Swift cannot be installed: {error.stderr[-2000:]}") from None
            installed.write_text(wanted)
    return folder / "bin"


@dataclass
class S3Server:
    """Four processes with their data below one folder; can be stopped, killed and restarted."""

    folder: Path
    programs: Path
    ports: dict[str, int]
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def create(cls, folder: Path, port: int | None = None) -> S3Server:
        """Set up a server, or reuse the one with data in the folder.

        Raises:
            NoServerError: If Swift cannot be installed, or the folder's file system cannot hold its metadata.
        """
        folder, programs = folder.resolve(), install()
        settings = folder / "ports.json"
        if settings.is_file():
            return cls(folder, programs, json.loads(settings.read_text()))
        ports = dict(zip(SERVERS, free_ports(len(SERVERS)), strict=True))
        ports["proxy"] = port or ports["proxy"]
        try:
            swift_config.write_config(folder, programs / "python", ports, ACCOUNT, USER, SECRET)
        except (OSError, subprocess.CalledProcessError) as error:
            raise NoServerError(f"Swift cannot be set up in {folder}: {error}") from error
        settings.write_text(json.dumps(ports))
        return cls(folder, programs, ports)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    @property
    def environment(self) -> dict[str, str]:
        """Settings for clients."""
        return {
            "AWS_ACCESS_KEY_ID": f"{ACCOUNT}:{USER}",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "MLFLOW_S3_ENDPOINT_URL": self.endpoint,
        }

    def start(self) -> None:
        """Start the processes that are not running and wait until S3 answers.

        Raises:
            NoServerError: If a process ends at once or the server is not healthy within 30 s.
        """
        for name in SERVERS:
            if self._pid(name) is None:
                if listens(self.ports[name]):
                    raise NoServerError(f"port {self.ports[name]} is in use by another program")
                with (self.folder / "run" / f"{name}.log").open("ab") as log:
                    child = subprocess.Popen(
                        [self.programs / f"swift-{name}-server", self.folder / "etc" / f"{name}.conf", "-v"],
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                    )  # fmt: skip
                self._children[name] = child
                (self.folder / "run" / f"{name}.pid").write_text(str(child.pid))
        deadline = time.monotonic() + 30
        while not (all(listens(port) for port in self.ports.values()) and self._answers()):
            ended = [name for name, child in self._children.items() if child.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "".join((self.folder / "run" / f"{name}.log").read_text()[-1000:] for name in ended or SERVERS)
                self.stop()
                raise NoServerError(f"Swift did not start ({', '.join(ended) or 'not healthy after 30 s'}): {logs}")
            time.sleep(0.05)

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Stop the processes, each by its id."""
        for wanted in (signum, signal.SIGKILL):
            for name in SERVERS:
                if (pid := self._pid(name)) is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, wanted)
            deadline = time.monotonic() + 5
            while any(self._pid(name) is not None for name in SERVERS) and time.monotonic() < deadline:
                time.sleep(0.02)
        self._children.clear()

    def make_bucket(self, name: str) -> None:
        """Create a bucket unless it exists."""
        client = self.client()
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=name)

    def client(self):
        """Return a plain boto3 client, independent of the code under test and of the environment."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3", endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=f"{ACCOUNT}:{USER}",
            aws_secret_access_key=SECRET, config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.endpoint}/healthcheck", timeout=2) as answer:
            return answer.status == 200
        return False

    def _pid(self, name: str) -> int | None:
        """Return a server's process id if that process still runs this configuration file."""
        if name in self._children:
            child = self._children[name]
            return child.pid if child.poll() is None else None
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "run" / f"{name}.pid").read_text())
            config = os.fsencode(self.folder / "etc" / f"{name}.conf")
            return pid if config in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0") else None
        return None


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A running S3 server for the whole session; a test that stops it starts it again."""
    try:
        # pytest's temporary folder may be a memory file system, without the extended attributes that Swift needs.
        server_data = cache_folder() / "swift" / "data"
        server_data.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=server_data, prefix="run-") as folder:
            server = S3Server.create(Path(folder))
            server.start()
            try:
                yield server
            finally:
                server.stop(signal.SIGKILL)
    except NoServerError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))


@pytest.fixture
def s3_bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fresh bucket; the environment points the code under test at its server."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    s3_server.make_bucket(bucket)
    return bucket


def main(argv: list[str] | None = None) -> int:
    """Start or stop a server by hand."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.s3", description=__doc__.split("\n\n")[0])
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("--dir", type=Path, required=True, help="folder for configuration, logs and data")
    parser.add_argument("--port", type=int, help="port of S3; a free one by default; kept after the first start")
    parser.add_argument("--bucket", help="create this bucket")
    arguments = parser.parse_args(argv)
    try:
        server = S3Server.create(arguments.dir, arguments.port)
        if arguments.action == "stop":
            server.stop()
            return 0
        server.start()
    except NoServerError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.bucket:
        server.make_bucket(arguments.bucket)
    for name, value in server.environment.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())

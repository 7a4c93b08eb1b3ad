"""Sends calls to MLflow in their order; what cannot be sent is kept on disk and sent later."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, TYPE_CHECKING

from maskfold.home import home
from maskfold.tracking.calls import PENDING, Call
from maskfold.tracking.store import connect, experiment

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

PAUSE_S = 30.0
"""How long a server that failed is left alone, so that a dead one costs one timeout and not one for each call."""
# Answers that will not change by waiting.
_REFUSALS = {
    "INVALID_PARAMETER_VALUE",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_STATE",
    "BAD_REQUEST",
    "PERMISSION_DENIED",
}


def unsent_folder() -> Path:
    """Return the folder of journals: calls that wait to be sent."""
    return home() / "unsent"


def journal_of(name: str) -> Path:
    """Return the journal of a run, or of a flow by another unique name."""
    return unsent_folder() / f"{name}.jsonl"


class Sender:
    """Sends calls to one tracking URI; safe to use from several threads; never raises.

    Args:
        uri: Tracking URI.
        journal: File that keeps unsent calls, one JSON object a line; calls in it from before are sent first.
        log: Gets one warning for each outage.
    """

    def __init__(self, uri: str, journal: Path, log: logging.Logger) -> None:
        self.uri = uri
        self._journal = Journal(journal, uri)
        self._log = log
        self._lock = threading.RLock()
        self._client: MlflowClient | None = None
        self._experiment: str | None = None
        self._pause_until = 0.0
        self._outage = False
        self.backlog: deque[Call] = deque(self._journal.calls)
        self._ids = self._journal.ids

    def send(self, call: Call) -> bool:
        """Send a call, after the ones that wait; return whether it was sent, otherwise it waits."""
        with self._lock:
            self.backlog.append(call)
            self._journal.hold(call)
            if time.monotonic() < self._pause_until:
                self._journal.flush()
                return False
            return self.flush()

    def flush(self) -> bool:
        """Send what waits; return whether all was sent."""
        with self._lock:
            while self.backlog:
                if not self._perform(self.backlog[0]):
                    self._journal.flush()
                    return False
                self.backlog.popleft()
            self._journal.clear()
            return True

    def resolve(self, run: str) -> str:
        """Return the real id of a run that was pending, or the id itself."""
        return self._ids.get(run, run)

    def client(self) -> MlflowClient:
        """Return the client.

        Raises:
            Exception: Whatever MLflow or the disk raise.
        """
        with self._lock:
            if self._client is None:
                self._client = connect(self.uri)
            return self._client

    def experiment(self) -> str:
        """Return the id of the experiment.

        Raises:
            Exception: Whatever MLflow or its server raise.
        """
        with self._lock:
            if self._experiment is None:
                self._experiment = experiment(self.client())
            return self._experiment

    def close(self) -> None:
        """Give the journal free for other processes; it is deleted when nothing waits in it."""
        with self._lock:
            self._journal.close()

    def _perform(self, call: Call) -> bool:
        """Send a call; return False when it has to wait."""
        known = call.with_ids(self._ids)
        if known.is_open:
            # Its run was refused for good or belongs to another journal: no later try can differ.
            self._log.warning("MLflow: a record of a run that was never created is dropped (%s)", call.kind)
            self._journal.done(call, None)
            return True
        try:
            found = known.perform(self.client(), self.experiment() if call.kind == "create" else "")
        except Exception as error:  # noqa: BLE001 - whatever it is, training goes on
            if _is_refusal(error):
                self._log.warning("MLflow refused a record, which is dropped (%s): %s", call.kind, _short(error))
                self._journal.done(call, None)
                return True
            self._pause_until = time.monotonic() + PAUSE_S
            if not self._outage:
                self._log.warning(
                    "MLflow at %s does not take records now; training goes on, they are kept in %s and sent later: %s",
                    self.uri, self._journal.path, _short(error),
                )  # fmt: skip
            self._outage = True
            return False
        if self._outage:
            self._log.info("MLflow at %s takes records again", self.uri)
        self._outage, self._pause_until = False, 0.0
        if call.run != found:
            self._ids[call.run] = found
        self._journal.done(call, found)
        return True


class Journal:
    """Unsent calls of one process on disk; held against other processes while it is open.

    Nothing is written as long as everything is sent. A line is a call, or notes that the oldest unsent call is done.
    """

    def __init__(self, path: Path, uri: str) -> None:
        self.path = path
        self._uri = uri
        self._stream: IO[str] | None = None
        self._held: list[str] = []
        self.calls: list[Call] = []
        self.ids: dict[str, str] = {}
        if path.is_file():
            self._read()

    def hold(self, call: Call) -> None:
        """Take a call that is about to be sent; it is written only if that fails."""
        self._held.append(call.dump())

    def flush(self) -> None:
        """Write what is held to the disk; a disk that refuses costs the records, not the training."""
        with contextlib.suppress(OSError):
            stream = self._open()
            stream.writelines(f"{line}\n" for line in self._held)
            self._held.clear()
            stream.flush()

    def done(self, call: Call, run: str | None) -> None:
        """Note that the oldest call is done, and the id that its run got."""
        if self._held and self._stream is None:
            self._held.pop(0)
            return
        with contextlib.suppress(OSError):
            if self._held:
                self.flush()
            stream = self._open()
            stream.write(json.dumps({"done": call.run, "id": run}) + "\n")
            stream.flush()

    def clear(self) -> None:
        """Delete the file: everything was sent. Ids of runs that were pending stay known to this process."""
        if self._stream is not None:
            self.path.unlink(missing_ok=True)
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """Let other processes take the file up."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self) -> IO[str]:
        if self._stream is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            self._stream = self.path.open("a", encoding="utf-8")
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_new:
                self._stream.write(json.dumps({"uri": self._uri}) + "\n")
        return self._stream

    def _read(self) -> None:
        self._open()
        waiting: deque[Call] = deque()
        for line in self.path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # the last line of a killed process may be half
                entry = json.loads(line)
                if "done" in entry and waiting:
                    call = waiting.popleft()
                    if entry["id"] and call.run.startswith(PENDING):
                        self.ids[call.run] = entry["id"]
                elif "kind" in entry:
                    waiting.append(Call.load(line))
        self.calls = list(waiting)


def send_left_over(uri: str, log: logging.Logger) -> None:
    """Send what earlier processes could not, as far as it is for this tracking URI and they are gone."""
    for path in sorted(unsent_folder().glob("*.jsonl")):
        send_journal(path, uri, log)


def send_journal(path: Path, uri: str, log: logging.Logger) -> None:
    """Send what waits in a journal, if it exists, is for this tracking URI and no living process holds it."""
    try:
        with path.open(encoding="utf-8") as stream:
            if json.loads(stream.readline() or "{}").get("uri") != uri:
                return
        sender = Sender(uri, path, log)
    except (BlockingIOError, FileNotFoundError):
        return
    except (OSError, ValueError) as error:
        log.warning("MLflow: unsent records in %s cannot be read: %s", path, error)
        return
    count = len(sender.backlog)
    if sender.flush():
        log.info("MLflow: %d records of an earlier run sent (%s)", count, path.stem)
    sender.close()


def _is_refusal(error: Exception) -> bool:
    return getattr(error, "error_code", None) in _REFUSALS or isinstance(error, FileNotFoundError)


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]

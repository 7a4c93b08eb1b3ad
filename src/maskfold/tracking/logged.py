"""One MLflow run to which what is missing is added: each method looks first, so that all can be repeated."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from maskfold.redaction import redacted

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

Point = tuple[str, float, int]
"""Key, value, step."""
T = TypeVar("T")
# MLflow refuses more than 1000 entries, 100 params, 100 tags or 1 MB in one call, and longer values
# (mlflow.utils.validation).
_MAX_ENTRIES, _MAX_METRICS, _MAX_EPOCHS = 50, 800, 100
_MAX_PARAM, _MAX_TAG, _MAX_KEY, _MAX_DIGEST = 6000, 5000, 250, 36
_TIMEOUT_VARIABLE = "MLFLOW_HTTP_REQUEST_TIMEOUT"
_SLOWEST_UPLOAD = 256 << 10
"""Bytes a second; a slower network, or gateway before the server, is taken for one that does not answer."""
_changing_timeout = threading.Lock()
PATIENCE_S = 60.0


@dataclass
class Patience:
    """How long to try artifacts that are not taken: a storage that does not answer costs minutes for each of them."""

    seconds: float = field(default_factory=lambda: PATIENCE_S)
    """Left for what fails; what is taken costs nothing."""

    @contextlib.contextmanager
    def spent_on_failure(self) -> Iterator[None]:
        """Count the time of the body if it fails.

        Raises:
            TimeoutError: If nothing is left.
        """
        if self.seconds <= 0.0:
            raise TimeoutError("not tried: those before it took too long to fail")
        began = time.monotonic()
        try:
            yield
        except Exception:
            self.seconds -= time.monotonic() - began
            raise


class LoggedRun:
    """A run in MLflow and what is known to be there; methods raise whatever MLflow or its server raise.

    Args:
        client: Of the MLflow that has the run.
        run: As it was found or created.
        patience: Shared by all runs of one MLflow.
    """

    def __init__(self, client: MlflowClient, run: Run, patience: Patience) -> None:
        self._client, self._patience = client, patience
        self._steps: set[int] = set()
        self._sizes: dict[str, dict[str, int | None]] = {}
        self.id = str(run.info.run_id)
        self.refused: dict[str, str] = {}
        """Artifacts that could not be recorded, with the reason; they are not tried again by this object."""
        self.saw(run)

    def saw(self, run: Run) -> None:
        """Take note of how the run is now in MLflow."""
        self._data = run.data
        self._ending = (run.info.status, run.info.end_time)
        self._digests = {used.dataset.digest for used in (run.inputs.dataset_inputs if run.inputs else [])}
        self.is_deleted = run.info.lifecycle_stage != "active"
        """A person has deleted it."""

    def log(
        self,
        params: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        at: int | None = None,
    ) -> None:
        """Log settings (nested ones with dotted keys), tags and metrics; long values are cut.

        Args:
            params: Those that are there stay as they are.
            tags: Other values are replaced.
            metrics: Other values are followed by these.
            at: Time of the metrics, in milliseconds since 1970.
        """
        from mlflow.entities import Metric, Param, RunTag

        points = [(_key(key), float(value)) for key, value in (metrics or {}).items()]
        points = [(key, value) for key, value in points if self._data.metrics.get(key) != value]
        flat = {key: value for key, value in flatten(params or {}).items() if key not in self._data.params}
        marks = {key: value for key, value in clean_tags(tags or {}).items() if self._data.tags.get(key) != value}
        for some in _parts(points, _MAX_METRICS):
            self._client.log_batch(self.id, [Metric(key, value, at or 0, 0) for key, value in some])
            self._data.metrics.update(some)
        for pairs in _parts(list(flat.items()), _MAX_ENTRIES):
            self._client.log_batch(self.id, params=[Param(*pair) for pair in pairs])
            self._data.params.update(pairs)
        for pairs in _parts(list(marks.items()), _MAX_ENTRIES):
            self._client.log_batch(self.id, tags=[RunTag(*pair) for pair in pairs])
            self._data.tags.update(pairs)

    def tag(self, name: str) -> str:
        """Return a tag as it is known to be; empty if the run has none of this name."""
        return str(self._data.tags.get(name, ""))

    def log_curves(self, points: Sequence[Point], key: str, at: int) -> None:
        """Log the points of those steps that the curve ``key`` does not have yet."""
        from mlflow.entities import Metric

        wanted = {step for _, _, step in points}
        if wanted - self._steps:
            self._steps = steps(self._client, self.id, key)
        for part in _parts(sorted(wanted - self._steps), _MAX_EPOCHS):  # all curves of an epoch in one call, or none
            some = [Metric(_key(name), value, at, step) for name, value, step in points if step in part]
            self._client.log_batch(self.id, some)
            self._steps |= set(part)

    def log_dataset(self, name: str, version: str, uri: str) -> None:
        """Name the data set that the run used."""
        from mlflow.entities import Dataset, DatasetInput

        digest = version[:_MAX_DIGEST]
        if digest not in self._digests:
            kind = "s3" if uri.startswith("s3:") else "local"
            self._client.log_inputs(self.id, [DatasetInput(Dataset(name, digest, kind, json.dumps({"uri": uri})))])
            self._digests.add(digest)

    def rename(self, old: str, new: str) -> None:
        """Change our own name of the run; one that a person chose stays."""
        if old != new and self._data.tags.get("mlflow.runName") == old:
            self._client.update_run(self.id, name=new)
            self._data.tags["mlflow.runName"] = new

    def end(self, status: str, at: int) -> None:
        """End the run as FINISHED, FAILED or KILLED."""
        if self._ending != (status, at):
            self._client.set_terminated(self.id, status, at)
            self._ending = (status, at)

    def log_text(self, name: str, text: str) -> None:
        """Log a text as an artifact; see :attr:`refused`."""
        self._upload(name, len(text.encode()), lambda: self._client.log_text(self.id, text, name))

    def log_file(self, name: str, size: int, fetch: Callable[[], Any]) -> None:
        """Log a file as an artifact, fetching it only if it is missing; see :attr:`refused`.

        Args:
            name: The artifact's, with its folder.
            size: Bytes.
            fetch: Returns a local path that ends with the artifact's name.
        """
        folder = _folder(name) or None
        self._upload(name, size, lambda: self._client.log_artifact(self.id, str(fetch()), folder))

    def _upload(self, name: str, size: int, upload: Callable[[], None]) -> None:
        if name in self.refused:
            return
        if self._patience.seconds <= 0.0:
            self.refused[name] = "not tried: those before it took too long to fail"
            return
        try:
            with self._patience.spent_on_failure():
                there = self._list(_folder(name))
                if there.get(name, -1) not in (size, None):
                    with time_for(size):
                        upload()
                    there[name] = size
        except Exception as error:  # noqa: BLE001 - one file must not keep back all that follows
            self._client.get_run(self.id)  # raises when it was not the file's fault: the server is away
            self.refused[name] = short(error)

    def _list(self, folder: str) -> dict[str, int | None]:
        if folder not in self._sizes:
            entries = self._client.list_artifacts(self.id, folder or None)
            self._sizes[folder] = {entry.path: entry.file_size for entry in entries if not entry.is_dir}
        return self._sizes[folder]


def steps(client: MlflowClient, run: str, key: str) -> set[int]:
    """Return the steps that a curve of a run has."""
    return {point.step for point in client.get_metric_history(run, key)}


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as one level of short strings with dotted keys."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            flat[_key(f"{prefix}{key}")] = _cut(text, _MAX_PARAM)
    return flat


def clean_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags as MLflow takes them."""
    return {_key(key): _cut(value, _MAX_TAG) for key, value in tags.items()}


def short(error: Exception) -> str:
    """Return an error in one line, without passwords."""
    return (redacted(str(error)).splitlines() or [type(error).__name__])[0][:300]


@contextlib.contextmanager
def time_for(size: int) -> Iterator[None]:
    """Let MLflow wait longer for the answer to an upload: gateways pass a file on before they answer.

    MLflow reads the timeout from the environment for each request; those of other threads may wait longer meanwhile.
    """
    more = size // _SLOWEST_UPLOAD
    if not more or not os.environ.get(_TIMEOUT_VARIABLE, "").isdecimal():
        yield
        return
    with _changing_timeout:
        usual = os.environ[_TIMEOUT_VARIABLE]
        os.environ[_TIMEOUT_VARIABLE] = str(int(usual) + more)
        try:
            yield
        finally:
            os.environ[_TIMEOUT_VARIABLE] = usual


def _folder(name: str) -> str:
    return "" if "/" not in name else str(PurePosixPath(name).parent)


def _parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (items[start : start + most] for start in range(0, len(items), most))


def _key(key: str) -> str:
    """Replace what MLflow does not allow in a name: anything but letters, digits and ``_-. /``."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in key)
    # It also refuses names that are not normal relative paths.
    return "/".join(part for part in cleaned.split("/") if part.strip(".")).strip()[:_MAX_KEY] or "_"


def _cut(value: str, most: int) -> str:
    return value if len(value) <= most else f"{value[: most - 3]}..."

"""One thing to tell MLflow, in a form that can be kept on disk and done later."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

Kind = Literal["create", "batch", "curve", "text", "file", "end"]

PENDING = "pending-"
"""Begins the id of a run that could not be created yet."""
# MLflow refuses more than 1000 entries, 100 params, 100 tags or 1 MB in one call, and longer values
# (mlflow.utils.validation).
_MAX_ENTRIES, _MAX_METRICS = 50, 800
_MAX_PARAM, _MAX_TAG, _MAX_KEY = 6000, 5000, 250
PARENT_TAG = "mlflow.parentRunId"


@dataclass(frozen=True)
class Call:
    """A request about one run; times are milliseconds since 1970, fixed when the call is made and not when it is sent.

    The fixed times also make a call that was sent twice harmless: MLflow keeps equal points of a metric once.
    """

    kind: Kind
    run: str
    arguments: dict[str, Any]

    def dump(self) -> str:
        """Return the call as one line of JSON."""
        return json.dumps({"kind": self.kind, "run": self.run, "arguments": self.arguments}, ensure_ascii=False)

    @classmethod
    def load(cls, line: str) -> Call:
        """Read what :meth:`dump` wrote.

        Raises:
            ValueError: If the line is damaged.
        """
        value = json.loads(line)
        try:
            return cls(value["kind"], value["run"], value["arguments"])
        except (KeyError, TypeError):
            raise ValueError("not a tracking call") from None

    def with_ids(self, ids: Mapping[str, str]) -> Call:
        """Return the call with pending run ids replaced by real ones."""
        arguments = self.arguments
        if self.kind == "create":
            parent = arguments["tags"].get(PARENT_TAG)
            arguments = {
                **arguments,
                "tags": {**arguments["tags"], **({PARENT_TAG: ids[parent]} if parent in ids else {})},
            }
        return Call(self.kind, ids.get(self.run, self.run), arguments)

    @property
    def is_open(self) -> bool:
        """Whether it still names a run that does not exist (other than the one that it creates)."""
        if self.kind == "create":
            return str(self.arguments["tags"].get(PARENT_TAG, "")).startswith(PENDING)
        return self.run.startswith(PENDING)

    def perform(self, client: MlflowClient, experiment: str) -> str:
        """Send the call; return the id of its run.

        Raises:
            Exception: Whatever MLflow, its server or the disk raise.
        """
        from mlflow.entities import Metric, Param, RunTag

        given = self.arguments
        match self.kind:
            case "create":
                run = client.create_run(experiment, given["time"], given["tags"], given["name"])
                return str(run.info.run_id)
            case "batch":
                metrics = [Metric(key, value, at, step) for key, value, at, step in given["metrics"]]
                params = [Param(key, value) for key, value in given["params"]]
                tags = [RunTag(key, value) for key, value in given["tags"]]
                client.log_batch(self.run, metrics, params, tags)
            case "curve":
                there = {point.step for point in client.get_metric_history(self.run, given["key"])}
                points = [point for point in given["metrics"] if point[3] not in there]
                for part in (points[start : start + _MAX_METRICS] for start in range(0, len(points), _MAX_METRICS)):
                    client.log_batch(self.run, [Metric(key, value, at, step) for key, value, at, step in part])
            case "text":
                client.log_text(self.run, given["text"], given["name"])
            case "file":
                client.log_artifact(self.run, given["path"], given["folder"] or None)
            case "end":
                client.set_terminated(self.run, given["status"], given["time"])
        return self.run


def create(name: str, tags: Mapping[str, str]) -> Call:
    """Begin a run; its id is a pending one until it is sent."""
    return Call("create", f"{PENDING}{uuid.uuid4().hex}", {"name": name, "tags": _tags(tags), "time": now()})


def batches(
    run: str,
    metrics: Sequence[tuple[str, float, int]] = (),
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    at: int | None = None,
) -> Iterator[Call]:
    """Yield calls that log any number of metrics, params and tags, each within MLflow's limits.

    Args:
        run: The run.
        metrics: Key, value and step of each.
        params: May be nested; keys are joined with dots, long values cut.
        tags: Long values are cut.
        at: Time in milliseconds; now by default.
    """
    at = now() if at is None else at
    left: dict[str, tuple[int, Iterator[Any]]] = {
        "metrics": (_MAX_METRICS, iter([[_key(key), float(value), at, step] for key, value, step in metrics])),
        "params": (_MAX_ENTRIES, iter(flatten(params or {}).items())),
        "tags": (_MAX_ENTRIES, iter(_tags(tags or {}).items())),
    }
    while True:
        part = {name: list(islice(items, most)) for name, (most, items) in left.items()}
        if not any(part.values()):
            return
        yield Call("batch", run, part)


def curve(run: str, points: Sequence[tuple[str, float, int]], key: str) -> Call:
    """Log those points whose step the run does not have yet.

    What is there is looked up when the call is sent, which may be long after it is made.

    Args:
        run: The run.
        points: Key, value and step of each.
        key: The curve that tells which steps are there.
    """
    at = now()
    return Call("curve", run, {"key": key, "metrics": [[_key(name), value, at, step] for name, value, step in points]})


def text(run: str, content: str, name: str) -> Call:
    """Log a text as an artifact."""
    return Call("text", run, {"text": content, "name": name})


def file(run: str, path: Path, folder: str = "") -> Call:
    """Log a file, which stays where it is, as an artifact."""
    return Call("file", run, {"path": str(path), "folder": folder})


def end(run: str, status: str) -> Call:
    """End a run as FINISHED, FAILED or KILLED."""
    return Call("end", run, {"status": status, "time": now()})


def now() -> int:
    """Return the time in milliseconds since 1970."""
    return int(time.time() * 1000)


def flatten(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested settings as one level of short strings with dotted keys."""
    flat: dict[str, str] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[_key(f"{prefix}{key}")] = _cut(
                value if isinstance(value, str) else json.dumps(value, default=str), _MAX_PARAM
            )
    return flat


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {_key(key): _cut(value, _MAX_TAG) for key, value in tags.items()}


def _key(key: str) -> str:
    """Replace what MLflow does not allow in a name: anything but letters, digits and ``_-. /``."""
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c in "_-. /") else "_" for c in key)
    # It also refuses names that are not normal relative paths.
    return "/".join(part for part in cleaned.split("/") if part.strip(".")).strip()[:_MAX_KEY] or "_"


def _cut(value: str, most: int) -> str:
    return value if len(value) <= most else f"{value[: most - 3]}..."

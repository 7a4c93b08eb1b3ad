"""maskfold from Python: :func:`run` does what ``maskfold run`` does, and returns what came of it."""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from maskfold.loopback import never_proxy_loopback
from maskfold.redaction import redact_logs

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")


@dataclass(frozen=True)
class RunResult:
    """What came of a run; addresses are paths, or ``s3://...``."""

    summary: Mapping[str, Any]
    """As ``maskfold run --json`` prints it."""

    @property
    def scores(self) -> Mapping[str, Any]:
        """Out-of-fold scores of the vote.

        ``macro_f1`` and ``accuracy`` over all classes, each with ``_low`` and ``_high``, the ends of its 95 % interval;
        under ``attributes`` the same of each attribute.
        """
        scores: Mapping[str, Any] = self.summary["scores"]["vote"]
        return scores

    @property
    def voters(self) -> Mapping[str, Any]:
        """The same scores of every network, of the product of attribute networks, and of the vote."""
        scores: Mapping[str, Any] = self.summary["scores"]
        return scores

    @cached_property
    def oof(self) -> pd.DataFrame:
        """The out-of-fold table: a row for each training photograph, with its true class and all probabilities."""
        import pandas as pd

        from maskfold import storage

        return pd.read_parquet(io.BytesIO(storage.read_uri(self.summary["oof"])))

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The learning curves: run, network, fold, epoch, tag (such as ``valid_macro_f1``) and value."""
        from maskfold import storage
        from maskfold.curves.chosen import read_curves

        return read_curves(storage.open_existing(self.workspace), self.summary["run"]).table

    @property
    def submission(self) -> str | None:
        """Address of the submission; None where the data set has no evaluation images."""
        address: str | None = self.summary["submission"]
        return address

    @property
    def report(self) -> str:
        """Address of the report, an HTML page."""
        return str(self.summary["report"])

    @property
    def workspace(self) -> str:
        """Address of the workspace."""
        return str(self.summary["workspace"])

    def __repr__(self) -> str:
        """Return the score and where the results are."""
        score = self.scores["macro_f1"]
        return f"RunResult(macro_f1={score:.3f}, submission={self.submission!r}, report={self.report!r})"


def run(
    data: str | os.PathLike[str],
    workspace: str | os.PathLike[str] = "maskfold-out",
    recipe: str | os.PathLike[str] = "fast",
    set: Mapping[str, Any] | None = None,
    weights: Iterable[str] = (),
    launcher: str = "local",
    progress: bool | None = None,
) -> RunResult:
    """Crop, train, vote and publish a submission. Run again to continue: finished steps cost nothing.

    It says nothing by default; in a notebook it shows a progress bar. An interrupt stops the run in order.

    Args:
        data: Data set: a folder, ``file://`` or ``s3://``, or a table (csv, parquet) in it.
        workspace: Where all results go: a folder, ``file://`` or ``s3://bucket/prefix``.
        recipe: A preset (smoke, fast, best, hot6) or a YAML file.
        set: Single settings by dotted key, such as ``{"folds.k": 3, "networks.*.epochs": 5}``.
        weights: Initial weights: folders of ``<backbone>.safetensors``, or ``BACKBONE=URI`` each.
        launcher: Where jobs run: ``local``, or ``pool:NAME`` for a Prefect work pool.
        progress: Whether to show the progress on standard error; by default in notebooks only.

    Raises:
        InputError: If an argument, or the data set, is wrong; the message says what to do.
        MaskfoldError: If a job fails, or a server does.
    """
    from maskfold.servers.surroundings import prefect_settings, quiet_logs, quiet_servers

    quiet_servers()
    quiet_logs()
    never_proxy_loopback()
    redact_logs()
    overrides = [f"{key}={json.dumps(value)}" for key, value in (set or {}).items()]
    arguments = {
        "data": os.fspath(data),
        "workspace": os.fspath(workspace),
        "recipe": os.fspath(recipe),
        "set": overrides,
        "weights": list(weights),
    }
    with prefect_settings():
        from flows.here import expect, run_here
        from flows.plan import plan_run
    from rich.console import Console

    from maskfold.console import showing_jobs
    from maskfold.launch import pool_of
    from maskfold.pace import Pace

    pool_of(launcher)
    plan = plan_run(*arguments.values())  # type: ignore[arg-type]
    shown: AbstractContextManager[object] = nullcontext()
    console = Console(stderr=not Console().is_jupyter)
    if console.is_jupyter if progress is None else progress:
        expected = expect(plan)
        shown = showing_jobs(console, Pace(expected.jobs, expected.slots))
    return RunResult(_outside_of_loops(lambda: run_here(plan, shown, launcher, **arguments)))


def _outside_of_loops(work: Callable[[], T]) -> T:
    """Do work where no event loop runs, as one does in a notebook; an interrupt stops it and is raised again."""
    from maskfold.launch.stopping import stopping_on_request

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with stopping_on_request() as stop, ThreadPoolExecutor(1, thread_name_prefix="maskfold-run") as threads:
        future = threads.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            stop.request()
            raise

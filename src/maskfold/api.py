"""maskfold from Python: the commands ``run`` and ``predict``, and what came of them as objects."""

from __future__ import annotations

import asyncio
import contextvars
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
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

    def predict(
        self, images: str | os.PathLike[str], out: str | os.PathLike[str] = "", **options: Any
    ) -> PredictResult:
        """Predict photographs with this run's model; see :func:`predict`.

        Args:
            images: A folder, ``s3://bucket/prefix``, a table with a column path or image, or one photograph.
            out: The csv to write; by default it stays in the workspace.
            **options: ``all_faces``, ``labels``, ``launcher``, ``progress``.
        """
        return predict(images, out, self.workspace, str(self.summary["model"]), **options)

    def __repr__(self) -> str:
        """Return the score and where the results are."""
        score = self.scores["macro_f1"]
        return f"RunResult(macro_f1={score:.3f}, submission={self.submission!r}, report={self.report!r})"


@dataclass(frozen=True)
class PredictResult:
    """What came of a prediction; addresses are paths, or ``s3://...``."""

    summary: Mapping[str, Any]
    """As ``maskfold predict --json`` prints it."""

    @cached_property
    def table(self) -> pd.DataFrame:
        """The answers: a row for each photograph, or face, with its class and all probabilities."""
        import pandas as pd

        from maskfold import storage

        return pd.read_csv(io.BytesIO(storage.read_uri(self.summary["out"])), dtype={"image": str})

    @property
    def warnings(self) -> Sequence[str]:
        """How the photographs differ from those of the training, where they differ a lot."""
        found: Sequence[str] = self.summary["drift"]["warnings"]
        return found

    @property
    def scores(self) -> Sequence[Mapping[str, Any]]:
        """Scores of the joint class and of each attribute, with 95 % intervals; empty without labels."""
        found: Sequence[Mapping[str, Any]] = self.summary["scores"]
        return found

    def __repr__(self) -> str:
        """Return how many photographs there are, and where the csv is."""
        return f"PredictResult(photographs={self.summary['photographs']}, out={self.summary['out']!r})"


def predict(
    images: str | os.PathLike[str],
    out: str | os.PathLike[str] = "",
    workspace: str | os.PathLike[str] = "maskfold-out",
    model: str = "run:latest",
    all_faces: bool = False,
    labels: str | os.PathLike[str] | None = None,
    launcher: str = "local",
    progress: bool | None = None,
) -> PredictResult:
    """Predict photographs with a trained model. Each photograph is predicted once: call again to continue.

    Args:
        images: A folder, ``s3://bucket/prefix``, a table with a column path or image, or one photograph.
        out: The csv to write; by default it stays in the workspace.
        workspace: Of the run; it keeps the answers.
        model: ``run:latest``, ``run:ID``, or the address of a model package.
        all_faces: Answer for every face of a photograph.
        labels: A csv with true labels, to score the answers.
        launcher: Where jobs run: ``local``, or ``pool:NAME`` for a Prefect work pool.
        progress: Whether to show the progress on standard error; by default in notebooks only.

    Raises:
        InputError: If an argument is wrong; the message says what to do.
        MaskfoldError: If a job fails, or a server does.
    """
    _set_up()
    arguments: dict[str, Any] = {
        "images": os.fspath(images),
        "out": os.fspath(out),
        "workspace": os.fspath(workspace),
        "model": model,
        "all_faces": all_faces,
        "labels": None if labels is None else os.fspath(labels),
    }
    from maskfold.servers.surroundings import prefect_settings

    with prefect_settings():
        from flows.predict import predict_here
        from flows.prediction import Prediction
    from rich.console import Console

    from maskfold.console import showing_jobs, starting
    from maskfold.launch import pool_of
    from maskfold.pace import Pace

    pool_of(launcher)
    prediction = Prediction.make(**arguments)
    console = Console(stderr=not Console().is_jupyter)
    wanted = console.is_jupyter if progress is None else progress
    shown: AbstractContextManager[object] = showing_jobs(console, Pace([])) if wanted else nullcontext()
    with starting(console, shown) if wanted else nullcontext(shown) as then:
        return PredictResult(_outside_of_loops(lambda: predict_here(prediction, then, launcher=launcher, **arguments)))


def _set_up() -> None:
    """Prepare this process for servers and their logs."""
    from maskfold.servers.surroundings import quiet_logs, quiet_servers

    quiet_servers()
    quiet_logs()
    never_proxy_loopback()
    redact_logs()


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
        recipe: A preset (smoke, fast, good, best, hot6) or a YAML file.
        set: Single settings by dotted key, such as ``{"folds.k": 3, "networks.*.epochs": 5}``.
        weights: Initial weights: folders of ``<backbone>.safetensors``, or ``BACKBONE=URI`` each.
        launcher: Where jobs run: ``local``, or ``pool:NAME`` for a Prefect work pool.
        progress: Whether to show the progress on standard error; by default in notebooks only.

    Raises:
        InputError: If an argument, or the data set, is wrong; the message says what to do.
        MaskfoldError: If a job fails, or a server does.
    """
    from maskfold.servers.surroundings import prefect_settings

    _set_up()
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

    from maskfold.console import showing_jobs, starting
    from maskfold.launch import pool_of
    from maskfold.pace import Pace

    pool_of(launcher)
    plan = plan_run(*arguments.values())  # type: ignore[arg-type]
    shown: AbstractContextManager[object] = nullcontext()
    console = Console(stderr=not Console().is_jupyter)
    wanted = console.is_jupyter if progress is None else progress
    if wanted:
        expected = expect(plan)
        shown = showing_jobs(console, Pace(expected.jobs, expected.slots))
    with starting(console, shown) if wanted else nullcontext(shown) as then:
        return RunResult(_outside_of_loops(lambda: run_here(plan, then, launcher, **arguments)))


def _outside_of_loops(work: Callable[[], T]) -> T:
    """Do work where no event loop runs, as one does in a notebook; an interrupt stops it and is raised again."""
    from maskfold.launch.stopping import stopping_on_request

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    with stopping_on_request() as stop, ThreadPoolExecutor(1, thread_name_prefix="maskfold-run") as threads:
        future = threads.submit(contextvars.copy_context().run, work)  # output belongs to the cell that runs
        try:
            return future.result()
        except KeyboardInterrupt:
            stop.request()
            raise

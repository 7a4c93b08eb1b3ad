"""What the terminal shows at the end of a run, and of what a run would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from maskfold import champions, submissions
from maskfold.cli.results import print_rows
from maskfold.errors import MaskfoldError
from maskfold.history import Run, best_first, read_runs
from maskfold.scheme import Scheme
from maskfold.specs import model_name
from maskfold.storage import Workspace
from maskfold.terminal import PrintableConsole as Console
from maskfold.wording import duration

if TYPE_CHECKING:
    from flows.forecast import Forecast
    from flows.plan import Plan


def show_summary(summary: Mapping[str, Any], workspace: Workspace, scheme: Scheme) -> None:
    """Print scores, where the results are, and how they compare with earlier runs on the same data set.

    Args:
        summary: What the flow returned.
        workspace: Its workspace.
        scheme: What the labels are.
    """
    vote = summary["scores"]["vote"]
    rows = {"macro-F1, out-of-fold": _with_interval(vote)}
    if scheme.parts:
        rows["of attributes"] = ", ".join(
            f"{name} {vote['attributes'][name]['macro_f1']:.3f}" for name in scheme.parts if name in vote["attributes"]
        )
    rows |= _against_earlier(summary, workspace)
    rows |= {
        "submission": summary["submission"] or "no evaluation images, so no submission",
        **_stable_copies(summary, workspace),
        "model": summary["model"],
        "champion": _champion(summary, workspace, scheme),
        "report": summary["report"],
        "figures": summary["report"].rpartition("/")[0] + "/figures/",
        "MLflow run": summary["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "took": duration(summary["seconds"]),
        "to look at it": "open the report in a browser; `maskfold ui` (or `make ui`) shows all runs",
    }
    print_rows(rows)


def show_forecast(forecast: Forecast, plan: Plan) -> None:
    """Print the jobs of a run, those that are done already, and about how long it takes."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for job in forecast.jobs:
        table.add_row(job.label, job.state, f"about {duration(job.seconds)}" if job.state == "to do" else "")
    console = Console(stderr=True, highlight=False)
    console.print(table)
    weights = ", ".join(f"{backbone} ({given.uri})" for backbone, given in plan.given_weights.items()) or "none given"
    rows = {
        "jobs": f"{len(forecast.jobs)}, of which {forecast.n_done} are done",
        "device": forecast.device,
        "side by side": f"{forecast.slots} trainings at a time",
        "initial weights": weights,
        "disk": f"about {forecast.size / 1e6:,.0f} MB in {plan.workspace.uri}",
        "time": f"about {duration(forecast.seconds)}",
    }
    print_rows(rows)


def _with_interval(scores: Mapping[str, Any]) -> str:
    if scores.get("macro_f1_low") is None:
        return f"{scores['macro_f1']:.3f}"
    return f"{scores['macro_f1']:.3f} (95 % interval {scores['macro_f1_low']:.3f} to {scores['macro_f1_high']:.3f})"


def _against_earlier(summary: Mapping[str, Any], workspace: Workspace) -> dict[str, str]:
    """Compare with the last and the best run before on the same data set and classes."""
    try:
        runs, _ = read_runs(workspace)
    except MaskfoldError:  # a comparison that cannot be made must not end a finished run
        return {}
    this = next((run for run in runs if run.record.id == summary["run"]), None)
    if this is None or this.score is None:
        return {}
    earlier = [
        run
        for run in runs
        if run is not this
        and run.score is not None
        and (run.record.data, run.record.classes) == (this.record.data, this.record.classes)
    ]
    if not earlier:
        return {}
    last, best = earlier[0], best_first(earlier)[0]
    compared = {"than the last run": last, "than the best before": best}
    return {name: _difference(this.score, other) for name, other in compared.items()}


def _stable_copies(summary: Mapping[str, Any], workspace: Workspace) -> dict[str, str]:
    """Return where the newest and the best submission are, and whose they are."""
    if not summary["latest"]:
        return {}
    latest, best = (submissions.read(workspace, path) for path in (submissions.LATEST, submissions.BEST))
    replaced = f", in place of {latest.replaced}" if latest and latest.replaced else ""
    whose = f", of {best.made}" if best and latest and best.made.key != latest.made.key else ", of this run"
    return {"newest submission": f"{summary['latest']}{replaced}", "best submission": f"{summary['best']}{whose}"}


def _champion(summary: Mapping[str, Any], workspace: Workspace, scheme: Scheme) -> str:
    """Return whose model is the champion."""
    try:
        held = champions.read(workspace, model_name(scheme))
    except MaskfoldError:  # as above
        return ""
    if held is None:
        return ""
    if held.champion.package == "/".join(summary["model"].rsplit("/", 2)[-2:]):
        return f"this model{f', in place of {held.replaced}' if held.replaced else ''}"
    return f"stays {held.champion}; `maskfold promote` makes another model the champion"


def _difference(score: float, other: Run) -> str:
    return (
        f"{score - (other.score or 0.0):+.3f} ({other.recipe or other.record.name}, {other.started}, {other.score:.3f})"
    )

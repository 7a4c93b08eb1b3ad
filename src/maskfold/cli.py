"""The command line: ``maskfold run | check | sync | demo | recipe | ui``."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from maskfold import errors
from maskfold.home import keep_caches_of_libraries, make_private, prefect_home
from maskfold.launch.stopping import Stopped, stopping_on_signals
from maskfold.loopback import never_proxy_loopback
from maskfold.output import harden_standard_streams, lost_output
from maskfold.redaction import redact_logs, redacted
from maskfold.terminal import PrintableConsole as Console
from maskfold.terminal import guard_logs
from maskfold.wording import printable

app = typer.Typer(
    name="maskfold",
    help="From a folder of face photographs to a scored submission.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Data = Annotated[
    str, typer.Option(metavar="URI", help="Data set: a folder, file:// or s3://, or a table (csv, parquet) in it.")
]
RecipeOption = Annotated[
    str, typer.Option(metavar="NAME|FILE", help="A preset (smoke, fast, best, hot6) or a YAML file.")
]
Set = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change one setting, such as folds.k=3 or networks.*.epochs=5. Repeatable."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the log lines of all jobs.")]


@app.command()
def run(
    data: Data,
    workspace: Annotated[
        str, typer.Option(metavar="URI", help="Where all results go: a folder, file:// or s3://bucket/prefix.")
    ],
    recipe: RecipeOption = "fast",
    set: Set = [],
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="DIR|BACKBONE=URI",
            help="Initial weights: a folder of <backbone>.safetensors, or one file by name. Repeatable.",
        ),
    ] = [],
    launcher: Annotated[
        str, typer.Option(metavar="local|pool:NAME", help="Where jobs run: here, or in a Prefect work pool.")
    ] = "local",
    verbose: Verbose = False,
) -> None:
    """Crop, train, vote and publish a submission. Run again to continue: finished steps cost nothing."""
    _quiet_servers()
    if not verbose:  # the terminal shows the progress display; Prefect still stores every log line
        os.environ["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
        os.environ["PREFECT_INTERNAL_LOGGING_LEVEL"] = "CRITICAL"
    with _exit_codes(verbose), _ends_by_signal(), stopping_on_signals() as stop:
        from flows.plan import handed, plan_run
        from maskfold.launch import pool_of

        pool_of(launcher)
        plan = plan_run(data, workspace, recipe, set, weights)  # reports wrong input before any server starts
        with _prefect_settings():
            from flows.server import recording_server
            from flows.train import train_here
        from maskfold.console import showing_jobs

        with recording_server():
            print(printable(plan.said), file=sys.stderr)
            with showing_jobs(Console(stderr=True), plan.n_jobs), handed(plan), stop.ends_flow():
                summary = train_here(
                    data=data, workspace=workspace, recipe=recipe, set=set, weights=weights, launcher=launcher
                )
        _show_summary(summary)
    print(json.dumps(summary), flush=True)
    _warn_of_lost_output()


@app.command()
def check(
    data: Data,
    recipe: RecipeOption = "fast",
    set: Set = [],
) -> None:
    """Read a data set; print what it holds and what would be left out, and why. Trains nothing."""
    with _exit_codes(verbose=False):
        from maskfold import dataset, discovery, storage

        console = Console(stderr=True)
        found, settings = discovery.load(data, recipe, set)
        listing = storage.fingerprint(found.data, follow_links=settings.dataset.follow_links)
        folder = storage.fetch_tree(found.data, listing)
        with console.status("reading every image ..."), tempfile.TemporaryDirectory() as scratch:
            corrections = _corrections(settings.dataset.corrections, Path(scratch))
            external = storage.fetch_external(map(storage.locate_external, settings.dataset.external))
            report = dataset.check(folder, settings, corrections, external=external)
        console.print(found.said, highlight=False, markup=False, soft_wrap=True)
        if isinstance(sys.stdout, io.TextIOWrapper):  # names hold characters that the console may lack
            sys.stdout.reconfigure(errors="backslashreplace")
        dataset.render(report, Console())
        _refuse_lost_output()
    if report.refusal is not None:
        raise SystemExit(errors.EXIT_INPUT)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the data set.")],
    people: Annotated[int, typer.Option(min=6, help="How many people to draw for training.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal people.")] = 0,
) -> None:
    """Draw a synthetic data set in the competition's layout, to try everything out."""
    with _exit_codes(verbose=False):
        import portraits
        from maskfold.cores import usable_cores
        from maskfold.storage.faults import disk_faults

        console = Console(stderr=True)
        bars = Progress(console=console, transient=True, disable=not console.is_terminal)
        with disk_faults(f"draw into {out}"), bars:
            bar = bars.add_task("drawing")
            try:
                drawn = portraits.draw(
                    out,
                    people=people,
                    seed=seed,
                    processes=usable_cores(),
                    progress=lambda done, total: bars.update(bar, completed=done, total=total),
                )
            except portraits.ArgumentError as error:
                raise errors.InputError(str(error)) from error
            except portraits.ProcessKilledError as error:
                raise errors.MaskfoldError(str(error)) from error
        console.print(str(drawn), highlight=False, markup=False, soft_wrap=True)


@app.command(name="recipe")
def print_recipe(
    recipe: Annotated[str, typer.Argument(help="A preset or a YAML file.")] = "fast",
    set: Set = [],
) -> None:
    """Print a recipe with all its settings as YAML, for --recipe FILE.yaml."""
    with _exit_codes(verbose=False):
        from maskfold.recipe import dump_recipe, load_recipe

        print(dump_recipe(load_recipe(recipe, set)), end="")
        _refuse_lost_output()


@app.command()
def sync(
    workspace: Annotated[str, typer.Option(metavar="URI", help="Workspace of the runs: a folder, file:// or s3://.")],
    tracking_uri: Annotated[
        str, typer.Option(metavar="URI", help="MLflow to use instead of MLFLOW_TRACKING_URI.", show_default=False)
    ] = "",
) -> None:
    """Record in MLflow what it does not have yet of a workspace's runs. Adds nothing twice."""
    with _exit_codes(verbose=False):
        from maskfold import storage, tracking

        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        tracking.refuse_unusable_uri(tracking_uri)
        report = tracking.sync(storage.open_workspace(workspace), tracking_uri or None)
        if report == tracking.SyncReport():
            raise errors.WorkspaceError(
                f"{workspace}: this workspace has no record of a run; name the workspace of a finished run"
            )
        print(f"{report.complete} runs recorded, {report.incomplete} incomplete, {report.running} still running")
        _warn_of_lost_output()
        if report.away:
            raise errors.UnavailableError(f"MLflow does not take records now: {report.away}; run again later")
        if report.incomplete:
            raise errors.MaskfoldError("not everything is recorded, see above; run again to try again")


@app.command()
def ui(
    prefect_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Prefect UI.")] = 4200,
    mlflow_port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the MLflow UI.")] = 5000,
) -> None:
    """Show past runs in the Prefect and MLflow user interfaces, on this machine only; Ctrl-C stops them."""
    _quiet_servers()
    with _exit_codes(verbose=False):
        from maskfold.servers.pages import serve

        serve(prefect_port=prefect_port, mlflow_port=mlflow_port)


def _show_summary(summary: Mapping[str, Any]) -> None:
    """Print where the results are and how to view them."""
    rows = {
        "macro-F1, out-of-fold": f"{summary['oof_macro_f1']:.3f}",
        "submission": summary["submission"] or "no evaluation images, so no submission",
        "report": summary["report"],
        "figures": summary["report"].rpartition("/")[0] + "/figures/",
        "MLflow run": summary["mlflow_run_id"] or "not recorded yet; `maskfold sync` records it later",
        "to look at it": "open the report in a browser; `maskfold ui` (or `make ui`) shows all runs",
    }
    for name, value in rows.items():  # one line each at any width, so that paths can be copied
        print(f"{name:<23}{printable(value)}", file=sys.stderr)


def _corrections(source: str | None, scratch: Path) -> Path | None:
    """Copy the user's corrections file to this machine; the agreed corrections ship with the package."""
    from maskfold import storage

    if source is None or source == "agreed":
        return None
    local = scratch / "corrections.csv"
    try:
        local.write_bytes(storage.read_uri(source))
    except errors.WorkspaceError as error:
        raise errors.RecipeError(
            f"dataset.corrections: {error}; expected agreed, or the path or URI of a csv"
        ) from None
    return local


def _quiet_servers() -> None:
    """Give libraries and embedded servers private homes, and disable telemetry, unless the user has set these."""
    for name, value in {
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }.items():
        os.environ.setdefault(name, value)
    keep_caches_of_libraries()
    if not os.environ.get("PREFECT_HOME"):
        os.environ["PREFECT_HOME"] = str(prefect_home())
        with contextlib.suppress(OSError):  # reported when the server starts
            make_private(prefect_home())
        profiles = Path("~/.prefect/profiles.toml").expanduser()
        if profiles.is_file():  # `prefect config set PREFECT_API_URL=...` still counts
            os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles))


@contextlib.contextmanager
def _prefect_settings() -> Iterator[None]:
    """Report wrong settings of Prefect, which it reads when it is imported, as wrong input."""
    from pydantic import ValidationError

    said = io.StringIO()  # Prefect itself prints half of the message
    try:
        with contextlib.redirect_stderr(said):
            yield
    except ValidationError as error:
        first = error.errors()[0]
        setting, given = ".".join(map(str, first["loc"])), str(first["input"])
        names = [name for name, value in os.environ.items() if name.startswith("PREFECT_") and value == given]
        named = " or ".join(names) or f"{error.title}.{setting} (of .env, prefect.toml or a profile)"
        raise errors.InputError(f"Prefect's setting {named}={given}: {first['msg']}; correct or unset it") from None
    sys.stderr.write(said.getvalue())


@contextlib.contextmanager
def _exit_codes(verbose: bool) -> Iterator[None]:
    """Turn errors into one message and an exit code."""
    never_proxy_loopback()
    redact_logs()
    guard_logs()
    try:
        yield
    except errors.MaskfoldError as error:
        if verbose:
            logging.getLogger("maskfold").exception("details")
        print(printable(f"maskfold: {error}"), file=sys.stderr)
        # A job's own code, such as that of a kill, is for the code that restarts jobs; users get 2 or 1.
        kept = error.exit_code in (errors.EXIT_INPUT, errors.EXIT_CANCELLED)
        raise SystemExit(error.exit_code if kept else errors.EXIT_FAULT) from None
    except OSError as error:  # of this process, not of a job: no room for temporary files, a closed terminal
        if verbose:
            logging.getLogger("maskfold").exception("details")
        print(printable(f"maskfold: operating-system error: {redacted(str(error))}"), file=sys.stderr)
        raise SystemExit(errors.EXIT_FAULT) from None
    except Exception as error:
        if verbose:
            logging.getLogger("maskfold").exception("details")
        hint = "" if verbose else "; --verbose shows more"
        text = f"maskfold: internal error: {type(error).__name__}: {redacted(str(error))}{hint}"
        print(printable(text), file=sys.stderr)
        raise SystemExit(errors.EXIT_FAULT) from None
    except KeyboardInterrupt:
        print("maskfold: stopped; run again to continue", file=sys.stderr)
        raise SystemExit(130) from None


@contextlib.contextmanager
def _ends_by_signal() -> Iterator[None]:
    """Exit as a signal asks for it. Ctrl-C was answered at once; who ended the run otherwise may be far away."""
    try:
        yield
    except Stopped as stopped:
        if stopped.signum != signal.SIGINT:
            print(f"maskfold: stopped by {stopped.signum.name}; run again to continue", file=sys.stderr)
        raise SystemExit(128 + stopped.signum) from None


def _warn_of_lost_output() -> None:
    why = lost_output()
    if why is not None:
        print(
            f"maskfold: the work is done, but standard output could not be written: {why}",
            file=sys.stderr,
        )


def _refuse_lost_output() -> None:
    """Fail if what a command was asked to print is lost, such as a recipe on a full disk."""
    why = lost_output(wanted=True)
    if why is not None:
        raise errors.MaskfoldError(f"standard output could not be written: {why}")


def main() -> None:
    """Run the command line in a process of its own."""
    harden_standard_streams()
    if sys.getfilesystemencoding() != "utf-8":
        print(
            f"maskfold: this locale reads names of files as {sys.getfilesystemencoding()}, not as UTF-8; set "
            "PYTHONUTF8=1 or LC_ALL=C.UTF-8 and run again",
            file=sys.stderr,
        )
        raise SystemExit(errors.EXIT_INPUT)
    try:
        app()
    finally:
        # Only the interpreter's end is left, which Ctrl-C may cut short but must not fill the terminal.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()

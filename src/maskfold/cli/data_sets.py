"""Commands for data sets: look at one, draw one."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from maskfold import errors
from maskfold.cli.endings import exit_codes
from maskfold.cli.options import Data, Json, RecipeOption, Set
from maskfold.cli.results import print_result, refuse_lost_output
from maskfold.terminal import PrintableConsole as Console


def check(
    data: Data,
    recipe: RecipeOption = "fast",
    set: Set = [],
) -> None:
    """Read a data set; print what it holds and what would be left out, and why. Trains nothing."""
    with exit_codes(verbose=False):
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
        refuse_lost_output()
    if report.refusal is not None:
        raise SystemExit(errors.EXIT_INPUT)


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the data set.")] = Path("maskfold-demo"),
    people: Annotated[int, typer.Option(min=6, help="How many people to draw for training.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds draw equal people.")] = 0,
    json: Json = False,
) -> None:
    """Draw a synthetic data set in the competition's layout, to try everything out."""
    with exit_codes(verbose=False):
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
        print_result({"data": str(out.absolute())}, json)


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

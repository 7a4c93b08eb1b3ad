"""The report on a data set as tables for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from maskfold.dataset.external_table import ExternalUse
from maskfold.dataset.layout import EXTERNAL, printable
from maskfold.dataset.quarantine import KINDS, Entry
from maskfold.dataset.summary import DatasetReport
from maskfold.labels import ATTRIBUTES, GENDERS, age_names, class_names

_N_ENTRIES = 50


def render(report: DatasetReport, console: Console) -> None:
    """Print a report; colours and width are the console's affair.

    Args:
        report: From :func:`maskfold.dataset.check`.
        console: Where to print.
    """
    console.print(_overview(report))
    console.print(_classes(report))
    console.print(_people(report))
    if report.external:
        console.print(_external(report.external))
    if report.entries:
        console.print(_kinds(report.entries))
        console.print(_entries(report.entries))
    for warning in report.warnings:
        console.print(_line("warning: ", warning, "yellow"))
    if report.refusal:
        console.print(_line("A run would refuse this data set: ", report.refusal, "red"))
    else:
        console.print(_line("A run would accept this data set.", "", "green"))


def _overview(report: DatasetReport) -> Table:
    table = _table(f"Data set {report.root}", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    lost = f"{report.n_left_out:,} photographs, {report.share_left_out:.2%} (allowed: {report.max_left_out:.2%})"
    rows = {
        "people": f"{report.n_people:,}",
        "training photographs": f"{report.n_train:,}",
        "evaluation images": f"{report.n_eval:,}"
        + (f", {report.n_eval_unreadable:,} of them unreadable" if report.n_eval_unreadable else ""),
        "left out of training": lost,
        "corrections": _corrections(report),
        "sizes (width x height)": _sizes(report),
        "ages": "none" if report.ages is None else "{} to {}, median {:g}".format(*report.ages[::2], report.ages[1]),
        "skipped litter": f"{report.n_litter:,} files",
        "data set version": report.dataset_version[:16],
        "images version": report.images_version[:16],
    }
    for name, value in rows.items():
        table.add_row(name, _text(value))
    return table


def _corrections(report: DatasetReport) -> str:
    use = report.corrections
    if use is None:
        return "none"
    unknown = f"; {len(use.unknown)} rows mean nobody here" if use.unknown else ""
    return (
        f"{use.name}: {use.n_people} of {use.n_rows} rows apply, labels of {use.n_images} photographs change{unknown}"
    )


def _sizes(report: DatasetReport) -> str:
    shown = [f"{width} x {height} ({n:,})" for (width, height), n in report.sizes]
    more = report.n_sizes - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "") if shown else "none"


def _classes(report: DatasetReport) -> Table:
    table = _table("Training photographs by class")
    for name in ("class", "mask", "gender", "age"):
        table.add_column(name, justify="right" if name == "class" else "left")
    table.add_column("photographs", justify="right")
    table.add_column("share", justify="right")
    names = class_names(bounds=report.age_bounds)
    for number, (name, n) in enumerate(zip(names, report.class_counts, strict=True)):
        share = f"{n / report.n_train:.1%}" if report.n_train else ""
        table.add_row(str(number), *name.split(" / "), f"{n:,}", share, style=None if n else "red")
    return table


def _people(report: DatasetReport) -> Table:
    table = _table("People by gender and age")
    table.add_column("gender")
    for name in (*age_names(report.age_bounds), "all"):
        table.add_column(name, justify="right")
    for gender, counts in zip(GENDERS, report.people, strict=True):
        table.add_row(gender, *(f"{n:,}" for n in counts), f"{sum(counts):,}")
    totals = [sum(column) for column in zip(*report.people, strict=True)]
    table.add_row("all", *(f"{n:,}" for n in totals), f"{sum(totals):,}", style="bold")
    return table


def _external(uses: Iterable[ExternalUse]) -> Table:
    table = _table("External tables: images that are only trained on, by what is known of them")
    table.add_column("table", overflow="fold")
    for name in ("rows", "used", *ATTRIBUTES, "all three", "left out"):
        table.add_column(name, justify="right")
    for number, use in enumerate(uses):
        numbers = (use.n_rows, use.n_used, *use.known, use.n_complete, use.n_rows - use.n_used)
        table.add_row(_text(f"{EXTERNAL}/{number}: {use.name}"), *(f"{n:,}" for n in numbers))
    return table


def _kinds(entries: Iterable[Entry]) -> Table:
    table = _table("Left out or noted, by kind")
    for name in ("kind", "part", "meaning"):
        table.add_column(name, overflow="fold")
    table.add_column("cases", justify="right")
    table.add_column("photographs left out", justify="right")
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[entry.kind, entry.part].append(entry)
    for (kind, part), group in groups.items():
        table.add_row(kind, part, KINDS[kind], f"{len(group):,}", f"{sum(entry.left_out for entry in group):,}")
    return table


def _entries(entries: tuple[Entry, ...]) -> Table:
    shown = entries[:_N_ENTRIES]
    more = f" (the first {len(shown)} of {len(entries)})" if len(shown) < len(entries) else ""
    table = _table(f"Left out or noted{more}")
    table.add_column("where", overflow="fold")
    table.add_column("reason", overflow="fold")
    table.add_column("left out", justify="right")
    for entry in shown:
        table.add_row(_text(entry.where), _text(entry.reason), str(entry.left_out or ""))
    return table


def _table(title: str, show_header: bool = True) -> Table:
    return Table(title=_text(title), title_justify="left", show_header=show_header)


def _line(head: str, rest: str, style: str) -> Text:
    return Text.assemble((head, f"bold {style}"), "\n".join(printable(line) for line in rest.split("\n")))


def _text(content: str) -> Text:
    """Keep brackets in names from being read as markup, and control characters from reaching the terminal."""
    return Text(printable(content))

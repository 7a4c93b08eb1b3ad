"""The report on a data set as tables for a terminal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from maskfold.dataset.external import ExternalUse
from maskfold.dataset.names import EXTERNAL, printable
from maskfold.dataset.quarantine import KINDS, Entry
from maskfold.dataset.summary import DatasetReport
from maskfold.scheme import Attribute, Scheme

_N_ENTRIES = 50
_N_CLASSES = 60
"""With more classes, only those with photographs are shown."""


def render(report: DatasetReport, console: Console) -> None:
    """Print a report; the console determines colours and width.

    Args:
        report: From :func:`maskfold.dataset.check`.
        console: Where to print.
    """
    console.print(_overview(report))
    console.print(_classes(report))
    if report.people:
        console.print(_people(report))
    if report.external:
        console.print(_external(report.external, report.scheme))
    if report.entries:
        console.print(_kinds(report.entries))
        console.print(_entries(report.entries))
    for warning in report.warnings:
        console.print(_line("warning: ", warning, "yellow"))
    if report.refusal:
        console.print(_line("A run would reject this data set: ", report.refusal, "red"))
    else:
        console.print(_line("A run would accept this data set.", "", "green"))


def _overview(report: DatasetReport) -> Table:
    table = _table(f"Data set {report.root}", show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    lost = f"{report.n_left_out:,} photographs, {report.share_left_out:.2%} (allowed: {report.max_left_out:.2%})"
    rows = {
        "people": f"{report.n_people:,}" if report.persons_known else "not known",
        "training photographs": f"{report.n_train:,}",
        "evaluation images": f"{report.n_eval:,}"
        + (f", {report.n_eval_unreadable:,} of them unreadable" if report.n_eval_unreadable else ""),
        "left out of training": lost,
        "corrections": _corrections(report),
        "sizes (width x height)": _sizes(report),
        **{name: _range(report, report.scheme[name]) for name in report.numbers},
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
    unknown = f"; {len(use.unknown)} rows match nothing" if use.unknown else ""
    return (
        f"{use.name}: {use.n_matched} of {use.n_rows} rows apply, labels of {use.n_images} photographs change{unknown}"
    )


def _sizes(report: DatasetReport) -> str:
    shown = [f"{width} x {height} ({n:,})" for (width, height), n in report.sizes]
    more = report.n_sizes - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "") if shown else "none"


def _range(report: DatasetReport, attribute: Attribute) -> str:
    low, median, high = report.numbers[attribute.name]
    return f"{low:g} to {high:g}, median {median:g}" + (f" ({attribute.unit})" if attribute.unit else "")


def _classes(report: DatasetReport) -> Table:
    scheme = report.scheme
    shown = [(number, n) for number, n in enumerate(report.class_counts) if n or scheme.n_classes <= _N_CLASSES]
    left = f" ({scheme.n_classes - len(shown):,} classes without any)" if len(shown) < scheme.n_classes else ""
    table = _table(f"Training photographs by class{left}")
    for name in ("class", *scheme.names):
        table.add_column(name, justify="right" if name == "class" else "left")
    table.add_column("photographs", justify="right")
    table.add_column("share", justify="right")
    for number, n in shown:
        share = f"{n / report.n_train:.1%}" if report.n_train else ""
        classes = scheme.decode(number).tolist()
        names = [_text(one.class_names[found]) for one, found in zip(scheme.attributes, classes, strict=True)]
        table.add_row(str(number), *names, f"{n:,}", share, style=None if n else "red")
    return table


def _people(report: DatasetReport) -> Table:
    """Show two attributes as a cross table, any other number as a list."""
    attributes = report.scheme.of("person")
    table = _table(f"People by {' and '.join(attribute.name for attribute in attributes)}")
    if len(attributes) != 2:
        for attribute in attributes:
            table.add_column(attribute.name)
        table.add_column("people", justify="right")
        for classes, n in report.people.items():
            names = [_text(one.class_names[found]) for one, found in zip(attributes, classes, strict=True)]
            table.add_row(*names, f"{n:,}")
        return table
    first, second = attributes
    table.add_column(first.name)
    for name in (*second.class_names, "all"):
        table.add_column(_text(name), justify="right")
    counts = [[report.people.get((row, column), 0) for column in range(second.size)] for row in range(first.size)]
    for name, row in zip(first.class_names, counts, strict=True):
        table.add_row(_text(name), *(f"{n:,}" for n in row), f"{sum(row):,}")
    totals = [sum(column) for column in zip(*counts, strict=True)]
    table.add_row("all", *(f"{n:,}" for n in totals), f"{sum(totals):,}", style="bold")
    return table


def _external(uses: Iterable[ExternalUse], scheme: Scheme) -> Table:
    table = _table("External tables: images for training only, by known attributes")
    table.add_column("table", overflow="fold")
    for name in ("rows", "used", *scheme.names, "all", "left out"):
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
    """Prevent brackets in names from acting as markup, and control characters from reaching the terminal."""
    return Text(printable(content))

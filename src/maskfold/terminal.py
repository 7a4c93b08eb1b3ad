"""The last step before a terminal: what comes from files cannot move its cursor, recolour it or hide text."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from maskfold.wording import printable


class PrintableConsole(Console):
    """A console that escapes control characters of all it shows; its own colours and bars are not affected."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable, their text printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


class PrintableFormatter(logging.Formatter):
    """A formatter whose lines, tracebacks included, are printable."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return printable(super().format(record))


class LineFormatter(PrintableFormatter):
    """A formatter for streams that are read line by line: each record begins one, and nothing else looks like one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name in logging
        """Return the record's line."""
        return super().formatMessage(record).replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, and a traceback indented below it."""
        return super().format(record).replace("\n", "\n    ")


def guard_logs() -> None:
    """Make the messages of all log records of this process printable, whichever library shows them."""
    make = logging.getLogRecordFactory()
    if getattr(make, "is_printable", False):
        return

    def make_printable(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        if record.args or printable(str(record.msg)) != record.msg:
            try:
                record.msg, record.args = printable(record.getMessage()), ()
            except (TypeError, ValueError, KeyError):  # a format that does not fit: logging itself reports it
                return record
        return record

    make_printable.__dict__.update(make.__dict__, is_printable=True)
    logging.setLogRecordFactory(make_printable)

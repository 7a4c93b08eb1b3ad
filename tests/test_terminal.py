from __future__ import annotations

import io
import logging
import subprocess
import sys

import pytest
from rich.table import Table

from maskfold.specs import Failure
from maskfold.terminal import LineFormatter, PrintableConsole, PrintableFormatter
from maskfold.wording import printable

CODES = ["\x1b[2J", "\x1b]0;owned\x07", "\r", "\x08", "\x9b31m", "\u202e", "\u200b", "\udcff", "\x00"]


@pytest.mark.parametrize("code", CODES)
def test_codes_are_escaped(code: str) -> None:
    shown = printable(f"a{code}b\n\tc")
    assert shown.replace("\n\t", "").isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b\n\tc") or "b\n\tc" in shown


def test_ordinary_text_stays() -> None:
    assert printable("Größe 1 · 민수 → ok\n") == "Größe 1 · 민수 → ok\n"


@pytest.mark.parametrize("code", CODES)
def test_a_console_keeps_its_own_colours_and_no_others(code: str) -> None:
    stream = io.StringIO()
    console = PrintableConsole(file=stream, force_terminal=True, width=80, color_system="standard")
    table = Table("name")
    table.add_row(f"x{code}y")
    console.print(f"[bold]warning[/] {code}", highlight=False)
    console.print(table)
    text = stream.getvalue()
    assert "\x1b[1mwarning" in text
    for own in ("\x1b[0m", "\x1b[1m"):
        text = text.replace(own, "")
    assert all(character.isprintable() or character == "\n" for character in text)


def test_log_lines_and_failures_are_printable() -> None:
    record = logging.LogRecord("maskfold", logging.WARNING, "f", 1, "%s", ("\x1b[31mred",), None)
    assert PrintableFormatter("%(message)s").format(record) == "\\x1b[31mred"
    assert Failure.of(ValueError("\x1b[2J")).message == "ValueError: \\x1b[2J"


def test_no_text_looks_like_another_record() -> None:
    try:
        raise ValueError("first\nE maskfold: forged")
    except ValueError:
        failed = logging.LogRecord("m", logging.ERROR, "f", 1, "a\n%s", ("::failure {}",), sys.exc_info())
    first, *others = LineFormatter("%(levelname).1s %(name)s: %(message)s").format(failed).split("\n")
    assert first == "E m: a\\n::failure {}"
    assert others
    assert all(line.startswith("    ") for line in others)


def test_guarded_processes_print_no_codes_whatever_logs_them() -> None:
    code = (
        "import logging; from maskfold.terminal import guard_logs; guard_logs(); guard_logs()\n"
        "logging.basicConfig(format='%(message)s')\n"
        "logging.getLogger('other').warning('a %s', '\\x1b[2Jb')\n"
        "logging.getLogger('other').warning('100% \\x1b[2J')\n"
        "logging.getLogger('other').warning('%(x)s', {'x': '\\x1b'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "a \\x1b[2Jb\n100% \\x1b[2J\n\\x1b\n"

"""Feeds the parsers of user files with damaged and odd input: ``python -m tests.faults.fuzz --count N [NAME ...]``

Each target either accepts its input or refuses it with one of maskfold's errors or a reason; anything else, or an
input that takes longer than the limit, fails. Hypothesis draws an input for each batch; the rest of the batch are
mutations of it and of valid files. A million inputs take about half an hour of one core.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import random
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from maskfold.errors import MaskfoldError
from tests.faults.parsers import TARGETS

LIMIT_S: Final = 2.0
"""Longest time of the processor that one input may take."""
BATCH: Final = 100
"""Inputs of one example of hypothesis."""
_LONGEST: Final = 300_000
_MORSELS: Final = (
    *(b"\0", b"\xff", b"-", b"9" * 40, b"9" * 5000, b"1e999", b"\n", b"\r", b'"', b"'", b",", b";", b"\t", b"\x1b[2J"),
    *(b"{", b"[", b"[" * 3000, b"{a: " * 3000, b"&a ", b"*a", b"<<: ", b"!!python/name:os.system ", b"\xef\xbb\xbf"),
    *(b"null", b"NaN", b"true", b"../../../x", b"/etc/passwd", b"\xff\xda", b"\xff\xd9", b"IDAT", b"\xed\xa0\x80"),
)
"""What means something to one of the parsers."""


@dataclass(frozen=True)
class Figures:
    """What a campaign on one target did."""

    inputs: int
    refused: int
    slowest_s: float
    seconds: float


def fuzz(name: str, count: int, start: int = 0) -> Figures:
    """Feed a target with inputs.

    Args:
        name: Of the target.
        count: Least number of inputs.
        start: Seed.

    Raises:
        Exception: What a parser raised beside maskfold's errors, with a note that holds the input.
        AssertionError: If an input took too long.
    """
    target = TARGETS[name]
    inputs = refused = 0
    slowest = 0.0
    shared_memory = Path("/dev/shm")  # a file takes microseconds there, on a disk milliseconds
    where = shared_memory if os.access(shared_memory, os.W_OK) else None
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=where) as scratch:
        path = Path(scratch, "input")
        for content in target.valid:  # loads libraries, which takes longer than any input may
            with contextlib.suppress(MaskfoldError, ValidationError):
                target.run(content, path)

        @seed(start)
        @settings(
            max_examples=-(-count // BATCH),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(target.drawn, st.integers(0, 2**63))
        def a_batch(drawn: bytes, number: int) -> None:
            nonlocal inputs, refused, slowest
            for content in _batch((*target.valid, drawn), random.Random(number)):
                started = time.process_time()  # other processes of a busy machine do not count
                try:
                    target.run(content, path)
                except (MaskfoldError, ValidationError):
                    refused += 1
                except BaseException as error:
                    error.add_note(f"{name}, of the input {content[:2000]!r}")
                    raise
                spent = time.process_time() - started
                inputs, slowest = inputs + 1, max(slowest, spent)
                assert spent < LIMIT_S, f"{name}: {spent:.1f} s for {content[:2000]!r}"

        a_batch()
    return Figures(inputs, refused, slowest, time.perf_counter() - began)


def _batch(bases: tuple[bytes, ...], dice: random.Random) -> Iterator[bytes]:
    """Yield the last base, which hypothesis has drawn, and mutations of all: many, since drawing takes milliseconds."""
    yield bases[-1]
    for _ in range(BATCH - 1):
        yield _mutated(dice.choice(bases), dice)


def _mutated(content: bytes, dice: random.Random) -> bytes:
    """Return a file with bytes changed, cut out, repeated or inserted."""
    found = bytearray(content)
    for _ in range(dice.choice((1, 1, 2, 3, 8))):
        at, length = dice.randrange(len(found) + 1), dice.choice((1, 2, 4, 16, 200))
        match dice.randrange(6):
            case 0:
                found[at : at + length] = dice.randbytes(length)
            case 1:
                del found[at : at + length]
            case 2:
                found[at:at] = found[at : at + length] * dice.choice((1, 2, 50, 1000))
            case 3 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 4:  # a number at the borders of its type, as in binary headers
                found[at : at + length] = dice.choice((0, 1, 0x7F, 0x80, 0xFF)).to_bytes(1, "big") * length
            case _:
                found[at:at] = dice.choice(_MORSELS)
    return bytes(found[:_LONGEST])


SHARES: Final[Mapping[str, int]] = {
    **dict.fromkeys(TARGETS, 1),
    "csv": 3,
    "outcome": 3,
    "jpeg": 3,
    "png": 3,
    "safetensors": 2,
    "sidecar": 2,
}
"""Of the inputs, in favour of what is fast, or of what is decoded by code that we do not know."""


def main() -> None:
    """Fuzz the named targets, or all, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--count", type=int, default=100_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    logging.disable()  # warnings about damaged content
    warnings.simplefilter("ignore")
    names = chosen.names or list(TARGETS)
    parts = sum(SHARES[name] for name in names)
    for name in names:
        figures = fuzz(name, chosen.count * SHARES[name] // parts, chosen.seed)
        shown = {
            "target": name,
            "inputs": figures.inputs,
            "refused": figures.refused,
            "slowest_ms": round(figures.slowest_s * 1000, 1),
            "inputs_per_second": round(figures.inputs / figures.seconds),
            "seconds": round(figures.seconds, 1),
        }
        print(json.dumps(shown), flush=True)


if __name__ == "__main__":
    main()

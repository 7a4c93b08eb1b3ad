"""Feeds the parsers of user files with damaged and odd input: ``python -m tests.faults.fuzz --count 100000 [NAME ...]``

Each target either accepts its input or refuses it with one of maskfold's errors or a reason; anything else, or an
input that takes longer than the limit, fails. Half of the inputs are mutations of a valid file, half are drawn.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import save

from maskfold.dataset.images import decode, probe
from maskfold.errors import MaskfoldError
from maskfold.inference.network import read_card
from maskfold.recipe import load_recipe
from maskfold.rows import parse_rows
from maskfold.specs import CropOutcome, EnsembleOutcome, PrepareOutcome, TrainFoldOutcome, WeightsOutcome
from maskfold.storage import check_tensor_file
from maskfold.training import backbones
from maskfold.training.trunk import load_trunk

LIMIT_S: Final = 2.0
"""Longest time that one input may take."""


@dataclass(frozen=True)
class Target:
    """A parser, and where its inputs come from."""

    run: Callable[[bytes, Path], None]
    valid: tuple[bytes, ...]
    drawn: st.SearchStrategy[bytes]


@dataclass(frozen=True)
class Figures:
    """What a campaign on one target did."""

    inputs: int
    refused: int
    slowest_s: float


def fuzz(name: str, count: int, start: int = 0) -> Figures:
    """Feed a target with inputs.

    Args:
        name: Of the target.
        count: Number of inputs.
        start: Seed.

    Raises:
        Exception: What a parser raised beside maskfold's errors.
        AssertionError: If an input took too long.
    """
    target = TARGETS[name]
    spent, refused = list[float](), 0
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "input")

        @seed(start)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of(_mutations(target.valid), target.drawn))
        def once(content: bytes) -> None:
            nonlocal refused
            began = time.perf_counter()
            try:
                target.run(content, path)
            except (MaskfoldError, ValidationError):
                refused += 1
            spent.append(time.perf_counter() - began)
            assert spent[-1] < LIMIT_S, f"{name}: {spent[-1]:.1f} s for {content[:200]!r}"

        once()
    return Figures(len(spent), refused, max(spent))


def _mutations(valid: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Draw valid files with bytes changed, cut out, repeated or inserted."""

    def mutate(content: bytes, number: int, edits: int) -> bytes:
        dice = random.Random(number)
        found = bytearray(content)
        for _ in range(edits):
            at, length = dice.randrange(len(found) + 1), dice.choice((1, 2, 4, 16, 200))
            match dice.randrange(4):
                case 0:
                    found[at : at + length] = dice.randbytes(length)
                case 1:
                    del found[at : at + length]
                case 2:
                    found[at:at] = found[at : at + length] * dice.choice((1, 2, 50))
                case _:
                    found[at:at] = dice.choice(
                        (b"\0", b"\xff", b"-", b"9" * 40, b"\n", b'"', b"{", b"[", b"&a ", b"*a")
                    )
        return bytes(found)

    return st.builds(mutate, st.sampled_from(valid), st.integers(0, 2**63), st.integers(0, 8))


def _csv(content: bytes, path: Path) -> None:
    parse_rows(content, "table.csv", ("path",), ("gender", "age"))


def _yaml(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    load_recipe(path)


def _outcome(content: bytes, path: Path) -> None:
    for outcome in (CropOutcome, EnsembleOutcome, PrepareOutcome, TrainFoldOutcome, WeightsOutcome):
        try:
            outcome.model_validate_json(content)
        except ValidationError:
            continue
        return
    raise MaskfoldError("no outcome")


def _tensors(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    refusals = []
    for read in (
        lambda: check_tensor_file(path, "input"),
        lambda: read_card(path),
        lambda: load_trunk(_model(), path, "input", required=True),
    ):
        try:
            read()
        except MaskfoldError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


def _image(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    if probe(path).problem is None:
        assert decode(path, 32).shape[2] == 3
    decode(path)


def _model() -> torch.nn.Module:
    return backbones.rebuild("test_resnet", {}, 3, (32, 32))


def _picture(kind: str, mode: str, **more: object) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(stream, kind, **more)
    return stream.getvalue()


_WORDS = st.sampled_from(
    [
        "a",
        "x.jpg",
        "male",
        "27",
        "27,0",
        "",
        "\0",
        "\x1b[2J",
        '"',
        "'",
        "9" * 400,
        "1e999",
        "nan",
        "-1",
        "\ufeff",
        "🙂",
        "\r",
    ]
)
_JSON: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_FILE = {"path": "weights/0/w.safetensors", "sha256": "0" * 64, "size": 3}
_OUTCOME = {"seconds": 1.0, "weights": {"file": _FILE, "origin": "hub", "mean": [0.5] * 3, "std": [0.5] * 3}}
_RECIPE = b"""name: a
folds: {k: 3, seed: 1}
networks:
  - &face {name: joint, backbone: test_resnet, epochs: 2, augmentation: light}
  - {<<: *face, name: second, mixup: {p: 0.5}, schedule: {name: cyclic}}
"""


def _lines(cells: list[list[str]], separator: str) -> bytes:
    return "\n".join(separator.join(row) for row in [["path", "gender", "age"], *cells]).encode()


def _safetensors(header: object, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def _as_yaml(value: object) -> bytes:
    return f"networks: [{{name: n, backbone: test_resnet, epochs: {json.dumps(value)}}}]".encode()


def _as_outcome(value: object) -> bytes:
    return json.dumps({**_OUTCOME, "weights": value}).encode()


def _entries(begin: int, end: int, shape: list[int]) -> bytes:
    return _safetensors({"a": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}, bytes(64))


TARGETS: Final[Mapping[str, Target]] = {
    "csv": Target(
        _csv,
        (b"path,gender,age\nx.jpg,male,27\n", 'path,gender\n"a, b",weiblich\n'.encode("utf-8-sig")),
        st.builds(_lines, st.lists(st.lists(_WORDS, max_size=5), max_size=5), st.sampled_from(",;\t")),
    ),
    "yaml": Target(_yaml, (_RECIPE,), st.builds(_as_yaml, _JSON) | st.binary(max_size=200)),
    "outcome": Target(_outcome, (json.dumps(_OUTCOME).encode(),), st.builds(_as_outcome, _JSON)),
    "safetensors": Target(
        _tensors,
        (save({"conv1.0.weight": torch.zeros(4, 3), "n": torch.tensor(1)}, {"maskfold": "{}"}),),
        st.builds(_safetensors, _JSON, st.binary(max_size=64))
        | st.builds(
            _entries, st.integers(-9, 2**64), st.integers(-9, 2**64), st.lists(st.integers(-9, 2**64), max_size=4)
        ),
    ),
    "jpeg": Target(
        _image,
        (
            _picture("JPEG", "RGB"),
            _picture("JPEG", "RGB", progressive=True),
            _picture("JPEG", "L"),
            _picture("JPEG", "CMYK"),
        ),
        st.binary(max_size=300).map(lambda body: b"\xff\xd8\xff" + body),
    ),
    "png": Target(
        _image,
        tuple(_picture("PNG", mode) for mode in ("RGB", "RGBA", "P", "LA", "1", "I;16")),
        st.binary(max_size=300).map(lambda body: b"\x89PNG\r\n\x1a\n" + body),
    ),
}
"""By name."""


def main() -> None:
    """Fuzz the named targets, or all, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each target")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for name in chosen.names or TARGETS:
        figures = fuzz(name, chosen.count, chosen.seed)
        print(
            json.dumps(
                {
                    "target": name,
                    "inputs": figures.inputs,
                    "refused": figures.refused,
                    "slowest_ms": round(figures.slowest_s * 1000, 1),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main()

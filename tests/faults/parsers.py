"""The parsers of user files, with valid files, and strategies for odd ones; see :mod:`tests.faults.fuzz`."""

from __future__ import annotations

import io
import json
import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import torch
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from flows.weights import WeightsDescription
from maskfold.dataset.images import decode, probe
from maskfold.errors import MaskfoldError
from maskfold.inference.network import read_card
from maskfold.recipe import load_recipe
from maskfold.rows import parse_rows
from maskfold.specs import (
    CropOutcome,
    EnsembleOutcome,
    Failure,
    File,
    Outcome,
    PrepareOutcome,
    TrainFoldOutcome,
    WeightsOutcome,
)
from maskfold.storage import check_tensor_file
from maskfold.tracking.content import content_of
from maskfold.tracking.record import RunRecord
from maskfold.training import backbones
from maskfold.training.checkpoint import Checkpoints
from maskfold.training.images import open_pack
from maskfold.training.trunk import load_trunk


@dataclass(frozen=True)
class Target:
    """A parser, and where its inputs come from."""

    run: Callable[[bytes, Path], None]
    valid: tuple[bytes, ...]
    drawn: st.SearchStrategy[bytes]


def _csv(content: bytes, path: Path) -> None:
    parse_rows(content, "table.csv", ("path",), ("gender", "age"))


def _yaml(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    load_recipe(path)


def _settings(content: bytes, path: Path) -> None:
    load_recipe("smoke", content.decode(errors="surrogateescape").split("\0"))


def _outcome(content: bytes, path: Path) -> None:
    """The first byte decides which job's outcome it is; a run's record and a failure are read likewise."""
    kinds = (*OUTCOMES, RunRecord, Failure)
    kind = kinds[content[0] % len(kinds) if content else 0]
    read = kind.model_validate_json(content[1:])
    if isinstance(read, Outcome):
        content_of(STAGES[kinds.index(kind)], content[1:], ("a", "b"))


def _sidecar(content: bytes, path: Path) -> None:
    WeightsDescription.model_validate_json(content)


def _tensors(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    _all(
        lambda: check_tensor_file(path, "input"),
        lambda: read_card(path),
        lambda: load_trunk(_model(), path, "input", required=True),
    )


def _image(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    if probe(path).problem is None:
        assert decode(path, 32).shape[2] == 3
    decode(path)


def _npy(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    pack = open_pack(path, (8, 8), path.parent)
    assert pack.shape[1:] == (8, 8, 3)


def _checkpoint(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    checkpoints = Checkpoints(_OneCheckpoint(path), "a", path.parent, logging.getLogger("fuzz"))
    if checkpoints.newest() is None:
        raise MaskfoldError("damaged")


class _OneCheckpoint:
    """A workspace with one checkpoint, whose checksum is right: its writer is the attacker."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def list(self, prefix: str = "") -> list[str]:
        return ["a/00000-00000001.json", "a/00000-00000001.pt"]

    def read(self, path: str) -> bytes:
        return File(path="a/00000-00000001.pt", sha256="0" * 64, size=1).model_dump_json().encode()

    def fetch(self, file: File) -> Path:
        return self._path

    def locate(self, path: str) -> str:
        return path

    def delete(self, path: str) -> None: ...

    def write(self, path: str, content: bytes) -> File: ...

    def publish(self, source: Path, path: str) -> File: ...


def _all(*readers: Callable[[], object]) -> None:
    """Let each reader read; raise the first refusal."""
    refusals = []
    for read in readers:
        try:
            read()
        except MaskfoldError as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]


@cache
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
_SHA, _NAME = "0" * 64, "weights/0/w.safetensors"
_FILE = {"path": _NAME, "sha256": _SHA, "size": 3}
_EPOCH = {"epoch": 0, "lr": 0.1, "train_loss": 1, "valid_loss": 1, "valid_macro_f1": 1, "valid_accuracy": 1}
_TRAINED = {"network": "n", "weights": _FILE, "best_epoch": 0, "history": [{**_EPOCH, "images_per_second": 1}]}
_MACHINE = {"initial_weights": "", "device": "cpu", "amp": "off", "images_per_second": 1, "steps_per_epoch": 1}
_SCORES = {"macro_f1": 0.5, "accuracy": 0.5, "attributes": {"mask": {"accuracy": 0.5}}}
_SHARES = {"group": "train", "images": 3, "detected": 2, "retried": 0, "fallback": 1, "unreadable": 0}
_VERSIONS = dict.fromkeys(("dataset_version", "images_version", "eval_version", "folds_version"), _SHA)
_COUNTS = dict.fromkeys(("n_people", "n_train", "n_eval", "n_quarantined", "n_eval_unreadable", "n_corrected"), 1)
_PACKS = {"faces": _FILE, "portraits": _FILE, "index": _FILE, "n_images": 3, "images_per_second": 1.5}
_RUN = {"id": "20260101T000000-00000000", "name": "n", "experiment": "e", "data": "d", "host": "h", "started": 1}
_JOB = {"stage": "crop", "key": "0" * 16, "label": "crop", "started": 1}
OUTCOMES: Final = (CropOutcome, EnsembleOutcome, PrepareOutcome, TrainFoldOutcome, WeightsOutcome)
STAGES: Final = ("crop", "ensemble", "prepare", "train_fold", "weights")
"""Of the outcomes."""
_VALID: Final[tuple[dict[str, object], ...]] = (
    {**_PACKS, "fallback_share_train": 0, "fallback_share_eval": 1, "face_shares": [_SHARES], "figures": [_FILE]},
    {"submission": _FILE, "latest": "a/b", "oof": _FILE, "report": _FILE, "figures": [_FILE], "tables": []}
    | {"scores": {"vote": _SCORES}, "face_shares": [_SHARES]},
    {"manifest": _FILE, "folds": _FILE, "quarantine": _FILE, "learnt_versions": {"joint": _SHA}, "class_counts": [1]}
    | {"warnings": ["w"], **_VERSIONS, **_COUNTS},
    {**_TRAINED, **_MACHINE, "predictions": _FILE, "fold": 0, "macro_f1": 0.5, "accuracy": 0.5},
    {"weights": {"file": _FILE, "origin": "hub", "mean": [0.5] * 3, "std": [0.5] * 3}},
    {**_RUN, "recipe": "", "classes": ["a"], "tags": {"a": "b"}, "alive": 1, "jobs": [_JOB]},
    {"kind": "E", "message": "m", "exit_code": 1},
)
"""Of each outcome, of a run's record, of a failure."""
_OUTCOMES: Final = tuple(
    bytes([number]) + json.dumps(one if number >= len(OUTCOMES) else {"seconds": 1.0, **one}).encode()
    for number, one in enumerate(_VALID)
)
_SIDECAR: Final = {"backbone": "b", "backbone_args": {"drop_rate": 0.1}, "mean": [0.5] * 3, "std": [0.5] * 3}
_RECIPE: Final = b"""name: a
folds: {k: 3, seed: 1}
networks:
  - &face {name: joint, backbone: test_resnet, epochs: 2, augmentation: light}
  - {<<: *face, name: second, mixup: {p: 0.5}, schedule: {name: cyclic}}
"""


def _places(settings: object, above: str = "") -> Iterator[str]:
    """Yield the dotted path of each setting and of each group of settings."""
    if above:
        yield above
    named = (
        settings.items() if isinstance(settings, dict) else enumerate(settings) if isinstance(settings, list) else ()
    )
    for name, value in named:
        yield from _places(value, f"{above}.{name}" if above else str(name))


_PLACES: Final = (*_places(load_recipe("fast").model_dump(mode="json")), "labels.age_bounds", "labels", "a.b")


def _lines(cells: list[list[str]], separator: str) -> bytes:
    return "\n".join(separator.join(row) for row in [["path", "gender", "age"], *cells]).encode()


def _safetensors(header: object, body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


def _as_yaml(value: object) -> bytes:
    return f"networks: [{{name: n, backbone: test_resnet, epochs: {json.dumps(value)}}}]".encode()


def _as_settings(changes: list[tuple[str, object]]) -> bytes:
    return "\0".join(f"{place}={json.dumps(value)}" for place, value in changes).encode()


def _as_outcome(number: int, name: int, value: object) -> bytes:
    """Replace one field of an outcome."""
    fields = {"seconds": 1.0} if number < len(OUTCOMES) else {}
    fields |= _VALID[number]
    return bytes([number]) + json.dumps({**fields, list(fields)[name % len(fields)]: value}).encode()


def _as_sidecar(name: str, value: object) -> bytes:
    return json.dumps({**_SIDECAR, name: value}).encode()


def _array(shape: list[int], kind: str, is_fortran: bool, body: bytes) -> bytes:
    text = f"{{'descr': {kind!r}, 'fortran_order': {is_fortran}, 'shape': {tuple(shape)}, }}\n".encode()
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + body


def _saved(write: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def _entries(begin: int, end: int, shape: list[int]) -> bytes:
    return _safetensors({"a": {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}}, bytes(64))


TARGETS: Final[Mapping[str, Target]] = {
    "csv": Target(
        _csv,
        (b"path,gender,age\nx.jpg,male,27\n", 'path,gender\n"a, b",weiblich\n'.encode("utf-8-sig")),
        st.builds(_lines, st.lists(st.lists(_WORDS, max_size=5), max_size=5), st.sampled_from(",;\t")),
    ),
    "yaml": Target(_yaml, (_RECIPE,), st.builds(_as_yaml, _JSON) | st.binary(max_size=200)),
    "settings": Target(
        _settings,
        (b"folds.k=3", b"networks.*.optimizer={name: sgd, lr: 0.1}", b"scheme.attributes.age.bounds=[30, 60]"),
        st.lists(st.tuples(st.sampled_from(_PLACES), _JSON), min_size=1, max_size=2).map(_as_settings),
    ),
    "outcome": Target(
        _outcome, _OUTCOMES, st.builds(_as_outcome, st.integers(0, len(_VALID) - 1), st.integers(0, 30), _JSON)
    ),
    "sidecar": Target(
        _sidecar, (json.dumps(_SIDECAR).encode(),), st.builds(_as_sidecar, st.sampled_from(sorted(_SIDECAR)), _JSON)
    ),
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
    "npy": Target(
        _npy,
        (_saved(lambda stream: np.save(stream, np.zeros((2, 4, 4, 3), np.uint8))),),
        st.builds(
            _array,
            st.lists(st.integers(-9, 9) | st.integers(-(2**63), 2**65), max_size=5),
            st.sampled_from(("|u1", "<f8", "|O", "|V9", "<U9", "|u1,|u1", "")),
            st.booleans(),
            st.binary(max_size=64),
        ),
    ),
    "checkpoint": Target(
        _checkpoint,
        (_saved(lambda stream: torch.save({"epoch": 1, "loss": torch.zeros(3), "history": []}, stream)),),
        st.binary(max_size=100).map(lambda body: b"PK\3\4" + body) | st.builds(pickle.dumps, _JSON),
    ),
    "parquet": Target(
        _csv,
        (_saved(pd.DataFrame({"path": ["x.jpg", "y.jpg"], "age": [27, 3]}).to_parquet),),
        st.binary(max_size=100).map(lambda body: b"PAR1" + body + b"PAR1"),
    ),
    "png": Target(
        _image,
        tuple(_picture("PNG", mode) for mode in ("RGB", "RGBA", "P", "LA", "1", "I;16")),
        st.binary(max_size=300).map(lambda body: b"\x89PNG\r\n\x1a\n" + body),
    ),
}
"""By name."""

"""What is answered already, and what is left: predictions are kept in parts of some hundred photographs.

A part is named by the digest of its list, which has names and states of its photographs. It is the same whatever the
number of jobs that share the work, and so are its batches: the answers are the same bytes. A photograph that an earlier
part has answered, and that has not changed since, is in no new part.

::

    predictions/<model, settings and source>/
        lists/<part>.jsonl      name, place, state and problem of each photograph
        parts/<part>.parquet    the answers
        done/<part>.json        written last: checksum and counts of the answers
        orders/<digest>.json    the parts and rows that make up one result
        delivered/<output>.json the order that this output last had
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from maskfold.errors import CorruptDataError
from maskfold.photographs import ListedPhotograph
from maskfold.specs import File, Order, PartDone, Segment, digest
from maskfold.storage import Workspace

PREDICTIONS: Final = "predictions"
PART_PHOTOGRAPHS: Final = 512
"""Photographs of a part: some seconds of work, which a killed job loses at most for each open part."""
VERSION: Final = 1
"""Raised when the same photographs get other answers."""


@dataclass(frozen=True)
class Parts:
    """The parts of one model, source and setting."""

    workspace: Workspace
    folder: str

    @classmethod
    def of(cls, workspace: Workspace, model: str, root: str, all_faces: bool) -> Parts:
        """Return the parts of a model's digest and the root of the photographs."""
        return cls(workspace, f"{PREDICTIONS}/{digest([PREDICTIONS, VERSION, model, root, all_faces])[:16]}")

    def done(self) -> list[str]:
        """Return the finished parts, sorted."""
        return [PurePosixPath(address).stem for address in self.workspace.list(f"{self.folder}/done")]

    def result(self, part: str) -> PartDone | None:
        """Return what is known of a finished part; None if it is not finished, or its record is damaged."""
        content = self.workspace.read(f"{self.folder}/done/{part}.json")
        try:
            return None if content is None else PartDone.model_validate_json(content)
        except ValidationError:
            return None

    def finish(self, part: str, done: PartDone) -> None:
        """Say that a part's answers are published."""
        self.workspace.write(f"{self.folder}/done/{part}.json", done.model_dump_json().encode())

    def answers(self, part: str) -> str:
        """Return the address of a part's answers."""
        return f"{self.folder}/parts/{part}.parquet"

    def add(self, photographs: Sequence[ListedPhotograph]) -> str:
        """Store the list of a part; return its digest."""
        lines = [json.dumps(photograph, separators=(",", ":")) for photograph in photographs]
        content = "\n".join(lines).encode()
        part = hashlib.sha256(content).hexdigest()[:32]
        address = f"{self.folder}/lists/{part}.jsonl"
        if self.workspace.size_of(address) != len(content):
            self.workspace.write(address, content)
        return part

    def photographs(self, part: str) -> list[ListedPhotograph]:
        """Return the photographs of a part.

        Raises:
            CorruptDataError: If its list is missing, or is not the one that was stored.
        """
        address = f"{self.folder}/lists/{part}.jsonl"
        content = self.workspace.read(address)
        if content is None or hashlib.sha256(content).hexdigest()[:32] != part:
            raise CorruptDataError(f"{self.workspace.locate(address)} is missing or damaged; delete it and run again")
        return [ListedPhotograph(*json.loads(line)) for line in content.splitlines()]

    def delivered(self, out: str) -> File | None:
        """Return the order that an output has had last."""
        content = self.workspace.read(self._delivery(out))
        try:
            return None if content is None else File.model_validate_json(content)
        except ValidationError:
            return None

    def deliver(self, out: str, order: File) -> None:
        """Say that an output has an order."""
        self.workspace.write(self._delivery(out), order.model_dump_json().encode())

    def _delivery(self, out: str) -> str:
        return f"{self.folder}/delivered/{digest(out)[:16]}.json"


@dataclass(frozen=True)
class Planned:
    """All photographs of a listing, and the parts that have or will have their answers."""

    order: File
    photographs: int
    fresh: tuple[str, ...]
    """Parts that are to be done."""
    fresh_photographs: int


def plan_parts(parts: Parts, photographs: Iterable[ListedPhotograph], may_repeat: bool) -> Planned:
    """Divide a listing into finished and new parts; store the lists of the new ones and the order of the whole.

    Args:
        parts: Where they are kept.
        photographs: The listing.
        may_repeat: Whether a photograph may be in it twice; it is predicted once.
    """
    known = _Index()
    for part in parts.done():
        try:
            known.add(part, list(map(_mark, parts.photographs(part))))
        except CorruptDataError:
            continue  # its photographs are predicted again
    seen = known.sorted()
    asked, fresh, repeated = array("Q"), list[str](), set[int]()
    waiting: list[tuple[int, ListedPhotograph]] = []

    def close() -> None:
        fresh.append(parts.add([photograph for _, photograph in waiting]))
        known.add(fresh[-1], [mark for mark, _ in waiting])
        waiting.clear()

    for photograph in photographs:
        mark = _mark(photograph)
        asked.append(mark)
        if _has(seen, mark) or mark in repeated:
            continue
        if may_repeat:
            repeated.add(mark)
        waiting.append((mark, photograph))
        if len(waiting) == PART_PHOTOGRAPHS:
            close()
    n_fresh = len(fresh) * PART_PHOTOGRAPHS + len(waiting)
    if waiting:
        close()
    content = known.order(np.frombuffer(asked, dtype=np.uint64)).model_dump_json().encode()
    order = parts.workspace.write(f"{parts.folder}/orders/{hashlib.sha256(content).hexdigest()[:32]}.json", content)
    return Planned(order, len(asked), tuple(fresh), n_fresh)


@dataclass
class _Index:
    """In which part and row each photograph is; some bytes for each."""

    parts: list[str] = field(default_factory=list)
    marks: array[int] = field(default_factory=lambda: array("Q"))
    sizes: list[int] = field(default_factory=list)

    def add(self, part: str, marks: Sequence[int]) -> None:
        self.parts.append(part)
        self.marks.extend(marks)
        self.sizes.append(len(marks))

    def sorted(self) -> NDArray[np.uint64]:
        return np.sort(np.array(self.marks, dtype=np.uint64))

    def order(self, asked: NDArray[np.uint64]) -> Order:
        """Return where the answers of photographs are, as runs of rows that follow each other in a part."""
        marks = np.array(self.marks, dtype=np.uint64)
        by_mark = np.argsort(marks, kind="stable")
        place = by_mark[np.searchsorted(marks[by_mark], asked)]
        begins = np.concatenate([[0], np.cumsum(self.sizes)])
        part = np.searchsorted(begins, place, side="right") - 1
        row = place - begins[part]
        breaks = np.flatnonzero((np.diff(part) != 0) | (np.diff(row) != 1)) + 1
        starts = np.concatenate([[0], breaks])
        counts = np.diff(np.concatenate([starts, [len(asked)]]))
        used = list(dict.fromkeys(part[starts].tolist()))
        number = {one: place for place, one in enumerate(used)}
        return Order(
            parts=tuple(self.parts[one] for one in used),
            segments=tuple(
                Segment(number[one], first, count)
                for one, first, count in zip(part[starts].tolist(), row[starts].tolist(), counts.tolist(), strict=True)
            ),
        )


def _mark(photograph: ListedPhotograph) -> int:
    """Return 64 bits of a digest: of ten million photographs, two are taken for one with a chance of 1 to 400,000."""
    content = "\0".join(photograph).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _has(marks: NDArray[np.uint64], mark: int) -> bool:
    place = int(np.searchsorted(marks, np.uint64(mark)))
    return place < len(marks) and int(marks[place]) == mark

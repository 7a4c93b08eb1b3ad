"""A model at work on parts of many photographs: resumable, with memory that does not grow with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import torch

from maskfold.errors import DatasetError
from maskfold.faces.workers import Workers
from maskfold.inference.answers import answer_table
from maskfold.inference.cropping import CroppedPhotograph, PhotographCropper
from maskfold.inference.predictor import Answer, Predictor
from maskfold.parts import Parts
from maskfold.photographs import ListedPhotograph, source_of
from maskfold.specs import PartDone

BATCH: Final = 32
"""Photographs of a batch. Batches do not reach across parts, so that they are the same whoever does them."""
_DOWNLOADS: Final = 8
"""Photographs on S3 that each process reads side by side."""
PHOTOGRAPH: Final = "photograph"
"""Column of a part's table: the row of the photograph in the part's list."""


@dataclass(frozen=True)
class Batch:
    """Some photographs of a part that follow each other."""

    part: str
    first: int
    photographs: tuple[ListedPhotograph, ...]


@dataclass(frozen=True)
class CroppedBatch:
    """What the networks get to see of them."""

    batch: Batch
    cropped: tuple[CroppedPhotograph, ...]


@dataclass(frozen=True)
class BatchCropper:
    """Reads and cuts out the photographs of a batch; picklable until it is used."""

    cropper: PhotographCropper
    root: str

    def __call__(self, batch: Batch) -> CroppedBatch:
        """Read, decode, find the faces, cut them out; a photograph that cannot be read has the reason."""
        sources = list(self._sources(batch.photographs))
        readable = [source for source in sources if not isinstance(source, str)]
        cut = iter(self.cropper(readable))
        cropped = [CroppedPhotograph(problem=one) if isinstance(one, str) else next(cut) for one in sources]
        return CroppedBatch(batch, tuple(cropped))

    def _sources(self, photographs: Sequence[ListedPhotograph]) -> Iterator[Path | bytes | str]:
        remote = self.root.startswith("s3://") or any(one.place.startswith("s3://") for one in photographs)
        if not remote:
            yield from map(self._source, photographs)
            return
        with ThreadPoolExecutor(_DOWNLOADS) as threads:
            yield from threads.map(self._source, photographs)

    def _source(self, photograph: ListedPhotograph) -> Path | bytes | str:
        try:
            return source_of(self.root, photograph)
        except DatasetError as reason:
            return str(reason)


@dataclass
class _Open:
    """A part of which some batches are done."""

    photographs: list[ListedPhotograph]
    left: int
    answers: list[Answer] = field(default_factory=list)


def predict_parts(
    predictor: Predictor,
    parts: Parts,
    wanted: Sequence[str],
    root: str,
    scratch: Path,
    processes: int,
    report: Callable[[PartDone | None, int], None],
) -> None:
    """Predict parts and publish each as soon as it is done.

    Args:
        predictor: The model.
        parts: Where lists and answers are kept.
        wanted: Parts that are not finished.
        root: What the photographs' places are relative to.
        scratch: A local folder.
        processes: That read, decode and find faces; also the networks' threads.
        report: Called with the record of a part that was finished, and with the photographs of each batch.

    Raises:
        CorruptDataError: If a list is damaged.
        UnavailableError: If the storage cannot be reached.
    """
    torch.set_num_threads(processes)  # of the networks, which take turns with the workers
    begun: dict[str, _Open] = {}

    def batches() -> Iterator[Batch]:
        for part in wanted:
            photographs = parts.photographs(part)
            starts = range(0, len(photographs), BATCH)
            begun[part] = _Open(photographs, len(starts))
            for first in starts:
                yield Batch(part, first, tuple(photographs[first : first + BATCH]))

    workers: Workers[Batch, CroppedBatch]
    with Workers(BatchCropper(predictor.cropper, root), processes) as workers:
        for done in workers.map(batches()):
            one, first = begun[done.batch.part], done.batch.first
            found = predictor.answer(done.cropped)
            one.answers += [replace(answer, photograph=answer.photograph + first) for answer in found]
            one.left -= 1
            finished = _publish(parts, done.batch.part, one, predictor, scratch) if not one.left else None
            if finished is not None:
                del begun[done.batch.part]
            report(finished, len(done.cropped))


def _publish(parts: Parts, part: str, one: _Open, predictor: Predictor, scratch: Path) -> PartDone:
    answers = sorted(one.answers, key=lambda answer: (answer.photograph, answer.face))
    table = answer_table([photograph.name for photograph in one.photographs], answers, predictor.model.scheme)
    table.insert(0, PHOTOGRAPH, [answer.photograph for answer in answers])
    path = scratch / f"{part}.parquet"
    table.to_parquet(path, index=False)
    unreadable = sum(answer.status == "unreadable" for answer in answers)
    done = PartDone(
        file=parts.workspace.publish(path, parts.answers(part)),
        photographs=len(one.photographs),
        rows=len(answers),
        unreadable=unreadable,
    )
    path.unlink()
    parts.finish(part, done)
    return done

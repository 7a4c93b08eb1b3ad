"""From the user's request for predictions to the specs of all jobs."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from maskfold.destination import Destination
from maskfold.errors import CorruptDataError, InputError
from maskfold.given_labels import GivenLabels, parse_labels
from maskfold.models import FoundModel, find_model
from maskfold.parts import PART_PHOTOGRAPHS, Parts, Planned, plan_parts
from maskfold.photographs import ListedPhotograph, Photographs, find_photographs
from maskfold.specs import AnswersSpec, File, ModelPackage, PredictSpec
from maskfold.specs.model import MODEL_FILE
from maskfold.storage import Workspace, adopt, open_existing, open_workspace, read_uri
from maskfold.storage.location import parse
from maskfold.wording import first_few

SHARD_PHOTOGRAPHS: Final = 20_000
"""Photographs of one job: of more, several jobs share the work."""
_LABELS_LIMIT: Final = 256 << 20

_log = logging.getLogger("maskfold.flows.predict")


@dataclass(frozen=True)
class Prediction:
    """All that is known before the photographs are listed."""

    workspace: Workspace
    model: FoundModel
    digest: str
    described: ModelPackage
    photographs: Photographs
    out: Destination | None
    """None keeps the csv in the workspace alone."""
    all_faces: bool
    labels: str | None
    given: GivenLabels | None
    shard_photographs: int = SHARD_PHOTOGRAPHS

    @classmethod
    def make(
        cls,
        images: str,
        out: str,
        workspace: str,
        model: str,
        all_faces: bool = False,
        labels: str | None = None,
        shard_photographs: int = SHARD_PHOTOGRAPHS,
    ) -> Prediction:
        """Check everything that can be checked without listing all photographs; write nothing.

        Args:
            images: What to predict; see :func:`flows.predict.predict`, as for the other arguments.
            out: The csv; empty to keep it in the workspace alone.
            workspace: Of the run.
            model: Which model.
            all_faces: Whether to answer for every face.
            labels: True labels.
            shard_photographs: Photographs of one job.

        Raises:
            InputError: If anything the user gave is wrong.
            UnavailableError: If a server cannot be reached.
        """
        if shard_photographs < 1:
            raise InputError(f"shard_photographs {shard_photographs}: expected the photographs of one job, 1 or more")
        if labels and all_faces:
            raise InputError("labels are for photographs, and all faces are asked for; leave one of the two out")
        destination = Destination.of(out, "out", (images, labels or "")) if out else None
        found = find_model(model, workspace)
        described, digest = _describe(found)
        given = None
        if labels:
            given = parse_labels(read_uri(labels, _LABELS_LIMIT), parse(labels).name, described.scheme)
        photographs = find_photographs(images)
        return cls(
            workspace=open_workspace(workspace),
            model=found,
            digest=digest,
            described=described,
            photographs=photographs,
            out=destination,
            all_faces=all_faces,
            labels=labels or None,
            given=given,
            shard_photographs=shard_photographs,
        )

    @property
    def said(self) -> str:
        """What predicts what, for people."""
        return f"{self.photographs.said}; {self.model.said}"

    @property
    def parts(self) -> Parts:
        """Where lists and answers are kept."""
        return Parts.of(self.workspace, self.digest, self.photographs.root, self.all_faces)

    def listed(self) -> Planned:
        """List all photographs, and divide those that no earlier run has answered into parts.

        Raises:
            InputError: If they cannot be listed, or none of them has a label though labels are given.
        """
        others: list[str] = []
        labelled = 0

        def watched() -> Iterator[ListedPhotograph]:
            nonlocal labelled
            for photograph in self.photographs.listed(others):
                labelled += self.given is not None and photograph.name in self.given.rows
                yield photograph

        planned = plan_parts(self.parts, watched(), self.photographs.may_repeat)
        if others:
            _log.warning("%d files or linked folders are no photographs: %s", len(others), first_few(others, 3))
        if self.given is not None and not labelled:
            example, ours = next(iter(self.given.rows)), next(iter(self.photographs)).name
            raise InputError(
                f"labels {self.labels}: no photograph has a label: the table names {example!r}, the photographs are "
                f"named {ours!r}; name them alike"
            )
        return planned

    def shards(self, planned: Planned) -> list[PredictSpec]:
        """Return the jobs that share the parts which are to be done."""
        size = max(1, self.shard_photographs // PART_PHOTOGRAPHS)
        starts = range(0, len(planned.fresh), size)
        return [
            PredictSpec(
                workspace=self.workspace.uri,
                model=self.model.uri,
                digest=self.digest,
                all_faces=self.all_faces,
                root=self.photographs.root,
                folder=self.parts.folder,
                parts=planned.fresh[start : start + size],
                number=number,
                of=len(starts),
            )
            for number, start in enumerate(starts, start=1)
        ]

    def answers(self, planned: Planned) -> AnswersSpec:
        """Return the job that joins all answers."""
        return AnswersSpec(
            workspace=self.workspace.uri,
            model=self.model.uri,
            digest=self.digest,
            all_faces=self.all_faces,
            root=self.photographs.root,
            folder=self.parts.folder,
            order=planned.order,
            delivered=self.parts.delivered(self.out.uri) if self.out else None,
            labels=self._adopted(),
            labels_name="" if self.labels is None else parse(self.labels).name,
        )

    def _adopted(self) -> File | None:
        """Copy the labels into the workspace, for a job on any machine; they have been parsed."""
        return None if self.labels is None else adopt(self.workspace, self.labels, lambda _: None)


def _describe(found: FoundModel) -> tuple[ModelPackage, str]:
    """Read a package's description; the jobs verify all its files."""
    content = open_existing(found.uri).read(MODEL_FILE)
    if content is None:
        raise InputError(
            f"{found.said}: no model there: expected a folder with {MODEL_FILE}, such as WORKSPACE/models/<key>, or "
            "run:latest or run:ID with the workspace of the run"
        )
    digest = hashlib.sha256(content).hexdigest()
    if found.digest not in (None, digest):
        raise CorruptDataError(f"{found.said}: {found.uri} was changed after it was made; export it again")
    try:
        return ModelPackage.model_validate_json(content), digest
    except ValidationError as error:
        first = error.errors()[0]
        raise CorruptDataError(
            f"{found.said}: {found.uri}/{MODEL_FILE} is damaged, or of another version of maskfold "
            f"({'.'.join(map(str, first['loc']))}: {first['msg']}); export it again"
        ) from None


_handed: ContextVar[Prediction | None] = ContextVar("prediction", default=None)


@contextlib.contextmanager
def handed(prediction: Prediction) -> Iterator[None]:
    """Let a flow that starts inside use this plan, which the command line made from the same arguments."""
    token = _handed.set(prediction)
    try:
        yield
    finally:
        _handed.reset(token)


def handed_prediction() -> Prediction | None:
    """Return the plan inside :func:`handed`, else None."""
    return _handed.get()

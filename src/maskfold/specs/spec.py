"""What all jobs have in common: each receives a spec with a key and returns an outcome.

A job's *spec* is JSON. Fields that only control a run or say where files are stored are marked as
:class:`~maskfold.recipe.OutsideKey` and left out of the *key*, the digest of everything that determines the result.
Outputs are stored at ``<stage>/<key>/`` in the workspace, beside ``spec.json``; ``outcome.json`` is published there
last, so its presence means the job is done. A job that fails writes ``failure.json`` instead.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from pydantic import Field, NonNegativeFloat

from maskfold.errors import EXIT_FAULT, MaskfoldError
from maskfold.recipe import OutsideKey, Settings, determining
from maskfold.redaction import redacted
from maskfold.settings import Count
from maskfold.specs.address import Address, Mark, Sha256
from maskfold.wording import printable

SPEC_FILE, OUTCOME_FILE, FAILURE_FILE = "spec.json", "outcome.json", "failure.json"


def digest(value: Any) -> str:
    """Return the sha256 of a JSON value in canonical form (sorted keys, no blanks), in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class File(Settings):
    """A file in the workspace."""

    path: Address
    """Address relative to the workspace."""
    sha256: Sha256
    size: Count
    """Bytes."""


class Tracking(Settings):
    """The MLflow run that a job reports to."""

    uri: str
    """Without a password, which a job reads from its environment."""
    run_id: Mark


class Outcome(Settings):
    """What every job returns."""

    seconds: NonNegativeFloat
    """Wall time of the job."""


class Failure(Settings):
    """Why a job failed."""

    kind: str
    """Class name of the exception."""
    message: str
    exit_code: int = Field(ge=1, le=255)

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Return the failure of an exception; the message names its class unless it is a ``MaskfoldError``."""
        kind = type(error).__name__
        if isinstance(error, MaskfoldError):
            return cls(kind=kind, message=printable(str(error)), exit_code=error.exit_code)
        return cls(kind=kind, message=printable(redacted(f"{kind}: {error}")), exit_code=EXIT_FAULT)


OutcomeT_co = TypeVar("OutcomeT_co", bound=Outcome, covariant=True)


class Spec(Settings, Generic[OutcomeT_co]):
    """What every job receives; a job with a ``Spec[CropOutcome]`` returns a ``CropOutcome``."""

    stage: ClassVar[str]
    version: ClassVar[int]
    """Increased whenever the stage's results change for equal specs, so that old outputs are not reused."""
    one_of_many: ClassVar[bool] = False
    """Jobs of this stage run side by side, each on a share of the machine; any other job uses the whole machine."""

    _by_stage: ClassVar[dict[str, type[Spec[Outcome]]]] = {}

    workspace: Annotated[str, OutsideKey]
    tracking: Annotated[Tracking | None, OutsideKey] = None

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        if "stage" in vars(cls):
            Spec._by_stage[cls.stage] = cls

    @staticmethod
    def of_stage(stage: str) -> type[Spec[Outcome]] | None:
        """Return the spec type of a stage's jobs; None if there is no such stage."""
        return Spec._by_stage.get(stage)

    @classmethod
    def outcome_type(cls) -> type[OutcomeT_co]:
        """Return the type of the job's outcome: the type argument of the spec's base class."""
        arguments = (base.__pydantic_generic_metadata__["args"] for base in cls.__mro__ if issubclass(base, Spec))
        return cast("type[OutcomeT_co]", next(found for found in arguments if found)[0])

    @property
    def key(self) -> str:
        """Digest of everything that determines the result; 16 hexadecimal digits."""
        return digest([self.stage, self.version, self._determining()])[:16]

    def _determining(self) -> dict[str, Any]:
        """Return everything that determines the result, as JSON."""
        return determining(self)

    @property
    def address(self) -> str:
        """Folder of the outputs, relative to the workspace."""
        return f"{self.stage}/{self.key}"

    @property
    def label(self) -> str:
        """Name of this job in messages."""
        return self.stage

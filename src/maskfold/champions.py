"""The champion of a workspace: of all its model packages the one to use.

``models/<model name>.champion.json`` names it, for each scheme. The first model becomes champion. A later one replaces
it only if its out-of-fold score on the same version of the data set and the same classes is better, compared person by
person (:mod:`maskfold.ensemble.comparison`), or if a person says so (``maskfold promote``). Models of other data, or
other classes, are never compared.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import Field, ValidationError

from maskfold.errors import CorruptDataError
from maskfold.settings import Count, Probability, Settings
from maskfold.specs import ExportOutcome, ExportSpec, File, ModelPackage, package_file, package_folder
from maskfold.specs.address import Mark, Sha256
from maskfold.specs.model import MODELS
from maskfold.storage import Workspace, alone

SUFFIX: Final = ".champion.json"


class Margin(Settings):
    """How much better a model is than another one, out-of-fold, paired over people."""

    difference: float
    """Of the macro-F1 of both votes."""
    low: float
    """Lower end of its 95 % interval."""
    high: float
    share: Probability
    """Of the resamples of people in which the difference is above 0."""
    resamples: Count

    @property
    def is_better(self) -> bool:
        """Whether the score is higher, and higher in at least half of the resamples, too."""
        return self.difference > 0 and self.share >= 0.5

    def __str__(self) -> str:
        return (
            f"macro-F1 {self.difference:+.4f} (95 % interval {self.low:+.4f} to {self.high:+.4f}), higher in "
            f"{self.share:.0%} of the resamples of people"
        )


class Champion(Settings):
    """A model that is, or was, the one to use."""

    model: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)
    """Name in registries."""
    key: Mark
    """Of the job that exported it; its package is ``models/<key>``."""
    digest: Sha256
    """Of the package."""
    recipe: str
    macro_f1: float
    """Of the vote, out-of-fold."""
    macro_f1_low: float | None = None
    """Lower end of its 95 % interval."""
    macro_f1_high: float | None = None
    dataset_version: str
    classes: tuple[str, ...]
    """Names of the joint classes, in their order."""
    oof: File | None = None
    """The vote's out-of-fold table; None for a package from elsewhere, with which nothing can be compared."""
    set_by: Literal["first", "score", "person"]
    """Why it is the champion: there was none, its score is better, or a person said so."""
    who: str = ""
    """The person's name on that machine."""
    since: str
    """When, in UTC."""
    margin: Margin | None = None
    """How much better it is than the one before, where both were compared."""

    @property
    def package(self) -> str:
        """Address of its folder."""
        return package_folder(self.key)

    def is_comparable(self, other: Champion) -> bool:
        """Whether the scores of both count the same photographs and classes."""
        return (self.dataset_version, self.classes) == (other.dataset_version, other.classes)

    def __str__(self) -> str:
        return f"{self.recipe} ({self.key}, macro-F1 {self.macro_f1:.3f})"


class Succession(Settings):
    """What the file of a champion holds."""

    champion: Champion
    replaced: Champion | None = None
    """The one before; None where there was none."""


def path_of(model: str) -> str:
    """Return the address of the record of a model's champion."""
    return f"{MODELS}/{model}{SUFFIX}"


def read(workspace: Workspace, model: str) -> Succession | None:
    """Return who is the champion; None where there is none.

    Args:
        workspace: Where to look.
        model: The model's name in registries.

    Raises:
        CorruptDataError: If the record is damaged.
        MaskfoldError: If the workspace cannot be read.
    """
    path = path_of(model)
    content = workspace.read(path)
    if content is None:
        return None
    try:
        found = Succession.model_validate_json(content)
    except ValidationError as error:
        problem = str(error.errors()[0]["msg"])
    else:
        if found.champion.model == model:
            return found
        problem = f"it is of {found.champion.model}"
    raise CorruptDataError(
        f"{workspace.locate(path)}: not the record of a champion of this version of maskfold ({problem}); "
        "`maskfold promote` writes a new one"
    )


def read_all(workspace: Workspace) -> list[Succession]:
    """Return the champions of all models, by their names.

    Raises:
        CorruptDataError: If a record is damaged.
        MaskfoldError: If the workspace cannot be read.
    """
    return [found for model in models_with_one(workspace) if (found := read(workspace, model)) is not None]


def models_with_one(workspace: Workspace) -> list[str]:
    """Return the names of the models that have a champion, sorted.

    Raises:
        MaskfoldError: If the workspace cannot be read.
    """
    names = (path.removeprefix(f"{MODELS}/") for path in workspace.list(MODELS))
    return sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX) and "/" not in name)


def succeed(
    workspace: Workspace, model: str, decide: Callable[[Champion | None], Champion | None]
) -> Succession | None:
    """Decide who is the champion, and record it; processes of one machine take turns.

    Args:
        workspace: Of the models.
        model: Their name in registries.
        decide: Given the present champion, returns the next one, or None if it stays. A damaged record is none.

    Returns:
        The new record; None if the champion stays.

    Raises:
        MaskfoldError: If the workspace cannot be read or written.
    """
    with alone(workspace.locate(path_of(model))):
        try:
            held = read(workspace, model)
        except CorruptDataError:
            held = None
        chosen = decide(None if held is None else held.champion)
        record = None if chosen is None else _record(held, chosen)
        if record is None or record == held:
            return None
        workspace.write(path_of(model), record.model_dump_json(indent=2).encode() + b"\n")
        return record


def _record(held: Succession | None, chosen: Champion) -> Succession:
    if held is None or held.champion.key != chosen.key:
        return Succession(champion=chosen, replaced=None if held is None else held.champion)
    if chosen.set_by != "person":  # exported again: only its bytes may differ
        chosen = held.champion.model_copy(update={"digest": chosen.digest})
    return held.model_copy(update={"champion": chosen})


def crown_first(workspace: Workspace, spec: ExportSpec, outcome: ExportOutcome) -> Succession | None:
    """Make a run's model the champion if there is none; return the new record, or None if nothing changes."""

    def decide(held: Champion | None) -> Champion | None:
        return candidate(spec, outcome) if held is None or held.key == spec.key else None

    return succeed(workspace, outcome.name, decide)


def candidate(spec: ExportSpec, outcome: ExportOutcome) -> Champion:
    """Return a run's model as the first champion."""
    vote = spec.result.scores["vote"]
    return Champion(
        model=outcome.name,
        key=spec.key,
        digest=outcome.digest,
        recipe=spec.vote.recipe.name,
        macro_f1=outcome.macro_f1,
        macro_f1_low=vote.macro_f1_low,
        macro_f1_high=vote.macro_f1_high,
        dataset_version=spec.vote.dataset_version,
        classes=tuple(spec.vote.recipe.scheme.class_names()),
        oof=spec.result.oof,
        set_by="first",
        since=now(),
    )


def promoted(package: ModelPackage, digest: str, oof: File | None) -> Champion:
    """Return a package as the champion that a person has chosen."""
    return Champion(
        model=package.name,
        key=package.key,
        digest=digest,
        recipe=package.recipe,
        macro_f1=package.vote.macro_f1 or 0.0,
        macro_f1_low=package.vote.macro_f1_low,
        macro_f1_high=package.vote.macro_f1_high,
        dataset_version=package.dataset_version,
        classes=tuple(package.scheme.class_names()),
        oof=oof,
        set_by="person",
        who=_user(),
        since=now(),
    )


def is_there(workspace: Workspace, champion: Champion) -> bool:
    """Return whether the package of a champion is still in its workspace."""
    return workspace.size_of(package_file(champion.key)) is not None


def now() -> str:
    """Return the time for a record."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return ""

"""One gender and one age for each person, from rows, folder name and corrections; or the reason why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from maskfold.dataset.competition.corrections import Correction
from maskfold.dataset.competition.layout import PHOTOGRAPHS_PER_PERSON
from maskfold.dataset.competition.train_table import GENDERS, Stated, parse_age, parse_gender, stated_by_folder
from maskfold.dataset.quarantine import Entry
from maskfold.layouts import TRAIN_TABLE


@dataclass(frozen=True)
class Person:
    """A person with final labels.

    Attributes:
        name: Folder name, the person key.
        gender: 0 male, 1 female.
        age: In years.
        relabelled: Whether a correction changed gender or age, or resolved conflicting or invalid values.
        uncorrected: Gender and age as the sources agree on them, where a correction changed them.
        correction: The person's correction, or None.
    """

    name: str
    gender: int
    age: int
    relabelled: bool = False
    uncorrected: Mapping[str, int] = field(default_factory=dict)
    correction: Correction | None = None

    def mask(self, photograph: str) -> tuple[int, bool]:
        """Return a photograph's mask state and whether a correction changed it."""
        stated = Correction(0, self.name).mask(photograph)
        mask = self.correction.mask(photograph) if self.correction else stated
        return mask, mask != stated


def settle_people(
    stated: Mapping[str, Sequence[Stated]], corrections: Mapping[str, Correction]
) -> tuple[list[Person], list[Entry]]:
    """Determine gender and age of each person.

    Rows and folder name must agree. If they disagree, or a value is invalid, the person is left out unless a correction
    gives the value.

    Args:
        stated: The rows of the table, by person.
        corrections: By person.

    Returns:
        The usable people, sorted by name, and the reasons why the others are left out.
    """
    people, entries = [], []
    for name in sorted(stated):
        by_folder = stated_by_folder(name)
        sources = [*stated[name], *([by_folder] if by_folder else [])]
        correction = corrections.get(name)
        gender = _settle("gender", parse_gender, [(s.source, s.gender) for s in sources], _right(correction, "gender"))
        age = _settle("age", parse_age, [(s.source, s.age) for s in sources], _right(correction, "age"))
        for problem in (gender.problem, age.problem):
            if problem:
                where = f"{TRAIN_TABLE}, {stated[name][0].source}"
                entries.append(Entry("train", where, name, problem[0], problem[1], PHOTOGRAPHS_PER_PERSON))
                break
        else:
            agreed = {"gender": gender.agreed, "age": age.agreed}
            uncorrected = {attribute: value for attribute, value in agreed.items() if value is not None}
            changed = gender.changed or age.changed
            people.append(Person(name, gender.value, age.value, changed, uncorrected, correction))
    return people, entries


@dataclass(frozen=True)
class _Settled:
    value: int
    changed: bool = False
    agreed: int | None = None
    """What the sources agree on, where a correction changed it."""
    problem: tuple[str, str] | None = None


def _right(correction: Correction | None, attribute: str) -> int | None:
    value: int | None = getattr(correction, attribute) if correction else None
    return value


def _settle(
    attribute: str, parse: Callable[[str], int], sources: Iterable[tuple[str, str]], right: int | None
) -> _Settled:
    values: dict[str, int] = {}
    problem: tuple[str, str] | None = None
    for source, text in sources:
        try:
            values[source] = parse(text)
        except ValueError as error:
            problem = problem or ("bad-label", f"{error} ({source})")
    different = set(values.values())
    if right is not None:
        agreed = None if problem or len(different) != 1 or different == {right} else different.pop()
        return _Settled(right, changed=bool(problem) or agreed is not None or len(different) > 1, agreed=agreed)
    if problem:
        return _Settled(0, problem=problem)
    if len(different) > 1:
        said = "; ".join(f"{source} says {_show(attribute, value)}" for source, value in values.items())
        return _Settled(0, problem=("labels-disagree", f"{attribute}: {said}"))
    return _Settled(different.pop())


def _show(attribute: str, value: int) -> str:
    return GENDERS[value] if attribute == "gender" else str(value)

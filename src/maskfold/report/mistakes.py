"""Who is wrong: the people with most mistakes, and the mistakes that the vote is surest of, with their faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from maskfold.ensemble.combination import Combination
from maskfold.report.numbers import counted, listed, percent
from maskfold.report.picture import thumbnail
from maskfold.scheme import IntArray

PEOPLE: Final = 6
"""Worst people that are shown."""
SUREST: Final = 12
"""Surest mistakes that are shown, of different people."""
_OF_A_PERSON: Final = 3
"""Faces of each of the worst people."""
_SIZE: Final = (96, 128)
"""Width and height of a face on the page, at most, in pixels."""

Faces = Callable[[str], NDArray[Any]]
"""Returns the packed face of an image, uint8, (height, width, 3)."""


@dataclass(frozen=True)
class Shot:
    """A photograph that the vote gets wrong."""

    image: str
    """Its path in the data set."""
    true: str
    """Class names of the attributes that are wrong, such as ``<45``."""
    said: str
    """What the vote says in their place."""
    probability: float
    """What the vote gives the joint class that it says."""
    face: str
    """Data URI."""


@dataclass(frozen=True)
class WorstPerson:
    """A person with many mistakes."""

    name: str
    wrong: int
    images: int
    shots: tuple[Shot, ...]


@dataclass(frozen=True)
class Mistakes:
    """What the page shows of the mistakes."""

    said: tuple[str, ...] = ()
    """Sentences about all of them."""
    people: tuple[WorstPerson, ...] = ()
    """Empty where persons are not known: none has several photographs."""
    surest: tuple[Shot, ...] = ()

    @classmethod
    def of(cls, combination: Combination, faces: Faces) -> Mistakes:
        """Choose what to show.

        Args:
            combination: The vote.
            faces: Gives the packed face of an image.
        """
        vote = combination.vote
        wrong = vote.predicted != vote.true
        people = _people(combination)
        known = bool((people["images"] > 1).any())
        sure = vote.oof[np.arange(len(wrong)), vote.predicted]
        surest = _first_of_each(combination.train["person"], np.argsort(-sure, kind="stable"), wrong)[:SUREST]
        return cls(
            tuple(_sentences(combination, people, wrong, sure) if known else ()),
            tuple(_worst(combination, people, sure, faces)) if known else (),
            tuple(_shot(combination, row, sure, faces) for row in surest),
        )


def _people(combination: Combination) -> pd.DataFrame:
    """Return, by person: images, wrong ones, mean probability of the true class."""
    vote = combination.vote
    table = pd.DataFrame(
        {
            "person": combination.train["person"].to_numpy(),
            "wrong": vote.predicted != vote.true,
            "truth": vote.oof[np.arange(len(vote.true)), vote.true],
        }
    )
    groups = table.groupby("person", sort=True)
    return pd.DataFrame({"images": groups.size(), "wrong": groups["wrong"].sum(), "truth": groups["truth"].mean()})


def _sentences(combination: Combination, people: pd.DataFrame, wrong: NDArray[np.bool_], sure: Any) -> list[str]:
    never = people.index[(people["wrong"] == people["images"]) & (people["images"] > 1)]
    found = [
        f"Of {counted(len(people), 'person', 'people')} the vote gets {len(never):,} wrong on all photographs, "
        f"{int((people['wrong'] == 0).sum()):,} on none."
    ]
    if len(never) and combination.scheme.parts:
        chosen = combination.train["person"].isin(never).to_numpy()
        shares = []
        for name in combination.scheme.parts:
            true, predicted = combination.vote.answers[name]
            always = pd.Series(true != predicted)[chosen].groupby(combination.train["person"][chosen]).all()
            shares.append((int(always.sum()), name))
        count, name = max(shares)
        if count:
            found.append(f"For {count:,} of these the {name} is wrong every time; check these labels first.")
    bold = int((wrong & (sure >= 0.9)).sum())
    if bold:
        found.append(
            f"It is 90 % sure or more of {counted(bold, 'wrong answer')}, {percent(bold / wrong.sum())} of all."
        )
    return found


def _worst(combination: Combination, people: pd.DataFrame, sure: Any, faces: Faces) -> list[WorstPerson]:
    ranked = people[people["wrong"] > 0].sort_values(["wrong", "truth"], ascending=[False, True], kind="stable")
    wrong = combination.vote.predicted != combination.vote.true
    names = combination.train["person"].to_numpy()
    found = []
    for name, person in ranked.head(PEOPLE).iterrows():
        rows = np.flatnonzero(wrong & (names == name))
        chosen = rows[np.argsort(-sure[rows], kind="stable")][:_OF_A_PERSON]
        shots = tuple(_shot(combination, int(row), sure, faces) for row in chosen)
        found.append(WorstPerson(str(name), int(person["wrong"]), int(person["images"]), shots))
    return found


def _first_of_each(persons: pd.Series[str], order: IntArray, wrong: NDArray[np.bool_]) -> list[int]:
    """Return the first wrong row of each person in an order of the rows."""
    chosen = order[wrong[order]]
    first = ~persons.iloc[chosen].duplicated().to_numpy()
    return [int(row) for row in chosen[first]]


def _shot(combination: Combination, row: int, sure: Any, faces: Faces) -> Shot:
    vote, scheme = combination.vote, combination.scheme
    true, predicted = scheme.decode(vote.true[row]), scheme.decode(vote.predicted[row])
    differing = [place for place in range(len(scheme.attributes)) if true[place] != predicted[place]]

    def named(labels: IntArray) -> str:
        return listed([scheme.attributes[place].class_names[labels[place]] for place in differing])

    image = str(combination.train["image"].iloc[row])
    return Shot(image, named(true), named(predicted), float(sure[row]), thumbnail(faces(image), _SIZE))

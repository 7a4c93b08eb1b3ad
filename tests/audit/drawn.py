"""Out-of-fold tables as real networks leave them, with labels that are wrong on purpose."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from maskfold.audit.evidence import Evidence
from maskfold.dataset.manifest import ImageRow, manifest_table
from maskfold.recipe import load_recipe
from maskfold.scheme import Scheme

MASK = load_recipe("fast").scheme
NAMES = (*(f"mask{number}" for number in range(1, 6)), "incorrect_mask", "normal")
STATES = (0, 0, 0, 0, 0, 1, 2)


@dataclass
class Crowd:
    """People with seven photographs each, as in the competition, and what networks say of them.

    What networks say of a person's gender and age varies from person to person and less from photograph to photograph,
    so that they are wrong about whole people; worn wrongly is harder to tell than the other two states. Shares of right
    answers are about those of the recipe `fast` on real photographs.
    """

    n_people: int = 400
    seed: int = 0
    gender: float = 4.0
    """Mean log-odds of a person's true gender."""
    age: float = 0.6
    wear: float = 4.5
    """The same of worn and not worn; of worn wrongly it is two thirds."""
    people: list[str] = field(init=False)
    labels: dict[str, np.ndarray] = field(init=False)
    """Of each person, (7, attributes): what the data set says."""
    joint: dict[str, np.ndarray] = field(init=False)
    numbers: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        self.labels, self.joint, self.numbers = {}, {}, {}
        for number in range(self.n_people):
            gender, age = int(random.integers(2)), int(random.choice(3, p=[0.47, 0.46, 0.07]))
            years = {0: 24, 1: 45, 2: 60}[age]
            person = f"{number:06d}_{('male', 'female')[gender]}_Drawn_{years}"
            self.numbers[person] = years
            self.labels[person] = np.array([[state, gender, age] for state in STATES])
            by_state = np.array(
                [_said(random, state, 3, self.wear * (2 / 3 if state == 1 else 1), 1.2) for state in STATES]
            )
            of_gender = _of_person(random, gender, 2, self.gender, 1.4)
            of_age = _of_person(random, age, 3, self.age, 1.2)
            self.joint[person] = MASK.product({"mask": by_state, "gender": of_gender, "age": of_age})
        self.people = list(self.labels)

    def wrong_gender(self, count: int, start: int = 0) -> set[str]:
        """Give people the wrong gender, as a whole block of folders was mislabelled in the competition."""
        chosen = self.people[start : start + count]
        for person in chosen:
            self.labels[person][:, 1] = 1 - self.labels[person][:, 1]
        return set(chosen)

    def swapped(self, count: int, start: int = 0, photographs: tuple[int, int] = (5, 6)) -> set[str]:
        """Interchange two photographs of people: the files, so that the labels stay with the names."""
        chosen = self.people[start : start + count]
        for person in chosen:
            self.joint[person][list(photographs)] = self.joint[person][list(photographs)[::-1]]
        return set(chosen)

    @property
    def manifest(self) -> pd.DataFrame:
        return manifest_table(
            MASK,
            [
                ImageRow(
                    f"train/images/{person}/{name}.jpg", "train", person, name, "0" * 64, 24, 32, True, False,
                    {"mask": int(row[0]), "gender": int(row[1]), "age": self.numbers[person]},
                )
                for person in self.people
                for name, row in zip(NAMES, self.labels[person], strict=True)
            ],
            [],
        )  # fmt: skip

    @property
    def oof(self) -> pd.DataFrame:
        """In the manifest's order."""
        by_image = {
            f"train/images/{person}/{name}.jpg": (int(MASK.encode(labels)), joint)
            for person in self.people
            for name, labels, joint in zip(NAMES, self.labels[person], self.joint[person], strict=True)
        }
        images = self.manifest["image"].tolist()
        values = np.stack([by_image[image][1] for image in images]).astype(np.float32)
        return pd.DataFrame(
            {
                "image": images,
                "person": [image.split("/")[2] for image in images],
                "fold": np.int8(0),
                "true_class": [by_image[image][0] for image in images],
                "predicted_class": values.argmax(axis=1),
                **{f"p{number}": values[:, number] for number in range(MASK.n_classes)},
            }
        )

    @property
    def evidence(self) -> Evidence:
        return Evidence.of(self.oof, self.manifest, MASK)


def table_of(scheme: Scheme, people: dict[str, list[tuple[dict[str, Any], list[float]]]]) -> Evidence:
    """Return the evidence of a few photographs: by person what each states, and joint probabilities."""
    rows, joint, classes = [], [], []
    for person, photographs in people.items():
        for number, (stated, values) in enumerate(photographs):
            name = f"{person}/{number}.jpg"
            rows.append(ImageRow(name, "train", person, name, "0" * 64, 24, 32, True, False, stated))
            joint.append(values)
            classes.append(int(scheme.encode([scheme[one].classes(stated[one]) for one in scheme.names])))
    oof = pd.DataFrame(joint, columns=[f"p{number}" for number in range(scheme.n_classes)])
    oof = oof.assign(image=[row.image for row in rows], person=[row.person for row in rows], true_class=classes)
    return Evidence.of(oof, manifest_table(scheme, rows, []), scheme)


def _of_person(random: np.random.Generator, true: int, size: int, mean: float, spread: float) -> np.ndarray:
    own = random.normal(mean, spread)
    return np.array([_said(random, true, size, own, 0.7) for _ in NAMES])


def _said(random: np.random.Generator, true: int, size: int, mean: float, spread: float) -> np.ndarray:
    logits = random.normal(0, 0.5, size)
    logits[true] += random.normal(mean, spread)
    values = np.exp(logits - logits.max())
    return values / values.sum()

"""The model card: what a model was made from, how good it is for whom, and what it must not be used for.

After Mitchell, M. et al. (2019). Model Cards for Model Reporting. FAccT, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from maskfold.scheme import JOINT
from maskfold.specs import ModelPackage

_HOW = """\
## How to use it

```
maskfold predict --model FOLDER --images DIR --out answers.csv
maskfold serve --model FOLDER
```

A photograph is turned upright, its face is found (MTCNN) and cut out as in training, all networks predict it, and their
probabilities are averaged. `model.json` holds every setting of that, `SHA256SUMS` the digests of all files; the package
is data alone, and nothing in it can be executed.
"""
_LIMITS = """\
## What it must not be used for

The model judges the faces of people. Its answers are guesses from appearance, and wrong for a share of people that the
tables above name.

- **Identity.** It does not recognise persons, and must not be made a part of what does. An attribute is how the people
  of the training data were labelled; it says nothing about who somebody is, or holds themselves to be.
- **Consent.** Photographs of people need a legal ground: in most places their consent. Do not use it to watch people.
- **Decisions about persons.** Do not let it decide, or prepare a decision, on work, credit, insurance, school, care,
  police or entry. Where law regulates the categorisation of people by biometric data, it applies.
- **Bias.** It was trained on the people of one data set. Errors differ by group, see the tables, and are larger for
  people who were few in it or missing, and for clothes, light, cameras and poses that it has not seen. Measure it on
  your own photographs, with labels, before you rely on any figure.
"""


def model_card(package: ModelPackage) -> str:
    """Return the card of a package as Markdown."""
    parts = [
        f"# {package.name}\n\n{_summary(package)}",
        f"## Training\n\n{_training(package)}",
        f"## Scores\n\n{_scores(package)}",
        *_by_slice(package),
        f"## By class\n\n{_by_class(package)}",
        _HOW.rstrip("\n"),
        _LIMITS.rstrip("\n"),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(package: ModelPackage) -> str:
    trainings = sum(len(network.weights) for network in package.networks)
    attributes = ", ".join(f"{one.name} ({', '.join(one.class_names)})" for one in package.scheme.attributes)
    return (
        f"Predicts {package.scheme.n_classes} classes from a photograph of a face: {attributes}. "
        f"{len(package.networks)} networks with {trainings} trainings vote. "
        f"Recipe {package.recipe}, data set version {package.dataset_version[:12]}, key {package.key}."
    )


def _training(package: ModelPackage) -> str:
    of, low, middle, high = package.training, *package.training.shorter_side
    lines = [
        f"{of.images:,} photographs of {of.people:,} people; their shorter side is {middle:,} pixels "
        f"(5 to 95 %: {low:,} to {high:,}). In {of.fallback_share:.1%} no face was found.",
        _table(
            ("class", "share of the labels"),
            ((name, f"{share:.1%}") for name, share in zip(package.scheme.class_names(), of.label_shares, strict=True)),
        ),
        "Made with " + ", ".join(f"{name} {number}" for name, number in package.versions.items()) + ".",
    ]
    return "\n\n".join(lines)


def _scores(package: ModelPackage) -> str:
    scored = {"all classes": package.vote.model_dump(exclude={"attributes"}), **package.vote.attributes}
    rows = [(name, _interval(values, "macro_f1"), _interval(values, "accuracy")) for name, values in scored.items()]
    said = (
        "Out-of-fold: every photograph was predicted by networks that had never seen its person. In brackets 95 % "
        "intervals by bootstrap over people. The model of the package is the mean of all these networks, and usually a "
        "little better on new people; photographs from elsewhere are usually harder."
    )
    certainty = (
        f"The reported confidence is calibrated by a temperature of {package.temperature:.2f}; its mean is "
        f"{package.training.confidence:.2f}, and {package.training.unsure_share:.1%} of the answers have a probability "
        "below one half."
    )
    return "\n\n".join([said, _table(("what", "macro-F1", "accuracy"), rows), certainty])


def _by_slice(package: ModelPackage) -> list[str]:
    """Return a section for each attribute: how often the vote is right on the photographs of each of its classes."""
    if not package.scheme.parts:
        return []
    targets = (JOINT, *package.scheme.parts)
    header = ("photographs of", "number", *("all right" if one == JOINT else f"{one} right" for one in targets))
    sections = []
    for attribute in package.scheme.names:
        rows = [
            (one.name, f"{one.images:,}", *(f"{one.accuracy[target]:.1%}" for target in targets))
            for one in package.slices
            if one.attribute == attribute
        ]
        sections.append(f"## By {attribute}\n\n{_table(header, rows)}")
    return sections


def _by_class(package: ModelPackage) -> str:
    whole = {JOINT: "all attributes"}
    rows = [
        (
            whole.get(one.target, one.target),
            one.name,
            f"{one.images:,}",
            *(f"{v:.3f}" for v in (one.precision, one.recall, one.f1)),
        )
        for one in package.classes
    ]
    return _table(("of", "class", "photographs", "precision", "recall", "F1"), rows)


def _interval(scores: Mapping[str, float | None], metric: str) -> str:
    score, low, high = (scores.get(f"{metric}{end}") for end in ("", "_low", "_high"))
    if score is None:
        return ""
    return f"{score:.3f}" if low is None or high is None else f"{score:.3f} ({low:.3f} to {high:.3f})"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

"""The variants that `quality.py` compares: what each changes in a network of `quality_base.yaml`.

A variant belongs to a subject: a network of the recipe, or `vote`, the whole ensemble. Its changes replace settings of
the network (`{"sampler": "uniform"}`), each group of settings as a whole. A variant of the vote names for each network
the variant that votes, so that trainings are shared with those of the networks alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

BASE: Final = "base"
VOTE: Final = "vote"
AGAIN: Final = "age-2"
"""The age network once more, with the next seed."""
NETWORKS: Final = ("joint", "mask", "gender", "age", AGAIN)
"""Those of the recipe, and a second one for age, which votes in few variants."""


@dataclass(frozen=True)
class Variant:
    """One way to train a network, or to vote."""

    why: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Of the network's settings; of the vote: by network, the variant that votes, or None to leave the network out."""
    settings: tuple[str, ...] = ()
    """Changes of the recipe around the network, as of `maskfold run --set`, such as the crop."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of the vote: weights of networks, or of `attributes`, where they are not 1."""
    external: bool = False
    """Whether it also learns from the tables given as `--external`."""


def steps(first: float, last: float, width: float) -> list[float]:
    """Return lower bounds of bins of equal width."""
    return [first + width * number for number in range(round((last - first) / width) + 1)]


FIVE = steps(30, 80, 5)
"""Five years each; the bounds of the groups, 45 and 60, are among them."""


def _spread(years: float, step: float | None = 5, **more: Any) -> dict[str, Any]:
    """Return the changes for a normal distribution around the age; no step takes the groups themselves as bins."""
    return {"binning": {"age": {"step": step, "spread": years}}, "loss": "cross-entropy"} | more


def _rate(lr: float) -> dict[str, Any]:
    """Return the optimizer with another learning rate."""
    return {"name": "adamw", "lr": lr, "weight_decay": 0.01}


def _expected(weight: float) -> dict[str, Any]:
    """Return the loss of DLDL-v2."""
    return {"loss": {"name": "mixture", "parts": ["cross-entropy", {"name": "expectation", "weight": weight}]}}


_DECAY: dict[str, Any] = {
    "optimizer": {"name": "adamw", "lr": 0.002, "weight_decay": 0.01, "layer_decay": 0.9},
}
_GENTLE: dict[str, Any] = {
    "batch_size": 128,
    "optimizer": {"name": "adamw", "lr": 0.0004, "weight_decay": 0.01, "layer_decay": 0.9},
}
_STATES: dict[str, Any] = {"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect"}
_FRAMED: dict[str, Any] = {
    "affine": 0.8,
    "rotation": [-20, 20],
    "translation": [-0.1, 0.1],
    "scale": [0.8, 1.3],
    "shear": [-8, 8],
    "jitter": "all",
    "jitter_p": 0.6,
    "brightness": [0.6, 1.4],
    "contrast": [0.6, 1.4],
    "grey": 0.1,
    "blur": 0.2,
    "blur_sigma": [0.1, 2],
    "noise": 0.2,
}
"""Faces framed and lit as in photographs of many sources."""
_COVERED: dict[str, Any] = {"covering": {**_STATES, "p": 0.3, "other": 0.3, "recolour": 0.4}}
"""For networks that learn other things than the mask, too."""


_OFTEN: dict[str, Any] = {"covering": {**_STATES, "p": 0.5, "other": 0.5, "recolour": 0.6}, "epochs": 8}
_SPREAD: dict[str, Any] = {"binning": {"age": {"spread": 6}}}
_NEW_JOINT = _OFTEN | _SPREAD | {"epochs": 6}
_NEW_MASK: dict[str, Any] = {
    "covering": {**_STATES, "p": 0.5, "other": 0.4, "recolour": 0.5},
    "sampler": "balanced",
    "keep": "last",
    "augmentation": _FRAMED,
    "epochs": 4,
}

_AGE: dict[str, Variant] = {
    BASE: Variant("the age network as it is"),
    "uniform": Variant("is balancing the groups worth it?", {"sampler": "uniform"}),
    "cross-entropy": Variant("what does label smoothing give?", {"loss": "cross-entropy"}),
    "bins-5": Variant("finer classes, one-hot", {"binning": {"age": {"bins": FIVE}}, "loss": "cross-entropy"}),
    "neighbours": Variant(
        "some mass to the adjacent groups alone", {"loss": {"name": "neighbour-smoothing", "smoothing": 0.2}}
    ),
    "dldl-2": Variant("distribution over 5-year bins, spread 2", _spread(2)),
    "dldl-4": Variant("spread 4", _spread(4)),
    "dldl-6": Variant("spread 6", _spread(6)),
    "dldl-9": Variant("spread 9", _spread(9)),
    "groups-4": Variant("distribution over the groups alone: near a bound both count", _spread(4, None)),
    "groups-6": Variant("the same, spread 6", _spread(6, None)),
    "groups-9": Variant("the same, spread 9", _spread(9, None)),
    "good": Variant("spread 6, twelve epochs", _spread(6, None, epochs=12)),
    "groups-6-longer": Variant("spread 6, eight epochs", _spread(6, None, epochs=8)),
    "groups-6-covers": Variant("spread 6, with covers drawn on faces", _spread(6, None, **_COVERED)),
    "groups-6-uniform": Variant("the same, spread 6, without balancing", _spread(6, None, sampler="uniform")),
    "groups-6-gentle": Variant("spread 6, AutoGluon's rate, decay and batch", _spread(6, None, **_GENTLE)),
    "groups-6-decay": Variant("spread 6, early layers change less", _spread(6, None, **_DECAY)),
    "groups-6-light": Variant("spread 6, augmentation: light", _spread(6, None, augmentation="light")),
    "groups-6-faster": Variant("spread 6, twice the rate", _spread(6, None, optimizer=_rate(0.002))),
    "groups-6-twice": Variant("spread 6, twice the epochs", _spread(6, None, epochs=12)),
    "groups-6-smooth": Variant(
        "spread 6, and label smoothing as it is", _spread(6, None, loss={"name": "label-smoothing", "smoothing": 0.2})
    ),
    "dldl-4-years": Variant("bins of one year", _spread(4, 1)),
    "dldl-4-uniform": Variant("without balancing", _spread(4, sampler="uniform")),
    "dldl-4-expected": Variant("DLDL-v2: and the expectation", _spread(4, **_expected(0.1))),
    "dldl-6-expected": Variant("DLDL-v2, spread 6", _spread(6, **_expected(0.1))),
}

_TRAINING: dict[str, Variant] = {
    "decay": Variant("early layers change less", _DECAY),
    "gentle": Variant("AutoGluon's rate, decay and batch", _GENTLE),
    "twice": Variant("twice the epochs", {"epochs": 12}),
    "last-2": Variant("mean of the last two epochs", {"averaging": {"last_epochs": 2}}),
    "ema": Variant("exponential average of the weights", {"averaging": {"ema": 0.99}}),
    "light": Variant("augmentation: light", {"augmentation": "light"}),
    "strong": Variant("augmentation: strong", {"augmentation": "strong"}),
    "keep-last": Variant("the last epoch in place of the best", {"keep": "last"}),
    "madgrad": Variant("MADGRAD", {"optimizer": {"name": "madgrad", "lr": 0.001}}),
    "focal": Variant("focal loss", {"loss": {"name": "focal", "gamma": 2.0}}),
    "soft-f1": Variant("smooth macro-F1", {"loss": "soft-f1"}),
    "drop": Variant("dropout before the head", {"backbone_args": {"drop_rate": 0.3}}),
    "larger": Variant("more pixels for twice the time", settings=("crop.face_size=[160, 120]",)),
    "wider": Variant(
        "hair, neck and clothes: margins three times as wide",
        settings=("crop.margins.left=0.6", "crop.margins.right=0.6", "crop.margins.bottom=0.6"),
    ),
}
"""Settings around the training that fit every network."""

_TWICE = {"attributes": 2.0}
_PARTIAL: dict[str, Any] = {"partial_labels": True}

_NEW = {"joint": "new", "mask": "new", "age": "groups-6", AGAIN: "groups-6"}

VARIANTS: dict[str, dict[str, Variant]] = {
    "joint": {
        BASE: Variant("the joint network as it is"),
        "external": Variant("photographed masks by their likelihood", _PARTIAL, external=True),
        "external-balanced": Variant(
            "the same, every class of the mask as often", {**_PARTIAL, "sampler": "balanced-mask"}, external=True
        ),
        "covers": Variant("covers drawn on three of ten bare faces", _COVERED),
        "covers-spread": Variant("and ages as a distribution, eight epochs", _COVERED | _SPREAD | {"epochs": 8}),
        "often": Variant("covers drawn on half of the bare faces, eight epochs", _OFTEN),
        "often-spread": Variant("and ages as a distribution", _OFTEN | _SPREAD),
        "new": Variant("the same with six epochs", _NEW_JOINT),
        "new-external": Variant(
            "the same with photographed masks by their likelihood",
            {**_NEW_JOINT, **_PARTIAL, "sampler": "balanced-mask"},
            external=True,
        ),
        "good": Variant("the same, twelve epochs", _NEW_JOINT | {"epochs": 12}),
        "new-faster": Variant("with six epochs, twice the rate", _NEW_JOINT | {"optimizer": _rate(0.002)}),
        "spread-6": Variant("the groups of age as a distribution", _SPREAD),
        "mixup": Variant("MixUp beside CutMix", {"mixup": 0.3}),
        **_TRAINING,
    },
    "mask": {
        BASE: Variant("the mask network as it is"),
        "framed": Variant("other framing and light, without covers", _NEW_MASK | {"covering": {}}),
        "new": Variant("covers drawn on faces, other framing and light, balanced, four epochs", _NEW_MASK),
        "new-external": Variant("the same with photographed masks", _NEW_MASK, external=True),
        "good": Variant("the same, six epochs", _NEW_MASK | {"epochs": 6}),
        "often": Variant(
            "the same, six epochs, more colours and other things",
            _NEW_MASK | {"covering": {**_STATES, "p": 0.5, "other": 0.6, "recolour": 0.6}, "epochs": 6},
        ),
        "external": Variant("with photographed masks", external=True),
        "external-balanced": Variant(
            "with photographed masks, every class as often", {"sampler": "balanced"}, external=True
        ),
        **_TRAINING,
    },
    "gender": {
        BASE: Variant("the gender network as it is"),
        "good": Variant("eight epochs", {"epochs": 8}),
        "covers": Variant("with covers drawn on faces", _COVERED),
        "framed": Variant("other framing and light", {"augmentation": _FRAMED}),
        "cutmix": Variant("CutMix", {"cutmix": {"p": 0.5, "shape": "box"}}),
        "mixup": Variant("MixUp", {"mixup": 0.3}),
        "framed-cutmix": Variant(
            "other framing and light, CutMix", {"augmentation": _FRAMED, "cutmix": {"p": 0.5, "shape": "box"}}
        ),
        "faster": Variant("twice the rate", {"optimizer": _rate(0.004)}),
        "slower": Variant("half the rate", {"optimizer": _rate(0.001)}),
        **_TRAINING,
    },
    "age": {**_AGE, **_TRAINING},
    AGAIN: {name: _AGE[name] for name in (BASE, "groups-6", "good")},
    VOTE: {
        BASE: Variant("the recipe as it is"),
        "weighted": Variant("the networks of one attribute weigh twice", weights=_TWICE),
        "new": Variant("what won of each network, and two for age", _NEW, weights=_TWICE),
        "gender-faster": Variant(
            "the same, twice the rate of the gender network", _NEW | {"gender": "faster"}, weights=_TWICE
        ),
        "longer": Variant("the joint network with eight epochs", _NEW | {"joint": "often-spread"}, weights=_TWICE),
        "one-age": Variant(
            "the same, one network for age", _NEW | {"joint": "often-spread", AGAIN: None}, weights=_TWICE
        ),
        "new-unweighted": Variant("all weigh alike", _NEW),
        "new-external": Variant(
            "with photographed masks", _NEW | {"joint": "new-external", "mask": "new-external"}, weights=_TWICE
        ),
        "age-mask": Variant("the joint network as it is", {"mask": "new", "age": "groups-6"}, weights=_TWICE),
        "seldom": Variant(
            "covers drawn less often for the joint network",
            {"joint": "covers-spread", "mask": "new", "age": "groups-6"},
            weights=_TWICE,
        ),
        "often": Variant(
            "the mask network with more covers and six epochs",
            {"joint": "often-spread", "mask": "often", "age": "groups-6"},
            weights=_TWICE,
        ),
        "good": Variant("longer, for a larger backbone", dict.fromkeys(NETWORKS, "good"), weights=_TWICE),
        "spread": Variant("the age as a distribution over its groups", {"age": "groups-6"}),
        "spread-both": Variant("in the joint network, too", {"age": "groups-6", "joint": "spread-6"}),
        "external-mask": Variant("photographed masks for the mask network alone", {"mask": "external"}),
        "external": Variant("photographed masks for both", {"mask": "external", "joint": "external"}),
        "external-balanced": Variant(
            "both, every class of the mask as often", {"mask": "external-balanced", "joint": "external-balanced"}
        ),
    },
}
"""By subject and name. Every subject has a `base`, which the others are compared with."""


def chosen(asked: str | None) -> Iterator[tuple[str, str]]:
    """Return subjects and names of the variants that were asked for, after each subject's base.

    Args:
        asked: `SUBJECT` or `SUBJECT/NAME`, separated by commas; None means all.

    Raises:
        ValueError: If there is no such variant.
    """
    found: dict[tuple[str, str], None] = {}
    for one in (asked or ",".join(VARIANTS)).split(","):
        subject, _, name = one.strip().partition("/")
        known = VARIANTS.get(subject, {})
        if not known or (name and name not in known):
            there = ", ".join(known) if known else ", ".join(VARIANTS)
            raise ValueError(f"--variants: {one.strip()!r} is none of them; {subject if known else 'there'}: {there}")
        found |= {(subject, each): None for each in ([BASE, name] if name else known)}
    return iter(found)


def members(subject: str, name: str) -> dict[str, str]:
    """Return the networks of a variant with the name of each one's own variant."""
    if subject != VOTE:
        return {subject: name}
    usual = dict.fromkeys(NETWORKS, BASE) | {AGAIN: None}
    named = usual | dict(VARIANTS[VOTE][name].changes)
    return {network: variant for network, variant in named.items() if variant is not None}


def check() -> None:
    """Make sure that every variant of the vote names variants that exist."""
    for name in VARIANTS[VOTE]:
        for network, variant in members(VOTE, name).items():
            if variant not in VARIANTS[network]:
                raise ValueError(f"vote/{name}: there is no variant {network}/{variant}")
    if any(low >= high for low, high in pairwise(FIVE)):
        raise ValueError("bins must rise")

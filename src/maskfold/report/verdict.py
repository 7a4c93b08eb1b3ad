"""Whether the vote helps: its score beside those of the voters that could be handed in alone."""

from __future__ import annotations

from dataclasses import dataclass

from maskfold.ensemble.bootstrap import interval
from maskfold.ensemble.combination import VOTE, Combination, Voter
from maskfold.ensemble.vote import PRODUCT
from maskfold.report.numbers import score
from maskfold.scheme import JOINT


@dataclass(frozen=True)
class Verdict:
    """What the vote gains or loses against the best voter alone."""

    best: str
    """Name of that voter."""
    gain: float
    """Macro-F1 of the vote less that of the voter."""
    low: float
    """Lower end of the gain's 95 % interval, paired: both are scored in the same resamples of the people."""
    high: float
    advice: str
    """Setting that hands in that voter alone, between backticks."""
    text: str
    """All of it, in words."""

    @property
    def hurts(self) -> bool:
        """Whether the voter alone is better beyond chance."""
        return self.high < 0


def verdict(combination: Combination) -> Verdict | None:
    """Return whether the vote helps; None where there is no other voter that answers for all classes, or only one."""
    others = [voter for voter in _alone(combination) if voter.name != VOTE]
    if len(others) < 2:
        return None
    best = max(others, key=lambda voter: _score(combination, voter.name))
    gain = _score(combination, VOTE) - _score(combination, best.name)
    resampled = combination.resampled
    low, high = interval(resampled[VOTE][JOINT].macro_f1 - resampled[best.name][JOINT].macro_f1)
    advice = _setting(others, best.name)
    text = _words(_called(best), _score(combination, best.name), _score(combination, VOTE), gain, (low, high), advice)
    return Verdict(best.name, gain, low, high, advice, text)


def _alone(combination: Combination) -> list[Voter]:
    """Return who votes on the joint classes: joint networks, the product, the vote itself.

    A network of a scheme's only attribute answers for all classes too, but votes as part of the product.
    """
    return [voter for voter in combination.voters if voter.target == JOINT]


def _score(combination: Combination, name: str) -> float:
    value = combination.scores[name].macro_f1
    return 0.0 if value is None else value


def _setting(others: list[Voter], best: str) -> str:
    zeros = ", ".join(f"{voter.name}: 0" for voter in others if voter.name != best)
    return f"`ensemble.weights={{{zeros}}}`"


def _called(voter: Voter) -> str:
    return "the attribute networks" if voter.name == PRODUCT else f"network {voter.name}"


def _words(best: str, alone: float, vote: float, gain: float, limits: tuple[float, float], advice: str) -> str:
    between = f"95 % interval {_signed(limits[0])} to {_signed(limits[1])}"
    if gain > 0:
        chance = "" if limits[0] > 0 else "; it can be chance"
        return (
            f"The vote helps: it scores {score(vote)}, {best} alone would get {score(alone)}. "
            f"That is a gain of {gain:.3f} ({between}){chance}."
        )
    if limits[1] < 0:
        return (
            f"The vote hurts: it scores {score(vote)} and is handed in, {best} alone would get {score(alone)}. "
            f"That is a loss of {-gain:.3f} ({between}), more than chance. To hand in the better one: {advice}"
        )
    return (
        f"The vote does not help: it scores {score(vote)}, {best} alone would get {score(alone)}. "
        f"The difference can be chance ({between}). To hand in the latter: {advice}"
    )


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")

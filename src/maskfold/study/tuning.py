"""What a search gained: which trial is adopted, the table of all trials, and the result in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from maskfold.specs import SearchedTrial, VariantScore
from maskfold.study.rules import adopted, candidates


def trial_table(trials: Sequence[SearchedTrial]) -> pd.DataFrame:
    """Return one row a trial, with nothing that depends on the machine's pace."""
    rows = [
        {**one.model_dump(exclude={"set", "seconds", "drawn", "reason"}), "set": " ".join(one.set)} for one in trials
    ]
    return pd.DataFrame(rows).astype({"macro_f1": "float64", "difference": "float64", "error": "float64"})


def sentences(trials: Sequence[SearchedTrial], confirmed: Sequence[VariantScore]) -> list[str]:
    """Return what the search says, in sentences."""
    said = [_searched(trials)]
    best = adopted(confirmed)
    if best is not None:
        said.append(
            f"{best.name} is adopted: with fresh seeds it is {best.difference:.3f} better than the recipe as it is "
            f"({best.low:+.3f} to {best.high:+.3f})."
        )
        if best.low <= 0:
            said.append("The interval includes 0: the gain is likely, but not certain.")
        if len(confirmed) > 2:
            said.append("It is the best of several, so that its true gain is likely somewhat smaller.")
        return said
    if len(confirmed) > 1:
        top = max(confirmed[1:], key=lambda one: one.difference)
        how = "better" if top.difference > 0 else "worse"
        said.append(
            f"The best with fresh seeds, {top.name}, is {abs(top.difference):.3f} {how} than the recipe as it is "
            f"({top.low:+.3f} to {top.high:+.3f}): that is not enough."
        )
    elif candidates(trials):
        said.append("The budget left no time for a confirmation, without which nothing is adopted; allow more.")
    said.append("Tuning gained nothing: the recipe stays as it is.")
    return said


def _searched(trials: Sequence[SearchedTrial]) -> str:
    counts = {state: sum(one.state == state for one in trials[1:]) for state in ("complete", "pruned", "failed")}
    parts = [f"{counts['complete']} were trained on all folds"]
    if counts["pruned"]:
        parts.append(f"{counts['pruned']} ended after the first fold")
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    above = len(candidates(trials))
    return (
        f"Beside the recipe as it is {len(trials) - 1} trials were made: {', '.join(parts)}; {above} scored above it."
    )

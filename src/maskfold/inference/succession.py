"""Whether a new model becomes the champion of its workspace; the rule is that of :mod:`maskfold.champions`."""

from __future__ import annotations

from maskfold import champions
from maskfold.champions import Champion, Margin
from maskfold.ensemble.comparison import compare, read_answers
from maskfold.errors import MaskfoldError
from maskfold.specs import ExportOutcome, ExportSpec
from maskfold.storage import Workspace


def consider(spec: ExportSpec, outcome: ExportOutcome, workspace: Workspace) -> tuple[str, bool]:
    """Make a new model the champion if there is none, or if it is better than the one there is.

    Args:
        spec: The export job.
        outcome: Its package, which is written already.
        workspace: Where it is.

    Returns:
        What was decided and why, and whether a person should hear of it: that scores do not compare, or cannot be.

    Raises:
        MaskfoldError: If the workspace cannot be written.
    """
    challenger, said = champions.candidate(spec, outcome), ["", ""]

    def decide(held: Champion | None) -> Champion | None:
        if held is None or held.key == challenger.key:
            said[0] = f"{challenger} is the champion of {challenger.model}"
            return challenger
        margin, said[1] = _margin(challenger, held, workspace)
        if margin is not None and margin.is_better:
            said[0] = f"{challenger} becomes the champion in place of {held}: {margin}"
            return challenger.model_copy(update={"set_by": "score", "margin": margin})
        why = f"the new model is not better: {margin}" if margin is not None else said[1]
        said[0] = f"the champion of {challenger.model} stays {held}: {why}"
        return None

    champions.succeed(workspace, challenger.model, decide)
    return said[0], bool(said[1])


def _margin(challenger: Champion, held: Champion, workspace: Workspace) -> tuple[Margin | None, str]:
    """Return how much better a model is, or None and why that cannot be said."""
    advice = (
        f"`maskfold promote --workspace {workspace.uri} --model {workspace.locate(challenger.package)}` replaces it"
    )
    if not challenger.is_comparable(held):
        what = "another version of the data set" if challenger.classes == held.classes else "other classes"
        return None, f"it was scored on {what}, so the two do not compare; {advice}"
    if challenger.oof is None or held.oof is None:
        return None, f"its package came from elsewhere, without the out-of-fold table to compare; {advice}"
    try:
        ours, theirs = (read_answers(workspace.fetch(file)) for file in (challenger.oof, held.oof))
        margin = compare(ours, theirs, len(challenger.classes))
    except MaskfoldError as error:  # of the older run: its table was deleted or damaged
        return None, f"its out-of-fold table cannot be read ({error}); {advice}"
    if margin is None:
        return None, f"its out-of-fold table is of other photographs, people or labels; {advice}"
    return margin, ""

"""maskfold: from a folder of face photographs to a scored submission.

From Python, :func:`run` does what the command ``maskfold run`` does::

    import maskfold

    result = maskfold.run("data", recipe="fast", set={"folds.k": 3})
    result.scores["macro_f1"], result.oof, result.submission, result.report
    result.predict("photographs").table

and :func:`predict` what ``maskfold predict`` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maskfold.api import PredictResult, RunResult, predict, run

__version__ = "0.1.0"
__all__ = ["PredictResult", "RunResult", "predict", "run"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used: jobs and flows import this package without them."""
    if name in __all__:
        from maskfold import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

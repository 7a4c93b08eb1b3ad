"""The command line: ``maskfold run | check | recipe | explain | runs | clean | sync | ui | doctor | demo``.

Each command imports what it needs when it runs, so that ``--help`` and wrong options answer at once.
"""

from maskfold.cli.app import app, main

__all__ = ["app", "main"]

"""``python -m maskfold.cli`` is the command ``maskfold``."""

from maskfold.cli.app import main

main()

"""Starts the command line: ``maskfold``, or ``python -m maskfold``."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command line and run it; Ctrl-C during the import ends the process without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # otherwise whoever started this wants it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from maskfold import cli

    signal.signal(signal.SIGINT, handler)
    cli.main()


if __name__ == "__main__":
    main()

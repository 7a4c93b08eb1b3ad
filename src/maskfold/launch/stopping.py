"""How a run on the command line stops at a signal: its jobs save their state, its end is recorded, then it exits."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from maskfold.launch.launcher import Launcher

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 9.0
"""After this time, or at a second signal, the process ends at once; processes that it started notice and end too."""


class Stopped(KeyboardInterrupt):
    """A signal asked to stop."""

    def __init__(self, signum: signal.Signals) -> None:
        super().__init__(signum)
        self.signum = signum


class Stop:
    """The stop of one run: which signal asked for it, and what has to be stopped."""

    def __init__(self) -> None:
        self.signum: signal.Signals | None = None
        self._say: Callable[[], None] = _say_stopping
        self._launcher: Launcher | None = None

    def install(self) -> None:
        """Handle the signals from now on, also after a library has taken one of them."""
        for signum in SIGNALS:
            if signum != signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN:  # as `nohup` asks
                signal.signal(signum, self._on_signal)

    @contextlib.contextmanager
    def cancels(self, launcher: Launcher) -> Iterator[None]:
        """Inside, a signal cancels the jobs of a launcher instead of raising :class:`Stopped`."""
        self._launcher = launcher
        try:
            yield
        finally:
            self._launcher = None

    @contextlib.contextmanager
    def said_by(self, say: Callable[[], None]) -> Iterator[None]:
        """Inside, tell the user by this function that the run is stopping."""
        self._say = say
        try:
            yield
        finally:
            self._say = _say_stopping

    @contextlib.contextmanager
    def ends_flow(self) -> Iterator[None]:
        """Inside, whatever a flow raises or returns after a signal becomes :class:`Stopped`.

        Raises:
            Stopped: If a signal has asked to stop.
        """
        try:
            yield
        except Exception:
            if self.signum is None:
                raise
        if self.signum is not None:
            raise Stopped(self.signum) from None

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self.signum is not None:
            self._end_now()
        self.signum = signal.Signals(signum)
        launcher = self._launcher
        # A thread: the interrupted main thread may hold the locks that printing and cancelling need.
        threading.Thread(target=self._end_in_time, args=(launcher,), name="stopping", daemon=True).start()
        if launcher is None:
            raise Stopped(self.signum)

    def _end_in_time(self, launcher: Launcher | None) -> None:
        threading.Thread(target=self._say, name="stopping-said", daemon=True).start()
        if launcher is not None:
            threading.Thread(target=launcher.cancel, name="stopping-jobs", daemon=True).start()
        time.sleep(STOP_SECONDS)
        self._end_now()

    def _end_now(self) -> None:
        # Embedded server, fork server and jobs watch this process.
        os._exit(128 + (self.signum or 0))  # as shells report it


def _say_stopping() -> None:
    print("stopping ...", file=sys.stderr, flush=True)


_current: Stop | None = None


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[Stop]:
    """Inside, SIGINT, SIGTERM and SIGHUP stop this process in order.

    After a stop the handlers stay: the process is about to end, and a further signal ends it at once.
    """
    global _current
    _current = stop = Stop()
    before = {signum: signal.getsignal(signum) for signum in SIGNALS}
    stop.install()
    try:
        yield stop
    finally:
        _current = None
        if stop.signum is None:
            for signum, handler in before.items():
                signal.signal(signum, handler)


def current_stop() -> Stop | None:
    """Return the stop of the run inside :func:`stopping_on_signals`; None for runs of a deployment."""
    return _current

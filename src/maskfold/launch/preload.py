"""What the fork server imports once, so that every job starts with it in memory."""

import os
import signal

from maskfold.home import keep_caches_of_libraries

_parent = os.getppid()


def _end_without_parent(*_: object) -> None:
    if os.getppid() != _parent:
        os._exit(1)


# A signal to the run's process group, such as a terminal's, is the launcher's to handle. Without this the fork server
# would die first, and the launcher could not tell any more how its jobs end. It ends when the launcher is gone.
for _signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signum, signal.SIG_IGN)
if os.getpgrp() != os.getpid():
    os.setsid()

# The fork server notices that its launcher has been killed only when it waits for requests. Until then, for many
# seconds on a busy machine, a timer looks; a thread would be lost in the jobs, which are forked from this process.
signal.signal(signal.SIGALRM, _end_without_parent)
signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)

keep_caches_of_libraries()

import torch._dynamo  # noqa: E402, F401 - optimizers take it at their first step

import maskfold.dataset  # noqa: E402
import maskfold.ensemble  # noqa: E402
import maskfold.faces.figures  # noqa: E402
import maskfold.torchvision_ops  # noqa: E402
import maskfold.training.artifacts  # noqa: E402
import maskfold.training.loop  # noqa: E402, F401 - imports timm and scikit-learn, which takes more than a second

signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, signal.SIG_DFL)

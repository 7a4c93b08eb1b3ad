"""What the fork server imports once, so that every job starts with it in memory."""

import os
import signal

from maskfold.home import keep_caches_of_libraries

# A signal to the run's process group, such as a terminal's, is the launcher's to handle. Without this the fork server
# would die first, and the launcher could not tell any more how its jobs end. It ends when the launcher is gone.
for _signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(_signum, signal.SIG_IGN)
if os.getpgrp() != os.getpid():
    os.setsid()

keep_caches_of_libraries()

import maskfold.dataset  # noqa: E402
import maskfold.ensemble  # noqa: E402
import maskfold.faces  # noqa: E402
import maskfold.torchvision_ops  # noqa: E402
import maskfold.training.artifacts  # noqa: E402
import maskfold.training.loop  # noqa: E402, F401 - imports timm and scikit-learn, which takes more than a second

"""What runs, in what order: Prefect flows. Nothing here computes; jobs do."""

import os

# Of the temporary server that Prefect starts for a flow that is called from Python without one: its own limit of 20 s
# is too short for a busy machine. `maskfold.run` and the command line start a server of their own.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")

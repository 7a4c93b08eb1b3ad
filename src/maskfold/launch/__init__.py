"""Starting jobs, and running a job in its own process."""

from maskfold.errors import InputError
from maskfold.launch.launcher import Launcher


def pool_of(launcher: str) -> str | None:
    """Return the work pool in a launcher's name; None for ``local``.

    Raises:
        InputError: If the name is neither ``local`` nor ``pool:NAME``.
    """
    kind, _, pool = launcher.partition(":")
    if launcher != "local" and not (kind == "pool" and pool):
        raise InputError(f"launcher {launcher!r}: expected local, or pool:NAME with the name of a Prefect work pool")
    return pool or None


def make_launcher(name: str, jobs: int) -> Launcher:
    """Return a launcher by name.

    Args:
        name: ``local``, or ``pool:NAME`` for the Prefect work pool of that name.
        jobs: Largest number of jobs that can run side by side.

    Raises:
        InputError: If the name is neither, or there is no such pool.
    """
    pool = pool_of(name)
    if pool is None:
        from maskfold.launch.local import LocalLauncher
        from maskfold.launch.slots import machine_slots

        return LocalLauncher(machine_slots(jobs))
    from maskfold.launch.pool import PoolLauncher

    return PoolLauncher(pool)

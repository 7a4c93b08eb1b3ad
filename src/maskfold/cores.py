"""The number of processor cores that this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def usable_cores(cgroups: Path = _CGROUPS) -> int:
    """Return how many cores this process may use; a container may have fewer than its machine."""
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cgroups)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _quota(cgroups: Path) -> float | None:
    """Return the processor time that this process's control group allows, in cores; None without a limit."""
    for limit, period in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # version 2, 1
        try:
            texts = (cgroups / limit).read_text().split() + ([(cgroups / period).read_text()] if period else [])
            allowed, every = (float(text) for text in texts)
        except (OSError, ValueError):  # not this version, or "max"
            continue
        if allowed > 0:
            return allowed / every
    return None

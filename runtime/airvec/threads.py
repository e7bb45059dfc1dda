"""How many CPUs this process may really use.

`os.cpu_count()` counts the machine; a container or a Lambda function gets less, by affinity or by a cgroup quota,
and a runtime that starts more threads than that spends its time waiting.
Knows nothing of what the threads do.
"""

import math
import os
from pathlib import Path

from airvec.errors import ArgumentError

CGROUP = Path("/sys/fs/cgroup")


def available_threads() -> int:
    """`AIRVEC_THREADS` if set, else the smaller of affinity and cgroup quota (rounded up); at least 1.

    Raises:
        ArgumentError: `AIRVEC_THREADS` is set to something other than a whole number above 0.
    """
    stated = os.environ.get("AIRVEC_THREADS")
    if stated:
        if not stated.isdecimal() or int(stated) < 1:
            raise ArgumentError(f"AIRVEC_THREADS: {stated!r}, expected a whole number above 0. Correct or unset it.")
        return int(stated)
    quota = cpu_quota()
    return max(1, _affinity() if quota is None else min(_affinity(), math.ceil(quota)))


def cpu_quota(root: Path = CGROUP) -> float | None:
    """The CPUs that the container's cgroup grants, version 2 or 1; None = no limit, or none that can be read."""
    try:
        limit, period = (root / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return _cpu_quota_v1(root)


def memory_limit(root: Path = CGROUP) -> int | None:
    """The bytes of memory that the container's cgroup grants; None = no limit, or none that can be read."""
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            stated = (root / name).read_text().strip()
        except OSError:
            continue
        # Version 1 writes a number near 2**63 for "no limit".
        return int(stated) if stated.isdecimal() and int(stated) < 2**60 else None
    return None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_quota_v1(root: Path) -> float | None:
    try:
        limit = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        period = int((root / "cpu" / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return limit / period if limit > 0 and period > 0 else None

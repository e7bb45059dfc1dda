"""How many CPUs this process may really use.

`os.cpu_count()` counts the machine; a container or a Lambda function gets less, by affinity or by a cgroup quota,
and a runtime that starts more threads than that spends its time waiting.
Knows nothing of what the threads do.
"""

import math
import os
from pathlib import Path, PurePosixPath

from airvec.errors import ArgumentError

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


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


def cpu_quota(root: Path = CGROUP, own: Path = OWN_CGROUP) -> float | None:
    """The CPUs that our cgroup and those around it grant, version 2 or 1; None = no limit, or none that can be read."""
    quotas = [_quota(folder) for folder in _groups(root, own, "")]
    for folder in _groups(root / "cpu", own, "cpu"):
        limit, period = _number(folder / "cpu.cfs_quota_us"), _number(folder / "cpu.cfs_period_us")
        quotas.append(limit / period if limit and period else None)
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(root: Path = CGROUP, own: Path = OWN_CGROUP) -> int | None:
    """The bytes that our cgroup and those around it grant; None = no limit, or none that can be read."""
    limits = [_number(folder / "memory.max") for folder in _groups(root, own, "")]
    limits += [_number(folder / "memory.limit_in_bytes") for folder in _groups(root / "memory", own, "memory")]
    return min((limit for limit in limits if limit is not None), default=None)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path, own: Path, controller: str) -> list[Path]:
    """The folder of the cgroup that we are in, then those around it up to `root`; controller "" = version 2."""
    try:
        lines = own.read_text(errors="replace").splitlines()
    except OSError:  # not Linux, or a sandbox without /proc
        lines = []
    parts: tuple[str, ...] = ()
    for _, names, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controller in names.split(",") and ".." not in path.split("/"):  # `..`: outside what we can see
            parts = PurePosixPath(path.lstrip("/")).parts
    return [root.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(folder: Path) -> float | None:
    try:
        limit, period = (int(word) for word in (folder / "cpu.max").read_text().split())
    except (OSError, ValueError):  # ValueError: also "max", which is no limit
        return None
    return limit / period if limit > 0 and period > 0 else None


def _number(file: Path) -> int | None:
    """A number above 0 in a file; version 1 writes -1 or one near 2**63 for "no limit"."""
    try:
        number = int(file.read_text())
    except (OSError, ValueError):
        return None
    return number if 0 < number < 2**60 else None

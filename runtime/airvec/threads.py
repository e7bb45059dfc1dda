"""How many CPUs and how much memory this process may really use.

`os.cpu_count()` counts the machine; a container gets less, by affinity or by a cgroup quota, and a Lambda function by
the memory it was given. A runtime that starts more threads than that spends its time waiting.
Knows nothing of what the threads do.
"""

import math
import os
import re

from airvec.errors import ArgumentError
from airvec.paths import StrPath

CGROUP = "/sys/fs/cgroup"
OWN_CGROUP = "/proc/self/cgroup"
# Source: "Configure Lambda function memory" in the AWS Lambda Developer Guide: "At 1,769 MB, a function has the
# equivalent of one vCPU". Its MB are MiB.
LAMBDA_MB_A_CPU = 1769


def available_threads() -> int:
    """`AIRVEC_THREADS` if set, else the smallest of affinity, cgroup quota and Lambda's share, rounded up; at least 1.

    Raises:
        ArgumentError: `AIRVEC_THREADS` is set to something other than a whole number above 0.
    """
    stated = os.environ.get("AIRVEC_THREADS")
    if stated:
        if not stated.isdecimal() or int(stated) < 1:
            raise ArgumentError(f"AIRVEC_THREADS: {stated!r}, expected a whole number above 0. Correct or unset it.")
        return int(stated)
    shares = [share for share in (cpu_quota(), lambda_share()) if share is not None]
    return max(1, min([_affinity(), *map(math.ceil, shares)]))


def limit_tokenizers(threads: int | None = None) -> None:
    """Have tokenizers start no more threads than airvec; a `RAYON_NUM_THREADS` that the user has set is kept.

    It counts affinity and cgroup quota itself, so nothing is set where these alone limit us. It reads the variable when
    it is first given more than one text.

    Args:
        threads: a process's share in a pool; None = all that we may use.

    Raises:
        ArgumentError: `AIRVEC_THREADS` is no number of threads.
    """
    if threads is None and not os.environ.get("AIRVEC_THREADS") and lambda_share() is None:
        return
    ours = str(available_threads())
    if os.environ.get("RAYON_NUM_THREADS", ours) == ours:  # the process that started this one may have set it
        os.environ["RAYON_NUM_THREADS"] = str(threads or ours)


def lambda_share() -> float | None:
    """The CPUs that AWS Lambda gives a function of our memory, such as 0.29 of 512 MB; None = not in Lambda."""
    memory = _lambda_memory()
    return None if memory is None else memory / LAMBDA_MB_A_CPU


def cpu_quota(root: StrPath = CGROUP, own: StrPath = OWN_CGROUP) -> float | None:
    """The CPUs that our cgroup and those around it grant, version 2 or 1; None = no limit, or none that can be read."""
    quotas = [_quota(folder) for folder in _groups(root, own, "")]
    for folder in _groups(os.path.join(root, "cpu"), own, "cpu"):
        limit, period = (_number(os.path.join(folder, f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
        quotas.append(limit / period if limit and period else None)
    return min((quota for quota in quotas if quota is not None), default=None)


def memory_limit(root: StrPath = CGROUP, own: StrPath = OWN_CGROUP) -> int | None:
    """The bytes that our cgroup, those around it and Lambda grant; None = no limit, or none that can be read."""
    granted = _lambda_memory()
    limits = [None if granted is None else granted * 2**20]
    limits += [_number(os.path.join(folder, "memory.max")) for folder in _groups(root, own, "")]
    groups = _groups(os.path.join(root, "memory"), own, "memory")
    limits += [_number(os.path.join(folder, "memory.limit_in_bytes")) for folder in groups]
    return min((limit for limit in limits if limit is not None), default=None)


def _lambda_memory() -> int | None:
    """The MB of the Lambda function that we are; other programs may have a variable of that name, too."""
    if not (
        os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        or os.environ.get("LAMBDA_TASK_ROOT")
        or os.environ.get("AWS_EXECUTION_ENV", "").startswith("AWS_Lambda_")
    ):
        return None
    stated = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    return int(stated) if re.fullmatch("[1-9][0-9]{0,9}", stated) else None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: StrPath, own: StrPath, controller: str) -> list[str]:
    """The folder of the cgroup that we are in, then those around it up to `root`; controller "" = version 2."""
    try:
        with open(own, errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:  # not Linux, or a sandbox without /proc
        lines = []
    parts: list[str] = []
    for _, names, path in (line.split(":", 2) for line in lines if line.count(":") >= 2):
        if controller in names.split(",") and ".." not in path.split("/"):  # `..`: outside what we can see
            parts = [part for part in path.split("/") if part]
    return [os.path.join(root, *parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(folder: str) -> float | None:
    try:
        with open(os.path.join(folder, "cpu.max")) as file:
            limit, period = (int(word) for word in file.read().split())
    except (OSError, ValueError):  # ValueError: also "max", which is no limit
        return None
    return limit / period if limit > 0 and period > 0 else None


def _number(path: str) -> int | None:
    """A number above 0 in a file; version 1 writes -1 or one near 2**63 for "no limit"."""
    try:
        with open(path) as file:
            number = int(file.read())
    except (OSError, ValueError):
        return None
    return number if 0 < number < 2**60 else None

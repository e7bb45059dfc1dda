"""A function's room on Lambda, made of Linux namespaces and cgroups: read-only but for /tmp, no /sys, a share of a CPU.

All mounts lie in a mount namespace of their own, which a waiting shell holds open: it ends with whoever made it, and
then the kernel unmounts everything. Needs root.
Knows nothing of what runs inside.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
TOOLS = ("unshare", "nsenter", "mount", "chroot")
NUMBERS = itertools.count()

# $1: an empty folder; $2: the system; $3: the layer; $4: the function's own code; $5: the runtime client.
# An overlay gives the mount points that the system may lack, without writing to it. No /dev/shm, as on Lambda.
MOUNTS = """
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mkdir -p opt var/task var/runtime proc sys tmp dev
for pair in "$3=opt" "$4=var/task" "$5=var/runtime"; do
  mount --bind "${pair%=*}" "${pair##*=}"
  mount -o remount,ro,bind "${pair##*=}"
done
mount -t proc proc proc
mount -t tmpfs tmpfs dev
for node in null zero full random urandom; do : > "dev/$node"; mount --bind "/dev/$node" "dev/$node"; done
mount -o remount,ro dev
mount -t tmpfs -o ro tmpfs sys
mount -t tmpfs -o size=512m,mode=1777 tmpfs tmp
mount -o remount,ro,bind "$1/root"
exec chroot . /bin/sh -c 'cd /var/task && echo ready && read -r end' || true
"""
JOIN = 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"'


class SandboxError(RuntimeError):
    """This machine, or this user, cannot make one."""


def check() -> None:
    """Nothing that can be seen beforehand is missing.

    Raises:
        SandboxError: not root, or a program is missing.
    """
    problem = why_not()
    if problem:
        raise SandboxError(f"sandbox: {problem}, expected root on Linux with util-linux. Run it so, or leave it out.")


def why_not() -> str | None:
    """What is missing here; None = nothing that can be seen beforehand."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "mounts and cgroups need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return f"no program {missing[0]} on the path" if missing else None


@contextmanager
def room(system: Path, layer: Path, task: Path, client: Path, user: int = 0) -> Generator[list[str]]:
    """Mount it; the words before a command that put it inside, in /var/task.

    Args:
        system: root of a Linux; nothing is written to it.
        layer: goes to /opt.
        task: the function's own code, goes to /var/task.
        client: AWS's runtime client, goes to /var/runtime.
        user: whose files none of this should be; Lambda's functions are not root.

    Raises:
        SandboxError: not root, a program is missing, or the kernel refused a mount.
    """
    check()
    with tempfile.TemporaryDirectory(prefix="airvec-room-") as scratch:
        folders = [str(folder.resolve()) for folder in (system, layer, task, client)]
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-euc", MOUNTS, "sh", scratch, *folders]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert holder.stderr is not None
            try:
                if holder.stdout.readline() != b"ready\n":
                    said = holder.stderr.read().decode(errors="replace").strip()
                    raise SandboxError(f"sandbox: {said!r}, expected mounts in a namespace of our own. Run it as root.")
                become = [f"--setgid={user}", f"--setuid={user}"] if user else []
                yield ["nsenter", f"--target={holder.pid}", "--mount", "--root", "--wd", "--no-fork", *become, "--"]
            finally:
                holder.kill()


@contextmanager
def limits(cpus: float, memory_mb: int) -> Generator[list[str]]:
    """Make cgroups, version 2 or 1: so many CPUs, by quota in a period of 20 ms, and so much memory, MiB as on Lambda.

    The words before a command that put it into them.

    Raises:
        SandboxError: they cannot be made here.
    """
    made: list[Path] = []
    try:
        try:
            for group, settings in _groups(f"airvec-{os.getpid()}-{next(NUMBERS)}", cpus, memory_mb * 1024 * 1024):
                group.mkdir()
                made.append(group)
                for file, value in settings.items():
                    (group / file).write_text(value, encoding="ascii")
        except OSError as error:
            raise SandboxError(
                f"{CGROUPS}: {error}, expected cgroups that can be made. Run it as root, where they are writable."
            ) from error
        yield ["sh", "-c", JOIN, "sh", *(str(group / "cgroup.procs") for group in made), "--"]
    finally:
        for group in made:
            group.rmdir()


def _groups(name: str, cpus: float, memory: int) -> list[tuple[Path, dict[str, str]]]:
    """The folders to make, and what is written into each; the quota of one CPU is the period."""
    quota = int(cpus * PERIOD_US)
    if (CGROUPS / "cgroup.controllers").exists():
        return [(CGROUPS / name, {"cpu.max": f"{quota} {PERIOD_US}", "memory.max": str(memory)})]
    return [
        (CGROUPS / "cpu" / name, {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(quota)}),
        (CGROUPS / "memory" / name, {"memory.limit_in_bytes": str(memory)}),
    ]

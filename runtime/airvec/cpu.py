"""What this machine's CPU is called and can do, as far as the choice of a graph depends on it.

int8 graphs are made for a family of CPUs: `vnni` multiplies 8-bit numbers exactly (AVX-VNNI,
AVX-512 VNNI, AMX); on any other `x86`, sums of two products saturate unless weights have 7 bits; `arm64` multiplies
signed numbers.
Knows nothing of graphs.
"""

import platform

from airvec.paths import StrPath

FAMILIES = ("vnni", "x86", "arm64")
CPUINFO = "/proc/cpuinfo"
VNNI = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})
ARM = ("arm64", "aarch64")


def families(machine: str = "", cpuinfo: StrPath | None = None) -> tuple[str, ...]:
    """The families that this CPU belongs to, best first: ("vnni", "x86"), ("x86",) or ("arm64",); () = none known.

    Where the system does not tell instruction sets (outside Linux), an x86 CPU is taken for one without VNNI: its
    graphs are right on any.

    Args:
        machine: as `platform.machine()` says it; "" = this one.
        cpuinfo: another file than /proc/cpuinfo.
    """
    kind = (machine or platform.machine()).lower()
    if kind in ARM:
        return ("arm64",)
    if kind not in ("x86_64", "amd64"):
        return ()
    return ("vnni", "x86") if VNNI & describe(cpuinfo)[1] else ("x86",)


def describe(cpuinfo: StrPath | None = None) -> tuple[str, frozenset[str]]:
    """The CPU's name and its instruction sets, in Linux' words; "" and nothing where the system has no such file."""
    try:
        with open(cpuinfo or CPUINFO) as file:
            lines = file.read().split("\n")
    except OSError:  # not Linux, or a sandbox without /proc
        return platform.processor(), frozenset()
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    numbers = f"family {facts['cpu family']}, model {facts['model']}" if "cpu family" in facts else ""
    name = ", ".join(part for part in (facts.get("model name", ""), numbers) if part)
    return name, frozenset((facts.get("flags") or facts.get("Features") or "").split())

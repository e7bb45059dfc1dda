"""The instruction sets of this machine's CPU that matter to matrix products.

Knows nothing of libraries.
"""

import platform
from pathlib import Path

INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "amx_bf16", "amx_int8")
# The int8 graphs that sentence-transformers makes: family, what it needs, and the file's ending.
INT8_FAMILIES = (("avx512_vnni", "qint8_avx512_vnni"), ("avx512f", "qint8_avx512"), ("avx2", "quint8_avx2"))


def facts() -> dict[str, str]:
    """The lines of /proc/cpuinfo of the last CPU; empty where there is none."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def name() -> str:
    """What the CPU calls itself."""
    return facts().get("model name", platform.processor())


def instructions() -> list[str]:
    """Those of INSTRUCTIONS that it has."""
    flags = facts().get("flags", "").split()
    return [found for found in INSTRUCTIONS if found in flags]


def blas_core() -> dict[str, str]:
    """What has NumPy's OpenBLAS use the AVX-512 of AMD's CPUs, which it does not by itself: 1.35 times as fast."""
    is_missed = facts().get("vendor_id") == "AuthenticAMD" and "avx512f" in instructions()
    return {"OPENBLAS_CORETYPE": "SkylakeX"} if is_missed else {}


def int8_file() -> str:
    """The ending of the best dynamic int8 graph of sentence-transformers: "qint8_avx512_vnni" and its like."""
    found = instructions()
    return next((ending for needed, ending in INT8_FAMILIES if needed in found), "qint8_arm64")

"""Mirrors runtime/airvec/cpu.py."""

import pytest

from airvec.cpu import describe, families

SKYLAKE = "model name\t: Xeon\ncpu family\t: 6\nmodel\t\t: 85\nflags\t\t: fpu avx2 avx512f avx512bw\n"


@pytest.mark.parametrize(
    ("machine", "flags", "wanted"),
    [
        ("x86_64", "avx2 avx512f", ("x86",)),
        ("x86_64", "avx2 avx512f avx512_vnni", ("vnni", "x86")),
        ("AMD64", "avx2 avx_vnni", ("vnni", "x86")),
        ("aarch64", "asimd asimddp", ("arm64",)),
        ("arm64", "", ("arm64",)),
        ("riscv64", "", ()),
    ],
)
def test_the_families_follow_from_the_architecture_and_its_instruction_sets(tmp_path, machine, flags, wanted):
    (tmp_path / "cpuinfo").write_text(f"flags\t: {flags}\n")
    assert families(machine, tmp_path / "cpuinfo") == wanted


def test_a_system_that_does_not_tell_instruction_sets_is_taken_for_the_most_careful_family(tmp_path):
    assert families("x86_64", tmp_path / "no-such-file") == ("x86",)


def test_name_and_instruction_sets_are_those_of_the_system(tmp_path):
    (tmp_path / "cpuinfo").write_text(SKYLAKE)
    assert describe(tmp_path / "cpuinfo") == (
        "Xeon, family 6, model 85", frozenset({"fpu", "avx2", "avx512f", "avx512bw"})
    )  # fmt: skip

"""Mirrors runtime/airvec/threads.py: files as cgroups version 2 and 1 write them."""

import os

import pytest

from airvec import threads
from airvec.errors import ArgumentError
from airvec.threads import available_threads, cpu_quota, memory_limit


@pytest.fixture
def machine(monkeypatch):
    """Eight CPUs by affinity, and whatever quota is set."""

    def set_quota(quota):
        monkeypatch.delenv("AIRVEC_THREADS", raising=False)
        monkeypatch.setattr(threads, "_affinity", lambda: 8)
        monkeypatch.setattr(threads, "cpu_quota", lambda: quota)

    return set_quota


def write(root, name, text):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


@pytest.fixture
def own(tmp_path):
    """Write what /proc/self/cgroup holds, and give its path."""

    def write_own(text):
        write(tmp_path, "proc", text)
        return tmp_path / "proc"

    return write_own


@pytest.mark.parametrize(("quota", "expected"), [(None, 8), (2.0, 2), (1.5, 2), (0.25, 1), (64.0, 8)])
def test_the_smaller_of_affinity_and_quota_counts(machine, quota, expected):
    machine(quota)
    assert available_threads() == expected


def test_the_environment_wins(machine, monkeypatch):
    machine(2.0)
    monkeypatch.setenv("AIRVEC_THREADS", "5")
    assert available_threads() == 5
    monkeypatch.setenv("AIRVEC_THREADS", "")
    assert available_threads() == 2


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "²", " "])
def test_an_environment_that_is_no_number_of_threads_is_refused(monkeypatch, value):
    monkeypatch.setenv("AIRVEC_THREADS", value)
    with pytest.raises(ArgumentError, match="AIRVEC_THREADS: .*, expected a whole number above 0"):
        available_threads()


@pytest.mark.parametrize(("text", "expected"), [("150000 100000\n", 1.5), ("max 100000\n", None)])
def test_the_quota_of_version_2(tmp_path, text, expected):
    write(tmp_path, "cpu.max", text)
    assert cpu_quota(tmp_path) == expected


@pytest.mark.parametrize(("quota", "expected"), [("250000\n", 2.5), ("-1\n", None)])
def test_the_quota_of_version_1(tmp_path, quota, expected):
    write(tmp_path, "cpu/cpu.cfs_quota_us", quota)
    write(tmp_path, "cpu/cpu.cfs_period_us", "100000\n")
    assert cpu_quota(tmp_path) == expected


@pytest.mark.parametrize("text", ["", "max", "many 100000", "100000 0", "1 2 3"])
def test_a_quota_that_cannot_be_read_is_none(tmp_path, text):
    write(tmp_path, "cpu.max", text)
    assert cpu_quota(tmp_path) is None


def test_no_files_mean_no_limits(tmp_path):
    assert cpu_quota(tmp_path) is None
    assert memory_limit(tmp_path) is None


@pytest.mark.parametrize("name", ["memory.max", "memory/memory.limit_in_bytes"])
@pytest.mark.parametrize(("text", "expected"), [("536870912\n", 2**29), ("max\n", None), (f"{2**63 - 4096}\n", None)])
def test_the_memory_limit_of_both_versions(tmp_path, name, text, expected):
    write(tmp_path, name, text)
    assert memory_limit(tmp_path) == expected


@pytest.mark.parametrize(
    ("inner", "outer", "expected"), [("200000", "150000", 1.5), ("100000", "max", 1), ("max", "max", None)]
)
def test_the_smallest_quota_of_our_own_group_and_those_around_it_counts(tmp_path, own, inner, outer, expected):
    write(tmp_path, "system/job/cpu.max", f"{inner} 100000\n")
    write(tmp_path, "system/cpu.max", f"{outer} 100000\n")
    write(tmp_path, "system/another/cpu.max", "10000 100000\n")
    assert cpu_quota(tmp_path, own("0::/system/job\n")) == expected


def test_the_smallest_memory_limit_of_our_own_group_and_those_around_it_counts(tmp_path, own):
    write(tmp_path, "system/job/memory.max", "max\n")
    write(tmp_path, "system/memory.max", "1000\n")
    write(tmp_path, "memory.max", "2000\n")
    assert memory_limit(tmp_path, own("0::/system/job\n")) == 1000


def test_groups_of_version_1_are_found_by_controller(tmp_path, own):
    write(tmp_path, "cpu/docker/a/cpu.cfs_quota_us", "50000\n")
    write(tmp_path, "cpu/docker/a/cpu.cfs_period_us", "100000\n")
    write(tmp_path, "memory/docker/b/memory.limit_in_bytes", "1000\n")
    write(tmp_path, "memory/memory.limit_in_bytes", f"{2**63 - 4096}\n")
    proc = own("12:pids:/x\n4:cpu,cpuacct:/docker/a\n3:memory:/docker/b\n0::/elsewhere\n")
    assert cpu_quota(tmp_path, proc) == 0.5
    assert memory_limit(tmp_path, proc) == 1000


@pytest.mark.parametrize("text", ["", "nonsense", "0::", "0::/../../etc\n", "0::/gone/a\n", "1:\xff:\n"])
def test_groups_that_cannot_be_read_leave_the_root(tmp_path, own, text):
    write(tmp_path, "cpu.max", "100000 100000\n")
    assert cpu_quota(tmp_path, own(text)) == 1
    assert cpu_quota(tmp_path, tmp_path / "nowhere") == 1
    (tmp_path / "proc").write_bytes(b"0::/\xff\n")
    assert cpu_quota(tmp_path, tmp_path / "proc") == 1


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"9" * 5000, b"-5"])
def test_files_that_hold_no_number_are_no_limit(tmp_path, raw):
    for name in ("cpu.max", "memory.max"):
        (tmp_path / name).write_bytes(raw)
    assert cpu_quota(tmp_path) is None
    assert memory_limit(tmp_path) is None


def test_this_machine_answers(monkeypatch):
    monkeypatch.delenv("AIRVEC_THREADS", raising=False)
    assert 1 <= available_threads() <= (os.cpu_count() or 1)


def test_where_there_is_no_affinity_the_cpus_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert threads._affinity() == 3
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads._affinity() == 1

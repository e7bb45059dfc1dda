"""Mirrors runtime/airvec/deploy/target.py."""

import re
import sys

import pytest

from airvec.deploy.target import (
    LAMBDA_PYTHONS,
    PLATFORMS,
    Target,
    target_for_lambda,
    target_on,
    targets_of_image,
    this_platform,
)
from airvec.errors import ArgumentError


def test_a_target_knows_pips_names():
    target = Target("3.13", "arm64")
    assert (target.version, target.abi, target.platform) == ((3, 13), "cp313", "linux-arm64")
    assert target.platform_tags[0] == "manylinux2014_aarch64"


def test_each_glibc_up_to_amazon_linux_2023s_is_listed_and_none_above():
    tags = Target("3.12", "x86_64").platform_tags
    versions = [int(found[1]) for tag in tags if (found := re.fullmatch(r"manylinux_2_(\d+)_x86_64", tag))]
    assert versions == list(range(17, 35))


@pytest.mark.parametrize(
    ("platform", "tag"),
    [("macos-arm64", "macosx_14_0_arm64"), ("macos-x86_64", "macosx_14_0_x86_64"), ("windows-x86_64", "win_amd64")],
)
def test_other_systems_have_one_tag(platform, tag):
    assert target_on(platform, "3.12").platform_tags == (tag,)


@pytest.mark.parametrize("python", ["3.10", "3", "2.7", "", "3.x", "4.0"])
def test_a_python_that_airvec_does_not_run_on_is_refused(python):
    with pytest.raises(
        ArgumentError, match=re.escape(f"--python {python}: expected a version such as 3.13. Give 3.11")
    ):
        Target(python)


@pytest.mark.parametrize("make", [Target, lambda python: target_for_lambda(python, "arm64")])
def test_a_patch_number_is_to_be_left_out(make):
    with pytest.raises(ArgumentError, match=r"^--python 3\.13\.2: .* Give it without the patch number: 3\.13$"):
        make("3.13.2")


@pytest.mark.parametrize(
    ("name", "platform"),
    [("linux/amd64", "linux-x86_64"), ("linux/arm64", "linux-arm64"), ("linux/arm64/v8", "linux-arm64"),
     (" Linux-aarch64 ", "linux-arm64"), ("windows-amd64", "windows-x86_64")],
)  # fmt: skip
def test_the_names_of_docker_and_uname_are_taken(name, platform):
    assert target_on(name, "3.13").platform == platform


def test_an_image_is_for_linux_platforms_with_commas_between_them():
    assert [one.platform for one in targets_of_image("linux/amd64, linux/arm64", "3.13")] == [
        "linux-x86_64", "linux-arm64"]  # fmt: skip
    with pytest.raises(
        ArgumentError, match="^--platform 'macos-arm64': expected .*-x86_64, linux-arm64: images hold Linux"
    ):
        targets_of_image("macos-arm64", "3.13")
    with pytest.raises(ArgumentError, match="^--platform 'linux/amd64,linux-x86_64': names linux-x86_64 more than"):
        targets_of_image("linux/amd64,linux-x86_64", "3.13")
    with pytest.raises(ArgumentError, match="^--platform '': "):
        targets_of_image("linux/amd64,", "3.13")


@pytest.mark.parametrize("platform", ["linux-riscv64", "windows/arm64", "linux", "beos-x86_64", "linux/amd64-"])
def test_a_platform_without_wheels_is_refused_and_the_message_lists_the_others(platform):
    with pytest.raises(ArgumentError, match=f"--platform '{platform}': expected one of {', '.join(PLATFORMS)}"):
        target_on(platform, "3.13")


@pytest.mark.parametrize("python", ["3.11", "3.15"])
def test_a_python_that_lambda_has_not_is_refused_and_the_message_lists_those_it_has(python):
    with pytest.raises(ArgumentError, match=", ".join(LAMBDA_PYTHONS)):
        target_for_lambda(python, "x86_64")


def test_a_processor_that_lambda_has_not_is_refused():
    with pytest.raises(ArgumentError, match="--arch sparc: AWS Lambda runs on x86_64 and arm64"):
        target_for_lambda("3.13", "sparc")
    assert [target_for_lambda("3.13", name).arch for name in ("amd64", "aarch64")] == ["x86_64", "arm64"]


@pytest.mark.parametrize(
    ("system", "machine", "platform"),
    [("linux", "x86_64", "linux-x86_64"), ("darwin", "arm64", "macos-arm64"), ("win32", "AMD64", "windows-x86_64"),
     ("linux", "aarch64", "linux-arm64"), ("freebsd14", "amd64", "freebsd14-x86_64")],
)  # fmt: skip
def test_this_platform_is_named_as_targets_are(monkeypatch, system, machine, platform):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr("airvec.deploy.target.running_on.machine", lambda: machine)
    assert this_platform() == platform

"""Mirrors runtime/airvec/deploy/variant.py."""

import pytest

from airvec.deploy.variant import names_for
from airvec.errors import ArgumentError


@pytest.mark.parametrize(("variant", "arch", "first"), [
    ("auto", "x86_64", "model.onnx"), ("fp32", "arm64", "model.onnx"), ("fused", "arm64", "model_fused.onnx"),
    ("int8", "x86_64", "model_int8_x86.onnx"), ("int8", "arm64", "model_int8_arm64.onnx"),
    ("int8-vnni", "x86_64", "model_int8_vnni.onnx"), ("int8-dynamic", "x86_64", "model_quint8_avx2.onnx"),
    ("int8-dynamic", "arm64", "model_qint8_arm64.onnx"), ("O3", "x86_64", "model_O3.onnx"),
])  # fmt: skip
def test_a_variant_is_the_file_for_the_machine_that_the_package_is_for(variant, arch, first):
    assert names_for(variant, arch)[0] == first


@pytest.mark.parametrize(("variant", "arch", "reason"), [
    ("fastest", "x86_64", "not the one that the package is for"), ("openvino", "x86_64", "has no openvino"),
    ("openvino-int8", "arm64", "has no openvino"), ("int8-vnni", "arm64", "made for x86_64 CPUs, but arch is 'arm64'"),
    ("int8-x86", "arm64", "int8-arm64 there"), ("int8-arm64", "x86_64", "int8-x86 there"),
    ("auto", "riscv64", "arch: 'riscv64', expected 'x86_64' or 'arm64'"),
])  # fmt: skip
def test_a_variant_that_cannot_be_packed_is_refused_with_the_reason(variant, arch, reason):
    with pytest.raises(ArgumentError, match=reason):
        names_for(variant, arch)

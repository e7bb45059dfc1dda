"""Mirrors runtime/airvec/cli/info.py."""

import shutil

import pytest

from airvec import __version__, cpu
from airvec.cli import info
from airvec.deploy.model import pack_model
from airvec.manifest import GraphRecord, Manifest, sha256_of, write_manifest
from tests.folders import reranker, static_model, table, word_model
from tests.sparse_folders import inference_free

INTEL = """processor : 0
cpu family : 6
model : 85
model name : A Fast CPU
flags : fpu sse4_2 avx2 avx512f avx512_vnni other
"""
ARM = "processor : 0\nFeatures : fp asimd asimddp i8mm\n"


@pytest.fixture
def model(tmp_path):
    """A model folder whose manifest says what its one graph is."""
    folder = word_model(tmp_path / "words", settings={"prompts": {"query": "q: "}, "similarity_fn_name": "dot"})
    graph = folder / "onnx" / "model.onnx"
    record = GraphRecord(sha256_of(graph), graph.stat().st_size, opset=18, max_delta=3.4e-7, min_cosine=0.9999999)
    versions = {"torch": "2.9", "airvec": "0.1"}
    write_manifest(folder, Manifest("org/words", versions=versions, graphs={"onnx/model.onnx": record}))
    return folder


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_alone_it_tells_about_the_machine(run, monkeypatch):
    monkeypatch.setenv("AIRVEC_THREADS", "3")
    seen = run("info")
    assert (seen.code, seen.err) == (0, "")
    assert seen.out.startswith("this machine\n")
    for name in ("CPU", "instruction sets", "memory limit", "system", *info.PACKAGES):
        assert f"\n{name} " in seen.out
    assert "threads we may use  3 (AIRVEC_THREADS=3)\n" in seen.out


@pytest.mark.parametrize(
    ("text", "name", "sets"),
    [
        (INTEL, "A Fast CPU, family 6, model 85", "sse4_2 avx2 avx512f avx512_vnni"),
        (ARM, "not known", "asimd asimddp i8mm"),
        ("", "not known", "not known"),
    ],
)
def test_the_cpu_is_read_where_linux_tells_it(run, monkeypatch, tmp_path, text, name, sets):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "cpuinfo")
    rows = dict(info.machine())
    assert rows["CPU"].startswith(f"{name} (")
    assert rows["instruction sets"] == sets


def test_limits_of_a_container_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(cpu, "CPUINFO", tmp_path / "no-such-file")
    monkeypatch.setattr(info, "cpu_quota", lambda: 1.5)
    monkeypatch.setattr(info, "memory_limit", lambda: 512 * 2**20)
    rows = dict(info.machine())
    assert rows["threads we may use"].endswith(" (cgroup quota 1.5)")
    assert rows["memory limit"] == "512 MiB"
    monkeypatch.setattr(info, "memory_limit", lambda: None)
    assert dict(info.machine())["memory limit"] == "none"


def test_the_share_of_a_lambda_function_is_told(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "embed")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
    monkeypatch.setattr(info, "cpu_quota", lambda: None)
    rows = dict(info.machine())
    assert rows["threads we may use"] == "1 (Lambda's share 0.289)"
    assert rows["memory limit"] == "512 MiB"


def test_a_package_that_cannot_be_imported_here_is_told_with_the_reason(monkeypatch):
    problems = {"onnxruntime": "its import ends with SIGILL"}
    monkeypatch.setattr(info, "why_not", problems.get)
    rows = dict(info.machine())
    assert rows["onnxruntime"] == f"{info._version('onnxruntime')}; its import ends with SIGILL"
    assert rows["numpy"] == info._version("numpy")


def test_a_package_that_is_absent_is_said_to_be():
    assert info._version("no-such-package-at-all") == "not installed"


def test_a_folder_is_described_and_its_checksums_hold(run, model):
    seen = run("info", model)
    assert (seen.code, seen.err) == (0, "")
    head, *lines = seen.out.splitlines()
    assert head == "words"
    rows = {name: value.strip() for name, _, value in (line.partition("  ") for line in lines[:7])}
    assert rows == {
        "opens with": "airvec.SentenceTransformer", "modules": "Transformer → Pooling",
        "longest text": "8 tokens", "similarity": "dot", "prompts": "query='q: '",
        "source": "org/words", "made with": "airvec 0.1 torch 2.9",
    }  # fmt: skip
    assert [" ".join(line.split()) for line in lines[-8:]] == [
        "", "variant graph MB opset precision CPU checksum", "fp32 onnx/model.onnx 0.0 18 float32 any ok",
        "", "measured max |Δ| cos min", "fp32 3.4e-07 1.0000",
        "against torch in float32: |Δ| of unit vectors; times in ms", "all checksums hold",
    ]  # fmt: skip


def test_a_damaged_graph_is_exit_code_1(run, model):
    graph = model / "onnx" / "model.onnx"
    raw = bytearray(graph.read_bytes())
    raw[-1] ^= 1
    graph.write_bytes(bytes(raw))
    seen = run("info", model)
    assert seen.code == 1
    assert "float32    any  DAMAGED\n" in seen.out
    assert seen.out.splitlines()[-1] == "damaged: fetch or export it again"


def test_a_graph_that_is_gone_is_exit_code_1(run, model):
    (model / "onnx" / "model.onnx").unlink()
    seen = run("info", model)
    assert seen.code == 1
    assert "\nfp32 onnx/model.onnx 18 float32 any MISSING\n" in "\n".join(map(squeezed, seen.out.splitlines()))


def test_a_rerankers_distance_is_on_its_logits(run, tmp_path):
    folder = reranker(tmp_path / "ranker")
    graph = folder / "onnx" / "model.onnx"
    record = GraphRecord(
        sha256_of(graph), graph.stat().st_size, opset=18, max_delta=2e-5, quantity="logits", scale=4.66
    )
    write_manifest(folder, Manifest("org/ranker", graphs={"onnx/model.onnx": record}))
    out = run("info", folder).out
    assert "airvec.CrossEncoder" in out
    assert "similarity" not in out
    assert "\nfp32      2.0e-05\nagainst torch in float32: |Δ| of logits up to 4.66; times in ms\n" in out


def test_the_routes_of_a_router_are_shown(run, tmp_path):
    out = run("info", inference_free(tmp_path / "routed")).out
    assert "Router(query: SparseStaticEmbedding; document: Transformer → SpladePooling)" in out


def test_a_graph_that_the_manifest_does_not_know_is_no_damage(run, model):
    shutil.copy(model / "onnx" / "model.onnx", model / "onnx" / "model_O2.onnx")
    seen = run("info", model)
    assert seen.code == 0
    assert "O2 onnx/model_O2.onnx 0.0 any not in airvec.json" in squeezed(seen.out)
    assert seen.out.endswith("\nall checksums hold\n")
    (model / "airvec.json").unlink()
    seen = run("info", model)
    assert seen.code == 0
    assert "checksums" not in seen.out


def test_a_manifest_that_leaves_the_folder_is_refused(run, model):
    write_manifest(model, Manifest(graphs={"../../secret": GraphRecord("ab", 1)}))
    seen = run("info", model)
    assert seen.code == 1
    assert "words/airvec.json: path '../../secret' leaves the model folder" in seen.err


def test_a_static_model_has_no_graphs_and_no_limit(run, tmp_path):
    seen = run("info", static_model(tmp_path / "static", {"embedding.weight": table()}))
    assert seen.code == 0
    assert "longest text  no limit" in seen.out
    assert "graph" not in seen.out


def test_a_folder_that_is_no_model_is_an_error(run, tmp_path):
    seen = run("info", tmp_path)
    assert seen.code == 1
    assert "neither modules.json nor config.json" in seen.err


def test_a_packed_folder_tells_its_name_graph_and_processor(run, model, tmp_path):
    pack_model(model, tmp_path / "packed", arch="arm64", name="mine")
    seen = run("info", tmp_path / "packed")
    assert seen.code == 0
    assert f"packed        as 'mine' with the graph fp32 for arm64 by airvec {__version__}" in seen.out

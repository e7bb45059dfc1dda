"""A tiny twin of bge-m3, exported and run by airvec, against its definition in torch, written here by itself."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from airvec import MultiEncoder, SentenceTransformer
from airvec.errors import ModelFolderError
from airvec.manifest import read_manifest
from airvec_exporter.errors import VerificationError
from airvec_exporter.load import load
from airvec_exporter.pipeline import export
from airvec_exporter.report import ExportReport
from airvec_exporter.token_heads import TokenHeads, read_token_heads, verify_token_heads, with_measured
from airvec_exporter.verify import Checks
from tests import tiny
from tests.tiny.multi import HEADS, WIDTH, multi_checkpoint, random_layer

pytestmark = pytest.mark.slow

# Empty, special tokens written out, a word many times, an unknown character, and more tokens than the limit.
ODD = ["", " ", "the the the the", "a <mask> b </s> c <pad>", "☃ snow ☃", "word " * 200]
TEXTS = [*tiny.texts(24), *ODD]
CHECKS = Checks(TEXTS)


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return (exec, ("raise SystemExit('code ran')",))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return multi_checkpoint(tmp_path_factory.mktemp("in") / "tiny-m3")


@pytest.fixture(scope="module")
def report(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    out = tmp_path_factory.mktemp("out") / "tiny-m3"
    # How far int8 is from float32 in a tiny random model depends on the CPU's family.
    return export(checkpoint, out, variants=("fp32", "int8"), texts=TEXTS, accept_worse=True, speed=False)


@pytest.fixture(scope="module")
def oracle(checkpoint: Path) -> list[tuple[np.ndarray, dict[int, float], np.ndarray]]:
    """Dense, lexical and multi-vector embeddings of TEXTS, each text alone, in float64."""
    body, tokenizer = AutoModel.from_pretrained(checkpoint).double().eval(), AutoTokenizer.from_pretrained(checkpoint)
    sparse, colbert = (torch.load(checkpoint / name, weights_only=True) for name in HEADS)
    unused = {tokenizer.cls_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id}
    found = []
    for text in TEXTS:
        ids = tokenizer(text, truncation=True, max_length=64, return_tensors="pt")
        with torch.no_grad():
            states = body(**ids).last_hidden_state[0]
        weights: dict[int, float] = {}
        for number, state in zip(ids["input_ids"][0].tolist(), states, strict=True):
            weight = float(state @ sparse["weight"][0].double() + sparse["bias"][0].double())
            if number not in unused and weight > max(0.0, weights.get(number, 0.0)):
                weights[number] = weight
        vectors = states[1:] @ colbert["weight"].double().T + colbert["bias"].double()
        dense = states[0] / states[0].norm()
        found.append((dense.numpy(), weights, (vectors / vectors.norm(dim=1, keepdim=True)).numpy()))
    return found


@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_all_three_are_those_of_the_definition_in_any_batch(report: ExportReport, oracle, batch_size: int | None):
    found = MultiEncoder(report.path).encode(TEXTS, batch_size=batch_size, multi_vector=True)
    dense = np.stack([one[0] for one in oracle])
    scale = max(1.0, *(weight for _, weights, _ in oracle for weight in weights.values()))
    assert (dense @ dense.T).min() < 0.5
    assert scale > 1
    assert np.abs(found.dense - dense).max() <= 1e-5
    for row, (_, weights, vectors) in zip(found, oracle, strict=True):
        assert row.multi_vector.shape == vectors.shape
        assert np.abs(row.multi_vector - vectors).max() <= 1e-5
        got = row.sparse.to_dict()
        assert max(abs(got.get(word, 0) - weights.get(word, 0)) for word in got.keys() | weights | {0}) <= 1e-4 * scale


def test_scores_are_those_of_the_definition(report: ExportReport, oracle):
    model = MultiEncoder(report.path)
    found = model.encode(TEXTS, multi_vector=True)
    rows = [0, 5, 11, TEXTS.index("the the the the")]
    pairs = [(i, j) for i in rows for j in rows]
    got = model.score(found, found, (0.4, 0.2, 0.4))
    for i, j in pairs:
        (dense, words, vectors), (other, others, tokens) = oracle[i], oracle[j]
        lexical = sum(weight * others.get(word, 0) for word, weight in words.items())
        late = (vectors @ tokens.T).max(axis=1).sum() / len(vectors)
        wanted = 0.4 * float(dense @ other) + 0.2 * lexical + 0.4 * late
        assert got[i, j] == pytest.approx(wanted, rel=1e-4, abs=1e-4)


def test_the_folder_has_the_heads_in_safe_files_alone(report: ExportReport, checkpoint: Path):
    sparse = load_file(report.path / "sparse_linear.safetensors")
    assert set(sparse) == {"weight", "bias", "special_ids"}
    assert sorted(sparse["special_ids"].tolist()) == [0, 1, 2, 3]  # <s> <pad> </s> <unk>, but not <mask>
    saved = torch.load(checkpoint / "colbert_linear.pt", weights_only=True)
    assert torch.equal(load_file(report.path / "colbert_linear.safetensors")["weight"], saved["weight"])
    assert not list(report.path.rglob("*.pt"))


def test_what_was_measured_is_in_the_manifest(report: ExportReport):
    measured = read_manifest(report.path).graphs["onnx/model.onnx"].measured
    assert 0 < measured["multi_vector_max_delta"] <= 1e-5
    assert 0 < measured["lexical_max_delta"] <= 1e-4 * measured["lexical_scale"]
    records = read_manifest(report.path).graphs
    coarser = next(record.measured for name, record in records.items() if "int8" in name)
    for name in ("multi_vector_max_delta", "lexical_max_delta"):
        assert coarser[name] > 100 * measured[name]


def test_the_folder_still_opens_as_a_dense_model(report: ExportReport, oracle):
    found = SentenceTransformer(report.path).encode(TEXTS)
    assert np.abs(found - np.stack([one[0] for one in oracle])).max() <= 1e-5


def test_both_heads_read_the_states_of_an_int8_graph_too(report: ExportReport):
    exact, found = (
        MultiEncoder(report.path, variant=variant).encode(TEXTS, multi_vector=True) for variant in ("fp32", "int8")
    )
    cosines = np.concatenate(
        [(one * other).sum(axis=1) for one, other in zip(exact.multi_vector, found.multi_vector, strict=True)]
    )
    assert 0.97 < cosines.mean() < 1 - 1e-6
    assert 0.97 < (exact.dense * found.dense).sum(axis=1).mean() < 1 - 1e-6
    words, others = exact.sparse.to_dense(), found.sparse.to_dense()
    assert np.corrcoef(words.ravel(), others.ravel())[0, 1] > 0.97


def test_an_export_can_be_exported_again(report: ExportReport, tmp_path: Path):
    loaded = load(report.path)
    heads = read_token_heads(loaded)
    assert heads is not None
    heads.write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "colbert_linear.safetensors",
        "sparse_linear.safetensors",
    ]
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (report.path / path.name).read_bytes()


def test_wrong_heads_do_not_pass_verification(report: ExportReport, checkpoint: Path):
    loaded = load(checkpoint)
    heads = read_token_heads(loaded)
    assert heads is not None
    assert set(verify_token_heads(loaded, heads, report.path, CHECKS)) == {
        "lexical_max_delta", "lexical_scale", "multi_vector_max_delta",
    }  # fmt: skip
    for wrong, said in (
        (TokenHeads(random_layer(1, 9), heads.colbert, heads.special_ids), "on lexical weights"),
        (TokenHeads(heads.sparse, random_layer(WIDTH, 9), heads.special_ids), "on multi-vectors"),
        (TokenHeads(heads.sparse, random_layer(WIDTH + 1, 9), heads.special_ids), "is inf from torch"),
        (TokenHeads(heads.sparse, heads.colbert, ()), "on lexical weights"),
    ):
        with pytest.raises(VerificationError, match=f"tiny-m3: text .*{said}"):
            verify_token_heads(loaded, wrong, report.path, CHECKS)


def test_wrong_heads_pass_where_that_is_accepted_and_are_counted(report: ExportReport, checkpoint: Path):
    loaded = load(checkpoint)
    heads = read_token_heads(loaded)
    assert heads is not None
    wrong = TokenHeads(random_layer(1, 9), random_layer(WIDTH, 9), heads.special_ids)
    found = verify_token_heads(loaded, wrong, report.path, Checks(TEXTS, accept_worse=True))
    assert found["misses"] == 2
    manifest = with_measured(read_manifest(report.path), found)
    assert manifest.graphs["onnx/model.onnx"].measured["misses"] == 2


def test_a_checkpoint_without_heads_has_none(loaded):
    assert read_token_heads(loaded) is None


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("sparse_linear.pt", b"damaged", "not a file of tensors"),
     ("colbert_linear.pt", None, "no such file, expected both"),
     ("sparse_linear.pt", {"weight": torch.zeros(1, tiny.HIDDEN)}, "holds weight of torch.float32, expected"),
     ("sparse_linear.pt", [1, 2], r"holds \[1, 2\], expected tensors by name"),
     ("sparse_linear.pt", random_layer(2, 1), r"weight of shape \[2, 32\], expected \[1, 32\]"),
     ("colbert_linear.pt", {**random_layer(3, 1), "bias": torch.zeros(())}, r"bias of shape \[\], expected \[3\]"),
     ("colbert_linear.pt", {"weight": torch.zeros(3, 5), "bias": torch.zeros(3)}, r"\[3, 5\], expected \[3, 32\]"),
     ("colbert_linear.pt", torch.nn.Linear(tiny.HIDDEN, 3), "not a file of tensors")],
)  # fmt: skip
def test_heads_that_do_not_fit_are_refused(tmp_path: Path, checkpoint: Path, name: str, content: object, said: str):
    folder = shutil.copytree(checkpoint, tmp_path / "m3")
    if content is None:
        (folder / name).unlink()
    elif isinstance(content, bytes):
        (folder / name).write_bytes(content)
    else:
        torch.save(content, folder / name)
    with pytest.raises(ModelFolderError, match=f"m3/{name}: .*{said}"):
        read_token_heads(load(folder))


def test_code_in_a_head_is_not_run(tmp_path: Path, checkpoint: Path):
    folder = shutil.copytree(checkpoint, tmp_path / "m3")
    (folder / HEADS[0]).write_bytes(pickle.dumps({"weight": Bomb(), "bias": Bomb()}))
    with pytest.raises(ModelFolderError, match=r"m3/sparse_linear\.pt: not a file of tensors"):
        read_token_heads(load(folder))


def test_without_modules_json_the_dense_embedding_would_be_a_guess(tmp_path: Path, checkpoint: Path):
    folder = shutil.copytree(checkpoint, tmp_path / "m3")
    for name in ("modules.json", "config_sentence_transformers.json"):
        (folder / name).unlink()
    for home in folder.glob("[0-9]_*"):
        shutil.rmtree(home)
    with pytest.raises(ModelFolderError, match=r"m3/modules\.json: no such file, but a head"):
        read_token_heads(load(folder))


def test_safe_files_are_read_before_pickled_ones(tmp_path: Path, checkpoint: Path):
    folder = shutil.copytree(checkpoint, tmp_path / "m3")
    save_file(random_layer(1, 5), folder / "sparse_linear.safetensors")
    heads = read_token_heads(load(folder))
    assert heads is not None
    assert torch.equal(heads.sparse["weight"], random_layer(1, 5)["weight"])

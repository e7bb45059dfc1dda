"""Vectors on disk: read where they are right, and made anew where they are not."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from airvec.errors import AirvecWarning, ArgumentError
from airvec.search import BM25
from airvec.sparse_vectors import SparseVectors
from airvec_trainer import SentenceTransformer
from airvec_trainer.mining import MiningSettings
from airvec_trainer.mining import caching as module
from airvec_trainer.mining.caching import embedded
from airvec_trainer.mining.pairs import read_pairs
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.mining.stand_in import NoiseModel, generated, pairs
from tests.trainer.static_models import static_model

PAIRS = read_pairs(generated(40), None, None, None)
CALLS = 2  # queries and documents


def run(model, folder, **given):
    """Vectors and calls of one mining."""
    before = model.calls
    settings = MiningSettings(cache_folder=folder, show_progress_bar=False, **given)
    queries, documents, notes = embedded(model, PAIRS, settings)
    return (queries, documents), model.calls - before, notes


class Weighted(NoiseModel):
    """Its vectors and what it saves change with training."""

    def __init__(self, weight=0.0):
        super().__init__()
        self.weight = weight

    def save_pretrained(self, path):
        Path(path).mkdir()
        (Path(path) / "weight").write_text(str(self.weight))

    def encode(self, texts, **given):
        rows = super().encode(texts, **given) + np.float32(self.weight)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Sparse(NoiseModel):
    """The positive half of its vectors."""

    def sparsity(self):
        """What tells it from dense ones."""

    def encode(self, texts, save_to_cpu=True, **given):
        return SparseVectors.from_dense(np.maximum(0, super().encode(texts, **given)))


def test_a_second_mining_reads_and_checks_what_the_first_wrote(tmp_path):
    model = NoiseModel()
    first, calls, notes = run(model, tmp_path / "new")
    assert calls == CALLS
    files = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert [name.partition("_embeddings_")[0] for name in files] == ["corpus", "query"]
    assert all(name.endswith(".npy") for name in files)
    assert [note.partition(" texts")[0] for note in notes] == [
        f"Wrote vectors of {len(PAIRS.documents)}", f"Wrote vectors of {len(PAIRS.queries)}",
    ]  # fmt: skip
    model.encode_query = model.encode_document = None  # only `encode` is left, which is asked for some texts
    second, calls, notes = run(model, tmp_path / "new")
    assert calls == CALLS
    assert notes[0].startswith(f"Read vectors of {len(PAIRS.documents)} texts from")
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_some_texts_are_encoded_to_check(tmp_path):
    asked = []
    model = NoiseModel()
    run(model, tmp_path)
    encode = model.encode
    model.encode = lambda texts, **given: asked.append(texts) or encode(texts, **given)
    run(model, tmp_path)
    assert all(len(texts) <= module.SPREAD + module.LONGEST for texts in asked)
    longest = max(PAIRS.queries, key=len)
    assert len(asked) == CALLS
    assert longest in asked[1]


def test_sparse_vectors_are_kept_too(tmp_path):
    model = Sparse()
    first, _, _ = run(model, tmp_path)
    second, calls, notes = run(model, tmp_path)
    assert calls == CALLS
    assert all(note.startswith("Read") for note in notes)
    assert first[1].to_dict() == second[1].to_dict()
    assert {file.suffix for file in tmp_path.iterdir()} == {".npz"}


def test_a_model_that_gives_other_vectors_now_gets_its_own(tmp_path):
    run(NoiseModel(seed=1), tmp_path)
    with pytest.warns(AirvecWarning, match="holds other vectors than the model gives now"):
        found, _, _ = run(NoiseModel(seed=2), tmp_path)
    np.testing.assert_array_equal(found[0], run(NoiseModel(seed=2), None)[0][0])
    assert all(note.startswith("Read") for note in run(NoiseModel(seed=2), tmp_path)[2])  # written over


def test_the_weights_of_a_model_are_part_of_the_name(tmp_path):
    run(Weighted(0.0), tmp_path)
    found, _, notes = run(Weighted(0.5), tmp_path)  # no warning: another file
    assert all(note.startswith("Wrote") for note in notes)
    np.testing.assert_array_equal(found[0], run(Weighted(0.5), None)[0][0])
    assert len(list(tmp_path.iterdir())) == 2 * CALLS


def test_nothing_is_encoded_anew_for_a_model_that_is_known(tmp_path):
    run(Weighted(), tmp_path)
    _, calls, notes = run(Weighted(), tmp_path)
    assert calls == 0
    assert all(note.startswith("Read") for note in notes)


def test_a_limit_that_few_texts_reach_is_seen(tmp_path):
    """Only texts are cut that are neither the longest in letters nor lie evenly among all."""
    model = SentenceTransformer(str(tiny_checkpoint(tmp_path / "model")), device="cpu")
    texts = [f"river{'s' * row}" for row in range(1, 61)]
    for row, words in zip(range(1, 60, 8), permutations("abcdefg"), strict=False):
        texts[row] = " ".join(words)
    found = read_pairs(pairs(*((text, text) for text in texts)), None, None, None)
    settings = MiningSettings(cache_folder=tmp_path / "vectors", show_progress_bar=False)
    model.max_seq_length = 64
    embedded(model, found, settings)
    model.max_seq_length = 4
    _, vectors, notes = embedded(model, found, settings)
    assert all(note.startswith("Wrote") for note in notes)
    np.testing.assert_allclose(vectors, model.encode(found.documents, normalize_embeddings=True), atol=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        lambda model: setattr(model, "truncate_dim", 2),
        lambda model: model.prompts.update(query="one "),
        lambda model: next(model.parameters()).data.view(-1)[0].add_(1e-4),
    ],
    ids=["truncation", "prompt", "weights"],
)
def test_a_model_in_training_gets_vectors_of_its_own_after_any_change(tmp_path, change):
    model = static_model(prompts={"query": "", "document": ""})
    found = read_pairs(pairs(("one two", "three")), None, None, ["one", "two"])
    settings = MiningSettings(cache_folder=tmp_path, show_progress_bar=False)
    embedded(model, found, settings)
    change(model)
    assert all(note.startswith("Wrote") for note in embedded(model, found, settings)[2])
    assert all(note.startswith("Read") for note in embedded(model, found, settings)[2])


def test_prompts_are_part_of_the_name(tmp_path):
    run(NoiseModel(), tmp_path)
    _, _, notes = run(NoiseModel(), tmp_path, query_prompt="q: ")
    assert [note.partition(" ")[0] for note in notes] == ["Read", "Wrote"]


def test_a_prompt_of_the_same_name_with_another_text_is_seen(tmp_path):
    run(NoiseModel(), tmp_path, query_prompt_name="query")
    model = NoiseModel()
    model.prompts = {"query": "another: "}
    with pytest.warns(AirvecWarning, match="query_embeddings_.* holds other vectors"):
        run(model, tmp_path, query_prompt_name="query")


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY\x01\x00", b"no array at all", b"PK\x03\x04"])
def test_a_damaged_file_is_told_and_replaced(tmp_path, damage):
    run(NoiseModel(), tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(damage)
    with pytest.warns(AirvecWarning, match="cannot be read: .* encoded anew") as told:
        _, calls, _ = run(NoiseModel(), tmp_path)
    assert calls == CALLS
    assert not any("allow_pickle" in str(one.message) for one in told)  # NumPy's advice, which nobody should follow
    assert all(note.startswith("Read") for note in run(NoiseModel(), tmp_path)[2])


def test_pickled_objects_are_not_read(tmp_path):
    run(NoiseModel(), tmp_path)
    for file in tmp_path.iterdir():
        np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.warns(AirvecWarning, match="cannot be read"):
        run(NoiseModel(), tmp_path)


def test_rows_of_another_number_are_not_taken(tmp_path):
    run(NoiseModel(), tmp_path)
    for file in tmp_path.iterdir():
        np.save(file, np.load(file)[1:])
    with pytest.warns(AirvecWarning, match="holds other vectors"):
        run(NoiseModel(), tmp_path)


def test_a_disk_that_refuses_costs_the_cache_and_not_the_vectors(tmp_path, monkeypatch):
    def refuse(path, array):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_array", refuse)
    with pytest.warns(AirvecWarning, match="cannot be written: .*No space left on device"):
        found, _, notes = run(NoiseModel(), tmp_path)
    assert len(found[0]) == len(PAIRS.queries)
    assert notes == []


def test_half_a_file_is_never_left(tmp_path, monkeypatch):
    def cut(file, array, **given):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "save", cut)
    with pytest.raises(KeyboardInterrupt):
        run(NoiseModel(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArgumentError, match="cache_folder: .*file' is a file, expected a folder"):
        run(NoiseModel(), tmp_path / "file")


def test_word_counts_are_not_kept(tmp_path):
    bm25 = BM25().fit(PAIRS.documents)
    settings = MiningSettings(cache_folder=tmp_path)
    assert embedded(bm25, PAIRS, settings)[2] == []
    assert list(tmp_path.iterdir()) == []

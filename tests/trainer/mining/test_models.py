"""Every kind of model mines what comparing all texts with all would find."""

import numpy as np
import pytest

import airvec
from airvec_trainer.mining import MiningSettings, mine
from airvec_trainer.modules import SparseAutoEncoder
from airvec_trainer.sparse_encoder import SparseEncoder
from tests.folders import WORDS, reranker, word_model
from tests.sparse_folders import splade_model
from tests.trainer.mining.stand_in import pairs
from tests.trainer.static_models import WORDS as STATIC_WORDS
from tests.trainer.static_models import static_model

RANDOM = np.random.default_rng(3)


def some_texts(words, count=24):
    drawn = {" ".join(RANDOM.choice(words, RANDOM.integers(1, 5))) for _ in range(4 * count)}
    return sorted(drawn)[:count]


def opened(kind, folder):
    """A model, and texts that it reads."""
    if kind == "exported":
        return airvec.SentenceTransformer(word_model(folder)), some_texts(WORDS)
    if kind == "exported, sparse":
        return airvec.SparseEncoder(splade_model(folder)), some_texts(WORDS)
    model, texts = static_model(), some_texts(STATIC_WORDS[1:4])
    if kind == "torch, sparse":
        model = SparseEncoder(modules=[*model, SparseAutoEncoder(3, 8, 4)], device="cpu")
    return model, texts


@pytest.mark.parametrize("cached", [False, True], ids=["fresh", "cached"])
@pytest.mark.parametrize("kind", ["exported", "exported, sparse", "torch", "torch, sparse"])
def test_the_best_that_are_no_positives(kind, cached, tmp_path):
    model, texts = opened(kind, tmp_path / "model")
    data = pairs(*zip(texts[:6], texts[6:12], strict=True))
    settings = MiningSettings(
        num_negatives=2, output_scores=True, output_format="n-tuple", show_progress_bar=False,
        cache_folder=tmp_path / "cache" if cached else None,
    )  # fmt: skip
    for _ in range(2):
        found, report = mine(data, model, settings, corpus=texts)
    assert sum(note.startswith("Read") for note in report.notes) == 2 * cached
    queries, documents = model.encode_query(texts[:6]), model.encode_document(texts)
    every = np.asarray(model.similarity(queries, documents)).copy()
    own = every[np.arange(6), np.arange(6, 12)].copy()
    every[np.arange(6), np.arange(6, 12)] = -np.inf
    best = np.sort(every, axis=1)[:, ::-1][:, :2]
    rows = {texts[row]: (own[row], *best[row]) for row in range(6) if best[row, 1] > 0 or "sparse" not in kind}
    assert len(rows) > 2
    for query, scores in zip(found["query"][:], found["scores"][:], strict=True):
        np.testing.assert_allclose(scores, rows.pop(query), atol=1e-5)
    assert not rows


def test_a_folder_mines_in_several_processes(tmp_path):
    model, texts = opened("exported", tmp_path / "model")
    data = pairs(*zip(texts[:6], texts[6:12], strict=True))
    quiet = {"num_negatives": 1, "show_progress_bar": False, "max_score": 2.0}
    scorer = airvec.CrossEncoder(reranker(tmp_path / "reranker"))
    alone, _ = mine(data, model, MiningSettings(**quiet), corpus=texts, cross_encoder=scorer)
    settings = MiningSettings(use_multi_process=["cpu", "cpu"], **quiet)
    together, _ = mine(data, model, settings, corpus=texts, cross_encoder=scorer)
    assert together.to_dict() == alone.to_dict()

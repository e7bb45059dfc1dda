"""airvec_trainer.util: what old code calls with tensors, by numbers that can be checked by hand."""

import numpy as np
import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer import losses, similarity, util

ROWS = torch.tensor([[3.0, 4.0], [0.0, 2.0], [-1.0, 0.0]])
TENSORS = [ROWS, ROWS.clone().requires_grad_(), ROWS.to_sparse(), list(ROWS), ROWS.bfloat16()]


def test_a_loss_takes_its_similarities():
    assert util.cos_sim is similarity.cos_sim is util.pytorch_cos_sim
    loss = losses.MultipleNegativesRankingLoss(scale=20, similarity_fct=util.dot_score)
    columns = [ROWS[:2].clone().requires_grad_(), ROWS[1:]]
    value = loss(columns)
    value.backward()
    assert value.item() == pytest.approx(40.0)  # the dots are 8, -3 and 4, 0: the second query loses by 20 x 4
    assert columns[0].grad is not None


@pytest.mark.parametrize("given", [ROWS.tolist(), ROWS.numpy(), list(ROWS), ROWS.to_sparse(), ROWS.int(), ROWS.half()])
def test_similarities_take_arrays_lists_and_sparse_rows(given):
    assert util.dot_score(given, [[1.0, 1.0]]).tolist() == [[7.0], [2.0], [-1.0]]
    assert util.cos_sim(given, ROWS[1]).flatten().tolist() == pytest.approx([0.8, 1.0, 0.0])
    assert util.pairwise_dot_score(given, ROWS).tolist() == [25.0, 4.0, 1.0]
    assert util.manhattan_sim(given, [0.0, 0.0]).flatten().tolist() == [-7.0, -2.0, -1.0]


@pytest.mark.parametrize("given", TENSORS, ids=["dense", "with a gradient", "COO", "listed", "bfloat16"])
def test_searches_take_tensors(given):
    (first, second), *_ = util.semantic_search(given, given, top_k=2)
    assert (first["corpus_id"], second["corpus_id"]) == (0, 1)
    assert (first["score"], second["score"]) == pytest.approx((1.0, 0.8))
    assert util.paraphrase_mining_embeddings(given)[0] == [pytest.approx(0.8), 0, 1]


def test_a_search_scores_as_it_is_told():
    (best, *_), *_ = util.semantic_search(ROWS[1], ROWS, score_function=util.euclidean_sim)
    assert best == {"corpus_id": 1, "score": 0.0}
    (best, *_), *_ = util.semantic_search(ROWS[1], ROWS, score_function=lambda a, b: -(a @ b.T))
    assert best == {"corpus_id": 2, "score": 0.0}


def test_texts_are_encoded_and_mined():
    class Model:
        def encode(self, texts, prompt_name, prompt, **given):
            assert (prompt_name, prompt, given) == ("p", None, {"batch_size": 32, "show_progress_bar": False})
            return ROWS[: len(texts)]

    assert util.paraphrase_mining(Model(), ["a", "b"], prompt_name="p") == [[pytest.approx(0.8), 0, 1]]


def test_communities_and_codes():
    assert util.community_detection(ROWS, threshold=0.7, min_community_size=2) == [[0, 1]]
    assert util.quantize_embeddings(ROWS, "ubinary").tolist() == [[192], [64], [0]]


def test_embeddings_stay_tensors():
    assert torch.equal(util.truncate_embeddings(ROWS, 1), ROWS[:, :1])
    assert torch.equal(util.truncate_embeddings(ROWS, None), ROWS)
    assert torch.allclose(util.normalize_embeddings(ROWS)[0], torch.tensor([0.6, 0.8]))
    assert torch.allclose(util.normalize_embeddings(ROWS.to_sparse()).to_dense(), util.normalize_embeddings(ROWS))
    assert isinstance(util.normalize_embeddings(ROWS.numpy()), np.ndarray)
    assert isinstance(util.truncate_embeddings(ROWS.numpy(), 1), np.ndarray)
    with pytest.raises(ArgumentError, match="truncate_dim: 0"):
        util.truncate_embeddings(ROWS, 0)


def test_a_batch_is_moved_in_place():
    batch = {"input_ids": torch.ones(2), "text": "a"}
    assert util.batch_to_device(batch, torch.device("meta")) is batch
    assert batch["input_ids"].device.type == "meta"
    assert batch["text"] == "a"


def test_hard_negatives_are_mined_from_their_old_place_and_what_is_not_there_is_told():
    from airvec_trainer import mine_hard_negatives
    from airvec_trainer.util import mine_hard_negatives as in_its_old_place

    assert in_its_old_place is mine_hard_negatives
    with pytest.raises(AttributeError, match="'no_such_function'"):
        _ = util.no_such_function


def test_names_of_classes_and_devices_and_whether_one_can_train(monkeypatch):
    assert util.fullname(torch.nn.ReLU) == util.fullname(torch.nn.ReLU()) == "torch.nn.modules.activation.ReLU"
    assert util.fullname("a text") == "str"
    assert util.is_training_available()
    for device, name in (("cpu", "cpu"), ("mps", "mps"), ("cuda", "cuda:3")):
        monkeypatch.setenv("LOCAL_RANK", "3")
        monkeypatch.setattr(util, "best_device", lambda device=device: torch.device(device))
        assert util.get_device_name() == name
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == "accelerate" else name)
    assert not util.is_training_available()

"""Mirrors trainer/airvec_trainer/modules/sparse_static_embedding.py: a weight for each word that a text holds."""

import json
from pathlib import Path

import pytest
import torch

from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec_trainer.modules import SparseStaticEmbedding
from tests.tiny.tokenizers import tiny_tokenizer


@pytest.fixture
def body() -> SparseStaticEmbedding:
    tokenizer = tiny_tokenizer("wordpiece")
    return SparseStaticEmbedding(tokenizer, torch.arange(len(tokenizer.get_vocab()), dtype=torch.float32))


def test_a_word_weighs_once_however_often_it_is_there(body: SparseStaticEmbedding):
    made = body(body.preprocess(["the the the", "a", ""]))["sentence_embedding"]
    (word,) = body.tokenizer("the", add_special_tokens=False)["input_ids"]
    assert made[0].nonzero().flatten().tolist() == [word]
    assert made[0, word] == word
    assert made[1, word] == 0
    assert not made[2].any()
    assert made.shape == (3, body.get_embedding_dimension())


def test_weights_are_trained_unless_frozen(body: SparseStaticEmbedding):
    body(body.preprocess(["the", "the a"]))["sentence_embedding"].sum().backward()
    (word,) = body.tokenizer("the", add_special_tokens=False)["input_ids"]
    assert body.weight.grad[word] == 2
    assert not SparseStaticEmbedding(body.tokenizer, frozen=True).weight.requires_grad


def test_without_weights_all_words_weigh_one(body: SparseStaticEmbedding):
    assert SparseStaticEmbedding(body.tokenizer).weight.unique().tolist() == [1.0]


def test_weights_by_word_come_from_a_file(body: SparseStaticEmbedding, tmp_path: Path):
    (tmp_path / "idf.json").write_text(json.dumps({"the": 2.5}))
    found = SparseStaticEmbedding.from_json(tmp_path / "idf.json", body.tokenizer, frozen=True)
    (word,) = body.tokenizer("the", add_special_tokens=False)["input_ids"]
    assert found.weight.nonzero().flatten().tolist() == [word]
    assert found.weight[word] == 2.5
    (tmp_path / "idf.json").write_text(json.dumps({"the": "much"}))
    with pytest.raises(ModelFolderError, match="'the' is 'much', expected a number"):
        SparseStaticEmbedding.from_json(tmp_path / "idf.json", body.tokenizer)


def test_the_limit_cuts_texts(body: SparseStaticEmbedding):
    body.max_seq_length = 2
    assert body.preprocess(["the a the a"])["input_ids"].shape == (1, 2)
    assert body.max_seq_length == 2


def test_wrong_shapes_and_texts_are_refused(body: SparseStaticEmbedding):
    with pytest.raises(ArgumentError, match=r"weight: shape \[2, 2\], expected"):
        SparseStaticEmbedding(body.tokenizer, torch.ones(2, 2))
    with pytest.raises(InputError, match="text 0: 3, expected a str|text 0: int 3, expected a str"):
        body.preprocess([3])

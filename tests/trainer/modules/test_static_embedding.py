"""Mirrors trainer/airvec_trainer/modules/static_embedding.py: the mean of rows of a table."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from airvec.errors import ArgumentError, InputError, ModelFolderError
from airvec_trainer.modules import StaticEmbedding

WORDS = {"[PAD]": 0, "one": 1, "two": 2, "three": 3}
TABLE = torch.tensor([[9.0, 9.0], [1.0, 0.0], [0.0, 1.0], [4.0, 4.0]])


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel(WORDS, unk_token="[PAD]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def test_a_text_is_the_mean_of_its_rows_and_no_text_is_zeros():
    body = StaticEmbedding(tokenizer(), TABLE)
    features = body.preprocess(["one two", "three", "", "one one two two"])
    assert features["input_ids"].tolist() == [[1, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 0], [1, 1, 2, 2]]
    assert features["attention_mask"].sum(dim=1).tolist() == [2, 1, 0, 4]
    assert body(features)["sentence_embedding"].tolist() == [[0.5, 0.5], [4.0, 4.0], [0.0, 0.0], [0.5, 0.5]]


def test_wider_padding_and_padding_at_the_left_change_nothing():
    body = StaticEmbedding(tokenizer(), TABLE)
    ids, mask = torch.tensor([[0, 0, 1, 2], [3, 0, 0, 0]]), torch.tensor([[0, 0, 1, 1], [1, 0, 0, 0]])
    made = body({"input_ids": ids, "attention_mask": mask})
    assert made["sentence_embedding"].tolist() == [[0.5, 0.5], [4.0, 4.0]]


def test_only_rows_of_words_in_the_texts_get_a_gradient():
    body = StaticEmbedding(tokenizer(), TABLE.clone())
    body(body.preprocess(["one two two", "two"]))["sentence_embedding"].sum().backward()
    assert torch.allclose(body.embedding.weight.grad[:, 0], torch.tensor([0.0, 1 / 3, 5 / 3, 0.0]))


def test_a_prompt_is_read_with_the_text():
    body = StaticEmbedding(tokenizer(), TABLE)
    assert body.preprocess(["two"], prompt="one ")["input_ids"].tolist() == [[1, 2]]


def test_a_new_table_is_as_wide_as_asked_for():
    torch.manual_seed(0)
    body = StaticEmbedding(tokenizer(), embedding_dim=5)
    assert body.embedding.weight.shape == (4, 5)
    assert body.get_embedding_dimension() == 5
    assert body.embedding.weight.requires_grad


def test_arrays_and_folders_of_model2vec_are_taken(tmp_path: Path):
    assert StaticEmbedding(tokenizer(), TABLE.numpy()).embedding.weight.tolist() == TABLE.tolist()
    tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "config.json").write_text('{"model_type": "model2vec"}')
    state = {"embeddings": TABLE[:2], "mapping": torch.tensor([0, 1, 1, 0]), "weights": torch.tensor([1.0, 2, 3, 4])}
    save_file(state, tmp_path / "model.safetensors")
    body = StaticEmbedding.from_model2vec(tmp_path)
    assert body.embedding.weight.tolist() == [[9, 9], [2, 0], [3, 0], [36, 36]]
    save_file({"other": TABLE}, tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match="holds other, expected 'embedding.weight' or 'embeddings'"):
        StaticEmbedding.from_model2vec(tmp_path)


def test_what_is_saved_is_the_table_and_the_tokenizer(tmp_path: Path):
    StaticEmbedding(tokenizer(), TABLE).save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "tokenizer.json"]


def test_arguments_that_cannot_be_are_refused():
    with pytest.raises(ArgumentError, match="tokenizer: str, expected a tokenizers.Tokenizer"):
        StaticEmbedding("tokenizer", TABLE)
    with pytest.raises(ArgumentError, match="embedding_dim: None, expected a width, or embedding_weights"):
        StaticEmbedding(tokenizer())
    with pytest.raises(ArgumentError, match="embedding_dim: 0, expected a whole number"):
        StaticEmbedding(tokenizer(), embedding_dim=0)
    body = StaticEmbedding(tokenizer(), np.eye(4, dtype=np.float32))
    assert body.max_seq_length is None
    with pytest.raises(ArgumentError, match="max_seq_length: 5, but a StaticEmbedding reads whole texts"):
        body.max_seq_length = 5
    with pytest.raises(InputError, match="text 1: None, expected a str"):
        body.preprocess(["one", None])

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import airvec_trainer
from airvec.errors import ArgumentError
from airvec_trainer.losses import (
    ContrastiveTensionLoss,
    ContrastiveTensionLossInBatchNegatives,
    DenoisingAutoEncoderLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import modules_of, prepare
from airvec_trainer.similarity import dot_score
from tests.tiny import texts, tiny_checkpoint
from tests.trainer.losses.stand_ins import Doubling

AXES = torch.eye(2)
SAME = nn.Identity()


def batch(*columns: Tensor) -> Batch:
    return Batch(SAME, [{"sentence_embedding": column} for column in columns])


def minus_log_sigmoid(value: float) -> float:
    return math.log(1 + math.exp(-value))


def test_equal_texts_are_to_have_a_large_product_and_others_a_small_one():
    tension = ContrastiveTensionLoss(twin=SAME)
    columns = 3 * AXES, torch.ones(2, 2)  # products 3 and 3
    value = tension.on_batch(batch(*columns), torch.tensor([1, 0]))
    assert value.item() == pytest.approx(minus_log_sigmoid(3) + minus_log_sigmoid(-3))


def test_without_labels_texts_of_equal_tokens_are_the_same():
    ids = torch.tensor([[1, 2, 0], [1, 2, 0]])
    other = torch.tensor([[1, 2], [1, 3]])
    columns = [{"input_ids": one, "attention_mask": (one > 0).long()} for one in (ids, other)]

    def model(features: dict[str, Any]) -> dict[str, Any]:
        return {"sentence_embedding": torch.ones(2, 1)}

    value = ContrastiveTensionLoss(twin=model).on_batch(Batch(model, columns))
    assert value.item() == pytest.approx(minus_log_sigmoid(1) + minus_log_sigmoid(-1))


def test_without_labels_and_masks_equal_texts_are_the_same():
    column = {"sentence_embedding": torch.ones(2, 1)}
    given = Batch(SAME, [column, column], [["a", "b"], ["a", "c"]])
    value = ContrastiveTensionLoss(twin=SAME).on_batch(given)
    assert value.item() == pytest.approx(minus_log_sigmoid(1) + minus_log_sigmoid(-1))


def test_the_copy_is_made_when_prepared_and_both_learn():
    model = Doubling()
    tension = prepare(ContrastiveTensionLoss(), model)
    [twin] = modules_of(tension)
    assert twin is not model
    assert torch.equal(twin.weight, model.weight)
    columns = [{"input_ids": torch.eye(3)}] * 2
    tension.on_batch(Batch(model, columns), torch.tensor([1.0, 0.0, 1.0])).backward()
    torch.testing.assert_close(twin.weight.grad, model.weight.grad)
    assert twin.weight.grad.abs().max() > 0


def test_in_the_batch_each_text_finds_itself_either_way():
    class Turned(nn.Module):
        def forward(self, features: dict[str, Any]) -> dict[str, Any]:
            return {"sentence_embedding": features["sentence_embedding"] @ torch.tensor([[2.0, 0.0], [1.0, 3.0]])}

    # The copy's products with the model's own: 2 and 0 in the first row, 1 and 3 in the second.
    twins = prepare(ContrastiveTensionLossInBatchNegatives(scale=1.0, similarity_fct=dot_score), Turned())
    rows = minus_log_sigmoid(2 - 0) + minus_log_sigmoid(3 - 1)
    columns = minus_log_sigmoid(2 - 1) + minus_log_sigmoid(3 - 0)
    assert twins.on_batch(batch(AXES)).item() == pytest.approx((rows + columns) / 4)


def test_the_scale_begins_as_given_and_learns():
    twins = prepare(ContrastiveTensionLossInBatchNegatives(scale=5.0), SAME)
    [owned] = modules_of(twins)
    assert owned.logit_scale.exp().item() == pytest.approx(5.0)
    twins.on_batch(batch(AXES + 0.1)).backward()
    assert owned.logit_scale.grad < 0  # a larger scale tells the two better apart


@pytest.mark.parametrize(
    ("loss", "columns"),
    [(ContrastiveTensionLoss(), 2), (ContrastiveTensionLossInBatchNegatives(), 1), (DenoisingAutoEncoderLoss(), 2)],
    ids=lambda value: type(value).__name__,
)
def test_a_loss_that_has_not_seen_the_model_says_so(loss: Any, columns: int):
    with pytest.raises(ArgumentError, match=f"{type(loss).__name__}: (twin|decoder)=None, expected what"):
        loss.on_batch(batch(*[AXES] * columns))


@pytest.mark.parametrize("loss", [ContrastiveTensionLoss(twin=SAME), DenoisingAutoEncoderLoss()])
def test_another_number_of_columns_is_refused(loss: Any):
    with pytest.raises(ArgumentError, match=f"{type(loss).__name__}: 3 columns of texts, expected 2"):
        loss.on_batch(batch(AXES, AXES, AXES))


def test_a_scale_without_a_logarithm_is_refused():
    with pytest.raises(ArgumentError, match=r"scale=0\.0"):
        ContrastiveTensionLossInBatchNegatives(scale=0.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("encoder") / "model")


@pytest.fixture
def model(folder: Path) -> Any:
    return airvec_trainer.SentenceTransformer(folder, device="cpu")


def pairs(model: Any, whole: list[str]) -> Batch:
    damaged = [text[: len(text) // 2] for text in whole]
    return Batch(model, [model.preprocess(damaged), model.preprocess(whole)], [damaged, whole])


def test_a_tied_decoder_shares_the_encoders_weights_and_learns(model: Any):
    loss = prepare(DenoisingAutoEncoderLoss(), model)
    [decoder] = modules_of(loss)
    encoder = dict(model[0].auto_model.named_parameters())
    shared = [name for name, weight in decoder.model.bert.named_parameters() if encoder.get(name) is weight]
    assert "embeddings.word_embeddings.weight" in shared
    assert "encoder.layer.1.output.dense.weight" in shared
    assert not [name for name in shared if "crossattention" in name]
    value = loss.on_batch(pairs(model, texts(3)))
    value.backward()
    assert model[0].auto_model.embeddings.word_embeddings.weight.grad.abs().max() > 0
    assert decoder.model.bert.encoder.layer[0].crossattention.self.value.weight.grad.abs().max() > 0


def test_a_decoder_is_made_where_the_encoder_is(model: Any):
    model.to("meta")  # as a model on an accelerator: weights are not on the CPU, where a decoder is read
    [decoder] = modules_of(prepare(DenoisingAutoEncoderLoss(), model))
    assert {weight.device.type for weight in model.parameters()} == {"meta"}
    assert {weight.device.type for weight in decoder.parameters()} == {"meta"}


def test_the_loss_is_the_mean_over_tokens_that_are_no_padding(model: Any):
    loss, whole = prepare(DenoisingAutoEncoderLoss(), model), texts(4)
    together = loss.on_batch(pairs(model, whole))
    alone = [pairs(model, [text]) for text in whole]
    tokens = [int(one.columns[1]["attention_mask"].sum()) - 1 for one in alone]  # the first is not guessed
    expected = sum(loss.on_batch(one) * count for one, count in zip(alone, tokens, strict=True)) / sum(tokens)
    assert len(set(tokens)) > 1
    torch.testing.assert_close(together, expected, rtol=1e-5, atol=1e-5)


def test_another_decoder_reads_the_texts_by_its_own_tokenizer(model: Any, tmp_path: Path):
    other = tiny_checkpoint(tmp_path / "decoder", "roberta")
    loss = prepare(DenoisingAutoEncoderLoss(decoder_name_or_path=str(other), tie_encoder_decoder=False), model)
    [decoder] = modules_of(loss)
    assert decoder.own_tokens
    given = pairs(model, texts(2))
    assert decoder.ids(given.columns[1], given.texts[1]).shape != given.columns[1]["input_ids"].shape
    before = [weight.clone() for weight in model.parameters()]
    assert torch.isfinite(loss.on_batch(given))
    assert all(torch.equal(one, other) for one, other in zip(before, model.parameters(), strict=True))


def test_a_decoder_that_nobody_names_is_refused():
    with pytest.raises(ArgumentError, match="tie_encoder_decoder=False and decoder_name_or_path=None"):
        DenoisingAutoEncoderLoss(tie_encoder_decoder=False)


def test_a_decoder_of_no_known_kind_is_refused(model: Any, tmp_path: Path):
    (tmp_path / "config.json").write_text("{}")
    loss = DenoisingAutoEncoderLoss(decoder_name_or_path=str(tmp_path), tie_encoder_decoder=False)
    with pytest.raises(ArgumentError, match="is no decoder for transformers"):
        prepare(loss, model)


def test_a_model_without_a_transformer_has_no_decoder():
    with pytest.raises(ArgumentError, match="the model begins with Linear, expected a Transformer"):
        prepare(DenoisingAutoEncoderLoss(), nn.Sequential(nn.Linear(1, 1)))

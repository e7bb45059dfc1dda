"""Losses for texts without labels: two copies of the model that agree, or a decoder that reads the embedding.

Knows nothing of trainers.
"""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch, Features
from airvec_trainer.losses.columns import label_a_row, require_positive
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.decoding import Decoder, make_decoder
from airvec_trainer.similarity import cos_sim

__all__ = ["ContrastiveTensionLoss", "ContrastiveTensionLossInBatchNegatives", "DenoisingAutoEncoderLoss"]


@loss
class ContrastiveTensionLoss:
    """Two copies of the model agree on a text, and disagree on two texts.

    Data: (text, text) / 1 where both are the same, else 0; without labels, equal tokens are 1.
    `contrastive_tension_pairs` makes such rows of a list of texts.
    Formula: Σ_i −log σ(x_i) where the texts are the same, else −log σ(−x_i); x_i = u_i · v_i, the first text's
    embedding by the copy and the second's by the model.
    Source: Carlsson et al. 2021, "Semantic Re-Tuning with Contrastive Tension",
    https://openreview.net/forum?id=Ov_sMNau-PF

    Args:
        twin: the copy, which is trained, too; `prepared(model)` makes it.

    Raises:
        ArgumentError: it was not prepared, or the batch has not two columns.

    Example:
        >>> import torch
        >>> tension = ContrastiveTensionLoss(twin=torch.nn.Identity())
        >>> column = {"sentence_embedding": torch.zeros(1, 2)}
        >>> round(tension.on_batch(Batch(torch.nn.Identity(), [column, column]), torch.tensor([1.0])).item(), 4)  # ln 2
        0.6931
    """

    twin: nn.Module | None = None

    def prepared(self, model: nn.Module) -> "ContrastiveTensionLoss":
        """The loss with a copy of the model as it is now."""
        return replace(self, twin=deepcopy(model))

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of two columns."""
        first, second = _columns(self, batch, 2)
        twins = _made(self, "twin")(dict(first))["sentence_embedding"]
        own = batch.model(dict(second))["sentence_embedding"]
        scores = (twins * own).sum(dim=-1)  # (rows,)
        wanted = _same_texts(batch) if labels is None else label_a_row(self, [own], labels)
        return binary_cross_entropy_with_logits(scores, wanted.to(scores), reduction="sum")


@loss
class ContrastiveTensionLossInBatchNegatives:
    """Of all texts of the batch, two copies of the model find the same text nearest, either way.

    Data: text; the first column is read.
    Formula: the mean of −mean_i log softmax_j(e^k · s(u_i, v_j))_i and the same with i and j changed; u by the copy and
    v by the model; k begins at ln(scale) and is learnt.
    Source: Carlsson et al. 2021, "Semantic Re-Tuning with Contrastive Tension",
    https://openreview.net/forum?id=Ov_sMNau-PF

    Args:
        scale: what similarities are multiplied by at first.
        similarity_fct: of all pairs, a function of `airvec_trainer.similarity`.
        twin: the copy and the learnt scale, both trained; `prepared(model)` makes them.

    Raises:
        ArgumentError: it was not prepared, or a scale of zero or less.

    Example:
        >>> import torch
        >>> twins = ContrastiveTensionLossInBatchNegatives(scale=1.0).prepared(torch.nn.Identity())
        >>> batch = Batch(torch.nn.Identity(), [{"sentence_embedding": torch.eye(2)}])
        >>> round(twins.on_batch(batch).item(), 4)  # −log(e¹ / (e¹ + e⁰))
        0.3133
    """

    scale: float = 20.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = cos_sim
    twin: "ScaledTwin | None" = None

    def __post_init__(self) -> None:
        """Refuse what has no logarithm."""
        require_positive(self, {"scale": self.scale})

    def prepared(self, model: nn.Module) -> "ContrastiveTensionLossInBatchNegatives":
        """The loss with a copy of the model as it is now."""
        return replace(self, twin=ScaledTwin(deepcopy(model), self.scale))

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch's first column."""
        (first,), twin = _columns(self, batch, 1), _made(self, "twin")
        theirs = twin.model(dict(first))["sentence_embedding"]
        own = batch.model(dict(first))["sentence_embedding"]
        scores = self.similarity_fct(theirs, own) * twin.logit_scale.exp()  # (rows, rows)
        rows = torch.arange(len(scores), device=scores.device)
        return (cross_entropy(scores, rows) + cross_entropy(scores.T, rows)) / 2


class ScaledTwin(nn.Module):
    """A copy of a model, and the logarithm of a scale."""

    def __init__(self, model: nn.Module, scale: float) -> None:
        super().__init__()
        self.model, self.logit_scale = model, nn.Parameter(torch.tensor(math.log(scale)))


@loss
class DenoisingAutoEncoderLoss:
    """A decoder finds the text again from the embedding of a damaged copy of it (TSDAE).

    Data: (damaged text, text), as `DenoisingAutoEncoderDataset` or `airvec_trainer.augmentation` make them.
    Formula: −mean_t log p(token_t | tokens before it, embedding), over the tokens of all rows, padding aside.
    Source: Wang et al. 2021, "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for Unsupervised
    Sentence Embedding Learning", https://arxiv.org/abs/2104.06979

    Args:
        decoder_name_or_path: a folder or a Hub name of a model with a language-modelling head; None = the encoder's.
        tie_encoder_decoder: whether the decoder shares the encoder's weights; it is then made of the same checkpoint.
        decoder: the decoder and its tokenizer, which is trained, too; `prepared(model)` makes it. Its cross-attention
            is new: seed torch before.

    Raises:
        ArgumentError: neither tied nor named, an encoder that is no Transformer, sizes or tokenizers that do not fit.

    Example:
        >>> DenoisingAutoEncoderLoss().tie_encoder_decoder
        True
    """

    decoder_name_or_path: str | None = None
    tie_encoder_decoder: bool = True
    decoder: "Decoder | None" = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse a decoder that nobody names."""
        if not self.tie_encoder_decoder and self.decoder_name_or_path is None:
            raise ArgumentError(
                f"DenoisingAutoEncoderLoss: tie_encoder_decoder={self.tie_encoder_decoder} and decoder_name_or_path="
                f"{self.decoder_name_or_path}, expected the name of a decoder. Name one, or tie it to the encoder."
            )

    def prepared(self, model: nn.Module) -> "DenoisingAutoEncoderLoss":
        """The loss with its decoder; a tied one takes the encoder's weights over."""
        return replace(self, decoder=make_decoder(model, self.decoder_name_or_path, tied=self.tie_encoder_decoder))

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The loss of a batch of two columns."""
        damaged, whole = _columns(self, batch, 2)
        decoder = _made(self, "decoder")
        embeddings = batch.model(dict(damaged))["sentence_embedding"]
        ids = decoder.ids(whole, batch.texts[1] if len(batch.texts) > 1 else ())
        logits = decoder(ids[:, :-1], embeddings)  # (rows, tokens, vocabulary)
        return cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=decoder.pad)


def _columns(loss: Any, batch: Batch, count: int) -> list[Features]:
    """The first columns; one loss of texts alone ignores others, where two are needed there must be two."""
    if len(batch.columns) < count or (count > 1 and len(batch.columns) != count):
        raise ArgumentError(
            f"{type(loss).__name__}: {len(batch.columns)} columns of texts, expected {count}. "
            "Keep those that its docstring names under Data (select_columns)."
        )
    return list(batch.columns[:count])


def _made(loss: Any, name: str) -> Any:
    """The field that `prepared` makes."""
    module = getattr(loss, name)
    if module is None:
        raise ArgumentError(
            f"{type(loss).__name__}: {name}=None, expected what prepared(model) makes of the model. The trainers do "
            "it: call airvec_trainer.losses.protocol.prepare(loss, model) in a loop of your own."
        )
    return module


def _same_texts(batch: Batch) -> Tensor:
    """Whether a row's two texts are the same, (rows,): by their tokens, which prompts and limits have shaped."""
    first, second = batch.columns
    if "attention_mask" not in first or "attention_mask" not in second:
        return torch.tensor([one == other for one, other in zip(*batch.texts, strict=True)])
    rows = zip(*(column[name] for column in (first, second) for name in ("input_ids", "attention_mask")), strict=True)
    return torch.tensor([torch.equal(one[seen.bool()], other[kept.bool()]) for one, seen, other, kept in rows])

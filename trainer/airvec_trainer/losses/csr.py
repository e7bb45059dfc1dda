"""CSR: a sparse auto-encoder on a dense encoder, trained by a loss of its codes and by what it gives back.

Reads what `SparseAutoEncoder` adds to the outputs of a model.
Knows nothing of how an auto-encoder computes them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from airvec.errors import ArgumentError
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.columns import name_of
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.gradcache import require_inner
from airvec_trainer.losses.positives import MultipleNegativesRankingLoss
from airvec_trainer.losses.protocol import on_arrays, total
from airvec_trainer.losses.splade import inner_parts
from airvec_trainer.similarity import dot_score

__all__ = ["CSRLoss", "CSRReconstructionLoss"]

READS = (
    "sentence_embedding_backbone", "decoded_embedding_k", "decoded_embedding_4k", "decoded_embedding_aux",
    "decoded_embedding_k_pre_bias",
)  # fmt: skip


@loss
class CSRReconstructionLoss:
    """How well a sparse auto-encoder gives its input back, from k, from 4 k and from its dead dimensions.

    Data:
        any columns of texts, no label, for a model with a SparseAutoEncoder. `CSRLoss` is it with a loss beside it.

    Formula:
        mean over columns of mse(x, x_k) + mse(x, x_4k) / 8 + β·mse(x - x_k + bias, aux) / var(x - x_k + bias)

    Args:
        beta: β.

    Example:
        >>> x, zeros = torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2)
        >>> output = dict.fromkeys(READS, zeros) | {"sentence_embedding_backbone": x}
        >>> {name: value.item() for name, value in CSRReconstructionLoss().of_outputs([output]).items()}
        {'reconstruction_loss_k': 5.0, 'reconstruction_loss_4k': 0.625, 'reconstruction_loss_aux': 5.0}

    Source: Wen et al. 2025, "Beyond Matryoshka: Revisiting Sparse Coding for Adaptive Representation",
    https://arxiv.org/abs/2503.01776
    """

    beta: float = 1.0

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The sum of the parts: a scalar."""
        return total(self.batch_parts(batch, labels))

    def batch_parts(self, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
        """`reconstruction_loss_k`, `reconstruction_loss_4k` and `reconstruction_loss_aux`, weights and all."""
        return self.of_outputs(batch.outputs())

    def of_outputs(self, outputs: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """The parts, from what the model gave for each column.

        Raises:
            ArgumentError: the model has no SparseAutoEncoder.
        """
        found = torch.stack([self._of_column(output) for output in outputs]).mean(dim=0)  # (3,)
        names = ("reconstruction_loss_k", "reconstruction_loss_4k", "reconstruction_loss_aux")
        return dict(zip(names, found.unbind(), strict=True))

    def _of_column(self, output: Mapping[str, Any]) -> Tensor:
        """(3,)."""
        missing = [name for name in READS if name not in output]
        if missing:
            raise ArgumentError(
                f"{name_of(self)}: the model gives {sorted(output)} without {missing}, expected the outputs of a "
                f"SparseAutoEncoder. Add that module behind the pooling."
            )
        embedding, by_k, by_4k, auxiliary, unbiased = (output[name] for name in READS)
        parts = [mse_loss(embedding, by_k), mse_loss(embedding, by_4k) / 8]
        if auxiliary is None:  # an auto-encoder with k_aux=0
            return torch.stack([*parts, torch.zeros_like(parts[0])])
        return torch.stack([*parts, self.beta * _unexplained(auxiliary, embedding - unbiased.detach())])


@loss
class CSRLoss:
    """A loss of sparse codes, and `CSRReconstructionLoss` beside it.

    Data:
        as the inner loss, for a model with a SparseAutoEncoder.

    Formula:
        γ·inner + L_k + L_4k / 8 + β·L_aux

    Args:
        loss: the inner one, a function of embeddings, `MatryoshkaLoss` or `GISTEmbedLoss`, but no cached one: the
            gradient cache keeps embeddings alone, and the reconstruction needs more of the model. None is
            `SparseMultipleNegativesRankingLoss()`.
        beta: β, of the part that revives dead dimensions.
        gamma: γ.

    Example:
        >>> from airvec_trainer.losses.teacher import MSELoss
        >>> x, zeros = torch.tensor([[1.0, 3.0]]), torch.zeros(1, 2)
        >>> output = dict.fromkeys(READS, zeros) | {"sentence_embedding_backbone": x, "sentence_embedding": zeros}
        >>> batch = Batch(lambda column: output, [{"input_ids": torch.tensor([[1]])}])
        >>> CSRLoss(loss=MSELoss(), gamma=2.0).on_batch(batch, torch.ones(1, 2)).item()  # 5 + 5/8 + 0.1·5 + 2·1
        8.125

    Source: Wen et al. 2025, "Beyond Matryoshka: Revisiting Sparse Coding for Adaptive Representation",
    https://arxiv.org/abs/2503.01776
    """

    loss: Any = None
    beta: float = 0.1
    gamma: float = 1.0

    def __post_init__(self) -> None:
        if self.loss is not None:
            require_inner(self, self.loss)

    def on_batch(self, batch: Batch, labels: Any = None) -> Tensor:
        """The sum of the parts: a scalar."""
        return total(self.batch_parts(batch, labels))

    def batch_parts(self, batch: Batch, labels: Any = None) -> dict[str, Tensor]:
        """Those of `CSRReconstructionLoss`, and `base_loss` or the inner loss's own."""
        outputs = batch.outputs()
        found = CSRReconstructionLoss(beta=self.beta).of_outputs(outputs)
        # The same as SparseMultipleNegativesRankingLoss, which is in a room above this one.
        inner = MultipleNegativesRankingLoss(scale=1.0, similarity_fct=dot_score) if self.loss is None else self.loss
        parts = inner_parts(on_arrays(inner, batch), [output["sentence_embedding"] for output in outputs], labels)
        return {**found, **{name: value * self.gamma for name, value in parts.items()}}


def _unexplained(rebuilt: Tensor, wanted: Tensor) -> Tensor:
    """Squared error over the variance of the rows, or over 1 where all rows are alike: (rows, d) -> scalar."""
    variance = mse_loss(wanted.mean(dim=0, keepdim=True).expand_as(wanted), wanted)
    alike = (variance == 0) | (wanted == wanted[:1]).all()  # the mean of equal rows can be off by a rounding
    return mse_loss(rebuilt, wanted) / torch.where(alike, torch.ones_like(variance), variance)

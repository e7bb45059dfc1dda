"""Losses of sparse encoders: those for dense embeddings with other defaults, `SpladeLoss` and `CSRLoss`.

The `Sparse…` names are parts. Alone they would fill every dimension of the embeddings, so a trainer refuses them: see
`needs_regulariser`. SPLADE adds regularisers to them (`splade.py`), an auto-encoder its reconstruction (`csr.py`).
Knows nothing of how embeddings are made.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from airvec_trainer.losses.csr import CSRLoss, CSRReconstructionLoss
from airvec_trainer.losses.declaring import loss
from airvec_trainer.losses.positives import MultipleNegativesRankingLoss
from airvec_trainer.losses.scored_pairs import AnglELoss, CoSENTLoss, CosineSimilarityLoss
from airvec_trainer.losses.splade import CachedSpladeLoss, FlopsLoss, SpladeLoss
from airvec_trainer.losses.teacher import DistillKLDivLoss, MarginMSELoss, MSELoss
from airvec_trainer.losses.triplets import TripletLoss
from airvec_trainer.similarity import dot_score

__all__ = [
    "CSRLoss", "CSRReconstructionLoss", "CachedSpladeLoss", "FlopsLoss", "SparseAnglELoss", "SparseCoSENTLoss",
    "SparseCosineSimilarityLoss", "SparseDistillKLDivLoss", "SparseMSELoss", "SparseMarginMSELoss",
    "SparseMultipleNegativesRankingLoss", "SparseTripletLoss", "SpladeLoss",
]  # fmt: skip


@loss
class SparseMultipleNegativesRankingLoss(MultipleNegativesRankingLoss):
    """`MultipleNegativesRankingLoss` of dot products that are not scaled: sparse embeddings have no length of 1.

    Data: (anchor, positive) or (anchor, positive, negative, …), no label. For `SpladeLoss` or `CSRLoss`.

    mean_i [ log Σ_d exp(scale · a_i·d) − scale · a_i·p_i ], d over all documents of the batch.

    Source: Formal et al. 2021, "SPLADE", https://arxiv.org/abs/2107.05720

    Example:
        Each anchor's products are 1 and 0: log(1 + 1/e).

        >>> import torch
        >>> axes = torch.eye(2)
        >>> round(float(SparseMultipleNegativesRankingLoss()([axes, axes])), 4)
        0.3133
    """

    scale: float = 1.0
    similarity_fct: Callable[[Tensor, Tensor], Tensor] = dot_score


@loss
class SparseMarginMSELoss(MarginMSELoss):
    """`MarginMSELoss` under its name for sparse encoders.

    Data: query, positive, negative, … / a teacher's margins or scores. For `SpladeLoss` or `CSRLoss`.

    Mean of [ (q·p − q·n) − (t_p − t_n) ]².

    Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
        Distillation", https://arxiv.org/abs/2010.02666

    Example:
        The student's margin is 1 − 0, the teacher's 3: (1 − 3)².

        >>> import torch
        >>> query, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> float(SparseMarginMSELoss()([query, query, other], torch.tensor([3.0])))
        4.0
    """


@loss
class SparseDistillKLDivLoss(DistillKLDivLoss):
    """`DistillKLDivLoss` with a temperature of 2.

    Data: query, positive, negative, … / a teacher's score of each candidate. For `SpladeLoss` or `CSRLoss`.

    T² · mean over rows of KL(softmax(t / T) ‖ softmax(s / T)).

    Source: Lin et al. 2020, "Distilling Dense Representations for Ranking using Tightly-Coupled Teachers",
        https://arxiv.org/abs/2010.11386

    Example:
        The student holds both to be equal, the teacher at T = 2 gives ¾ and ¼ (scores 2 log 3 and 0):
        4 · (¾ log(¾ / ½) + ¼ log(¼ / ½)).

        >>> import torch
        >>> query, scores = torch.tensor([[1.0, 0.0]]), torch.tensor([[9.0, 1.0]]).log()
        >>> round(float(SparseDistillKLDivLoss()([query, query, query], scores)), 4)
        0.5232
    """

    temperature: float = 2.0


@loss
class SparseTripletLoss(TripletLoss):
    """`TripletLoss` under its name for sparse encoders.

    Data: anchor, positive, negative; no labels. For `SpladeLoss` or `CSRLoss`.

    Mean of relu(|a − p| − |a − n| + triplet_margin).

    Source: Schroff, Kalenichenko and Philbin 2015, "FaceNet", https://arxiv.org/abs/1503.03832

    Example:
        The positive is 5 away (3, 4), the negative 2: 5 − 2 + 5.

        >>> from torch import tensor
        >>> float(SparseTripletLoss()([tensor([[0.0, 0.0]]), tensor([[3.0, 4.0]]), tensor([[2.0, 0.0]])]))
        8.0
    """


@loss
class SparseCosineSimilarityLoss(CosineSimilarityLoss):
    """`CosineSimilarityLoss` for sparse encoders; the model then compares by cosine, too.

    Data: two texts / score. For `SpladeLoss` or `CSRLoss`.

    Mean of (cos(u, v) − score)².

    Source: Reimers and Gurevych 2019, "Sentence-BERT", https://arxiv.org/abs/1908.10084 (regression objective)

    Example:
        A cosine of 1 and a score of 0.5.

        >>> import torch
        >>> u = torch.tensor([[1.0, 0.0]])
        >>> float(SparseCosineSimilarityLoss()([u, u], torch.tensor([0.5])))
        0.25
    """

    def prepared(self, model: nn.Module) -> "SparseCosineSimilarityLoss":
        """Itself; the model's `similarity_fn_name` becomes "cosine", which is what it learns."""
        return _by_cosine(self, model)


@loss
class SparseCoSENTLoss(CoSENTLoss):
    """`CoSENTLoss` for sparse encoders; the model then compares by cosine, too.

    Data: two texts / score. For `SpladeLoss` or `CSRLoss`.

    log(1 + Σ exp(scale · (cos_i − cos_j))), over all pairs of rows where score_i < score_j.

    Source: Huang et al. 2024, "CoSENT: Consistent Sentence Embedding via Similarity Ranking",
        https://penghao-bdsc.github.io/papers/CoSENT_TASLP2024.pdf

    Example:
        The pair with score 0 has cosine 1, that with score 1 cosine 0, the wrong way round: log(1 + e).

        >>> import torch
        >>> u, v = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> round(float(SparseCoSENTLoss(scale=1)([u, v], torch.tensor([0.0, 1.0]))), 4)
        1.3133
    """

    def prepared(self, model: nn.Module) -> "SparseCoSENTLoss":
        """Itself; the model's `similarity_fn_name` becomes "cosine", which is what it learns."""
        return _by_cosine(self, model)


@loss
class SparseAnglELoss(AnglELoss):
    """`AnglELoss` for sparse encoders; the model then compares by cosine.

    Data: two texts / score, or anchor, positive, negative, …. For `SpladeLoss` or `CSRLoss`.

    log(1 + Σ exp(scale · (s_i − s_j))), over all pairs of rows where score_i < score_j, s by `pairwise_angle_sim`.

    Source: Li and Li 2023, "AnglE-optimized Text Embeddings", https://arxiv.org/abs/2309.12871

    Example:
        Both candidates have |cosine + sine| = 1: log(1 + e^(1 − 1)) = log 2.

        >>> import torch
        >>> anchor, negative = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
        >>> round(float(SparseAnglELoss(scale=1)([anchor, anchor, negative])), 4)
        0.6931
    """

    def prepared(self, model: nn.Module) -> "SparseAnglELoss":
        """Itself; the model's `similarity_fn_name` becomes "cosine"."""
        return _by_cosine(self, model)


@loss
class SparseMSELoss(MSELoss):
    """`MSELoss` under its name for sparse encoders, and the one of these names that can stand alone.

    Data: one text, or several / a teacher's sparse embeddings, which tell where the zeros are.

    Mean over columns and elements of (u − t)².

    Source: Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge
        Distillation", https://arxiv.org/abs/2004.09813

    Example:
        Differences 0, 0, 0 and 2: 4 / 4.

        >>> import torch
        >>> float(SparseMSELoss()([torch.eye(2)], torch.tensor([[1.0, 0.0], [0.0, 3.0]])))
        1.0
    """


PARTS = (
    FlopsLoss, SparseAnglELoss, SparseCoSENTLoss, SparseCosineSimilarityLoss, SparseDistillKLDivLoss,
    SparseMarginMSELoss, SparseMultipleNegativesRankingLoss, SparseTripletLoss,
)  # fmt: skip


def needs_regulariser(loss: Any) -> bool:
    """Whether a loss, or what it wraps, is only a part of SpladeLoss or CSRLoss: a trainer refuses it as it is."""
    if isinstance(loss, SpladeLoss | CachedSpladeLoss | CSRLoss):
        return False
    inner = getattr(loss, "loss", None)
    return isinstance(loss, PARTS) or (inner is not None and needs_regulariser(inner))


def _by_cosine(loss: Any, model: Any) -> Any:
    """The reference sets it when the loss is made; here a loss first meets the model when it is prepared."""
    if hasattr(model, "similarity_fn_name"):
        model.similarity_fn_name = "cosine"
    return loss

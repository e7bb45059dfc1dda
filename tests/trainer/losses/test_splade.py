import pytest
import torch
from torch import nn

from airvec.errors import ArgumentError
from airvec_trainer.losses import (
    CachedMultipleNegativesRankingLoss,
    CachedSpladeLoss,
    CSRReconstructionLoss,
    FlopsLoss,
    GISTEmbedLoss,
    GradCache,
    MatryoshkaLoss,
    MegaBatchMarginLoss,
    MultipleNegativesRankingLoss,
    SparseMarginMSELoss,
    SpladeLoss,
)
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import parts_of, prepare
from tests.trainer.losses.stand_ins import Doubling, Reader, column

QUERY = torch.tensor([[1.0, 2.0]])
POSITIVE = torch.tensor([[2.0, 0.0]])
NEGATIVE = torch.tensor([[0.0, 4.0]])
COLUMNS = [QUERY, POSITIVE, NEGATIVE]  # margin 2 - 8
LABELS = torch.tensor([-5.0])
INNER = SparseMarginMSELoss()
RANKING = MultipleNegativesRankingLoss()
BOTH = pytest.mark.parametrize("loss", [SpladeLoss, CachedSpladeLoss])


def made(**settings) -> SpladeLoss:
    return SpladeLoss(**{"loss": INNER, "document_regularizer_weight": 0.1, **settings})


def test_flops_are_the_squares_of_the_means():
    assert FlopsLoss()([POSITIVE, NEGATIVE]).item() == 5.0  # means 1 and 2


def test_rows_with_few_words_count_as_zeros():
    rows = torch.tensor([[1.0, 1.0], [3.0, 0.0]])
    assert FlopsLoss(threshold=1)([rows]).item() == 0.5  # means 1/2 and 1/2
    assert FlopsLoss(threshold=0)([rows]).item() == 4.25  # means 2 and 1/2
    assert FlopsLoss(threshold=2)([rows]).item() == 0.0


def test_documents_and_queries_have_weights_of_their_own():
    parts = made(query_regularizer_weight=0.01).parts(COLUMNS, LABELS)
    assert {name: part.item() for name, part in parts.items()} == {
        "base_loss": 1.0,
        "document_regularizer_loss": pytest.approx(0.1 * 5),
        "query_regularizer_loss": pytest.approx(0.01 * 5),
    }


def test_the_value_is_the_sum_of_the_parts():
    loss = made(query_regularizer_weight=0.01)
    assert loss(COLUMNS, LABELS).item() == pytest.approx(1.55)


def test_without_a_weight_queries_are_left_as_they_are():
    assert list(made().parts(COLUMNS, LABELS)) == ["base_loss", "document_regularizer_loss"]


def test_all_columns_can_be_documents():
    loss = made(document_regularizer_weight=9.0, use_document_regularizer_only=True)
    assert loss.parts(COLUMNS, LABELS)["document_regularizer_loss"].item() == pytest.approx(9 * (1 + 4))  # means 1, 2


def test_thresholds_are_those_of_flops():
    parts = made(query_regularizer_weight=1.0, query_regularizer_threshold=2, document_regularizer_threshold=0).parts(
        COLUMNS, LABELS
    )
    assert parts["query_regularizer_loss"].item() == 0.0
    assert parts["document_regularizer_loss"].item() == pytest.approx(0.5)


def test_regularisers_of_your_own_take_their_place():
    loss = made(
        query_regularizer_weight=1.0,
        document_regularizer=lambda columns: columns[0].abs().sum(),
        query_regularizer=lambda columns: columns[0].max(),
    )
    parts = loss.parts(COLUMNS, LABELS)
    assert parts["document_regularizer_loss"].item() == pytest.approx(0.6)
    assert parts["query_regularizer_loss"].item() == 2.0


@BOTH
def test_the_schedule_is_the_share_of_the_weights_that_counts(loss):
    made = loss(loss=INNER, document_regularizer_weight=0.5, query_regularizer_weight=0.5)
    batch = Batch(Doubling(), [column(2, seed=seed) for seed in range(3)])
    whole = parts_of(made, batch, torch.zeros(2))
    made.schedule.factor = 0.25
    part = parts_of(made, batch, torch.zeros(2))
    for name in ("document_regularizer_loss", "query_regularizer_loss"):
        assert part[name].item() == pytest.approx(whole[name].item() / 4)
    assert part["base_loss"] == whole["base_loss"]


@BOTH
def test_a_prepared_loss_keeps_the_schedule(loss):
    class Changed(SparseMarginMSELoss):
        def prepared(self, _model):
            return INNER

    made = loss(loss=Changed(), document_regularizer_weight=0.5)
    found = prepare(made, nn.Identity())
    assert found is not made
    assert found.schedule is made.schedule
    assert loss(loss=INNER, document_regularizer_weight=0.5).schedule is not made.schedule


def test_the_parts_of_an_inner_loss_keep_their_names():
    class InParts:
        def __call__(self, columns, labels=None):
            return columns[0].sum()

        def parts(self, columns, labels=None):
            return {"one": columns[0].sum(), "two": columns[1].sum()}

    assert list(made(loss=InParts()).parts(COLUMNS)) == ["one", "two", "document_regularizer_loss"]


@pytest.mark.parametrize("options", [{}, {"use_document_regularizer_only": True}, {"query_regularizer_weight": 0.3}])
def test_the_cache_gives_the_parts_and_the_gradient_of_the_whole_batch(options):
    settings = {"loss": INNER, "document_regularizer_weight": 0.2, **options}
    found = []
    for loss in (SpladeLoss(**settings), CachedSpladeLoss(**settings, mini_batch_size=2)):
        model = Doubling()
        parts = parts_of(loss, Batch(model, [column(5, seed=seed) for seed in range(3)]), torch.zeros(5))
        sum(parts.values()).backward()
        found.append((parts, model.weight.grad))
    (parts, gradient), (cached, of_cache) = found
    assert list(cached) == list(parts)
    assert all(cached[name].item() == pytest.approx(part.item()) for name, part in parts.items())
    assert torch.allclose(of_cache, gradient, rtol=1e-5)


def test_old_calls_by_place_work():
    model = Reader()
    loss = SpladeLoss(model, INNER, 0.1, 0.2, None, None, 3, 4, False)
    assert (loss.document_regularizer_weight, loss.query_regularizer_weight) == (0.1, 0.2)
    assert (loss.document_regularizer_threshold, loss.query_regularizer_threshold) == (3, 4)
    assert CachedSpladeLoss(model, INNER, 0.1, 0.2, None, None, 3, 4, False, 7).mini_batch_size == 7


@BOTH
def test_a_loss_that_is_no_function_of_embeddings_is_refused(loss):
    for inner, name in ((CSRReconstructionLoss(), "CSRReconstructionLoss"), (SparseMarginMSELoss, "the class")):
        with pytest.raises(ArgumentError, match=f"SpladeLoss: loss is {name}"):
            loss(loss=inner, document_regularizer_weight=0.1)


@BOTH
def test_a_weight_of_queries_and_no_queries_contradict(loss):
    with pytest.raises(ArgumentError, match="query_regularizer_weight is 0.2 with use_document_regularizer_only=True"):
        loss(
            loss=INNER,
            document_regularizer_weight=0.1,
            query_regularizer_weight=0.2,
            use_document_regularizer_only=True,
        )


def test_a_query_alone_has_no_documents():
    with pytest.raises(ArgumentError, match=r"1 column\(s\), expected a query's and a document's at least"):
        made()([QUERY])


def test_the_cache_holds_something():
    with pytest.raises(ArgumentError, match="mini_batch_size=0"):
        CachedSpladeLoss(loss=INNER, document_regularizer_weight=0.1, mini_batch_size=0)


class Guide:
    encode = staticmethod(lambda texts: torch.eye(len(texts)))


WRAPPED = {
    "Matryoshka": (MatryoshkaLoss(loss=RANKING, matryoshka_dims=[4, 2]), None),
    "GIST": (GISTEmbedLoss(guide=Guide()), None),
    "MegaBatch": (MegaBatchMarginLoss(), None),
    "Cached": (CachedMultipleNegativesRankingLoss(mini_batch_size=2), RANKING),
    "Matryoshka around Cached": (
        MatryoshkaLoss(loss=GradCache(loss=RANKING, mini_batch_size=2), matryoshka_dims=[4, 2]),
        MatryoshkaLoss(loss=RANKING, matryoshka_dims=[4, 2]),
    ),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_any_loss_of_embeddings_can_be_inside_also_in_the_cache(name):
    inner, plain = WRAPPED[name]
    plain = plain or inner
    found = []
    losses = [made(loss=inner), GradCache(loss=made(loss=plain), mini_batch_size=2)]
    for loss in losses:
        model = Doubling()
        batch = Batch(model, [column(5, seed=seed) for seed in range(2)], [["a"] * 5, ["b"] * 5])
        parts = parts_of(loss, batch)
        sum(parts.values()).backward()
        found.append((parts, model.weight.grad))
        alone = plain.on_batch(batch) if hasattr(plain, "on_batch") else plain(batch.embeddings())
        assert parts["base_loss"].item() == pytest.approx(alone.item(), rel=1e-5)
        assert set(parts) == {"base_loss", "document_regularizer_loss"}
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-4, atol=1e-6)


def test_regularisers_around_regularisers_are_refused():
    with pytest.raises(ArgumentError, match="loss is MatryoshkaLoss, which has regularisers of its own"):
        made(loss=MatryoshkaLoss(loss=made(), matryoshka_dims=[4]))


@pytest.mark.parametrize("name", ["document_regularizer_weight", "query_regularizer_weight"])
def test_a_weight_below_zero_is_refused(name):
    with pytest.raises(ArgumentError, match=f"{name}=-0.1, expected 0 or more"):
        made(**{name: -0.1})


def test_a_cache_around_a_cache_is_refused():
    with pytest.raises(ArgumentError, match=r"loss is SpladeLoss, which has a gradient cache \(GradCache\)"):
        GradCache(loss=made(loss=GradCache(loss=RANKING)))

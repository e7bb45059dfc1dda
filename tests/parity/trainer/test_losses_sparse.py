"""Sparse encoders' losses against sentence-transformers' value, parts and gradient."""

from dataclasses import replace

import pytest
import sentence_transformers as st
import torch
from sentence_transformers.sparse_encoder import losses as st_losses

import airvec_trainer
from airvec_trainer import losses
from airvec_trainer.losses.batch import Batch
from airvec_trainer.losses.protocol import parts_of
from airvec_trainer.losses.sparse import needs_regulariser
from tests.parity.trainer.cases_sparse import CASES, INNER, LooksUp, features_of, inputs
from tests.parity.trainer.loss_cases import BOUNDS, LossCase, measure, run
from tests.parity.trainer.twins import batch_of, columns, farthest, reference_step, step
from tests.tiny import sparse_checkpoint

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:query_regularizer_weight:UserWarning"),
]
WEIGHTS = {"document_regularizer_weight": 3e-4, "query_regularizer_weight": 2e-4}


@pytest.mark.parametrize("one", CASES, ids=str)
def test_value_and_gradient_are_the_references(one: LossCase):
    for dtype, bound in BOUNDS.items():
        if dtype == torch.float32 or one.halves:
            assert measure(one, dtype).worst <= bound, dtype


def test_every_loss_of_the_reference_is_compared():
    assert set(st_losses.__all__) == {one.loss for one in CASES}
    assert set(st_losses.__all__) <= set(losses.__all__)


def test_every_loss_is_compared_where_it_moves_the_embeddings():
    moving = {
        one.loss
        for one in CASES
        if any(gradient.abs().max() > 1e-3 for gradient in run(one.reference, one, torch.float32)[1])
    }
    assert moving == {one.loss for one in CASES}


def test_another_weight_would_be_caught():
    one = next(one for one in CASES if str(one) == "SpladeLoss: queries free, five rows")
    other = losses.SpladeLoss(loss=losses.SparseMarginMSELoss(), document_regularizer_weight=0.301)
    assert measure(replace(one, ours=other)).worst > BOUNDS[torch.float32]


@pytest.mark.parametrize("name", ["SpladeLoss", "CachedSpladeLoss"])
@pytest.mark.parametrize("more", [{}, {"query_regularizer_weight": 0.2}])
def test_parts_have_the_references_names_and_values(name, more):
    given = inputs(4, INNER["SparseMarginMSELoss"][1])[0]
    leaves = [column.clone().requires_grad_() for column in given.columns]
    model, settings = LooksUp(leaves), {"document_regularizer_weight": 0.3, **more}
    ours = getattr(losses, name)(loss=losses.SparseMarginMSELoss(), **settings)
    theirs = getattr(st_losses, name)(model, st_losses.SparseMarginMSELoss(model), **settings)
    found = parts_of(ours, Batch(model, features_of(leaves)), given.labels)
    expected = theirs(features_of(leaves), given.labels)
    assert list(found) == list(expected)
    for part, value in expected.items():
        assert found[part].item() == pytest.approx(value.item(), abs=1e-5)


@pytest.mark.parametrize("name", [*INNER, "FlopsLoss"])
def test_those_that_the_reference_refuses_alone_need_a_regulariser(name):
    model = LooksUp([torch.ones(2, 12)])
    loss, refused = getattr(st_losses, name)(model), False
    try:
        loss(features_of([torch.ones(2, 12)]), torch.ones(2, 12))
    except (AttributeError, NotImplementedError):
        refused = True
    assert needs_regulariser(getattr(losses, name)()) == refused


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """Our SPLADE model and the reference's on the same weights, in training mode: dropout is on."""
    folder = sparse_checkpoint(tmp_path_factory.mktemp("tiny") / "splade")
    ours = airvec_trainer.SparseEncoder(folder, device="cpu")
    return ours.train(), st.SparseEncoder(str(folder), device="cpu", local_files_only=True).train()


@pytest.mark.parametrize("inner", [name for name in INNER if name != "SparseMSELoss"])
@pytest.mark.parametrize(("name", "more"), [("SpladeLoss", {}), ("CachedSpladeLoss", {"mini_batch_size": 4})])
def test_a_step_of_a_splade_model_is_the_references(twins, name, more, inner):
    ours, theirs = twins
    ours.zero_grad()
    theirs.zero_grad()
    width, labels = INNER[inner]
    # Softer than the defaults: all gradients grow with the scale, and with them the rounding of those of key biases,
    # which are 0 but for rounding, as attention's softmax takes away what is added to all of its scores.
    options = {"scale": 2.0} if inner in {"SparseCoSENTLoss", "SparseAnglELoss"} else {}
    mine = getattr(losses, name)(loss=getattr(losses, inner)(**options), **WEIGHTS, **more)
    other = getattr(st_losses, name)(theirs, getattr(st_losses, inner)(theirs, **options), **WEIGHTS, **more)
    found = step(ours, mine, columns(width), labels(6))
    expected = reference_step(theirs, other, columns(width), labels(6))
    assert len(expected.gradients) > 10
    assert max(float(gradient.abs().max()) for gradient in expected.gradients.values()) > 1e-3
    assert farthest(found, expected) <= 1e-5


def test_dropout_is_on(twins):
    batch = batch_of(twins[0], columns(1))
    assert not torch.equal(batch.embeddings()[0], batch.embeddings()[0])

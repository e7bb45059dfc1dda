"""Training code of three shapes that tutorials have, with nothing but the import changed."""

import numpy as np
import pytest
from datasets import Dataset
from torch.utils.data import DataLoader

from tests.tiny.checkpoints import tiny_checkpoint

PAIRS = [
    ["query: list comprehension", "A short way to build lists"],
    ["query: machine learning", "Programs that learn from data"],
    ["query: loops", "For loops walk over sequences"],
    ["query: sorting", "Order the entries of a list"],
]


def weights_of(model):
    return [weight.detach().clone() for weight in model.parameters()]


def distance(before, model):
    """The largest change of a weight."""
    return max(float((new - old).detach().abs().max()) for old, new in zip(before, model.parameters(), strict=True))


@pytest.fixture
def name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return str(tiny_checkpoint(tmp_path / "base"))


def test_scored_pairs_with_cosine_similarity(name):
    from airvec_trainer import InputExample, SentenceTransformer, losses

    model = SentenceTransformer(name)
    train_examples = [
        InputExample(texts=["A man plays a guitar", "A person makes music"], label=1.0),
        InputExample(texts=["A man plays a guitar", "A woman cooks"], label=0.0),
    ]
    train_dataloader = DataLoader(train_examples, shuffle=True, batch_size=16)
    train_loss = losses.CosineSimilarityLoss(model)
    before = weights_of(model)
    model.fit(train_objectives=[(train_dataloader, train_loss)], epochs=2, warmup_steps=1)
    assert distance(before, model) > 0


def test_pairs_with_negatives_from_the_batch(name):
    from airvec_trainer import InputExample, SentenceTransformer, datasets, losses

    assert datasets.NoDuplicatesDataLoader
    model = SentenceTransformer(name)
    before = model.encode(PAIRS[0][0])
    train_examples = [InputExample(texts=pair) for pair in PAIRS]
    train_dataloader = DataLoader(train_examples, batch_size=2)
    train_loss = losses.MultipleNegativesRankingLoss(model)
    model.fit(
        train_objectives=[(train_dataloader, train_loss)], epochs=3, warmup_steps=0, optimizer_params={"lr": 2e-3}
    )
    assert not np.allclose(before, model.encode(PAIRS[0][0]), atol=1e-4)


def test_pairs_with_mined_negatives_and_save(name):
    from airvec_trainer import InputExample, SentenceTransformer, losses

    model = SentenceTransformer(name)
    negatives = [PAIRS[number - 1][1] for number in range(len(PAIRS))]
    train_examples = [InputExample(texts=[*pair, other]) for pair, other in zip(PAIRS, negatives, strict=True)]
    train_dataloader = DataLoader(train_examples, shuffle=True, batch_size=4)
    train_loss = losses.MultipleNegativesRankingLoss(model)
    model.fit(
        train_objectives=[(train_dataloader, train_loss)],
        epochs=3,
        warmup_steps=100,
        optimizer_params={"lr": 2e-5},
        show_progress_bar=True,
    )
    model.save("my-custom-model")
    again = SentenceTransformer("my-custom-model")
    np.testing.assert_allclose(again.encode(PAIRS[0]), model.encode(PAIRS[0]), atol=1e-6)


@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")  # torch's, on a machine without an accelerator
def test_a_trainer_with_a_data_set_and_save_pretrained(name, tmp_path):
    from airvec_trainer import SentenceTransformer, SentenceTransformerTrainer, losses

    model = SentenceTransformer(name)
    train_dataset = Dataset.from_dict(
        {
            "anchor": ["ticket: app crashes", "billing: double charge"],
            "positive": ["the application fails to start", "I was charged twice"],
        }
    )
    loss = losses.MultipleNegativesRankingLoss(model)
    trainer = SentenceTransformerTrainer(model=model, train_dataset=train_dataset, loss=loss)
    trainer.train()
    model.save_pretrained("./my-finetuned-model")
    assert (tmp_path / "my-finetuned-model" / "README.md").is_file()


@pytest.mark.parametrize(
    ("name_of_loss", "texts", "label", "arguments"),
    [
        ("CosineSimilarityLoss", 2, 0.9, ()),
        ("CoSENTLoss", 2, 0.9, ()),
        ("ContrastiveLoss", 2, 1, ()),
        ("TripletLoss", 3, 0, ()),
        ("MultipleNegativesRankingLoss", 2, 0, ()),
    ],
)
def test_the_losses_that_tutorials_name_take_their_examples(name, name_of_loss, texts, label, arguments):
    from airvec_trainer import InputExample, SentenceTransformer, losses

    model = SentenceTransformer(name)
    words = ["sentence A", "sentence B", "sentence C"][:texts]
    rows = [
        InputExample(texts=words, label=label),
        InputExample(texts=words[::-1], label=label and 0.1 if label == 0.9 else 0),
    ]
    loss = getattr(losses, name_of_loss)(model, *arguments)
    before = weights_of(model)
    data = [(DataLoader(rows, batch_size=2), loss)]
    model.fit(train_objectives=data, epochs=2, warmup_steps=1, show_progress_bar=False)
    assert distance(before, model) > 0


def test_a_matryoshka_loss_wraps_another(name):
    from airvec_trainer import InputExample, SentenceTransformer, losses

    model = SentenceTransformer(name)
    loss = losses.MatryoshkaLoss(model, losses.MultipleNegativesRankingLoss(model), matryoshka_dims=[32, 16])
    rows = DataLoader([InputExample(texts=pair) for pair in PAIRS], batch_size=4)
    before = weights_of(model)
    model.fit(train_objectives=[(rows, loss)], epochs=2, warmup_steps=1, show_progress_bar=False)
    assert distance(before, model) > 0

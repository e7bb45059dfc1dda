"""The embedded sample, and texts as a body's graph takes them."""

from dataclasses import replace

import numpy as np
import pytest

from airvec.folder import CLASSIFY
from airvec_exporter.errors import ExportError
from airvec_exporter.load import Checkpoint
from airvec_exporter.quantize import batches, sample_texts


def test_the_sample_is_varied():
    texts = sample_texts()
    lengths = [len(text.split()) for text in texts]
    assert len(texts) == len(set(texts)) >= 200
    assert min(lengths) <= 3
    assert max(lengths) >= 250
    assert sum(text.endswith("?") for text in texts) > 20
    assert sum(not text.isascii() for text in texts) > 15


def test_each_text_is_a_batch_without_padding(loaded: Checkpoint):
    made = batches(loaded.body, ["a parcel", "a parcel that is late"])
    assert [batch["input_ids"].shape[0] for batch in made] == [1, 1]
    assert made[0]["input_ids"].shape[1] < made[1]["input_ids"].shape[1]
    assert all(batch["attention_mask"].all() for batch in made)
    assert set(made[0]) == set(loaded.body.inputs)
    assert made[0]["input_ids"].dtype == np.int64


def test_rerankers_get_each_text_with_the_next(loaded: Checkpoint):
    body = replace(loaded.body, spec=loaded.body.spec._replace(task=CLASSIFY))
    made = batches(body, ["a parcel", "late"])
    assert len(made) == 2
    assert all(batch["token_type_ids"].any() for batch in made)  # the second text of a pair


@pytest.mark.parametrize(("texts", "found"), [([], "0 texts"), (["a", 3], "int 3")])
def test_texts_that_are_none_are_refused(loaded: Checkpoint, texts: list, found: str):
    with pytest.raises(ExportError, match=f"calibration texts: {found}, expected a list of str"):
        batches(loaded.body, texts)

import numpy as np
import pytest
from parity import BOUND, LENGTHS, compare, text_of_length
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import BertPreTokenizer


@pytest.fixture
def tokenizer():
    """Words and punctuation marks are tokens, so that a word may have several."""
    made = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = BertPreTokenizer()
    return made


@pytest.mark.parametrize("tokens", LENGTHS)
def test_a_text_has_exactly_as_many_tokens_as_asked(tokens, tokenizer):
    text = text_of_length(tokens, "well-known words, " * 400, tokenizer)
    assert len(tokenizer.encode(text).ids) == tokens


def test_too_little_material_is_an_error(tokenizer):
    with pytest.raises(ValueError, match="600 tokens"):
        text_of_length(600, "only four words here", tokenizer)


class OffInBatchesOfSeven:
    def __init__(self, vectors):
        self.vectors = vectors

    def encode(self, texts, batch_size, show_progress_bar):
        return self.vectors + (2 * BOUND if batch_size == 7 else 0)


def test_a_batch_size_with_other_numbers_is_not_ok():
    vectors = np.eye(3, 4, dtype=np.float32)
    rows = compare(OffInBatchesOfSeven(vectors), ["a", "b", "c"], vectors)
    assert {row["batch size"]: row["ok"] for row in rows} == {
        "1": True,
        "7": False,
        "32": True,
        "all 3 at once": True,
        "airvec's own": True,
    }

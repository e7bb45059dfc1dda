import pytest
from parity import LENGTHS, text_of_length
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

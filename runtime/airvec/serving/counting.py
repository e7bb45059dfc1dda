"""How many tokens a model would read of some texts, before it reads them.

Knows nothing of requests.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenizers import Tokenizer

from airvec.prompts import resolve_prompt
from airvec.tokenizer import parts_of

if TYPE_CHECKING:
    from airvec.cross_encoder import CrossEncoder


class Counter(NamedTuple):
    """A model's tokenizer, the special tokens that a text or pair gets, and the most tokens that the model reads."""

    tokenizer: Tokenizer
    special: int
    longest: int | None

    @classmethod
    def of(cls, model: Any, nothing: object = "") -> "Counter":
        """That of an opened model, whose shortest input is `nothing`: an empty text, or a pair of them."""
        special = int(model.tokenize([nothing])["attention_mask"].sum())
        return cls(model.tokenizer, special, model.max_seq_length)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special ones not counted, uncut; the same text is looked at once."""
        listed = list(dict.fromkeys(texts))
        found: list[int] = []
        for part in parts_of(listed):  # all at once would take some 100 bytes a token
            found += map(len, self.tokenizer.encode_batch_fast(list(part), add_special_tokens=False))
        by_text = dict(zip(listed, found, strict=True))
        return [by_text[text] for text in texts]

    def read_pairs(self, pairs: Sequence[tuple[str, str]]) -> int:
        """Tokens that the model reads of pairs."""
        found = self.lengths([text for pair in pairs for text in pair])
        return self.read([first + second for first, second in zip(found[::2], found[1::2], strict=True)])

    def read(self, lengths: Sequence[int]) -> int:
        """Tokens that the model reads of inputs with these lengths."""
        every = (length + self.special for length in lengths)
        return sum(every) if self.longest is None else sum(min(length, self.longest) for length in every)


class CheckedReranker:
    """A reranker for one search, which counts the tokens of its pairs before it scores them.

    Args:
        reranker: the model.
        counter: of its pairs.
        check: gets the tokens of all pairs so far, and raises if they are too many.
    """

    def __init__(self, reranker: "CrossEncoder", counter: Counter, check: Callable[[int], None]) -> None:
        self._reranker, self._counter, self._check = reranker, counter, check
        self._prompt = resolve_prompt(reranker.prompts, reranker.default_prompt_name)
        self.tokens = 0

    def predict(self, pairs: Sequence[tuple[str, str]], /) -> Any:
        """Scores of pairs, as the model gives them; nothing is scored once the check has raised."""
        firsts = {query: self._prompt + query for query, _ in pairs}
        self.tokens += self._counter.read_pairs([(firsts[query], text) for query, text in pairs])
        self._check(self.tokens)
        return self._reranker.predict(pairs)

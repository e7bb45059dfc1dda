"""Tokenizers of every family, trained on a few hundred lines: WordPiece, BPE and Unigram, in transformers' own classes.

Special tokens, their ids (pad is 0, 1 or the last) and the templates of one text and of a pair are those of the
published models.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from math import log
from typing import Any

import transformers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tests.tiny.corpus import lines

VOCABULARY = 400
PIECES = 230  # of BPE, which make about 400 of WordPiece

BERT_TOKENS = {
    "pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]",
}  # fmt: skip
# In this order <pad> has id 1, as in every published model of these families.
ROBERTA_TOKENS = {
    "cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>",
}  # fmt: skip
XLMR_TOKENS = {**ROBERTA_TOKENS, "bos_token": "<s>", "eos_token": "</s>"}
ALBERT_TOKENS = {"pad_token": "<pad>", **{key: BERT_TOKENS[key] for key in ("cls_token", "sep_token", "mask_token")}}
EUROBERT_TOKENS = {"bos_token": "<|begin|>", "eos_token": "<|end|>", "mask_token": "<|mask|>"}

# One text and two: A's tokens have type 0, B's the type behind its colon.
BERT_PAIR = "{start} $A {end} $B:1 {end}:1"
ROBERTA_PAIR = "{start} $A {end} {end} $B {end}"


def tiny_tokenizer(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer of a kind of `TOKENIZERS`: a new one on every call, trained once."""
    return TOKENIZERS[kind]()


def _wordpiece(special: Mapping[str, str], class_name: str, pair: str, lower: bool = True) -> PreTrainedTokenizerFast:
    backend = Tokenizer.from_str(_trained_wordpiece(tuple(special.values()), lower))
    backend.post_processor = _template(backend, special["cls_token"], special["sep_token"], pair)
    return getattr(transformers, class_name)(tokenizer_object=backend, do_lower_case=lower, **special)


@cache
def _trained_wordpiece(special: tuple[str, ...], lower: bool) -> str:
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.BertNormalizer(lowercase=lower)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.train_from_iterator(lines(), trainers.BpeTrainer(vocab_size=PIECES, show_progress=False))
    names = list(dict.fromkeys((*special, "[UNK]")))
    vocabulary = {token: row for row, token in enumerate([*names, *sorted(_pieces(backend))])}
    backend.model = models.WordPiece(vocabulary, unk_token="[UNK]")
    backend.add_special_tokens(names)
    backend.decoder = decoders.WordPiece()
    return backend.to_str()


def _pieces(backend: Tokenizer) -> set[str]:
    """WordPiece's vocabulary from BPE's pieces: the library's WordPiece trainer breaks ties by chance, BPE's does not.

    A piece inside a word has "##" before it; all characters are there in both forms.
    """
    found = {prefix + letter for letter in backend.get_vocab() if len(letter) == 1 for prefix in ("", "##")}
    for line in backend.encode_batch(list(lines())):
        for place, (word, token) in enumerate(zip(line.word_ids, line.tokens, strict=True)):
            found.add(f"##{token}" if place and line.word_ids[place - 1] == word else token)
    return found


def _bytes(
    special: Mapping[str, str], class_name: str, template: Callable[[Tokenizer], Any] | None = None, last: bool = False
) -> PreTrainedTokenizerFast:
    """Byte-level BPE; `last`: special tokens come behind all others, as in ModernBERT and EuroBERT."""
    names = tuple(dict.fromkeys(special.values()))
    backend = Tokenizer.from_str(_trained_bytes(() if last else names))
    if last:
        backend.add_special_tokens(list(names))
    if template is not None:
        backend.post_processor = template(backend)
    return getattr(transformers, class_name)(tokenizer_object=backend, **special)


@cache
def _trained_bytes(special: tuple[str, ...]) -> str:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    backend.train_from_iterator(lines(), trainer)
    return backend.to_str()


def _unigram(
    special: Mapping[str, str], class_name: str, template: Callable[[Tokenizer], Any], unknown: str = "<unk>"
) -> PreTrainedTokenizerFast:
    backend = Tokenizer.from_str(_trained_unigram(tuple(dict.fromkeys(special.values())), unknown))
    backend.post_processor = template(backend)
    return getattr(transformers, class_name)(tokenizer_object=backend, **special)


@cache
def _trained_unigram(special: tuple[str, ...], unknown: str) -> str:
    backend = Tokenizer(models.Unigram())
    # Runs of spaces become one, as sentencepiece does.
    backend.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=list(special), unk_token=unknown, show_progress=False
    )
    backend.train_from_iterator(lines(), trainer)
    pieces = sorted(piece for piece, _ in json.loads(backend.to_str())["model"]["vocab"] if piece not in special)
    rows = [(token, 0.0) for token in special] + [(piece, _frequency(piece)) for piece in pieces]
    backend.model = models.Unigram(rows, unk_id=special.index(unknown))
    return backend.to_str()


def _frequency(piece: str) -> float:
    """The logarithm of how often a piece is seen: the trainer's own scores differ by 1e-3 from run to run."""
    text = "".join(f"▁{line}" for line in lines()).replace(" ", "▁")
    return round(log((text.count(piece) + 1) / len(text)), 3)


def _template(backend: Tokenizer, start: str | None, end: str, pair: str) -> processors.TemplateProcessing:
    """`pair` names the two special tokens `{start}` and `{end}`; a template without a start has none."""
    single = "{start} $A {end}" if start else "$A {end}"
    ids = [(token, backend.token_to_id(token)) for token in (start, end) if token]
    filled = [text.format(start=start, end=end) for text in (single, pair)]
    return processors.TemplateProcessing(single=filled[0], pair=filled[1], special_tokens=ids)


def _between(start: str | None, end: str, pair: str) -> Callable[[Tokenizer], Any]:
    return lambda backend: _template(backend, start, end, pair)


def _begin(start: str) -> Callable[[Tokenizer], Any]:
    """Decoders that open with a token and close with none."""
    return lambda backend: processors.TemplateProcessing(
        single=f"{start} $A", pair=f"{start} $A {start} $B:1", special_tokens=[(start, backend.token_to_id(start))]
    )


T5_TOKENS = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
GEMMA_TOKENS = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}
QWEN_TOKENS = {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
XLMR_TEMPLATE = _between("<s>", "</s>", ROBERTA_PAIR)
BERT_TEMPLATE = _between("[CLS]", "[SEP]", BERT_PAIR)
TOKENIZERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "wordpiece": lambda: _wordpiece(BERT_TOKENS, "BertTokenizer", BERT_PAIR),
    "cased": lambda: _wordpiece(BERT_TOKENS, "BertTokenizer", BERT_PAIR, lower=False),
    "mpnet": lambda: _wordpiece(ROBERTA_TOKENS | {"unk_token": "[UNK]"}, "MPNetTokenizer", ROBERTA_PAIR),
    "roberta": lambda: _bytes(ROBERTA_TOKENS, "RobertaTokenizer", XLMR_TEMPLATE),
    "bytes": lambda: _bytes(BERT_TOKENS, "PreTrainedTokenizerFast", _between("[CLS]", "[SEP]", ROBERTA_PAIR), True),
    "eurobert": lambda: _bytes(
        EUROBERT_TOKENS | {"pad_token": "<|end|>"}, "PreTrainedTokenizerFast",
        _between("<|begin|>", "<|end|>", "{start} $A {end} $B {end}"), True,
    ),
    "qwen": lambda: _bytes(QWEN_TOKENS, "Qwen2Tokenizer", _between(None, "<|endoftext|>", "$A $B {end}")),
    "gemma": lambda: _bytes(GEMMA_TOKENS, "PreTrainedTokenizerFast", _begin("<bos>")),
    "unigram": lambda: _unigram(XLMR_TOKENS, "XLMRobertaTokenizer", XLMR_TEMPLATE),
    "albert": lambda: _unigram(ALBERT_TOKENS | {"unk_token": "<unk>"}, "AlbertTokenizer", BERT_TEMPLATE),
    "deberta": lambda: _unigram(BERT_TOKENS, "DebertaV2Tokenizer", BERT_TEMPLATE, "[UNK]"),
    "t5": lambda: _unigram(T5_TOKENS, "T5Tokenizer", _between(None, "</s>", "$A {end} $B {end}")),
}  # fmt: skip

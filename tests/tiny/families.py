"""Twins of published model families: their folders' files, settings and tokenizers in shape, with tiny random weights.

Each says in its files what the published one says (modules, pooling keys, limits, prompts, odd tokenizer settings);
only the sizes are smaller. Knows nothing of airvec.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from tests.tiny.architectures import ARCHITECTURES, HIDDEN, tiny_model
from tests.tiny.checkpoints import (
    FLAGS,
    IDENTITY,
    change,
    dense_config,
    random_dense,
    write,
    write_body,
    write_modules,
    write_tokenizer,
)
from tests.tiny.sparse_families import opensearch_v2, opensearch_v3, splade
from tests.tiny.tokenizers import tiny_tokenizer

FEATURES, FILL_MASK, CLASSIFY = "feature-extraction", "fill-mask", "sequence-classification"
Chain = list[tuple[str, dict[str, Any] | None]]
NORMALIZE: Chain = [("Normalize", None)]
# What tokenizer_config.json of BERT-like models from before transformers 5 holds.
BERT_OPTIONS = {
    "do_basic_tokenize": True, "do_lower_case": True, "never_split": None, "strip_accents": None,
    "tokenize_chinese_chars": True,
}  # fmt: skip


@dataclass(frozen=True)
class Family:
    """A published model's twin: `build` writes it; `task` is what its body is asked for."""

    task: str
    build: Callable[[Path], Path]


def pooled(
    folder: Path,
    architecture: str,
    mode: str,
    *,
    limit: int,
    chain: Chain = NORMALIZE,
    keys: int = 4,
    tokenizer: str | None = None,
    **config: Any,
) -> Path:
    """A dense twin: a body, Pooling in one mode and what comes behind; `keys` of the six old flags are stated."""
    kind = tokenizer or ARCHITECTURES[architecture].tokenizer
    model = tiny_model(architecture, **{"vocab_size": len(tiny_tokenizer(kind)), **config})
    write_body(folder, model, architecture, padding_side="right", limit=512)
    write_tokenizer(folder, kind, model_max_length=512)
    flags = {flag: name == mode for name, flag in list(FLAGS.items())[:keys]}
    write_modules(folder, [("Pooling", {"word_embedding_dimension": HIDDEN, **flags}), *chain])
    write(folder / "sentence_bert_config.json", {"max_seq_length": limit, "do_lower_case": False})
    version = {"__version__": {"sentence_transformers": "2.2.2", "transformers": "4.28.1", "pytorch": "1.13.0+cu117"}}
    write(folder / "config_sentence_transformers.json", version)
    return folder


def e5(folder: Path) -> Path:
    """intfloat/e5-small-v2: BERT, mean; a query and a passage are told apart by the caller."""
    pooled(folder, "bert", "mean", limit=64)
    (folder / "config_sentence_transformers.json").unlink()
    change(folder / "tokenizer_config.json", BERT_OPTIONS)
    return folder


def multilingual_e5(folder: Path) -> Path:
    """intfloat/multilingual-e5-small: a BERT body whose pad id is 0, under XLM-R's tokenizer, whose pad id is 1."""
    return pooled(folder, "bert", "mean", limit=64, tokenizer="unigram", pad_token_id=0)


def bge(folder: Path) -> Path:
    """BAAI/bge-small-en-v1.5: BERT, first token, lower-casing stated twice, a query prompt in the model card only."""
    pooled(folder, "bert", "cls", limit=64, id2label={0: "LABEL_0"}, label2id={"LABEL_0": 0})
    change(folder / "tokenizer_config.json", BERT_OPTIONS)
    return _change_body(folder, do_lower_case=True)


def bge_m3(folder: Path) -> Path:
    """BAAI/bge-m3: XLM-R, first token, all old pooling keys, the limit above what is usual."""
    return pooled(folder, "xlm-roberta", "cls", limit=128, keys=6)


def gte(folder: Path) -> Path:
    """thenlper/gte-base: BERT, mean."""
    pooled(folder, "bert", "mean", limit=64)
    change(folder / "tokenizer_config.json", BERT_OPTIONS)
    return folder


def mpnet(folder: Path) -> Path:
    """all-mpnet-base-v2: MPNet, mean; tokenizer.json carries a truncation and a padding of its own."""
    pooled(folder, "mpnet", "mean", limit=96)
    padding = {"strategy": {"Fixed": 32}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 1,
               "pad_type_id": 0, "pad_token": "<pad>"}  # fmt: skip
    truncation = {"direction": "Right", "max_length": 32, "strategy": "LongestFirst", "stride": 0}
    change(folder / "tokenizer.json", {"padding": padding, "truncation": truncation})
    change(folder / "tokenizer_config.json", {"do_lower_case": True, "strip_accents": None})
    return folder


def labse(folder: Path) -> Path:
    """LaBSE: cased BERT, first token, a Dense layer with Tanh, Normalize."""
    dense: Chain = [("Dense", dense_config(HIDDEN, HIDDEN, "Tanh")), *NORMALIZE]
    pooled(folder, "bert", "cls", limit=64, chain=dense, tokenizer="cased")
    change(folder / "tokenizer_config.json", {**BERT_OPTIONS, "do_lower_case": False, "full_tokenizer_file": None})
    return folder


def paraphrase_multilingual(folder: Path) -> Path:
    """paraphrase-multilingual-MiniLM-L12-v2: a BERT body under a Unigram tokenizer that has BERT's options stated."""
    pooled(folder, "bert", "mean", limit=48, chain=[], tokenizer="unigram", pad_token_id=0)
    options = {"tokenizer_class": "PreTrainedTokenizerFast", **BERT_OPTIONS, "stride": 0, "max_length": 48}
    change(folder / "tokenizer_config.json", options)
    return folder


def tas_b(folder: Path) -> Path:
    """msmarco-distilbert-base-tas-b: DistilBERT, first token, lengths that count, dot product."""
    pooled(folder, "distilbert", "cls", limit=64, chain=[])
    change(folder / "config_sentence_transformers.json", {"similarity_fn_name": "dot"})
    return folder


def sentence_t5(folder: Path) -> Path:
    """sentence-t5-base: T5's encoder, mean, a Dense layer without bias and activation, Normalize."""
    dense = dense_config(HIDDEN, 24, "Identity", bias=False)
    return pooled(folder, "t5", "mean", limit=64, chain=[("Dense", {**dense, "bias": False}), *NORMALIZE])


def qwen3_embedding(folder: Path) -> Path:
    """Qwen3-Embedding-0.6B: last token, left padding, an instruction as the query's prompt, no length limit stated."""
    write_body(folder, tiny_model("qwen3"), "qwen3", padding_side="left", limit=96)
    flags = {flag: name == "lasttoken" for name, flag in FLAGS.items()}
    pooling = {"word_embedding_dimension": HIDDEN, **flags, "include_prompt": True}
    write_modules(folder, [("Pooling", pooling), *NORMALIZE])
    prompts = {"query": "Instruct: Given a web search query, retrieve passages\nQuery:", "document": ""}
    settings = {"prompts": prompts, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    write(folder / "config_sentence_transformers.json", settings)
    change(folder / "config.json", {"architectures": ["Qwen3ForCausalLM"]})
    return folder


def embedding_gemma(folder: Path) -> Path:
    """embeddinggemma-300m: Gemma 3 looking both ways, mean, two Dense layers, prompts for tasks."""
    wide, narrow = (dense_config(*sizes, "Identity", bias=False) for sizes in ((HIDDEN, 48), (48, HIDDEN)))
    chain: Chain = [("Dense", wide), ("Dense", narrow), *NORMALIZE]
    pooled(folder, "gemma3", "mean", limit=96, chain=chain, keys=6, use_bidirectional_attention=True)
    prompts = {
        "query": "task: search result | query: ",
        "document": "title: none | text: ",
        "STS": "task: similarity: ",
    }
    settings = {"model_type": "SentenceTransformer", "prompts": prompts, "similarity_fn_name": "cosine"}
    change(folder / "config_sentence_transformers.json", settings)
    return folder


def nomic(folder: Path) -> Path:
    """nomic-embed-text-v1.5 in transformers' own NomicBERT: mean, no Normalize, prompts by the caller."""
    return pooled(folder, "nomic-bert", "mean", limit=128, chain=[], keys=6, rope_parameters={
        "rope_type": "default", "rope_theta": 1000.0})  # fmt: skip


def modernbert_embed(folder: Path) -> Path:
    """gte-modernbert-base: ModernBERT, first token, a tokenizer that gives no types and pads with its last ids."""
    pooled(folder, "modernbert", "cls", limit=128, chain=[], keys=6)
    names = ["input_ids", "attention_mask"]
    change(folder / "tokenizer_config.json", {"model_input_names": names})
    return folder


def ms_marco(folder: Path) -> Path:
    """cross-encoder/ms-marco-MiniLM-L6-v2: BERT with one label, whose config.json says Identity: raw logits."""
    write_body(folder, tiny_model("bert", CLASSIFY, 1), "bert", padding_side="right", limit=64)
    named = {"activation_fn": IDENTITY, "version": "4.1.0"}
    labels = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    change(folder / "config.json", {"sentence_transformers": named, **labels})
    change(folder / "tokenizer_config.json", BERT_OPTIONS)
    return folder


def ms_marco_old(folder: Path) -> Path:
    """ms-marco-electra-base: as saved up to 3.x, with the activation under its oldest name."""
    write_body(folder, tiny_model("electra", CLASSIFY, 1), "electra", padding_side="right", limit=64)
    change(folder / "config.json", {"sbert_ce_default_activation_function": IDENTITY})
    return folder


def bge_reranker(folder: Path) -> Path:
    """BAAI/bge-reranker-base: XLM-R with one label and no activation named: Sigmoid."""
    return write_body(folder, tiny_model("xlm-roberta", CLASSIFY, 1), "xlm-roberta", padding_side="right", limit=64)


def nli_deberta(folder: Path) -> Path:
    """cross-encoder/nli-deberta-v3-base: three labels, no activation."""
    names = {0: "contradiction", 1: "entailment", 2: "neutral"}
    model = tiny_model("deberta-v2", CLASSIFY, 3, id2label=names, label2id={name: row for row, name in names.items()})
    write_body(folder, model, "deberta-v2", padding_side="right", limit=64)
    change(folder / "config.json", {"sentence_transformers": {"activation_fn": IDENTITY, "version": "4.0.1"}})
    return folder


def ettin_reranker(folder: Path) -> Path:
    """cross-encoder/ettin-reranker: the new layout, a head of modules: Pooling, Dense, LayerNorm, Dense to scores."""
    write_body(folder, tiny_model("modernbert"), "modernbert", padding_side="right", limit=64)
    hidden, scores = dense_config(HIDDEN, HIDDEN, "GELU", bias=False), dense_config(HIDDEN, 1, "Identity")
    hidden |= {"module_input_name": "sentence_embedding", "module_output_name": "sentence_embedding"}
    scores |= {"module_input_name": "sentence_embedding", "module_output_name": "scores"}
    pooling = {"embedding_dimension": HIDDEN, "pooling_mode": "cls", "include_prompt": True}
    chain: Chain = [
        ("Pooling", pooling), ("Dense", hidden), ("LayerNorm", {"dimension": HIDDEN}), ("Dense", scores),
    ]  # fmt: skip
    write_modules(folder, chain, "new")
    norm = {"norm.weight": random_dense({**scores, "out_features": 1})["linear.weight"][0], "norm.bias":
            random_dense({**hidden, "bias": True})["linear.bias"]}  # fmt: skip
    save_file(norm, folder / "3_LayerNorm" / "model.safetensors")
    settings = {"model_type": "CrossEncoder", "prompts": {}, "default_prompt_name": None, "activation_fn": IDENTITY}
    write(folder / "config_sentence_transformers.json", settings)
    write(folder / "sentence_bert_config.json", {"transformer_task": FEATURES})
    return folder


def _change_body(folder: Path, **keys: Any) -> Path:
    change(folder / "sentence_bert_config.json", keys)
    return folder


FAMILIES: Mapping[str, Family] = {
    "E5": Family(FEATURES, e5),
    "multilingual E5": Family(FEATURES, multilingual_e5),
    "BGE": Family(FEATURES, bge),
    "BGE M3": Family(FEATURES, bge_m3),
    "GTE": Family(FEATURES, gte),
    "all-mpnet": Family(FEATURES, mpnet),
    "LaBSE": Family(FEATURES, labse),
    "paraphrase-multilingual": Family(FEATURES, paraphrase_multilingual),
    "tas-b": Family(FEATURES, tas_b),
    "sentence-t5": Family(FEATURES, sentence_t5),
    "Qwen3-Embedding": Family(FEATURES, qwen3_embedding),
    "EmbeddingGemma": Family(FEATURES, embedding_gemma),
    "nomic-embed-text in transformers' form": Family(FEATURES, nomic),
    "gte-modernbert": Family(FEATURES, modernbert_embed),
    "ms-marco cross-encoder": Family(CLASSIFY, ms_marco),
    "ms-marco cross-encoder up to 3.x": Family(CLASSIFY, ms_marco_old),
    "bge-reranker": Family(CLASSIFY, bge_reranker),
    "nli-deberta cross-encoder": Family(CLASSIFY, nli_deberta),
    "ettin reranker": Family(CLASSIFY, ettin_reranker),
    "SPLADE cocondenser": Family(FILL_MASK, splade),
    "opensearch doc-v2": Family(FILL_MASK, opensearch_v2),
    "opensearch doc-v3": Family(FILL_MASK, opensearch_v3),
}

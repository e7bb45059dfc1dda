"""Twins of published sparse models: SPLADE, and OpenSearch's models whose queries need no transformer.

Knows nothing of airvec.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.tiny.architectures import SEED, tiny_model
from tests.tiny.checkpoints import OLD, OLD_SPARSE, write, write_body, write_splade, write_tokenizer

QUERY, DOCUMENT, SPLADE = "query_0_SparseStaticEmbedding", "document_0_MLMTransformer", "document_1_SpladePooling"


def splade(folder: Path) -> Path:
    """naver/splade-cocondenser-ensembledistil: BERT with its language-model head, largest value of every token."""
    write_body(folder, tiny_model("bert", "fill-mask"), "bert", padding_side="right", limit=64)
    write_splade(folder, "max", "relu", None)
    settings = {"model_type": "SparseEncoder", "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "dot"}
    write(folder / "config_sentence_transformers.json", settings)
    write(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    return folder


def opensearch_v2(folder: Path) -> Path:
    """opensearch-neural-sparse-encoding-doc-v2-distill: a Router, an IDF table for queries, SPLADE for documents."""
    return _inference_free(folder, "relu")


def opensearch_v3(folder: Path) -> Path:
    """opensearch-neural-sparse-encoding-doc-v3-distill: the same with two logarithms."""
    return _inference_free(folder, "log1p_relu")


def _inference_free(folder: Path, activation: str) -> Path:
    model = tiny_model("distilbert", "fill-mask")
    write_body(folder / DOCUMENT, model, "distilbert", padding_side="right", limit=64)
    write(folder / DOCUMENT / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": False})
    pooling = {"pooling_strategy": "max", "activation_function": activation, "word_embedding_dimension": None}
    for name, config in ((SPLADE, pooling), (QUERY, {"frozen": False})):
        (folder / name).mkdir()
        write(folder / name / "config.json", config)
    write_tokenizer(folder / QUERY, "wordpiece", model_max_length=64)
    table = torch.rand(model.config.vocab_size, generator=torch.Generator().manual_seed(SEED)) * 8
    save_file({"weight": table}, folder / QUERY / "model.safetensors")
    routes = {
        "types": {name: OLD_SPARSE.format(name.rpartition("_")[2]) for name in (QUERY, DOCUMENT, SPLADE)},
        "structure": {"query": [QUERY], "document": [DOCUMENT, SPLADE]},
        "parameters": {"default_route": "document", "allow_empty_key": True},
    }
    write(folder / "router_config.json", routes)
    write(folder / "modules.json", [{"idx": 0, "name": "0", "path": "", "type": OLD.format("Router")}])
    settings = {"model_type": "SparseEncoder", "prompts": {"query": "", "document": ""}, "similarity_fn_name": "dot"}
    write(folder / "config_sentence_transformers.json", settings)
    return folder

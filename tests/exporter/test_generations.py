"""Folders of all generations of sentence-transformers, 0.3 to 6.2: the same model there, here and once written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from airvec_exporter.folder import write_folder
from airvec_exporter.load import load
from airvec_exporter.reference import reference
from tests import tiny
from tests.tiny.adapters import whole
from tests.tiny.checkpoints import write

NEW, SPARSE, CLASSIFIER = "sentence_transformers.base.modules", "SparseEncoder", "CrossEncoder"
DENSE_NEW = "sentence_transformers.sentence_transformer.modules"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def rename_types(folder: Path, *names: str) -> None:
    """Other type names in modules.json, in order."""
    entries = read(folder / "modules.json")
    write(folder / "modules.json", [{**one, "type": name} for one, name in zip(entries, names, strict=True)])


def first(folder: Path) -> Path:
    """0.3 to 1.x: the body in a folder of its own, its settings under its architecture's name, a pickle, vocab.txt."""
    tiny.tiny_checkpoint(folder, "roberta", pooling=("cls", "max"), normalize=False)
    home = folder / "0_Transformer"
    home.mkdir()
    for path in [path for path in folder.iterdir() if path.is_file() and path.name != "modules.json"]:
        path.rename(home / path.name)
    (home / "config_sentence_transformers.json").unlink()
    (home / "sentence_bert_config.json").rename(home / "sentence_roberta_config.json")
    torch.save(load_file(home / "model.safetensors"), home / "pytorch_model.bin")
    (home / "model.safetensors").unlink()
    write(folder / "config.json", {"__version__": "0.3.8"})
    entries = read(folder / "modules.json")
    entries[0]["path"] = "0_Transformer"
    write(folder / "modules.json", entries)
    return folder


def doubled(folder: Path) -> Path:
    """0.2 to 2.0: doubled type names, four flags of Pooling, no settings of the model."""
    tiny.tiny_checkpoint(folder, pooling="max", dense="Tanh", normalize=False)
    kinds = ("Transformer", "Pooling", "Dense")
    rename_types(folder, *(f"sentence_transformers.models.{kind}.{kind}" for kind in kinds))
    pooling = read(folder / "1_Pooling" / "config.json")
    kept = [key for key in pooling if "lasttoken" not in key and "weighted" not in key and key != "include_prompt"]
    write(folder / "1_Pooling" / "config.json", {key: pooling[key] for key in kept})
    torch.save(load_file(folder / "2_Dense" / "model.safetensors"), folder / "2_Dense" / "pytorch_model.bin")
    (folder / "2_Dense" / "model.safetensors").unlink()
    (folder / "config_sentence_transformers.json").unlink()
    return folder


def second(folder: Path) -> Path:
    """2.x: the version alone in the model's settings, lower-casing in the body's, a slow tokenizer's vocab.txt."""
    tiny.tiny_checkpoint(folder, "distilbert", pooling="mean_sqrt_len_tokens")
    version = {"sentence_transformers": "2.0.0", "transformers": "4.7.0", "pytorch": "1.9.0+cu102"}
    write(folder / "config_sentence_transformers.json", {"__version__": version})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 48, "do_lower_case": True})
    vocabulary = read(folder / "tokenizer.json")["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n")
    (folder / "tokenizer.json").unlink()
    settings = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": "DistilBertTokenizer"}
    write(folder / "tokenizer_config.json", settings)
    return folder


def third(folder: Path) -> Path:
    """3.x: prompts, all six flags, a similarity function."""
    return tiny.tiny_checkpoint(
        folder, "mpnet", pooling="weightedmean", include_prompt=False, prompts={"query": "query: ", "passage": "text: "}
    )


def fifth(folder: Path) -> Path:
    """5.4 to 5.7: new type names, but Normalize's; no limit but the tokenizer's."""
    tiny.tiny_checkpoint(folder, "modernbert", pooling="lasttoken", generation="new", max_seq_length=40)
    names = (f"{NEW}.transformer.Transformer", f"{DENSE_NEW}.pooling.Pooling", f"{DENSE_NEW}.normalize.Normalize")
    rename_types(folder, *names)
    text = {"method": "forward", "method_output_name": "last_hidden_state"}
    stated = {"modality_config": {"text": text}, "module_output_name": "token_embeddings"}
    tiny.change(folder / "sentence_bert_config.json", stated)
    return folder


def sixth(folder: Path) -> Path:
    """6.x, as the reference itself writes it."""
    import sentence_transformers

    made = tiny.tiny_checkpoint(folder.parent / "made", dense="Tanh", prompts={"query": "query: "})
    sentence_transformers.SentenceTransformer(str(made), device="cpu").save_pretrained(str(folder))
    return folder


def sparse_fifth(folder: Path) -> Path:
    """SPLADE of 5.0 to 5.3."""
    return tiny.sparse_checkpoint(folder, "distilbert")


def sparse_sixth(folder: Path) -> Path:
    """SPLADE as 6.x writes it."""
    import sentence_transformers

    made = tiny.sparse_checkpoint(folder.parent / "made", strategy="sum")
    sentence_transformers.SparseEncoder(str(made), device="cpu").save_pretrained(str(folder))
    return folder


def reranker_third(folder: Path) -> Path:
    """A cross-encoder of 1.x to 3.x: transformers' own files, the activation under its old key."""
    tiny.reranker_checkpoint(folder, activation=None)
    tiny.change(folder / "config.json", {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"})
    return folder


def reranker_sixth(folder: Path) -> Path:
    """A cross-encoder as 6.x writes it: modules.json with one module."""
    import sentence_transformers

    made = tiny.reranker_checkpoint(folder.parent / "made", "roberta", max_seq_length=40)
    sentence_transformers.CrossEncoder(str(made), device="cpu").save_pretrained(str(folder))
    return folder


def plain_splade(folder: Path) -> Path:
    """transformers' own files of a model for masked words."""
    tiny.sparse_checkpoint(folder)
    shutil.rmtree(folder / "1_SpladePooling")
    for name in ("modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"):
        (folder / name).unlink()
    assert type(whole(folder, "fill-mask")).__name__ == "BertForMaskedLM"
    return folder


def static_third(folder: Path) -> Path:
    """A StaticEmbedding of 3.2 to 5.3 in a folder of its own."""
    home = folder / "0_StaticEmbedding"
    home.mkdir(parents=True)
    tokenizer = tiny.tiny_tokenizer("wordpiece")
    tokenizer.backend_tokenizer.save(str(home / "tokenizer.json"))
    table = torch.randn(len(tokenizer), 16, generator=torch.Generator().manual_seed(1))
    save_file({"embedding.weight": table}, home / "model.safetensors")
    kind = "sentence_transformers.models.StaticEmbedding"
    write(folder / "modules.json", [{"idx": 0, "name": "0", "path": home.name, "type": kind}])
    return folder


def static_sixth(folder: Path) -> Path:
    """A StaticEmbedding as 6.x writes it."""
    import sentence_transformers

    made = static_third(folder.parent / "made")
    sentence_transformers.SentenceTransformer(str(made), device="cpu").save_pretrained(str(folder))
    return folder


DENSE = "SentenceTransformer"
GENERATIONS: dict[str, tuple[Callable[[Path], Path], str, str | None]] = {
    "dense 0.3": (first, DENSE, None),
    "dense 1.0": (doubled, DENSE, None),
    "dense 2.0": (second, DENSE, None),
    "dense 3.0": (third, DENSE, None),
    "dense 5.4": (fifth, DENSE, None),
    "dense 6.2": (sixth, DENSE, None),
    "sparse 5.0": (sparse_fifth, SPARSE, None),
    "sparse 6.2": (sparse_sixth, SPARSE, None),
    "sparse, plain": (plain_splade, SPARSE, "sparse"),
    "rerank 3.0": (reranker_third, CLASSIFIER, None),
    "rerank 6.2": (reranker_sixth, CLASSIFIER, None),
    "static 3.2": (static_third, DENSE, None),
    "static 6.2": (static_sixth, DENSE, None),
}


def answers(folder: Path, kind: str) -> np.ndarray:
    """The reference's, of texts long and short."""
    import sentence_transformers

    model = getattr(sentence_transformers, kind)(str(folder), device="cpu")
    if kind == CLASSIFIER:
        return model.predict(tiny.pairs(8))[:, None]
    every = {"convert_to_sparse_tensor": False} if kind == SPARSE else {}
    return np.asarray(model.encode([*tiny.texts(8), "word " * 99], **every))


@pytest.mark.parity
@pytest.mark.parametrize("name", GENERATIONS)
def test_a_folder_of_every_generation_loads_as_the_reference_loads_it_and_is_written_so(tmp_path: Path, name: str):
    build, kind, told = GENERATIONS[name]
    folder, out = build(tmp_path / "model"), tmp_path / "out"
    loaded, wanted = load(folder, told), answers(folder, kind)
    inputs = tiny.pairs(8) if kind == CLASSIFIER else [*tiny.texts(8), "word " * 99]
    bound = 1e-5 * max(1, np.abs(wanted).max())
    assert loaded.kind == kind
    assert wanted.std(axis=0).max() > 0.01
    assert np.abs(reference(loaded, inputs) - wanted).max() <= bound
    out.mkdir()
    write_folder(loaded, out)
    assert np.abs(reference(load(out), inputs) - wanted).max() <= bound
    assert np.abs(answers(out, kind) - wanted).max() <= bound

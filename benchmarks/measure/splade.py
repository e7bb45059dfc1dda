"""A SPLADE-shaped model of real size: all-MiniLM-L6-v2's body with its own word embeddings as language-model head.

Nobody has trained it, so that it is good for nothing; but its vocabulary, its cost and the number of words that a text
activates, some 140, are those of published SPLADE models.
Knows nothing of airvec.
"""

import json
import shutil
from pathlib import Path

FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
PACKAGE = "sentence_transformers.sparse_encoder.models"
SCALE, BIAS = 3.0, -17.0  # of the head's last layer: how many words a text activates


def make_splade(checkpoint: Path, folder: Path) -> Path:
    """Write the model in the layout of sentence-transformers 5.0.

    Args:
        checkpoint: the folder of all-MiniLM-L6-v2 with torch weights.
        folder: where to write; must not be there.
    """
    import torch
    from transformers import AutoModel, BertForMaskedLM

    body = AutoModel.from_pretrained(checkpoint)
    model = BertForMaskedLM(body.config)
    model.bert.load_state_dict(body.state_dict(), strict=False)
    head = model.cls.predictions
    with torch.no_grad():
        head.transform.dense.weight.copy_(torch.eye(body.config.hidden_size))
        head.transform.dense.bias.zero_()
        head.transform.LayerNorm.weight.fill_(SCALE)
        head.decoder.bias.fill_(BIAS)
    model.tie_weights()
    model.save_pretrained(folder)
    for name in FILES:
        if (checkpoint / name).is_file():
            shutil.copyfile(checkpoint / name, folder / name)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 256, "do_lower_case": False})
    _write(folder / "config_sentence_transformers.json", {"model_type": "SparseEncoder", "similarity_fn_name": "dot"})
    _write(folder / "1_SpladePooling" / "config.json", {"pooling_strategy": "max", "activation_function": "relu"})
    kinds = {"": "MLMTransformer", "1_SpladePooling": "SpladePooling"}
    entries = [
        {"idx": number, "name": str(number), "path": path, "type": f"{PACKAGE}.{kind}"}
        for number, (path, kind) in enumerate(kinds.items())
    ]
    _write(folder / "modules.json", entries)
    return folder


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")

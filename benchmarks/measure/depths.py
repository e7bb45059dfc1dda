"""all-MiniLM-L6-v2 at another depth or width, with the same tokenizer: its first layers only, or random weights.

Nobody has trained them so; their cost is what they are for.
Knows nothing of airvec.
"""

import json
import shutil
from pathlib import Path

WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def cut_layers(checkpoint: Path, layers: int, folder: Path) -> Path:
    """Write the checkpoint with its first `layers` layers.

    Args:
        checkpoint: the folder of all-MiniLM-L6-v2 with torch weights.
        layers: how many to keep.
        folder: where to write.
    """
    from transformers import AutoModel

    shutil.copytree(checkpoint, folder, ignore=shutil.ignore_patterns(*WEIGHTS), dirs_exist_ok=True)
    body = AutoModel.from_pretrained(checkpoint)
    body.encoder.layer = body.encoder.layer[:layers]
    body.config.num_hidden_layers = layers
    body.save_pretrained(folder)
    return folder


def widen(checkpoint: Path, width: int, folder: Path) -> Path:
    """Write a model as wide as `width` with random weights: as many layers, heads of 64, and an inner width of four.

    Args:
        checkpoint: the folder of all-MiniLM-L6-v2 with torch weights.
        width: of a token's vector.
        folder: where to write.
    """
    import torch
    from transformers import AutoConfig, BertModel

    shutil.copytree(checkpoint, folder, ignore=shutil.ignore_patterns(*WEIGHTS), dirs_exist_ok=True)
    config = AutoConfig.from_pretrained(checkpoint)
    config.hidden_size, config.intermediate_size, config.num_attention_heads = width, 4 * width, width // 64
    torch.manual_seed(0)
    BertModel(config).save_pretrained(folder)
    pooling = folder / "1_Pooling" / "config.json"
    settings = json.loads(pooling.read_text(encoding="utf-8")) | {"word_embedding_dimension": width}
    pooling.write_text(json.dumps(settings), encoding="utf-8")
    return folder

"""all-MiniLM-L6-v2 with its first layers only: the same texts, tokenizer and width at another depth.

Nobody has trained it so; its cost is what it is for.
Knows nothing of airvec.
"""

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

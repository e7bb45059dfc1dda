"""LoRA adapters with random weights on tiny models, as peft and sentence-transformers save them.

Knows nothing of airvec.
"""

from pathlib import Path
from typing import Any

import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model

from tests.tiny.architectures import HEADS, SEED

AUTO = {"Model": "AutoModel", "ForMaskedLM": "AutoModelForMaskedLM"}
TASKS = {"feature-extraction": "FEATURE_EXTRACTION", "fill-mask": None, "sequence-classification": "SEQ_CLS"}


def whole(folder: Path, task: str = "feature-extraction", **options: Any) -> Any:
    """transformers' model of a folder with the head of a task."""
    kind = HEADS[task]
    return getattr(transformers, AUTO.get(kind, f"AutoModel{kind}")).from_pretrained(folder, **options).eval()


def plain_adapter(folder: Path, base: Path, task: str = "feature-extraction", **lora: Any) -> Path:
    """Write an adapter as peft saves it: its settings and weights, and nothing else.

    Args:
        folder: where.
        base: the folder of the model that it changes.
        task: whose head the model has; a classifier's is saved with the adapter, with one label.
        lora: more of LoraConfig's arguments.
    """
    labels = {"num_labels": 1} if task == "sequence-classification" else {}
    torch.manual_seed(SEED)
    model = whole(base, task, **labels)
    settings = {"r": 4, "lora_alpha": 8, "target_modules": ["query", "value"], "init_lora_weights": False, **lora}
    changed = get_peft_model(model, LoraConfig(task_type=TASKS[task], **settings))
    changed.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    return folder


def embedded_adapter(folder: Path, base: Path, task: str = "feature-extraction", **lora: Any) -> Path:
    """Turn a checkpoint into one with an adapter in place of its weights, as sentence-transformers saves it."""
    plain_adapter(folder, base, task, **lora)
    for name in ("config.json", "model.safetensors"):
        (folder / name).unlink()
    return folder


def unmerged(folder: Path, base: Path, task: str = "feature-extraction", **options: Any) -> Any:
    """peft's own model of an adapter, not merged."""
    return PeftModel.from_pretrained(whole(base, task, **options), folder).eval()

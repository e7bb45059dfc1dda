"""A reranker of real size: all-MiniLM-L6-v2's body with a head of random weights, as BertForSequenceClassification.

Nobody has trained it, so its order means nothing; its cost is that of every reranker with six layers of 384, such as
ms-marco-MiniLM-L6-v2.
Knows nothing of airvec.
"""

import shutil
from pathlib import Path

FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
SEED, SPREAD = 7, 0.4  # with transformers' own 0.02 all scores are nearly the same, and a wrong one would not show


def make_reranker(checkpoint: Path, folder: Path) -> Path:
    """Write the model as a plain transformers checkpoint, which CrossEncoder reads.

    Args:
        checkpoint: the folder of all-MiniLM-L6-v2 with torch weights.
        folder: where to write.
    """
    import torch
    from transformers import AutoModel, BertForSequenceClassification

    body = AutoModel.from_pretrained(checkpoint)
    body.config.num_labels = 1
    torch.manual_seed(SEED)
    model = BertForSequenceClassification(body.config)
    model.bert.load_state_dict(body.state_dict())
    with torch.no_grad():
        model.classifier.weight.normal_(0, SPREAD)
    model.save_pretrained(folder)
    for name in FILES:
        if (checkpoint / name).is_file():
            shutil.copyfile(checkpoint / name, folder / name)
    return folder

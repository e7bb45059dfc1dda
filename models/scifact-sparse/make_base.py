"""all-MiniLM-L6-v2, which has no masked-LM head, → two sparse models to train: SPLADE, and one without a query model.

    python models/scifact-sparse/make_base.py CHECKPOINT --texts shared/data/medquad/pairs.jsonl.gz

The head is computed, not trained: least squares from the body's last hidden states to the input embeddings of the
tokens that they stand for, so that a text activates its own words; biases give rare words more, by the token counts of
Debian's package descriptions (models/static-en/token_counts.txt). A fresh head would need millions of texts first.
Knows nothing of SciFact.
"""

import argparse
import gzip
import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, BertForMaskedLM

from airvec_trainer import SparseEncoder
from airvec_trainer.modules import Router, SparseStaticEmbedding, SpladePooling, Transformer

HERE = Path(__file__).resolve().parent
COUNTS = HERE.parent / "static-en" / "token_counts.txt"
LIFT = 10.0  # gelu(x + 10) is x + 10 for every x that occurs; the LayerNorm behind it takes the 10 away
SCALE = 0.5  # of the LayerNorm: how far apart a word's own logit and those of others are
# Of the best score that a hidden state could have with its own word, it has 0.69 (deviation 0.16), and 0.60 with the
# best of all others, on 40 answers of MedQuAD; the rest of the vocabulary is near 0 (deviation 0.07).
REACHED = 0.66
FREQUENT = 4.0  # -log of the frequency of a word that is as frequent as can be
LOGITS = -2.0, 3.2  # of the most frequent words and of the rarest; SPLADE takes log(1 + logit) of those above 0
NEVER = -6.0  # of tokens that the counts do not have, such as [unused80]
QUERY = 1.5  # weight of the rarest word in a query that passes no model
RIDGE = 1e-2


def main() -> None:
    """Write the two models below `bases/`."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="folder of all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--texts", type=Path, required=True, help="MedQuAD's pairs.jsonl.gz")
    parser.add_argument("--out", type=Path, default=HERE / "bases")
    parser.add_argument("--count", type=int, default=1000, help="texts to fit the head on")
    given = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(given.checkpoint)
    body = AutoModel.from_pretrained(given.checkpoint).eval()
    rare = rarities(tokenizer)
    model = with_head(body, fitted(body, tokenizer, answers(given.texts, given.count)), rare)
    folder = given.out / "mlm"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save(splade(folder), given.out / "splade")
    words = Transformer(str(folder), transformer_task="fill-mask").tokenizer
    queries = SparseStaticEmbedding(words, QUERY * rare.clamp_min(0.0))
    route = Router.for_query_document(query_modules=[queries], document_modules=splade(folder))
    save([route], given.out / "inference-free")


def splade(folder: Path) -> list[Any]:
    """The modules that give a text's words their weights."""
    return [Transformer(str(folder), transformer_task="fill-mask"), SpladePooling(pooling_strategy="max")]


def save(modules: list[Any], folder: Path) -> None:
    """Write a sparse encoder of 128 tokens."""
    model = SparseEncoder(modules=modules)
    model.max_seq_length = 128
    model.save_pretrained(str(folder))


def answers(file: Path, count: int) -> list[str]:
    """Some texts, from all parts of the file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line)["answer"] for line in lines]
    return rows[:: max(1, len(rows) // count)][:count]


def rarities(tokenizer: Any) -> Tensor:
    """Of every token, float (vocabulary,): 0 the most frequent, 1 the rarest; -1 special or never counted."""
    counts = dict(line.split("\t") for line in COUNTS.read_text(encoding="utf-8").splitlines())
    total = sum(map(int, counts.values()))
    found = torch.full((len(tokenizer),), -1.0)
    for token, index in tokenizer.get_vocab().items():
        if token in counts and index not in tokenizer.all_special_ids:
            rarity = math.log(total / int(counts[token]))
            found[index] = max(0.0, rarity - FREQUENT) / (math.log(total) - FREQUENT)
    return found


@torch.no_grad()
def fitted(body: Any, tokenizer: Any, texts: list[str]) -> tuple[Tensor, Tensor]:
    """The matrix (dim, dim) and bias (dim,) that best give a token's direction from its last hidden state."""
    aims = directions(body.get_input_embeddings().weight)
    width = aims.shape[1] + 1  # a bias
    gram, cross = torch.zeros(width, width), torch.zeros(width, width - 1)
    for start in range(0, len(texts), 16):
        features = tokenizer(
            texts[start : start + 16], padding=True, truncation=True, max_length=128, return_tensors="pt"
        )
        mask = features["attention_mask"].bool() & ~torch.isin(
            features["input_ids"], torch.tensor(tokenizer.all_special_ids)
        )
        hidden = body(**features).last_hidden_state[mask]  # (tokens, dim)
        hidden = torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1)
        gram += hidden.T @ hidden
        cross += hidden.T @ aims[features["input_ids"][mask]]
    solved = torch.linalg.solve(gram + RIDGE * gram.diagonal().mean() * torch.eye(width), cross)
    return solved[:-1].T.contiguous(), solved[-1]


def directions(embeddings: Tensor) -> Tensor:
    """Input embeddings less their mean, with mean 0 and variance 1 each, as a LayerNorm gives it."""
    centred = embeddings - embeddings.mean(dim=0)
    return torch.nn.functional.layer_norm(centred, centred.shape[1:])


@torch.no_grad()
def with_head(body: Any, mapping: tuple[Tensor, Tensor], rare: Tensor) -> BertForMaskedLM:
    """The body with a head that gives a text's own words logits by their rarity, and others less."""
    model = BertForMaskedLM(body.config)
    model.bert.load_state_dict(body.state_dict(), strict=False)
    head, embeddings = model.cls.predictions, body.get_input_embeddings().weight
    head.transform.dense.weight.copy_(mapping[0])
    head.transform.dense.bias.copy_(mapping[1] + LIFT)
    head.transform.LayerNorm.weight.fill_(SCALE)
    head.transform.LayerNorm.bias.zero_()
    own = SCALE * REACHED * (embeddings * directions(embeddings)).sum(dim=1)  # (vocabulary,)
    wanted = torch.where(rare < 0, NEVER, LOGITS[0] + (LOGITS[1] - LOGITS[0]) * rare)
    head.decoder.bias.copy_(wanted - own)
    model.tie_weights()
    return model


if __name__ == "__main__":
    main()

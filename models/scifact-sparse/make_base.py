"""all-MiniLM-L6-v2, which has no masked-LM head, → two sparse models to train: SPLADE, and one without a query model.

    python models/scifact-sparse/make_base.py CHECKPOINT --texts shared/data/medquad/pairs.jsonl.gz

A fresh head would need millions of texts. So it is computed first: least squares from the body's last hidden states to
the input embeddings of the tokens that they stand for, so that a text activates its own words. Then head and body learn
from texts alone to give a text's own words a weight by their rarity, and all others none, which is about what BM25
knows; what other words a text means, the recipes teach. How rare words are, the same texts tell.
Knows nothing of SciFact.
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer, BertForMaskedLM

from airvec_trainer import SparseEncoder
from airvec_trainer.modules import Router, SparseStaticEmbedding, SpladePooling, Transformer

HERE = Path(__file__).resolve().parent
LIFT = 10.0  # gelu(x + 10) is x + 10 for every x that occurs; the LayerNorm behind it takes the 10 away
SCALE = 0.5  # of the LayerNorm: how far apart a word's own logit and those of others are
# Of the best score that a hidden state could have with its own word, it has 0.69 (deviation 0.16), and 0.60 with the
# best of all others, on 40 answers of MedQuAD; the rest of the vocabulary is near 0 (deviation 0.07).
REACHED = 0.66
FREQUENT = 0.2  # share of the greatest inverse document frequency below which a word says nothing
TOKENS = 256  # of a text
LOGITS = -2.0, 3.2  # of the most frequent words and of the rarest; SPLADE takes log(1 + logit) of those above 0
NEVER = -6.0  # of [CLS], [unused80] …
QUERY = 1.4  # weight of the rarest word in a query that passes no model
RIDGE = 1e-2
FITTED = 1000  # texts that the head is computed from
WEIGHT = 1.4  # of the rarest word in a text
APART = 0.5  # how far below 0 the logits of other words are to lie
BATCH, BODY_RATE, HEAD_RATE = 8, 1e-4, 1e-3


def main() -> None:
    """Write the two models below `bases/`."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("checkpoint", type=Path, help="folder of all-MiniLM-L6-v2 with torch weights")
    parser.add_argument("--texts", type=Path, required=True, help="MedQuAD's pairs.jsonl.gz")
    parser.add_argument("--out", type=Path, default=HERE / "bases")
    parser.add_argument("--count", type=int, default=2560, help="texts to learn from")
    given = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(given.checkpoint)
    body = AutoModel.from_pretrained(given.checkpoint).eval()
    texts = answers(given.texts)
    rare = rarities(tokenizer, texts)
    texts = texts[:: max(1, len(texts) // given.count)][: given.count]
    model = with_head(body, fitted(body, tokenizer, texts[:: max(1, len(texts) // FITTED)]), rare)
    learn_to_repeat(model, tokenizer, texts, wanted_logits(rare))
    folder = given.out / "mlm"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    save(splade(folder), given.out / "splade")
    words = Transformer(str(folder), transformer_task="fill-mask").tokenizer
    queries = SparseStaticEmbedding(words, QUERY * rare.clamp_min(0.0).sqrt())
    route = Router.for_query_document(query_modules=[queries], document_modules=splade(folder))
    save([route], given.out / "inference-free")


def splade(folder: Path) -> list[Any]:
    """The modules that give a text's words their weights."""
    return [Transformer(str(folder), transformer_task="fill-mask"), SpladePooling(pooling_strategy="max")]


def save(modules: list[Any], folder: Path) -> None:
    """Write a sparse encoder."""
    model = SparseEncoder(modules=modules)
    model.max_seq_length = TOKENS
    model.save_pretrained(str(folder))


def answers(file: Path) -> list[str]:
    """The different texts of the file."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return list(dict.fromkeys(json.loads(line)["answer"] for line in lines))


def rarities(tokenizer: Any, texts: list[str]) -> Tensor:
    """Of every token, float (vocabulary,): from 0, in a fifth of the texts or more, to 1, in none; -1 is no word."""
    counts = torch.zeros(len(tokenizer))
    for text in tqdm(texts, desc="Counting", unit="text"):
        counts[list(set(tokenizer(text, truncation=True, max_length=TOKENS)["input_ids"]))] += 1
    found = torch.log1p((len(texts) - counts + 0.5) / (counts + 0.5))  # as BM25 has it
    found = ((found / found.max() - FREQUENT) / (1 - FREQUENT)).clamp_min(0.0)
    found[[index for token, index in tokenizer.get_vocab().items() if token.startswith("[")]] = -1.0
    return found


@torch.no_grad()
def fitted(body: Any, tokenizer: Any, texts: list[str]) -> tuple[Tensor, Tensor]:
    """The matrix (dim, dim) and bias (dim,) that best give a token's direction from its last hidden state."""
    aims = directions(body.get_input_embeddings().weight)
    width = aims.shape[1] + 1  # a bias
    gram, cross = torch.zeros(width, width), torch.zeros(width, width - 1)
    for start in range(0, len(texts), 16):
        features = tokenizer(
            texts[start : start + 16], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
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


def wanted_logits(rare: Tensor) -> Tensor:
    """The logit that a text's own word is to have, float (vocabulary,); SPLADE's weight is log(1 + logit)."""
    return torch.expm1(WEIGHT * rare.clamp_min(0.0).sqrt())  # a query and a document share it


def learn_to_repeat(model: BertForMaskedLM, tokenizer: Any, texts: list[str], wanted: Tensor) -> None:
    """Train head and body until the largest logits of a text are those of its own words."""
    model.train()
    model.bert.embeddings.requires_grad_(False)  # which are the head's last matrix, too
    torch.manual_seed(0)
    head, body = list(model.cls.predictions.transform.parameters()), list(model.bert.encoder.parameters())
    groups = [
        {"params": [*head, model.cls.predictions.decoder.bias], "lr": HEAD_RATE},
        {"params": body, "lr": BODY_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
    steps = len(texts) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [HEAD_RATE, BODY_RATE], steps, pct_start=0.1)
    special = torch.tensor(tokenizer.all_special_ids)
    bar = tqdm(torch.randperm(len(texts))[: steps * BATCH].view(steps, BATCH).tolist(), desc="Repeating", unit="step")
    for places in bar:
        features = tokenizer(
            [texts[place] for place in places], padding=True, truncation=True, max_length=TOKENS, return_tensors="pt"
        )
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(**features).logits
        absent = ~features["attention_mask"].bool()
        largest = logits.float().masked_fill(absent[..., None], -torch.inf).amax(dim=1)  # (batch, vocabulary)
        own = torch.zeros_like(largest, dtype=torch.bool).scatter_(1, features["input_ids"], True)
        own[:, special] = False
        loss = (largest[own] - wanted.expand_as(largest)[own]).square().sum()
        loss = (loss + torch.relu(largest + APART)[~own].square().sum()) / len(places)
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        bar.set_postfix(loss=f"{loss.item():.1f}")
    model.eval()


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

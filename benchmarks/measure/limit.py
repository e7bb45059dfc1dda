"""The limit: FLOP/s of NumPy's products at a model's own shapes, and what share of it a library reaches on real tokens.

FLOPs of a text of n tokens: layers × (2 × n × (4 × hidden² + 2 × hidden × inner) + 4 × n² × hidden), and with a head
over a vocabulary 2 × n × (hidden² + hidden × words) besides. Padding, special functions, pooling and tokenising count
for nothing.
Knows nothing of libraries.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure.cpu import blas_core
from measure.process import Process
from measure.report import median, quartiles

SCRIPT = Path(__file__).with_name("sgemm.py")
# Ways to use the cores, by what they are called: batches side by side, and BLAS threads a batch (0 = all cores).
WAYS = {"one product on all cores": (1, 0), "a product a core, side by side": (0, 1)}
FORMULA = "layers × (2 × n × (4 × hidden² + 2 × hidden × inner) + 4 × n² × hidden)"
HEAD_FORMULA = "2 × n × (hidden² + hidden × words)"


@dataclass(frozen=True)
class Shape:
    """What of a BERT's config.json its products depend on; `words` of a head over the vocabulary, 0 = it has none."""

    layers: int
    hidden: int
    inner: int
    heads: int
    words: int = 0

    @classmethod
    def of(cls, checkpoint: Path, *, head: bool = False) -> "Shape":
        """As the checkpoint's config.json states it; `head`: with one over its vocabulary."""
        found = json.loads((checkpoint / "config.json").read_text())
        names = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
        return cls(*(found[name] for name in names), found["vocab_size"] if head else 0)

    def flops(self, lengths: Iterable[int]) -> float:
        """FLOPs of texts of these lengths in tokens.

        >>> Shape(layers=1, hidden=2, inner=3, heads=1).flops([5])  # 2 × 5 × (16 + 12) + 4 × 25 × 2
        480.0
        """
        linear = 2 * (4 * self.hidden**2 + 2 * self.hidden * self.inner)
        head = 2 * (self.hidden**2 + self.hidden * self.words) if self.words else 0
        return float(sum(self.layers * (linear * n + 4 * n * n * self.hidden) + head * n for n in lengths))

    def skipped(self, lengths: Iterable[int]) -> float:
        """Those of them that nobody needs who reads a text's first token alone.

        In the last layer that token needs keys and values of all tokens, and everything else of itself only.

        >>> Shape(layers=1, hidden=2, inner=3, heads=1).skipped([5])  # 4 × (2 × (8 + 12) + 4 × 5 × 2)
        320.0
        """
        linear = 2 * (2 * self.hidden**2 + 2 * self.hidden * self.inner)
        return float(sum((n - 1) * (linear + 4 * n * self.hidden) for n in lengths))


def token_counts(checkpoint: Path, texts: Sequence[str], limit: int, query: str | None = None) -> list[int]:
    """Tokens of each text, or of each pair of a query and a text: special tokens included, cut at the limit."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(limit)
    given = list(texts) if query is None else [(query, text) for text in texts]
    return [len(found.ids) for found in tokenizer.encode_batch(given)]


class Limits:
    """A process for each of WAYS; `rounds` collects what they measured, with batches of `tokens`."""

    def __init__(self, python: Path, shape: Shape, cores: int, tokens: int, seconds: float = 0.5) -> None:
        self.shape, self.seconds, self.cores, self.tokens = shape, seconds, cores, tokens
        self.rounds: dict[str, list[float]] = {}
        self._processes: dict[str, Process] = {}
        for name, (beside, blas) in WAYS.items():
            environment = {"OPENBLAS_NUM_THREADS": str(blas or cores), **blas_core()}
            process = Process(python, name=name, script=SCRIPT, environment=environment)
            sizes = {"layers": shape.layers, "hidden": shape.hidden, "inner": shape.inner, "words": shape.words}
            process.ask("load", {"beside": beside or cores, **sizes})
            self._processes[name] = process

    def turn(self) -> None:
        """One measurement of each way."""
        for name, process in self._processes.items():
            found = process.ask("products", {"tokens": self.tokens, "seconds": self.seconds})
            self.rounds.setdefault(name, []).append(found["flops"])

    def shapes(self, texts: Mapping[str, tuple[int, int]]) -> list[dict[str, object]]:
        """GFLOP/s of each product by itself: a row a shape; `texts` are batches for attention, (texts, tokens)."""
        hidden, inner, head = self.shape.hidden, self.shape.inner, self.shape.hidden // self.shape.heads
        requests: dict[str, tuple[str, dict[str, Any]]] = {
            f"{self.tokens} × {inputs} × {outputs}": (
                "shape",
                {"tokens": self.tokens, "inputs": inputs, "outputs": outputs},
            )
            for inputs, outputs in ((hidden, hidden), (hidden, inner), (inner, hidden))
        }
        for name, (count, tokens) in texts.items():
            title = f"attention, {count} {name} texts of {tokens} tokens"
            requests[title] = ("attention", {"texts": count, "tokens": tokens, "head": head})
        return [
            {
                "product": title,
                **{
                    way: round(process.ask(do, {**sizes, "seconds": self.seconds})["flops"] / 1e9)
                    for way, process in self._processes.items()
                },
            }
            for title, (do, sizes) in requests.items()
        ]

    def one_text(self, tokens: int) -> float:
        """Milliseconds of all products of one text of so many tokens, the faster of both ways; attention left out."""
        flops = self.shape.flops([tokens]) - 4 * tokens**2 * self.shape.hidden * self.shape.layers
        request = {"tokens": tokens, "seconds": self.seconds}
        found = {name: process.ask("products", request)["flops"] for name, process in self._processes.items()}
        # Side by side, each core has a text of its own; one text alone is not done sooner for that.
        return 1000 * min(flops * (WAYS[name][0] or self.cores) / rate for name, rate in found.items())

    def weights(self) -> int:
        """Bytes of all weights that the products of a text read, a head over the vocabulary left out."""
        return 4 * self.shape.layers * (4 * self.shape.hidden**2 + 2 * self.shape.hidden * self.shape.inner)

    def stop(self) -> None:
        """End the processes."""
        for process in self._processes.values():
            process.stop()


def best(rounds: Mapping[str, Sequence[float]]) -> str:
    """The way whose median is the faster: that is the limit."""
    return max(rounds, key=lambda name: median(rounds[name]) or 0.0)


def share(speeds: Sequence[float], flops_a_text: float, limits: Sequence[float]) -> float | None:
    """Median over the rounds of texts/s × FLOPs a text / the limit of the same round."""
    count = min(len(speeds), len(limits))
    return median([speeds[number] * flops_a_text / limits[number] for number in range(count)])


def limit_lines(limits: Limits) -> str:
    """The limit as Markdown: how it was measured, how fast each way is, and what is counted."""
    ways = [f"{name}: {_gflops(values)} GFLOP/s" for name, values in limits.rounds.items()]
    formula = f"{FORMULA} + {HEAD_FORMULA}" if limits.shape.words else FORMULA
    return (
        f"Limit: NumPy's float32 products at the model's own shapes, batches of {limits.tokens} tokens, a turn in "
        f"every round; the faster of two ways counts, here {best(limits.rounds)}. {'; '.join(ways)}. FLOPs of a text "
        f"of n tokens: {formula}, its own tokens only; times texts a second, as a share of the limit, they are the "
        "column “% of the limit”."
    )


def _gflops(values: Sequence[float]) -> str:
    low, high = quartiles(values)
    return f"{np.median(values) / 1e9:,.0f} ({low / 1e9:,.0f}–{high / 1e9:,.0f})"

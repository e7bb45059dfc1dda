"""The two heads of a checkpoint of BGE-M3's shape: read, written for airvec, and compared with torch.

`sparse_linear.pt` and `colbert_linear.pt`, which torch saved, are read without running code and written as
safetensors, with the ids of the tokens that have no lexical weight. Both read the output of the portable graph.
Source: Chen et al. 2024, https://arxiv.org/abs/2402.03216
Knows nothing of graphs and of other modules.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from airvec.arrays import Array, Floats
from airvec.errors import ModelFolderError
from airvec.folder import DENSE, SPARSE
from airvec.folder.settings import COLBERT_HEAD, SPARSE_HEAD
from airvec.json_file import short_name
from airvec.manifest import Manifest
from airvec.multi_embeddings import MultiEmbedding
from airvec.multi_encoder import MultiEncoder
from airvec.token_heads import SPECIAL_IDS
from airvec_exporter.body import Body
from airvec_exporter.load import Checkpoint
from airvec_exporter.verify import Checks, Measured
from airvec_exporter.verify.answers import Trial, inputs_of, offsets_of
from airvec_exporter.verify.bounds import Bound, bound_of
from airvec_exporter.verify.judgement import judge
from airvec_exporter.weights import read_file

FP32, PORTABLE = "fp32", "onnx/model.onnx"
# FlagEmbedding's; a mask token in a text has a weight.
SPECIAL_TOKENS = ("cls_token_id", "eos_token_id", "pad_token_id", "unk_token_id")
TEXTS = 60
BATCH = 7
MULTI_VECTOR_BOUND, LEXICAL_BOUND = 1e-5, 1e-4  # on unit vectors; relative to the largest weight, or 1
USUAL = Checks()


@dataclass(frozen=True, eq=False)
class TokenHeads:
    """Tensors as they were saved: weight (1, hidden) and bias (1,) of one, (dim, hidden) and (dim,) of the other.

    `special_ids` are those of the tokens without a lexical weight.
    """

    sparse: dict[str, Tensor]
    colbert: dict[str, Tensor]
    special_ids: tuple[int, ...]

    def write(self, out: Path) -> None:
        """Write both files; torch's own, which are pickles, stay in the source."""
        ids = {SPECIAL_IDS: torch.tensor(self.special_ids, dtype=torch.int64)}
        save_file({name: tensor.contiguous() for name, tensor in self.sparse.items()} | ids, out / SPARSE_HEAD)
        save_file({name: tensor.contiguous() for name, tensor in self.colbert.items()}, out / COLBERT_HEAD)

    def layers(self) -> tuple[nn.Linear, nn.Linear]:
        """Both as torch's layers, in float32."""
        return _layer(self.sparse), _layer(self.colbert)


def read_token_heads(checkpoint: Checkpoint) -> TokenHeads | None:
    """The heads beside a checkpoint's config.json; None where it has none.

    Raises:
        ModelFolderError: one of two, a damaged file, one that holds code, or tensors that do not fit; or no
            modules.json, so that the dense embedding would be a guess.
    """
    home = checkpoint.folder.path
    files = {name: _file(home, name) for name in (SPARSE_HEAD, COLBERT_HEAD)}
    if checkpoint.folder.has_routes or checkpoint.body.is_table or not any(files.values()):
        return None
    if not (home / "modules.json").is_file():
        raise ModelFolderError(
            f"{short_name(home / 'modules.json')}: no such file, but a head {SPARSE_HEAD!r}. Fetch it, or the dense "
            "embedding would be the mean of all tokens in place of the first one."
        )
    hidden = checkpoint.body.model.config.hidden_size
    sparse, colbert = (_tensors(home, name, file) for name, file in files.items())
    _check_shape(files[SPARSE_HEAD], sparse, (1, hidden))
    _check_shape(files[COLBERT_HEAD], colbert, (colbert["weight"].shape[:1].numel(), hidden))
    return TokenHeads(sparse, colbert, _special_ids(checkpoint.body))


def verify_token_heads(
    checkpoint: Checkpoint,
    heads: TokenHeads,
    folder: Path,
    checks: Checks = USUAL,
    variant: str = FP32,
) -> dict[str, float]:
    """Compare what airvec gives for the heads of an exported folder with what torch gives.

    Args:
        checkpoint: the model in torch.
        heads: of the checkpoint.
        folder: what was exported from it.
        checks: on which texts, 60 where it names none, and how far multi-vectors may be, 1e-5 where it does not say.
        variant: the graph that gives the token states. Those in smaller numbers than float32 are measured, and have no
            bound here: that of their dense embeddings holds.

    Returns:
        `lexical_max_delta`, of weights up to `lexical_scale`, and `multi_vector_max_delta`, on unit vectors; with
        `accept_worse`, `misses` counts those beyond their bound, if there are any.

    Raises:
        VerificationError: a bound is passed, or a value is not finite; names the worst text.
    """
    chosen, counts = inputs_of(DENSE, offsets_of(checkpoint.body), checks.texts, TEXTS)
    found = MultiEncoder(folder, variant=variant).encode(chosen, prompt="", multi_vector=True)
    wanted = list(_reference(checkpoint.body, heads, chosen))
    scale = max(1.0, *(weight for weights, _ in wanted for weight in weights.values()))
    both = list(zip(found, wanted, strict=True))
    lexical = [_lexical_delta(one, weights) for one, (weights, _) in both]
    multi = [_vector_delta(one, vectors) for one, (_, vectors) in both]
    asked = Trial(checkpoint.folder.name, DENSE, None, chosen, counts, "", np.ones((len(chosen), 1), np.float32))
    weighed = replace(asked, kind=SPARSE, wanted=np.full((len(chosen), 1), scale, np.float32))
    bound = MULTI_VECTOR_BOUND if checks.max_delta is None else checks.max_delta
    exact = bound_of(variant, DENSE).max_delta is not None
    measure = partial(_misses, variant=variant, accept_worse=checks.accept_worse)
    misses = [
        *measure(weighed, "lexical weights", lexical, LEXICAL_BOUND if exact else None),
        *measure(asked, "multi-vectors", multi, bound if exact else None),
    ]
    numbers = {"lexical_max_delta": max(lexical), "lexical_scale": scale, "multi_vector_max_delta": max(multi)}
    return numbers | ({"misses": float(len(misses))} if misses else {})


def with_measured(manifest: Manifest, measured: dict[str, float], graph: str = PORTABLE) -> Manifest:
    """The manifest with these numbers at a graph's, to whose misses theirs are added."""
    record = manifest.graphs[graph]
    misses = record.measured.get("misses", 0) + measured.get("misses", 0)
    changed = record._replace(measured={**record.measured, **measured, **({"misses": misses} if misses else {})})
    return manifest._replace(graphs={**manifest.graphs, graph: changed})


def _pickled(name: str) -> str:
    return str(Path(name).with_suffix(".pt"))


def _file(home: Path, name: str) -> Path | None:
    """Safetensors, or else what torch saved; None = neither."""
    return next((home / one for one in (name, _pickled(name)) if (home / one).is_file()), None)


def _tensors(home: Path, name: str, file: Path | None) -> dict[str, Tensor]:
    """`weight` and `bias` of a file.

    Raises:
        ModelFolderError: it is not there, damaged, or holds code or other tensors.
    """
    if file is None:
        raise ModelFolderError(
            f"{short_name(home / _pickled(name))}: no such file, expected both of a pair of heads. "
            "The download is incomplete: fetch it."
        )
    found = {key: tensor for key, tensor in read_file(file).items() if key != SPECIAL_IDS}
    if set(found) != {"weight", "bias"} or not all(tensor.is_floating_point() for tensor in found.values()):
        held = ", ".join(f"{key} of {tensor.dtype}" for key, tensor in sorted(found.items())) or "nothing"
        raise ModelFolderError(
            f"{short_name(file)}: holds {held}, expected weight and bias of a linear layer. Fetch it again."
        )
    return found


def _check_shape(file: Path | None, tensors: dict[str, Tensor], shape: tuple[int, int]) -> None:
    wanted = {"weight": shape, "bias": shape[:1]}
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != wanted[name]:
            raise ModelFolderError(
                f"{short_name(file) if file else name}: {name} of shape {list(tensor.shape)}, expected "
                f"{list(wanted[name])}. It is of another model than config.json: fetch both again."
            )


def _special_ids(body: Body) -> tuple[int, ...]:
    found = {getattr(body.tokenizer, name, None) for name in SPECIAL_TOKENS}
    return tuple(sorted(number for number in found if number is not None))


def _layer(tensors: dict[str, Tensor]) -> nn.Linear:
    out, width = tensors["weight"].shape
    layer = nn.Linear(width, out)
    layer.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return layer.eval()


def _reference(body: Body, heads: TokenHeads, texts: Sequence[str]) -> Iterator[tuple[dict[int, float], Floats]]:
    """Torch's lexical weights and multi-vectors of each text, from batches that mix lengths."""
    sparse, colbert = heads.layers()
    for start in range(0, len(texts), BATCH):
        with torch.inference_mode():
            features = body.features(texts[start : start + BATCH], 0)
            states = features["token_embeddings"]
            weights, vectors = torch.relu(sparse(states))[..., 0], nn.functional.normalize(colbert(states), dim=-1)
        for row, mask in enumerate(features["attention_mask"].bool()):
            words: dict[int, float] = {}
            for word, weight in zip(features["input_ids"][row][mask].tolist(), weights[row][mask], strict=True):
                if word not in heads.special_ids and weight > 0:
                    words[word] = max(words.get(word, 0.0), float(weight))
            yield words, vectors[row][mask][1:].numpy()


def _lexical_delta(found: MultiEmbedding, wanted: dict[int, float]) -> float:
    got = found.sparse.to_dict() if found.sparse is not None else {}
    return max((abs(got.get(word, 0.0) - wanted.get(word, 0.0)) for word in got.keys() | wanted.keys()), default=0.0)


def _vector_delta(found: MultiEmbedding, wanted: Floats) -> float:
    """Infinite where the numbers of tokens differ."""
    got = found.multi_vector
    if got is None or got.shape != wanted.shape:
        return float("inf")
    differences: Array = np.abs(got - wanted)
    return float(differences.max(initial=0.0))


def _misses(
    trial: Trial, quantity: str, deltas: Sequence[float], bound: float | None, *, variant: str, accept_worse: bool
) -> tuple[str, ...]:
    """What is beyond the bound, in words; an error where that is not accepted."""
    row = int(np.argmax(np.where(np.isnan(deltas), np.inf, deltas)))
    tokens = min(trial.counts), max(trial.counts)
    measured = Measured(float(deltas[row]), None, len(deltas), tokens, 1, quantity, trial.scale)
    return judge(trial, variant, measured, {"max_delta": row}, Bound(bound), accept_worse=accept_worse).misses

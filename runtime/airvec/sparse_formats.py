"""One sparse vector as search engines and vector databases take it: plain Python dicts, lists and strings.

Entries with the weight 0 are left out everywhere; where an engine takes positive weights only, negative ones too.
Knows nothing of where the vectors come from, and of the engines' clients.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from airvec.arrays import Floats, TokenIds
from airvec.checks import whole_number
from airvec.errors import ArgumentError

# A token for every index: a list by index, or what `Tokenizer.get_vocab()` gives, {token: index}.
Vocabulary = Sequence[str] | Mapping[str, int]
Names = Sequence[str] | Mapping[int, str]  # what [index] of gives the token


def token_names(vocabulary: Vocabulary) -> Names:
    """The vocabulary, turned around where it maps tokens to indices.

    Raises:
        ArgumentError: it is neither a list of tokens nor a dict.
    """
    if isinstance(vocabulary, Mapping) and all(isinstance(index, int) for index in vocabulary.values()):
        return {index: token for token, index in vocabulary.items()}
    if isinstance(vocabulary, Sequence) and not isinstance(vocabulary, str):
        return vocabulary
    raise ArgumentError(f"vocabulary: {vocabulary!r:.60}, expected a list of tokens or {{token: index}}. Correct it.")


def weights(indices: TokenIds, values: Floats) -> dict[int, float]:
    """`{index: weight}`, as Milvus takes a SPARSE_FLOAT_VECTOR.

    >>> weights(np.array([3, 7], np.int32), np.array([0.5, 2.0], np.float32))
    {3: 0.5, 7: 2.0}
    """
    active = values != 0
    return dict(zip(indices[active].tolist(), values[active].tolist(), strict=True))


def tokens(indices: TokenIds, values: Floats, names: Names, top_k: int | None = None) -> list[tuple[str, float]]:
    """(token, weight), heaviest first and the lower index first among equals; at most `top_k` of them.

    Raises:
        ArgumentError: `top_k` below 1, or an index that is not in the vocabulary.
    """
    if top_k is not None:
        whole_number("top_k", top_k)
    active = np.flatnonzero(values)
    order = active[np.argsort(-values[active], kind="stable")][:top_k]
    return [(_name(names, index), float(values[place])) for place, index in zip(order, indices[order], strict=True)]


def positive_tokens(indices: TokenIds, values: Floats, names: Names) -> dict[str, float]:
    """`{token: weight}` of the weights above 0, as OpenSearch takes `rank_features` and `query_tokens`."""
    positive = values > 0
    return {
        _name(names, index): float(value)
        for index, value in zip(indices[positive], values[positive], strict=True)
    }  # fmt: skip


def dotless_tokens(indices: TokenIds, values: Floats, names: Names) -> dict[str, float]:
    """As `positive_tokens`, with "_" for every "." in a token: Elasticsearch takes no dots in a feature's name.

    Where that makes two tokens one, the larger weight stays: neither of them counts twice.
    """
    found: dict[str, float] = {}
    for token, weight in positive_tokens(indices, values, names).items():
        name = token.replace(".", "_")
        found[name] = max(weight, found.get(name, 0.0))
    return found


def impacts(indices: TokenIds, values: Floats, names: Names, maximum: float, quantize: int) -> dict[str, int]:
    """`{token: impact}` as Anserini and Pyserini take them, whole numbers from 1 to 2**quantize - 1.

    impact = round(weight / maximum * (2**quantize - 1)). A weight that rounds to 0 is left out; one above the maximum
    gets the highest impact.
    """
    levels = 2**quantize - 1
    scaled = np.rint(np.clip(values.astype(np.float64) / maximum, 0, 1) * levels).astype(np.int64)
    return {
        _name(names, index): int(impact)
        for index, impact in zip(indices, scaled, strict=True)
        if impact > 0
    }  # fmt: skip


def impact_scale(values: Floats, maximum: float | None, quantize: int) -> float:
    """The weight that gets the highest impact: `maximum`, or the largest of the values; 1 where none is above 0.

    Raises:
        ArgumentError: `quantize` is not from 1 to 24, or `maximum` is not a finite number above 0.
    """
    if whole_number("quantize", quantize) > 24:
        raise ArgumentError(f"quantize: {quantize}, expected 24 bits at most. Correct it.")
    if maximum is None:
        found = float(values.max(initial=0.0))
        return found if found > 0 else 1.0
    if not (np.isfinite(maximum) and maximum > 0):
        raise ArgumentError(f"maximum: {maximum!r}, expected a finite weight above 0. Correct it.")
    return float(maximum)


def index_and_value_lists(indices: TokenIds, values: Floats) -> dict[str, list[int] | list[float]]:
    """`{"indices": [...], "values": [...]}`, as Qdrant's SparseVector and Pinecone's sparse_values take them."""
    active = values != 0
    return {"indices": indices[active].tolist(), "values": values[active].tolist()}


def sparsevec(indices: TokenIds, values: Floats, dim: int) -> str:
    """The text form of pgvector's `sparsevec`, which counts from 1: "{4:0.5,8:2.0}/30522"."""
    active = values != 0
    entries = zip((indices[active] + np.int64(1)).tolist(), values[active], strict=True)
    return f"{{{','.join(f'{place}:{value!s}' for place, value in entries)}}}/{dim}"


def _name(names: Names, index: np.int32) -> str:
    try:
        return names[int(index)]
    except LookupError:
        raise ArgumentError(
            f"vocabulary: no token for index {index} among {len(names)}. Give the vocabulary of the model that made "
            "the vectors."
        ) from None

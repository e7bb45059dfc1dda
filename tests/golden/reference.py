"""Ten-line versions of what the runtime does with vectors, in plain Python loops: slow, and right at a glance.

Knows nothing of airvec.
"""

import math
from collections.abc import Callable, Sequence

Vector = Sequence[float]
Score = Callable[[Vector, Vector], float]


def dot(a: Vector, b: Vector) -> float:
    """Sum of products."""
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))


def cosine(a: Vector, b: Vector) -> float:
    """Dot product over the product of lengths; 0 where a length is 0."""
    lengths = math.sqrt(dot(a, a) * dot(b, b))
    return dot(a, b) / lengths if lengths else 0.0


def euclidean(a: Vector, b: Vector) -> float:
    """Minus the straight-line distance."""
    return -math.sqrt(sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)))


def manhattan(a: Vector, b: Vector) -> float:
    """Minus the distance along the axes."""
    return -sum(abs(float(x) - float(y)) for x, y in zip(a, b, strict=True))


SCORES: dict[str, Score] = {"cosine": cosine, "dot": dot, "euclidean": euclidean, "manhattan": manhattan}


def table(score: Score, a: Sequence[Vector], b: Sequence[Vector]) -> list[list[float]]:
    """Every row of `a` with every row of `b`."""
    return [[score(x, y) for y in b] for x in a]


def nearest(scores: Sequence[float], top_k: int) -> list[int]:
    """Places of the highest scores, best first; of equal ones the lower place first."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:top_k]


def pairs(scores: Sequence[Sequence[float]], top_k: int, max_pairs: int) -> list[tuple[int, int]]:
    """Pairs i < j where one is among the `top_k` nearest others of the other one, best first."""
    found: set[tuple[int, int]] = set()
    for i, row in enumerate(scores):
        others = [j for j in nearest(row, len(row)) if j != i]
        found |= {(min(i, j), max(i, j)) for j in others[:top_k]}
    return sorted(found, key=lambda pair: (-scores[pair[0]][pair[1]], pair))[:max_pairs]


def communities(scores: Sequence[Sequence[float]], threshold: float, smallest: int) -> list[list[int]]:
    """Rows close to a centre, largest group first; who is taken is out of later groups."""
    close = [[j for j in nearest(row, len(row)) if row[j] >= threshold] for row in scores]
    order = sorted((i for i in range(len(close)) if len(close[i]) >= smallest), key=lambda i: -len(close[i]))
    taken: set[int] = set()
    groups: list[list[int]] = []
    for centre in order:
        group = [centre, *(j for j in close[centre] if j != centre and j not in taken)]
        if centre not in taken and len(group) >= smallest:
            groups.append(group)
            taken.update(group)
    return sorted(groups, key=len, reverse=True)


def level(value: float, low: float, high: float) -> int:
    """Which of 256 steps between `low` and `high` a value lies on; the nearest end outside."""
    step = (high - low) / 255 or 1.0
    return min(255, max(0, math.floor((value - low) / step)))


def packed(vector: Vector) -> list[int]:
    """Eight signs to a byte, the first one highest; the last byte is filled with zeros."""
    bits = [int(value > 0) for value in vector]
    bits += [0] * (-len(bits) % 8)
    return [int("".join(map(str, bits[start : start + 8])), 2) for start in range(0, len(bits), 8)]

"""Which sites stay in float32: ranked by what each costs when it alone is quantised.

Knows nothing of graphs: whoever asks gives a function that measures.
"""

from collections.abc import Callable, Sequence

Distance = Callable[[Sequence[str]], float]


def to_keep(names: Sequence[str], distance: Distance, bound: float) -> list[str]:
    """As few of the costliest sites as bring the distance within the bound when the others are quantised.

    Args:
        names: of all sites.
        distance: how far the answers are when the sites of these names are quantised.
        bound: the largest distance that is let through.
    """
    if distance(names) <= bound:
        return []
    costly = rank(names, distance)
    few, many = 0, len(names)  # within the bound with `many` kept; the distance falls with every site that is kept
    while many - few > 1:
        middle = (few + many) // 2
        kept = costly[:middle]
        few, many = (few, middle) if distance([name for name in names if name not in kept]) <= bound else (middle, many)
    return costly[:many]


def rank(names: Sequence[str], distance: Distance) -> list[str]:
    """The sites, costliest first, each measured by quantising it alone."""
    costs = {name: distance([name]) for name in names}
    return sorted(names, key=lambda name: -costs[name])

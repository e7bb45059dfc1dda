"""Refines the one-token vectors with small bags of random words, so that a mean of tokens says what the teacher says.

One token alone cannot show how much it matters beside others; the teacher's vector of a bag of them does. Bags are
drawn from the recipe's own frequencies: no text is needed, and none is learnt from.
Knows nothing of files and of the final weighting.
"""

import numpy as np
import torch

Bags = list[torch.Tensor]  # one (bags, length) int64 for each length


def draw(share: np.ndarray, weight: np.ndarray, recipe: dict[str, float], lengths: range) -> Bags:
    """Random bags of tokens, as numbers of rows.

    Args:
        share: (tokens,) how common each token is.
        weight: (tokens,) its frequency weight; share * weight is how often it decides what a text is about.
        recipe: `per_length`, `seed`, and `even_share`: the part of the draws where all tokens are equally likely.
        lengths: Numbers of tokens a bag.
    """
    telling = share * weight / (share * weight).sum()
    chance = (1 - recipe["even_share"]) * telling + recipe["even_share"] / len(share)
    edges = np.cumsum(chance) / chance.sum()
    # Raw numbers between 0 and 1, because NumPy may change how it turns them into choices from version to version.
    random = np.random.default_rng(int(recipe["seed"]))
    shapes = [(int(recipe["per_length"]), length) for length in lengths]
    return [torch.from_numpy(np.searchsorted(edges, random.random(shape), side="right")) for shape in shapes]


def means(rows: torch.Tensor, bags: Bags) -> torch.Tensor:
    """(all bags, hidden): the mean of each bag's rows."""
    return torch.cat([rows[bag].mean(dim=1) for bag in bags])


def spread(values: torch.Tensor, bags: Bags, tokens: int) -> torch.Tensor:
    """(tokens, hidden): the transpose of `means`, each bag's value handed back to its tokens."""
    result = torch.zeros(tokens, values.shape[1], dtype=values.dtype)
    for bag, value in zip(bags, values.split([len(bag) for bag in bags]), strict=True):
        for column in bag.T:
            result.index_add_(0, column, value / bag.shape[1])
    return result


def refine(states: np.ndarray, bags: Bags, targets: np.ndarray, pull: float, steps: int) -> np.ndarray:
    """(tokens, hidden) float32: rows whose means over bags come near the targets, and which stay near the states.

    Least squares, sum |mean(rows of bag) - target|² + pull * sum |row - state|², by conjugate gradients from the
    states; a token that no bag holds keeps its state. States and targets are centred, and the states scaled to fit.

    Args:
        states: (tokens, hidden) from one-token passes.
        bags: Rows of each bag.
        targets: (all bags, hidden) the teacher's unit vectors.
        pull: Strength of the second term.
        steps: Steps of conjugate gradients.

    Raises:
        ValueError: There are not as many targets as bags.
    """
    if len(targets) != sum(len(bag) for bag in bags):
        raise ValueError(f"targets: found {len(targets)}, expected {sum(len(bag) for bag in bags)}, one a bag.")
    rows, goal = centred(states), centred(targets)
    guess = means(rows, bags)
    rows *= (guess * goal).sum() / guess.square().sum()
    residual = spread(goal - means(rows, bags), bags, len(rows))
    return (rows + solve(residual, bags, pull, steps)).numpy()


def solve(residual: torch.Tensor, bags: Bags, pull: float, steps: int) -> torch.Tensor:
    """The change of rows that answers the residual; the hidden dimensions are independent of each other."""
    change, direction, size = torch.zeros_like(residual), residual.clone(), residual.square().sum(dim=0)
    for _ in range(steps):
        product = spread(means(direction, bags), bags, len(residual)) + pull * direction
        # One hidden dimension of all-MiniLM is constant; centred it is 0, and 0 / 0 must stay 0.
        step = size / (direction * product).sum(dim=0).clamp_min(1e-30)
        change += step * direction
        residual = residual - step * product
        previous, size = size, residual.square().sum(dim=0)
        direction = residual + size / previous.clamp_min(1e-30) * direction
    return change


def centred(values: np.ndarray) -> torch.Tensor:
    """The values less their mean row."""
    return torch.from_numpy(values - values.mean(axis=0))

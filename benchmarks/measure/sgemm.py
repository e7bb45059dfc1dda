"""What this machine's matrix products can do: NumPy's, at the shapes of a model's layers. A process of its own.

    OPENBLAS_NUM_THREADS=1 python measure/sgemm.py     # answers JSON lines: see Limit

One layer of `tokens` rows is four products with (hidden, hidden), one with (hidden, inner) and one with
(inner, hidden); a head over a vocabulary is one more with (hidden, hidden) and one with (hidden, words). Every layer
has weights of its own, as a model has, so that they come from where a model's come from.
Knows nothing of models and texts.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np


class Limit:
    """The requests that this process answers: FLOP/s of so many threads side by side, each with its own batch."""

    def __init__(self, beside: int, layers: int, hidden: int, inner: int, words: int = 0) -> None:
        rng = np.random.default_rng(0)
        layer = [(hidden, hidden)] * 4 + [(hidden, inner), (inner, hidden)]
        head = [(hidden, hidden), (hidden, words)] if words else []
        self.weights = [rng.standard_normal(shape, np.float32) for shape in layer * layers + head]
        self.beside, self.hidden = beside, hidden
        self.pool = ThreadPoolExecutor(beside)

    def products(self, tokens: int, seconds: float) -> dict[str, float]:
        """All products of the model, in the order in which it has them: FLOP/s."""
        flops = 2.0 * tokens * sum(weights.size for weights in self.weights)

        def work() -> Callable[[], None]:
            inputs, outputs = ({weights.shape[side] for weights in self.weights} for side in (0, 1))
            rows = {width: np.ones((tokens, width), np.float32) for width in inputs}
            outs = {width: np.empty((tokens, width), np.float32) for width in outputs}

            def run() -> None:
                for weights in self.weights:
                    np.matmul(rows[weights.shape[0]], weights, out=outs[weights.shape[1]])

            return run

        return {"flops": self._rate(work, flops, seconds)}

    def shape(self, tokens: int, inputs: int, outputs: int, seconds: float) -> dict[str, float]:
        """One product (tokens, inputs) @ (inputs, outputs) again and again: FLOP/s."""

        def work() -> Callable[[], Any]:
            left, right = np.ones((tokens, inputs), np.float32), np.ones((inputs, outputs), np.float32)
            out = np.empty((tokens, outputs), np.float32)
            return lambda: np.matmul(left, right, out=out)

        return {"flops": self._rate(work, 2.0 * tokens * inputs * outputs, seconds)}

    def attention(self, texts: int, tokens: int, head: int, seconds: float) -> dict[str, float]:
        """Both products of attention, head by head: (tokens, head) @ (head, tokens) @ (tokens, head): FLOP/s."""
        count = texts * self.hidden // head

        def work() -> Callable[[], Any]:
            queries = np.ones((count, tokens, head), np.float32)
            keys = np.ones((count, head, tokens), np.float32)
            return lambda: np.matmul(np.matmul(queries, keys), queries)

        return {"flops": self._rate(work, 4.0 * count * tokens * tokens * head, seconds)}

    def _rate(self, work: Callable[[], Callable[[], Any]], flops: float, seconds: float) -> float:
        """FLOP/s of all threads together, for about so many seconds after one that is not counted."""
        works = [work() for _ in range(self.beside)]
        self._together(works, 1)
        once = self._together(works, 1)
        times = max(1, round(seconds / once))
        return flops * times * self.beside / self._together(works, times)

    def _together(self, works: Sequence[Callable[[], Any]], times: int) -> float:
        def run(work: Callable[[], Any]) -> None:
            for _ in range(times):
                work()

        start = time.perf_counter()
        list(self.pool.map(run, works))
        return time.perf_counter() - start


def main() -> None:
    """Answer one line with one line; the first makes the arrays."""
    limit: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        try:
            if do == "load":
                limit, answer = Limit(**request), {}
            else:
                answer = getattr(limit, do)(**request)
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

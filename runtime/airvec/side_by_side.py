"""Work on other threads: many pieces side by side, or the next piece while the caller is busy with this one.

Knows nothing of what the work is.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TypeVar

Part = TypeVar("Part")
Found = TypeVar("Found")


def run_beside(run: Callable[[Part], object], parts: Sequence[Part], threads: int) -> None:
    """Run all parts on several threads; the first error stops those not yet started."""
    from concurrent.futures import Future, ThreadPoolExecutor  # one text needs no pool

    with ThreadPoolExecutor(threads, thread_name_prefix="airvec") as pool:
        futures: list[Future[object]] = [pool.submit(run, part) for part in parts]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def ahead(work: Callable[[Part], Found], parts: Iterable[Part]) -> Iterator[Found]:
    """`work` of each part, in order; that of the next is done on another thread while the caller is busy with this."""
    rest = iter(parts)
    firsts = [part for _, part in zip(range(2), rest, strict=False)]
    if len(firsts) < 2:
        yield from map(work, firsts)
        return
    from concurrent.futures import ThreadPoolExecutor

    found = work(firsts[0])
    with ThreadPoolExecutor(1, thread_name_prefix="airvec-ahead") as pool:
        for part in chain(firsts[1:], rest):
            try:
                following = pool.submit(work, part).result
            except RuntimeError:  # no thread is given while the interpreter ends, or where a limit of them is reached
                following = partial(work, part)
            yield found
            found = following()
    yield found

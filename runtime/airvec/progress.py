"""A progress bar for long work, drawn by tqdm where it is wanted.

Knows nothing of what the work is.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from airvec.errors import require


@contextmanager
def progress_bar(show: bool, total: int | None, title: str, unit: str = "text") -> Generator[Callable[[int], None]]:
    """Gives a function to call with the number of units finished; without `show` it does nothing.

    Raises:
        MissingPackageError: a bar is wanted and tqdm is not installed.
    """
    if not show:
        yield lambda _: None
        return
    require("tqdm", "progress", "show_progress_bar=True")
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=title, unit=unit, unit_scale=True) as bar:

        def advance(count: int) -> None:
            bar.update(count)

        yield advance

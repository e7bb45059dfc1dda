"""The way of a call: what the store has, what the model computes and the store then keeps, joined in order.

Knows nothing of arguments and of the shapes that callers want.
"""

import warnings
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, NamedTuple

from airvec.caching.keys import expect_as_opened, keys_of, model_identity, question
from airvec.caching.rows import Form, opened, sealed
from airvec.caching.store import Store
from airvec.errors import AirvecWarning, StoreError
from airvec.forks import renew_in_children
from airvec.model import TEXTS_AT_ONCE, Model

Advance = Callable[[int], None]


class CacheInfo(NamedTuple):
    """How often a text's answer was found in the store, and how often it was computed."""

    hits: int
    misses: int


class Asked(NamedTuple):
    """One call.

    Args:
        method: the model's, by name.
        texts: or pairs of texts; one or more.
        settings: what the answer depends on besides model and texts.
        compute: texts -> the model's answer.
        form: of the answer.
        advance: called with the number of texts whose rows are there, in steps.
    """

    method: str
    texts: list[Any]
    settings: dict[str, Any]
    compute: Callable[[list[Any]], Any]
    form: Form
    advance: Advance


class Keeper:
    """A model and the store of its answers.

    Args:
        model: of airvec, or any other with `identity`.
        store: what keeps the rows.
        identity: what to tell the model by, besides its folder.
        raises: whether an error of the store ends a call; else it is a warning.

    Raises:
        ArgumentError: a model that cannot be told from another.
        ModelFolderError: the model's folder changed since it was opened.
    """

    def __init__(self, model: Any, store: Store, identity: str | None, *, raises: bool) -> None:
        self.model, self.store = model, store
        self._identity = model_identity(model, identity)
        self._raises = raises
        self._hits = self._misses = 0
        self._locked()

    def _locked(self) -> None:
        self._lock = Lock()
        renew_in_children(self, Keeper._renew)

    def _renew(self) -> None:
        """In a forked child: nobody is left who could give the lock back."""
        self._lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        expect_as_opened(self.model)  # it was opened again, perhaps much later
        self._locked()

    @property
    def info(self) -> CacheInfo:
        """Answers found and computed so far."""
        return CacheInfo(self._hits, self._misses)

    def answer(self, asked: Asked) -> Any:
        """The joined answer to all texts: from the store, and computed where it has none.

        Where the model's settings change meanwhile, the answer is the model's own, and the store keeps nothing of it.

        Raises:
            StoreError: the store fails.
        """
        before = self._question(asked)
        keys = keys_of(before, asked.texts)
        places = dict(zip(keys, asked.texts, strict=True))  # a text given twice is looked up and computed once
        kept = self._kept(list(places))
        missing = [key for key in places if key not in kept]
        asked.advance(len(keys) - len(missing))
        found = kept | self._computed(asked, before, {key: places[key] for key in missing})
        width = self._width(asked, found, missing)
        others = {key: places[key] for key, row in kept.items() if asked.form.width(row) != width}
        found |= self._computed(asked, before, others)
        if (missing or others) and self._question(asked) != before:
            return asked.form.joined(asked.form.packed(asked.compute(asked.texts)))
        self._count(len(keys), len(missing) + len(others))
        return asked.form.joined([found[key] for key in keys])

    def _width(self, asked: Asked, found: Mapping[bytes, bytes], missing: list[bytes]) -> int:
        """Of what the model says now. Where all was kept, an empty call tells, and checks the arguments besides."""
        if not missing and isinstance(self.model, Model):
            return int(asked.compute([]).shape[-1])
        return asked.form.width(found[missing[0] if missing else next(iter(found))])

    def _computed(self, asked: Asked, before: bytes, places: Mapping[bytes, Any]) -> dict[bytes, bytes]:
        """Rows of texts by key, computed and kept in parts: an interruption loses the last of them alone."""
        found: dict[bytes, bytes] = {}
        keys = list(places)
        for start in range(0, len(keys), TEXTS_AT_ONCE):
            part = keys[start : start + TEXTS_AT_ONCE]
            rows = asked.form.packed(asked.compute([places[key] for key in part]))
            computed = dict(zip(part, rows, strict=True))
            if self._question(asked) == before and (not isinstance(self.model, Model) or self.model.is_as_opened):
                self._keep({key: sealed(row) for key, row in computed.items()})
            found |= computed
            asked.advance(len(part))
        return found

    def _question(self, asked: Asked) -> bytes:
        return question(self._identity, self.model, asked.method, asked.settings)

    def _count(self, texts: int, misses: int) -> None:
        with self._lock:
            self._misses += misses
            self._hits += texts - misses

    def _kept(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """The rows that the store has, and that are whole."""
        try:
            rows = map(opened, self.store.get(keys))
            return {key: row for key, row in zip(keys, rows, strict=True) if row is not None}
        except StoreError as error:
            self._told(error)
            return {}

    def _keep(self, rows: Mapping[bytes, bytes]) -> None:
        try:
            self.store.put(rows)
        except StoreError as error:
            self._told(error)

    def _told(self, error: StoreError) -> None:
        """Raise it, or say it and go on."""
        if self._raises:
            raise error
        warnings.warn(f"{error} The model computes without the store.", AirvecWarning, stacklevel=2)

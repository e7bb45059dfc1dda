"""The key of an answer: SHA-256 of the model, of how it was asked, and of the text.

Knows nothing of stores and of answers.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast

from airvec.errors import ArgumentError, ModelFolderError
from airvec.identity import SETTINGS, folder_digest
from airvec.model import Model

__all__ = ["expect_as_opened", "keys_of", "model_identity", "question"]


def model_identity(model: Any, given: str | None) -> bytes:
    """What a model is, but for settings that can be changed after it was opened.

    Args:
        model: of airvec, whose folder is read, all of it.
        given: what to tell any other model by; for those of airvec it comes besides.

    Raises:
        ArgumentError: neither a model of airvec nor something to tell it by.
        ModelFolderError: the folder is no longer what the model was opened from.
    """
    if isinstance(model, Model):
        digest = folder_digest(model.folder)
        expect_as_opened(model)  # asked last, so that what changes while it is read is seen, too
        return digest + (given or "").encode()
    if not given:
        raise ArgumentError(
            f"CachedModel: model is of the class {type(model).__name__}, whose weights airvec cannot tell, expected "
            'one of airvec. Give identity="…", a text that changes whenever the model does.'
        )
    return given.encode()


def expect_as_opened(model: Any) -> None:
    """Refuse a model whose folder is not what it was opened from: its answers may be of either.

    Raises:
        ModelFolderError: a file changed, came or went.
    """
    if isinstance(model, Model) and not model.is_as_opened:
        raise ModelFolderError(
            f"{model.folder}: the folder changed since the model was opened, expected the files that its answers are "
            "of. Open it again."
        )


def question(identity: bytes, model: Any, method: str, settings: dict[str, Any]) -> bytes:
    """Model, its settings of the moment, and how it is asked: 32 bytes."""
    now = [_ordered(getattr(model, name, None)) for name in SETTINGS]
    said = repr(
        [type(model).__name__, method, now, _ordered(settings)]
    )  # every call asks: json takes five times longer
    return sha256(b"\n".join([identity, said.encode(), _opened_as(model).encode()])).digest()


def keys_of(asked: bytes, texts: Sequence[str] | Sequence[tuple[str, str]]) -> list[bytes]:
    """A key of 32 bytes for each text, or pair of texts."""
    return [sha256(asked + _bytes(text)).digest() for text in texts]


def _opened_as(model: Any) -> str:
    """The graphs' files stand for the variant, whose name may mean another file on another CPU."""
    if not isinstance(model, Model):
        return ""
    options, *chosen = model.opened_as
    return repr([options._replace(variant="", file_name=None), *chosen])


def _ordered(value: Any) -> Any:
    """The same for dicts of the same items, in whatever order they were put in."""
    return sorted(cast("dict[str, Any]", value).items()) if isinstance(value, dict) else value


def _bytes(text: str | tuple[str, str]) -> bytes:
    """UTF-8, in which half a surrogate pair is three bytes: the model is to refuse it, with its own words."""
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    first, second = (part.encode("utf-8", "surrogatepass") for part in text)
    return len(first).to_bytes(8, "little") + first + second

"""The JSON body of a request → its values, each checked: an error names the key, what was found and what was expected.

Keys are those of sentence-transformers' arguments. A key that is null counts as left out. Here and beside it values are
NamedTuples: Python makes such a class in a sixth of the time of a frozen dataclass, and makes them at each start.
Knows nothing of events and models.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, cast

from airvec.serving.problems import RequestError

# int8 codes are levels between the smallest and largest value of some calibration embeddings: those of one request
# would be other levels than those of the next.
PRECISIONS = ("float32", "binary", "ubinary")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SHOWN = 40  # characters of a value in a message
MOST_DIGITS = 100  # of a whole number: Python reads no more than 4,300, and says so in words of its own
# Keys that other interfaces have → ours; and keys that one path takes and a request without a path may bring.
MEANT = {"text": "texts", "input": "texts", "inputs": "texts", "sentences": "texts", "sentence": "texts"}
TAKEN_BY = {"query": "/search, or with documents to /rerank", "queries": "/search", "documents": "/rerank"}


class Texts(NamedTuple):
    """The texts of a key, and whether it held a single one."""

    listed: list[str]
    single: bool


class Prompting(NamedTuple):
    """What goes in front of texts: by task, by the name of a prompt, or the prompt itself."""

    task: str | None
    name: str | None
    prompt: str | None


class EncodeRequest(NamedTuple):
    """Dense embeddings of texts."""

    texts: Texts
    prompting: Prompting
    normalize: bool
    truncate_dim: int | None
    precision: str
    encoding: str


class SparseRequest(NamedTuple):
    """Sparse embeddings of texts, by `"indices"` or by `"tokens"`."""

    texts: Texts
    prompting: Prompting
    max_active_dims: int | None
    encoding: str


class RerankRequest(NamedTuple):
    """Documents in the order of their scores with a query."""

    query: str
    documents: list[str]
    top_k: int | None
    return_documents: bool


class SimilarityRequest(NamedTuple):
    """Similarities of texts with others; without `others`, of all with all."""

    texts: list[str]
    others: list[str] | None


class SearchRequest(NamedTuple):
    """The best documents of an index for each query."""

    queries: Texts
    top_k: int
    return_documents: bool


def read_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        RequestError: 400, no body, not UTF-8 or not JSON, or a number of hundreds of digits; 422, JSON that is no
            object, or a key that is there twice.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    if not body.strip():
        raise RequestError(400, f"body: {len(body)} bytes, expected a JSON object. Send one with POST.")
    try:
        values: object = json.loads(
            body.decode("utf-8", "surrogatepass"),
            object_pairs_hook=_object,
            parse_int=_whole_number,
            parse_constant=_no_number,
        )
    except UnicodeDecodeError as error:
        raise RequestError(
            400, f"body: byte {error.start} is 0x{body[error.start]:02x}, expected JSON in UTF-8. Encode it so."
        ) from None
    except (ValueError, RecursionError) as error:  # not JSON, or too deep
        raise RequestError(400, f"body: not JSON ({error}), expected a JSON object. Correct it.") from None
    if not isinstance(values, dict):
        raise RequestError(422, f'body: {_shown(values)}, expected a JSON object such as {{"texts": ["…"]}}.')
    return cast("dict[str, Any]", values)


def read_encode(values: Mapping[str, Any]) -> EncodeRequest:
    """Values of an encode request.

    Raises:
        RequestError: 422, a key that is unknown, missing or of another type.
    """
    keys = Keys.of(
        values, "texts", "task", "prompt_name", "prompt", "normalize_embeddings", "truncate_dim", "precision",
        "encoding_format",
    )  # fmt: skip
    return EncodeRequest(
        texts=keys.texts("texts"),
        prompting=keys.prompting(),
        normalize=keys.flag("normalize_embeddings"),
        truncate_dim=keys.number("truncate_dim"),
        precision=keys.choice("precision", PRECISIONS),
        encoding=keys.choice("encoding_format", ("float", "base64")),
    )


def read_sparse(values: Mapping[str, Any]) -> SparseRequest:
    """Values of a sparse request.

    Raises:
        RequestError: as `read_encode`.
    """
    keys = Keys.of(values, "texts", "task", "prompt_name", "prompt", "max_active_dims", "encoding_format")
    return SparseRequest(
        keys.texts("texts"),
        keys.prompting(),
        keys.number("max_active_dims"),
        keys.choice("encoding_format", ("indices", "tokens")),
    )


def read_rerank(values: Mapping[str, Any]) -> RerankRequest:
    """Values of a rerank request.

    Raises:
        RequestError: as `read_encode`.
    """
    keys = Keys.of(values, "query", "documents", "top_k", "return_documents")
    return RerankRequest(
        keys.need_text("query"), keys.text_list("documents"), keys.number("top_k"), keys.flag("return_documents")
    )


def read_similarity(values: Mapping[str, Any]) -> SimilarityRequest:
    """Values of a similarity request: `texts1` and `texts2`, or `texts`.

    Raises:
        RequestError: as `read_encode`.
    """
    if values.get("texts1") is None and values.get("texts2") is None:
        keys = Keys.of(values, "texts", "texts1", "texts2")
        return SimilarityRequest(keys.texts("texts").listed, None)
    keys = Keys.of(values, "texts1", "texts2")
    return SimilarityRequest(keys.texts("texts1").listed, keys.texts("texts2").listed)


def read_search(values: Mapping[str, Any]) -> SearchRequest:
    """Values of a search request: `query`, or `queries`.

    Raises:
        RequestError: as `read_encode`.
    """
    keys = Keys.of(values, "query", "queries", "top_k", "return_documents")
    if (keys.get("query") is None) == (keys.get("queries") is None):
        raise RequestError(422, f"query: {_shown(keys.get('query'))}, expected one of query and queries. Give one.")
    single = keys.get("query") is not None
    queries = [keys.need_text("query")] if single else keys.text_list("queries")
    return SearchRequest(Texts(queries, single), keys.number("top_k") or 10, keys.flag("return_documents"))


class Keys(NamedTuple):
    """The keys and values of one request, all of them known."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, values: Mapping[str, Any], *known: str) -> "Keys":
        """The values, if every key is known.

        Raises:
            RequestError: 422, one is not.
        """
        for key in values:
            if key not in known:
                raise RequestError(
                    422, f"{key[:SHOWN]}: unknown key, expected {', '.join(known)}. {_advice(key, known)}"
                )
        return cls(values)

    def get(self, key: str) -> Any:
        """Whatever is there; None for nothing."""
        return self.values.get(key)

    def texts(self, key: str) -> Texts:
        """A text or a list of texts, which must be there."""
        found = self.get(key)
        if isinstance(found, str):
            return Texts([_text(key, found)], single=True)
        return Texts(self.text_list(key, "a text or a list of texts"), single=False)

    def text_list(self, key: str, expected: str = "a list of texts") -> list[str]:
        """A list of texts, which must be there."""
        found = self.get(key)
        if not isinstance(found, list):
            _refuse(key, found, expected)
        return [_text(f"{key}[{place}]", text) for place, text in enumerate(cast("list[object]", found))]

    def need_text(self, key: str) -> str:
        """A text, which must be there."""
        return _text(key, self.get(key))

    def text(self, key: str) -> str | None:
        """A text or None."""
        return None if self.get(key) is None else _text(key, self.get(key))

    def flag(self, key: str) -> bool:
        """True or false; false where it is left out."""
        found = self.get(key)
        if not isinstance(found, bool | None):
            _refuse(key, found, "true or false")
        return bool(found)

    def number(self, key: str) -> int | None:
        """A whole number above 0, or None."""
        found = self.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int) or found < 1:
            _refuse(key, found, "a whole number of at least 1")
        return found

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of some words; the first where it is left out."""
        found = choices[0] if self.get(key) is None else self.get(key)
        if found not in choices:
            _refuse(key, found, f"one of {', '.join(choices)}")
        return cast(str, found)

    def prompting(self) -> Prompting:
        """The keys `task`, `prompt_name` and `prompt`, of which the last two exclude each other."""
        task = None if self.get("task") is None else self.choice("task", ("query", "document"))
        name, prompt = self.text("prompt_name"), self.text("prompt")
        if name is not None and prompt is not None:
            raise RequestError(422, f"prompt: given together with prompt_name ({_shown(name)}). Give one of the two.")
        return Prompting(task, name, prompt)


def _advice(key: str, known: Sequence[str]) -> str:
    """What to do with a key that is unknown here."""
    if MEANT.get(key) in known:
        return f"Did you mean {MEANT[key]}?"
    return f"Send it to {TAKEN_BY[key]}." if key in TAKEN_BY else "Leave it out."


def _text(where: str, found: object) -> str:
    if not isinstance(found, str):
        _refuse(where, found, "a text")
    try:
        found.encode()
    except UnicodeEncodeError as error:
        raise RequestError(
            422,
            f"{where}: character {error.start} is U+{ord(found[error.start]):04X}, half of a surrogate pair, expected "
            "valid Unicode. Repair the text.",
        ) from None
    return found


def _refuse(where: str, found: object, expected: str) -> NoReturn:
    missing = found is None and not where.endswith("]")  # in a list null is there
    said = "missing" if missing else _shown(found)
    raise RequestError(422, f"{where}: {said}, expected {expected}. {'Add' if missing else 'Correct'} it.")


def _shown(found: object) -> str:
    """A value as JSON, cut."""
    try:
        text = json.dumps(found)
    except RecursionError:  # what could just be read may be too deep to be written
        return f"a {type(found).__name__} too deep to show"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, none of whose keys is there twice: which of the two is meant nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise RequestError(422, f"{twice[:SHOWN]}: given twice, expected each key once. Leave one out.")
    return found


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        said = f"body: a number of {len(digits):,} digits, expected at most {MOST_DIGITS}. Correct it."
        raise RequestError(400, said)
    return int(digits)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")

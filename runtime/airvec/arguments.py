"""Checks what callers pass, and settles the arguments that exist for code written for sentence-transformers.

`docs/migrating.md` has the table of these arguments.
Knows nothing of how texts become embeddings.
"""

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set, Sized
from itertools import islice
from typing import Any, cast

import numpy as np

from airvec.backends import BackendOptions
from airvec.checks import whole_number
from airvec.errors import AirvecWarning, ArgumentError, InputError
from airvec.folder import OPENVINO, SIMILARITY_NAMES, TokenizerSpec, settle
from airvec.threads import available_threads, limit_tokenizers
from airvec.tokenizer import check_side

MODEL_KWARGS = ("file_name", "provider", "provider_options", "session_options", "ov_config")
TOKENIZER_KWARGS = ("model_max_length", "padding_side")
OUTPUT_VALUES = ("sentence_embedding", "token_embeddings", None)

_warned: set[str] = set()


def check_texts(inputs: object) -> tuple[list[str], bool]:
    """The texts of one call as a list, and whether a single text was passed.

    A list, a tuple, a NumPy array of strings or any other sized sequence (a pandas or datasets column) is many.

    Raises:
        InputError: something that is not a text; the message names its place, its type and what to do.
    """
    given = inputs  # keeps its type where the checks below narrow that of `inputs`
    if isinstance(inputs, str):
        return [inputs], True
    if isinstance(inputs, np.ndarray) and inputs.ndim == 1:
        return [check_text(text, place) for place, text in enumerate(inputs.tolist())], False
    if isinstance(inputs, (bytes, bytearray, Mapping, Set, np.ndarray)) or not isinstance(inputs, Iterable):
        raise InputError(f"texts: {described(given)}, expected a str or a list of str. Convert it first.")
    if not isinstance(inputs, Sized):
        raise InputError(
            f"texts: {described(given)}, which has no length. Pass list(…), or use encode_stream for corpora "
            "that do not fit in memory."
        )
    return [check_text(text, place) for place, text in enumerate(cast("Iterable[object]", inputs))], False


def check_text(text: object, place: int) -> str:
    """The text itself, if it is a str.

    Raises:
        InputError: it is something else.
    """
    given = text
    if isinstance(text, str):
        return text
    advice = "Convert it with str() or leave it out."
    if isinstance(text, (list, tuple)):
        advice = "Pairs of texts are for a reranker; join the parts into one text to embed them together."
    if isinstance(text, (bytes, bytearray)):
        advice = "Decode it first, for example with .decode()."
    raise InputError(f"text {place}: {described(given)}, expected a str. {advice}")


def checked_parts(texts: Iterator[object], size: int) -> Iterator[tuple[int, list[str]]]:
    """Number of the first text and `size` checked texts, each read when it is asked for."""
    read = 0
    while part := [check_text(text, read + place) for place, text in enumerate(islice(texts, size))]:
        yield read, part
        read += len(part)


def pick_inputs(inputs: object, sentences: object) -> object:
    """The one of encode's first argument and its old name that was given.

    Raises:
        InputError: neither or both.
    """
    if (inputs is None) == (sentences is None):
        found = "neither" if inputs is None else "both"
        raise InputError(
            f"inputs: {found} of inputs and sentences given (None counts as not given), expected one. Pass "
            "texts, or pairs to a reranker, as the first argument."
        )
    return sentences if inputs is None else inputs


def keyed_texts(inputs: object, task: str | None) -> tuple[object, str | None]:
    """The texts of `{"query": text}` inputs, whose one key is the task; any others as they are.

    Raises:
        InputError: dicts with several keys, or with different ones.
    """
    listed = cast("list[object]", inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    if not listed or not all(isinstance(item, Mapping) for item in listed):
        return cast(object, inputs), task
    items = cast("list[Mapping[str, object]]", listed)
    keys = {key for item in items for key in item}
    if len(keys) != 1 or any(len(item) != 1 for item in items):
        raise InputError(
            f"texts: dicts with the keys {', '.join(map(repr, sorted(map(str, keys))))}, expected one key, the task, "
            "the same in all. Pass task=… and texts, in a call for each task."
        )
    (key,) = keys
    texts = [item[key] for item in items]
    return (texts[0] if isinstance(inputs, Mapping) else texts), task or key


def backend_options(
    backend: str, variant: str, device: str | None, model_kwargs: Mapping[str, Any] | None, threads: int | None
) -> BackendOptions:
    """How to open the graph, from the constructor's arguments.

    Raises:
        ArgumentError: a device, provider or key that cannot be served.
    """
    given = _checked("model_kwargs", model_kwargs, MODEL_KWARGS)
    file_name = given.get("file_name")
    if file_name is not None and not isinstance(file_name, str):
        raise ArgumentError(f"file_name: {file_name!r}, expected a str such as 'onnx/model.onnx'. Correct it.")
    if not isinstance(variant, str) or not _is_variant_name(variant):
        raise ArgumentError(f"variant: {variant!r}, expected a name such as 'int8' or 'openvino'. Correct it.")
    name, backend = settle(variant, backend)
    provider = given.get("provider")
    if backend == OPENVINO and device not in (None, "cpu"):
        raise ArgumentError(f"device: {device!r}, but OpenVINO runs on the CPU here. Leave it out.")
    providers = _device_providers(device)
    if provider is not None:
        providers = _chosen_provider(str(provider), device, providers)
    providers = _with_options(providers, given.get("provider_options"))
    count = available_threads() if threads is None else whole_number("threads", threads)
    if threads is None:
        limit_tokenizers()
    return BackendOptions(
        backend, name, file_name, providers, given.get("session_options"), count, given.get("ov_config")
    )


def _is_variant_name(variant: str) -> bool:
    return variant != "" and all(one.isalnum() or one in "_.+-" for one in variant)


def tokenizer_spec(
    spec: TokenizerSpec,
    max_seq_length: int | None,
    tokenizer_kwargs: Mapping[str, Any] | None,
    processor_kwargs: Mapping[str, Any] | None,
    name: str = "max_seq_length",
) -> TokenizerSpec:
    """The folder's tokenizer settings with the caller's over them; `max_seq_length` wins over `model_max_length`.

    `name` is the limit's in messages, which is another in a reranker.

    Raises:
        ArgumentError: an unknown key, or both names of the same argument.
    """
    if tokenizer_kwargs is not None and processor_kwargs is not None:
        raise ArgumentError(
            f"processor_kwargs: {dict(processor_kwargs)!r}, given together with its old name tokenizer_kwargs. "
            "Give one of the two."
        )
    given = _checked("processor_kwargs", processor_kwargs or tokenizer_kwargs, TOKENIZER_KWARGS)
    limit = max_seq_length if max_seq_length is not None else given.get("model_max_length")
    if limit is not None:
        spec = spec._replace(max_length=check_limit(spec, limit, name))
    return spec._replace(padding_side=check_side(given.get("padding_side", spec.padding_side)))


def check_limit(spec: TokenizerSpec, limit: object, name: str = "max_seq_length") -> int:
    """The length limit itself, if the model can number so many tokens.

    Raises:
        ArgumentError: not a whole number above 0, or more than the model's positions.
    """
    tokens = whole_number(name, limit)
    if spec.positions is not None and tokens > spec.positions:
        raise ArgumentError(
            f"{name}: {tokens}, but the model has positions for {spec.positions} tokens. Lower it to that."
        )
    return tokens


def check_device(device: object, own: str) -> None:
    """A model runs where it was opened; `device` in a call may only repeat that.

    Raises:
        ArgumentError: another device, or a list of them.
    """
    if device is not None and device != own:
        raise ArgumentError(
            f"device: {device!r}, but this model was opened on {own!r}. Pass device to the constructor."
        )


def device_of(options: BackendOptions) -> str:
    """Where the chosen provider runs, in the reference's words."""
    return "cuda" if "CUDA" in str(options.providers) else "cpu"


def check_output_value(value: str | None, on_truncate: str) -> str | None:
    """The value itself, if there is such an output.

    Raises:
        ArgumentError: there is none, or it cannot be had with `on_truncate="chunk"`.
    """
    if value != "sentence_embedding" and on_truncate == "chunk":
        raise ArgumentError(f"output_value: {value!r}, but windows are averaged under on_truncate='chunk'. Choose one.")
    if value not in OUTPUT_VALUES:
        raise ArgumentError(f"output_value: {value!r}, expected one of {OUTPUT_VALUES}. Correct it.")
    return value


def check_dim(name: str, dim: int | None) -> int | None:
    """The number of dimensions to keep, if it is one; None = all.

    Raises:
        ArgumentError: not a whole number above 0.
    """
    return None if dim is None else whole_number(name, dim)


def check_similarity_name(name: str) -> str:
    """The name itself, if there is such a similarity.

    Raises:
        ArgumentError: there is none.
    """
    if name not in SIMILARITY_NAMES:
        raise ArgumentError(f"similarity_fn_name: {name!r}, expected one of {', '.join(SIMILARITY_NAMES)}. Correct it.")
    return name


def want_progress(show_progress_bar: bool | None) -> bool:
    """As the reference decides: None means yes if the `airvec` logger shows INFO."""
    if show_progress_bar is None:
        if "logging" not in sys.modules:  # nobody can have set a level
            return False
        import logging
        from importlib.util import find_spec

        wanted = logging.getLogger("airvec").getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        return wanted and find_spec("tqdm") is not None  # nobody asked for the bar: without tqdm there is none
    return show_progress_bar


def warn_once(name: str, message: str) -> None:
    """Warn the first time in a process that `name` is used."""
    if name not in _warned:
        _warned.add(name)
        warnings.warn(message, AirvecWarning, stacklevel=4)


def _device_providers(device: str | None) -> tuple[Any, ...] | None:
    if device is None or device == "cpu":
        return None
    kind, _, number = str(device).partition(":")
    if kind != "cuda" or (number and not number.isdecimal()):
        raise ArgumentError(f"device: {device!r}, expected None, 'cpu', 'cuda' or 'cuda:N'. Use one of these.")
    (provider,) = _named_provider("CUDAExecutionProvider", f"device {device!r} needs")
    return ((provider, {"device_id": number or "0"}), "CPUExecutionProvider")


def _chosen_provider(provider: str, device: str | None, providers: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if device is not None and ("CUDA" in provider) != (providers is not None):
        raise ArgumentError(f"provider: {provider!r}, but device is {device!r}. Give one of the two.")
    return providers or _named_provider(provider)


def _with_options(providers: tuple[Any, ...] | None, given: object) -> tuple[Any, ...] | None:
    """The first provider with options of its own besides, such as `{"gpu_mem_limit": 2 << 30}`."""
    if given is None:
        return providers
    if not isinstance(given, Mapping):
        raise ArgumentError(f"provider_options: {given!r}, expected a dict of one provider's options. Correct it.")
    if providers is None:
        raise ArgumentError(
            f"provider_options: {given!r}, but no provider is named. Pass device='cuda', or provider=… beside it."
        )
    first: Any = providers[0]
    name, own = cast("tuple[str, dict[str, Any]]", first if isinstance(first, tuple) else (first, {}))
    return ((name, {**own, **given}), *providers[1:])


def _named_provider(name: str, where: str = "provider:") -> tuple[str, ...]:
    from airvec.backends.onnx import check_provider

    return (check_provider(name, where),)


def _checked(where: str, given: Mapping[str, Any] | None, known: Sequence[str]) -> dict[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(f"{where}: {given!r}, expected a dict with any of {', '.join(known)}. Correct it.")
    for key in given or {}:
        if key not in known:
            raise ArgumentError(
                f"{where}: key {key!r}, expected {', '.join(known)}. Leave it out: torch's arguments do not apply."
            )
    return dict(given or {})


def described(value: object) -> str:
    """A value for a message: its type and how it begins."""
    shown = repr(value)
    kind = type(value).__name__
    return "None" if value is None else f"{kind} {shown[:40] + '…' if len(shown) > 40 else shown}"


def default_cache_folder() -> str | None:
    """Where models from the Hub go, if the environment says: AIRVEC_CACHE, else SENTENCE_TRANSFORMERS_HOME."""
    return os.environ.get("AIRVEC_CACHE") or os.environ.get("SENTENCE_TRANSFORMERS_HOME")

"""OpenVINO graphs, run on the CPU by OpenVINO.

As in `onnx.py`, a call with one batch runs on all our threads, and a call with many batches runs several of them side
by side, each on one thread of a second compilation of the same graph, made by the first call that needs it. Every
running call has an infer request of its own.
Settings of ours, each of which `ov_config` replaces: numbers are float32, since on a CPU with AMX OpenVINO computes in
bfloat16 by itself, which moves unit vectors by 1.3e-3; threads are not bound to cores, since those of two processes
would be bound to the same ones. No cache folder: it saves a third of the time that opening takes (80 of 250 ms for
all-MiniLM-L6-v2) for a second copy of the weights on disk, which is the user's to decide.
Knows nothing of texts, prompts and the modules after the graph.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from airvec.arrays import Features, Floats, Integers
from airvec.backends import BackendOptions
from airvec.backends.interface import HEAD_BUDGET, check_inputs, choose_output
from airvec.backends.openvino_settings import SIDE_BY_SIDE, compile_settings, read_settings
from airvec.backends.telemetry import no_telemetry
from airvec.batching import TOKEN_BUDGET, WINDOW_TEXTS, Tokens, pad
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import FILL_MASK, OPENVINO, ModelFolder, ModuleSpec, find_graph, graph_record
from airvec.forks import never_destroy, renew_in_children
from airvec.json_file import short_name

# What OpenVINO makes for each new shape of a batch, it keeps: 5 MB a shape for all-MiniLM-L6-v2 in int8, 1,400 MB after
# 360 calls. There are two stores, each counted in kernels, of which that model has about twelve a shape; the second
# belongs to the library below OpenVINO, which asks the environment when it is first used. With the last 256 kernels
# kept, memory stays flat, and what was made for some twenty shapes is found again.
KERNELS = 256
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS))

with no_telemetry():
    import openvino as ov

# OpenVINO's table of NumPy's types is made by the first call that needs it. Two threads in that call wait for each
# other for ever, one with Python's lock and one with the table's: seen once in a test, and in most of 30 processes
# whose threads switch often. So it is made here, where an import lets one thread in.
ov.Type.i64.to_dtype()

# How an OpenVINO file begins. OpenVINO goes by content and not by name: an ONNX file called .xml would be opened as
# one, and its weights be read from wherever it says (tried).
BEGINNINGS = (b"<?xml", b"<net")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
INPUT_TYPES: dict[str, type[np.signedinteger[Any]]] = {"i64": np.int64, "i32": np.int32}


class Requests:
    """A compiled graph and those of its infer requests that no call uses at the moment."""

    def __init__(self, compiled: ov.CompiledModel) -> None:
        self.compiled = compiled
        self._idle: list[ov.InferRequest] = []

    def infer(self, inputs: Mapping[str, Integers], output: str) -> Floats:
        """The output as an array of its own; several threads may call this at once."""
        try:
            request = self._idle.pop()  # a list's pop and append are atomic
        except IndexError:
            request = self.compiled.create_infer_request()
        request.infer(inputs, share_inputs=True)
        # A copy, since the next call writes into the same memory; float32, also where the graph gives half precision.
        found = np.array(request.get_tensor(output).data, np.float32)
        self._idle.append(request)
        return found


class OpenVinoGraph:
    """An opened graph, run for the one output that its task needs."""

    def __init__(self, folder: ModelFolder, body: ModuleSpec, options: BackendOptions, pad_id: int) -> None:
        _refuse(options)
        self.file = Path(find_graph(folder, options.variant, options.file_name, body, OPENVINO))
        record = graph_record(folder, self.file)
        self.modules = record.modules if record else ()
        self._given, self._threads, self._pad_id = read_settings(options.ov_config), options.threads, pad_id
        self._task, self._lock = body.task, threading.Lock()
        self._source: tuple[ov.Core, ov.Model] | None = None
        self._opened: dict[bool, Requests] = {}
        check_files(self.file)
        compiled = self._requests(bulk=False).compiled
        self.inputs = _inputs(self.file, compiled)
        self._output, self._feature = choose_output(self.file, _names(compiled.outputs), body)
        self.pools = self._feature == "sentence_embedding"
        self.output_dim = _width(compiled.output(self._output))
        if self.output_dim is None and body.task == FILL_MASK:
            self.output_dim = body.config.integer("vocab_size")
        self.token_budget = HEAD_BUDGET if body.task == FILL_MASK else TOKEN_BUDGET
        self.turn = threading.Lock() if body.task == FILL_MASK and not self.pools else None
        # Batches of many sizes would each have their kernels compiled, so only the budget ends a batch.
        self.window, self.batch_cost, self.beside = WINDOW_TEXTS, None, self.turn is None
        renew_in_children(self, OpenVinoGraph._renew)

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """The output as a feature, float32, with ids and mask.

        `token_embeddings` (batch, tokens, dim or vocabulary), `sentence_embedding` (batch, dim) or `scores`
        (batch, labels).

        Raises:
            ModelFolderError: OpenVINO failed; the message holds its own and the batch's shape.
        """
        batch = pad(tokens, self._pad_id, "right")  # for the reason in onnx.py
        ids = {
            "input_ids": batch.input_ids,
            "attention_mask": batch.attention_mask,
            "token_type_ids": batch.token_type_ids,
        }
        requests = self._requests(bulk)
        try:
            inputs = {name: np.ascontiguousarray(ids[name], kind) for name, kind in self.inputs.items()}
            found = requests.infer(inputs, self._output)
        except RuntimeError as error:
            raise ModelFolderError(
                f"{short_name(self.file)}: failed on a batch of shape {list(batch.input_ids.shape)}: {_reason(error)} "
                "If the graph has fixed sizes, export it again with airvec export."
            ) from error
        return {**ids, self._feature: found}

    def _requests(self, bulk: bool) -> Requests:
        """What a batch runs on, compiled by the first that needs it."""
        with self._lock:
            several = self._threads > 1 and self._task != FILL_MASK and not SIDE_BY_SIDE & self._given.keys()
            beside = bulk and several
            if beside not in self._opened:
                self._source = self._source or _read(self.file, self._given)
                settings = compile_settings(self._given, self._threads, self._threads if beside else 1)
                self._opened[beside] = _compile(self.file, self._source, settings)
            return self._opened[beside]

    def _renew(self) -> None:
        """In a forked child, where OpenVINO's threads are not: the next batch opens the graph again.

        What the parent opened hangs there, when it is used and when it is destroyed; a new one runs.
        """
        never_destroy((self._source, self._opened))
        self._source, self._opened = None, {}
        self._lock = threading.Lock()
        self.turn = self.turn and threading.Lock()


def check_files(file: Path) -> None:
    """Refuse what only looks like an OpenVINO graph, and one whose weights are not beside it.

    OpenVINO itself checks that all weights lie within the .bin of the same name, and reads no other file.

    Raises:
        ModelFolderError: the file is no XML, or there are no weights.
        ArgumentError: the name of a graph of another kind.
    """
    if file.suffix != ".xml":
        raise ArgumentError(
            f"file_name: {file.name!r}, but backend is 'openvino', expected an .xml file. Leave backend out for .onnx."
        )
    with file.open("rb") as opened:
        beginning = opened.read(64).removeprefix(BYTE_ORDER_MARK).lstrip()
    if not beginning.startswith(BEGINNINGS):
        raise ModelFolderError(
            f"{short_name(file)}: begins with {beginning[:8]!r}, expected XML. It is damaged or no OpenVINO graph: "
            "fetch or export it again."
        )
    if not file.with_suffix(".bin").is_file():
        raise ModelFolderError(
            f"{short_name(file)}: no {file.stem}.bin beside it, which holds its weights. The download is incomplete: "
            "fetch the folder again."
        )


def _refuse(options: BackendOptions) -> None:
    """Say that what is for ONNX Runtime does nothing here."""
    given = {"provider or device": options.providers, "session_options": options.session_options}
    for name, value in given.items():
        if value is not None:
            raise ArgumentError(
                f"{name}: {value!r}, but backend is 'openvino', which runs on the CPU by ov_config. Leave it out."
            )


def _read(file: Path, given: Mapping[str, Any]) -> tuple[ov.Core, ov.Model]:
    """A core of our own, which has taken all of the caller's properties, and the graph."""
    core = ov.Core()
    core.get_property("CPU", "FULL_DEVICE_NAME")  # loads the device: before that, it takes any property in silence
    with suppress(RuntimeError):  # not documented: a version may not know it
        core.set_property("CPU", {"CPU_RUNTIME_CACHE_CAPACITY": KERNELS})
    for name, value in given.items():
        try:
            core.set_property("CPU", {name: value})
        except RuntimeError as error:
            raise ArgumentError(
                f"ov_config: {name!r} is {value!r}, which OpenVINO does not take: {_reason(error)} Correct it."
            ) from error
    try:
        return core, core.read_model(file, file.with_suffix(".bin"))
    except RuntimeError as error:
        raise _unreadable(file, error) from error


def _compile(file: Path, source: tuple[ov.Core, ov.Model], settings: Mapping[str, Any]) -> Requests:
    """The graph, compiled from what was read: by its path, a cache would go by the file's time in whole seconds."""
    core, model = source
    try:
        return Requests(core.compile_model(model, "CPU", settings))
    except RuntimeError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: RuntimeError) -> ModelFolderError:
    version = ov.__version__.partition("-")[0]
    return ModelFolderError(
        f"{short_name(file)}: OpenVINO {version} cannot open it: {_reason(error)} "
        "The file is damaged or needs a newer openvino: fetch or export it again."
    )


def _reason(error: RuntimeError) -> str:
    """OpenVINO's message in a line, without the places in its own sources."""
    lines = [line.strip() for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("Exception from"))


def _inputs(file: Path, compiled: ov.CompiledModel) -> dict[str, type[np.signedinteger[Any]]]:
    """The type of numbers that each input takes."""
    names = check_inputs(file, [_name(port) for port in compiled.inputs])
    for name, port in zip(names, compiled.inputs, strict=True):
        shape, kind = port.get_partial_shape(), port.get_element_type().get_type_name()
        if kind not in INPUT_TYPES or len(shape) != 2 or not all(size.is_dynamic for size in shape):
            raise ModelFolderError(
                f"{short_name(file)}: input {name} takes {kind} of shape {shape}, expected i64 or i32 of any number "
                "of texts and tokens, [?,?]. Export the graph again, with airvec export or without fixed shapes."
            )
    kinds = [INPUT_TYPES[port.get_element_type().get_type_name()] for port in compiled.inputs]
    return dict(zip(names, kinds, strict=True))


def _name(port: ov.ConstOutput) -> str:
    return min(port.get_names(), default="without a name")


def _names(ports: Sequence[ov.ConstOutput]) -> list[str]:
    return sorted(name for port in ports for name in port.get_names())


def _width(port: ov.ConstOutput) -> int | None:
    shape = port.get_partial_shape()
    if shape.rank.is_dynamic or len(shape) == 0 or shape[-1].is_dynamic:
        return None
    return shape[-1].get_length()

"""ONNX graphs, run by ONNX Runtime.

A call with one batch runs on a session that uses all our threads for it; a call with many batches runs several of
them side by side, each on one thread of a second session. Measured on all-MiniLM-L6-v2 with 2 cores: one short text
1.9 ms against 3.3 ms, bulk 889 against 828 texts a second; wide models gain nothing by it (`LARGE`). The second
session costs a copy of the weights in the order of its kernels, so it is opened only for calls long enough to earn
that back. The weights themselves are mapped, once for all sessions and processes (mapped_weights.py), and all sessions
take their memory from one arena.
Nor is it opened where memory is limited to less than the two of them may take; both kinds of call then share the
first, whose threads do not spin while they wait.
Graphs that give out logits over the vocabulary, 31 MB for 256 tokens, run one batch at a time on the first session,
too. With the pooling inside they have the second: 16 % faster on all-MiniLM-L6-v2 with that head, for 110 MB.
Knows nothing of texts, prompts and the modules after the graph.
"""

import os
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from airvec.backends.starting import cannot_start

# Since 1.29 its import starts a thread that sends what is run to its makers, unless this is set. airvec uses no network
# that was not asked for; besides, a forked child waits for that thread for ever when it ends. "0" set before is kept.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
try:
    import onnxruntime as ort
except Exception as error:  # an ImportError mostly; an OSError where a library beside it is cut short
    raise cannot_start(error) from error

from airvec.arrays import Features
from airvec.backends import BackendOptions
from airvec.backends.external_data import check_external_data
from airvec.backends.interface import HEAD_BUDGET, check_inputs, choose_output
from airvec.backends.mapped_weights import MappedWeights, map_weights
from airvec.batching import BATCH_COST, TOKEN_BUDGET, WINDOW_TEXTS, Tokens, pad
from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import FILL_MASK, ModelFolder, ModuleSpec, find_graph, graph_record
from airvec.forks import never_destroy, renew_in_children
from airvec.graph_weights import weights_beside
from airvec.json_file import short_name
from airvec.threads import memory_limit

# How long a thread of the pool waits awake for the next operator. Without a limit it keeps a core busy while the
# session is being opened (47 ms of CPU time in place of 24 for all-MiniLM-L6-v2 in int8) and after each call; a
# short text takes the same time with both. Versions of onnxruntime that do not know the entry ignore it.
SPIN_MICROSECONDS = "1000"
# Two fusions of ONNX Runtime whose CPU kernels are slower than the operators they replace. Measured on
# all-MiniLM-L6-v2, one thread, AVX-512, median of 25 batches of 504 tokens: 99.4 ms with both, 87.3 without the first,
# 85.2 without either. A name that a version of onnxruntime does not know is ignored by it.
SLOW_FUSIONS = ["SkipLayerNormFusion", "BiasGeluFusion"]
# What two sessions need at most, in bytes: a fixed part, and for each byte of the graph. Peaks measured with
# all-MiniLM-L6-v2 on 2 threads, texts of all lengths: int8 186 MB for 23, fp32 297 MB for 90.
TWO_SESSIONS, TWO_SESSIONS_A_BYTE = 200_000_000, 2
HEAD = 130_000_000  # for a head over the vocabulary besides: 508 MB in all, of a graph of 91 with 30,522 words
# From so many bytes of a graph, and such a width, a long call on two threads runs one batch after the other on both. On
# six layers of 768 (264 MB) it takes 0.98 to 1.00 times as long as two side by side (benchmarks/batches.py: batches of
# 504 tokens), and needs no second session with its copy of the weights.
LARGE, WIDE = 150_000_000, 768
# On two threads, the longer texts of a long call run one at a time, on both: their attention takes memory by the
# square of their length, and two side by side would be the peak. 8,000 texts of 1 to 512 tokens, int8: 187 MB, not 212.
ALONE_TOKENS = 384
CPU = ("CPUExecutionProvider",)
AS_ASKED = 1  # how an arena grows: by what is asked for, not by twice as much as the last time


class Shared:
    """What all graphs of a process share: an arena, and a count of the runs that go on, inside `with`.

    An arena of its own takes twice as much each time that it grows, and keeps it: with texts of all lengths, two
    sessions of all-MiniLM-L6-v2 in int8 held 205 MB where they hold 186 with this one.
    """

    def __init__(self) -> None:
        self.was_busy, self._running = False, 0
        self._lock = threading.Lock()
        self._arena: bool | None = None
        renew_in_children(self, Shared._renew)

    def __enter__(self) -> None:
        with self._lock:
            self._running += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._running -= 1

    def give_arena(self, settings: ort.SessionOptions) -> None:
        """Have a session take its memory from the arena."""
        with self._lock:
            if self._arena is None:
                _make_arena()
                self._arena = True
        if self._arena:
            settings.add_session_config_entry("session.use_env_allocators", "1")

    def _renew(self) -> None:
        """In a forked child: where another thread was at work, it may have held the arena's lock."""
        self.was_busy, self._running = self._running > 0, 0
        self._lock = threading.Lock()
        if self.was_busy:
            self._arena = False


def _make_arena() -> None:
    place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(place, ort.OrtArenaCfg({"arena_extend_strategy": AS_ASKED}))


SHARED = Shared()


class OnnxGraph:
    """An opened graph, run for the one output that its task needs."""

    def __init__(self, folder: ModelFolder, body: ModuleSpec, options: BackendOptions, pad_id: int) -> None:
        self.file = find_graph(folder, options.variant, options.file_name, body)
        record = graph_record(folder, self.file)
        self.modules = record.modules if record else ()
        self._optimized = record is not None and record.optimized
        self._options, self._pad_id = options, pad_id
        self._lock = threading.Lock()
        self._on_cpu = options.session_options is None and tuple(options.providers or CPU) == CPU
        self._pair = self._on_cpu and options.threads == 2  # what is measured of two threads holds
        large = self._pair and _size(self.file) >= LARGE and (body.config.integer("hidden_size") or 0) >= WIDE
        head = body.task == FILL_MASK
        self._single = (head and not self.modules) or (
            options.threads > 1 and not large and not room_for_two(self.file, HEAD if head else 0)
        )
        self._alone: ort.InferenceSession | None = None
        self._beside: ort.InferenceSession | None = None
        self._long = threading.Lock()
        _check_version(folder)
        locations = check_external_data(self.file)
        home = os.path.dirname(self.file)
        self._files = (self.file, *(os.path.join(home, location) for location in sorted(locations)))
        self._stamps = _stamps(self._files)
        self._weights = None if locations else _weights(self.file, options)  # it maps files beside a graph itself
        session = self._session(bulk=False)
        self.inputs = check_inputs(self.file, [node.name for node in session.get_inputs()])
        outputs = [node.name for node in session.get_outputs()]
        self._output, self._feature = choose_output(self.file, outputs, body)
        self.pools = self._feature == "sentence_embedding"
        self.output_dim = _width(session, self._output)
        if self.output_dim is None and body.task == FILL_MASK:
            self.output_dim = body.config.integer("vocab_size")
        self.token_budget = HEAD_BUDGET if body.task == FILL_MASK else TOKEN_BUDGET
        self.turn = threading.Lock() if body.task == FILL_MASK and not self.pools else None
        self.window, self.batch_cost = WINDOW_TEXTS, BATCH_COST if self._on_cpu else None
        self.beside = self.turn is None and not large
        renew_in_children(self, OnnxGraph._renew)

    def run(self, tokens: Tokens, bulk: bool) -> Features:
        """The output as a feature, float32, with ids and mask.

        `token_embeddings` (batch, tokens, dim or vocabulary), `sentence_embedding` (batch, dim) or `scores`
        (batch, labels).

        Raises:
            ModelFolderError: ONNX Runtime failed; the message holds its own and the batch's shape.
        """
        # Always on the right: then positions start at the text, and its answer is that of the text alone, for encoders
        # by the mask and for decoders because nothing looks ahead. Padded on the left, a tiny BERT moved by 0.1.
        batch = pad(tokens, self._pad_id, "right")
        ids = {
            "input_ids": batch.input_ids,
            "attention_mask": batch.attention_mask,
            "token_type_ids": batch.token_type_ids,
        }
        # A text longer than a batch runs alone, on all threads: its attention takes memory by the square of its length.
        most = ALONE_TOKENS if bulk and self._pair else TOKEN_BUDGET
        alone = batch.input_ids.size > TOKEN_BUDGET or batch.input_ids.shape[1] > most
        session = self._session(bulk and not alone)
        try:
            with self._long if alone else nullcontext(), SHARED:
                (found,) = session.run([self._output], {name: ids[name] for name in self.inputs})
        except Exception as error:  # its errors have no common parent outside a private module
            raise ModelFolderError(
                f"{short_name(self.file)}: failed on a batch of shape {list(batch.input_ids.shape)}: {error} "
                "If the graph has fixed sizes, export it again with airvec export."
            ) from error
        # Graphs in half precision give float16, in which a sum of squares overflows.
        return {**ids, self._feature: np.asarray(found, np.float32)}

    def _session(self, bulk: bool) -> ort.InferenceSession:
        """The session for a batch, opened by the first that needs it."""
        with self._lock:
            threads = self._options.threads
            if bulk and not self._single and threads > 1 and self._options.session_options is None:
                self._beside = self._beside or self._open(1, spin=False)
                return self._beside
            self._alone = self._alone or self._open(threads, spin=threads > 1 and not self._single)
            return self._alone

    def _open(self, threads: int, *, spin: bool) -> ort.InferenceSession:
        if _stamps(self._files) != self._stamps:  # a second session would be another model
            raise ModelFolderError(
                f"{short_name(self.file)}: written anew since it was opened, expected it as it was. "
                "Open the model again."
            )
        settings = _session_options(self._options.session_options, threads, spin)
        if self._optimized and self._options.session_options is None:
            # Done when the graph was made; doing it again takes half of the time that opening takes.
            settings.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        with SHARED:
            if self._on_cpu:
                SHARED.give_arena(settings)
            session = _open_session(self.file, self._options, settings, self._weights)
        if self._weights is not None:
            self._weights.mapped.drop()  # most of them have been brought into the order of the kernels, by copies
        return session

    def _renew(self) -> None:
        """In a forked child, where the sessions' threads are not: the next batch opens such sessions again.

        A session without threads of its own works on, in the parent's memory, unless the fork met it at work.
        """
        never_destroy((self._alone, self._beside, self._weights))
        if SHARED.was_busy or self._options.threads > 1 or self._options.session_options is not None:
            self._alone = None
        if SHARED.was_busy:
            self._beside = None
        self._lock, self._long = threading.Lock(), threading.Lock()
        self.turn = self.turn and threading.Lock()


class Weights:
    """Mapped weights, for all sessions of a graph: those read them where they lie, and do not keep them."""

    def __init__(self, mapped: MappedWeights) -> None:
        self.mapped = mapped
        self.values = {name: ort.OrtValue.ortvalue_from_numpy(array) for name, array in mapped.arrays.items()}

    def given_to(self, settings: ort.SessionOptions) -> bytes:
        """What to open with these settings, which are changed: the graph without the weights."""
        for name, value in self.values.items():
            settings.add_initializer(name, value)
        settings.add_session_config_entry("session.model_external_initializers_file_folder_path", self.mapped.folder)
        return self.mapped.graph


def _stamps(files: tuple[str, ...]) -> list[tuple[int, int] | None]:
    """Size and time of each file; None of one that is gone."""
    found: list[tuple[int, int] | None] = []
    for file in files:
        try:
            facts = os.stat(file)
        except OSError:
            found.append(None)
        else:
            found.append((facts.st_size, facts.st_mtime_ns))
    return found


def _weights(file: str, options: BackendOptions) -> Weights | None:
    """The weights inside a graph, for sessions on the CPU with options of ours; None = they are to read the file."""
    if options.session_options is not None or tuple(options.providers or CPU) != CPU:
        return None
    try:
        mapped = map_weights(file)
    except (ValueError, IndexError):  # ONNX Runtime says what is wrong with the file
        return None
    return Weights(mapped) if mapped else None


def room_for_two(graph: str, head: int = 0) -> bool:
    """Whether the memory that this process may use holds a graph's weights twice, as two sessions do, and a head's."""
    limit = memory_limit()
    if limit is None:
        return True
    return limit >= TWO_SESSIONS + head + TWO_SESSIONS_A_BYTE * _size(graph)


def _size(graph: str) -> int:
    """Bytes of a graph with its weights."""
    return sum(os.path.getsize(file) for file in (graph, *weights_beside(graph)))


def _check_version(folder: ModelFolder) -> None:
    needed = folder.manifest.min_onnxruntime if folder.manifest else "0"
    if _numbers(ort.__version__) < _numbers(needed):
        raise ModelFolderError(
            f"{folder.name}/airvec.json: needs onnxruntime {needed}, found {ort.__version__}. "
            "Upgrade with: pip install --upgrade onnxruntime"
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())


def _open_session(
    file: str, options: BackendOptions, settings: ort.SessionOptions, weights: Weights | None
) -> ort.InferenceSession:
    # Providers in the caller's own session options count where no others are named.
    providers = None if options.providers is None and settings.has_providers() else list(options.providers or CPU)
    on_cpu = providers == list(CPU)
    try:
        session = ort.InferenceSession(
            weights.given_to(settings) if weights else file,
            settings,
            providers,
            disabled_optimizers=SLOW_FUSIONS if on_cpu else None,
            enable_fallback=0,  # a provider that fails is to be told, and not replaced by the CPU's
        )
    except Exception as error:
        remedy = "" if on_cpu else "Where it works with device='cpu', correct the provider and its options. "
        raise ModelFolderError(
            f"{short_name(file)}: ONNX Runtime {ort.__version__} cannot open it: {error} "
            f"{remedy}The file is damaged or needs a newer onnxruntime: fetch or export it again."
        ) from error
    _check_started(providers or [], session.get_providers())
    return session


def _check_started(asked: Sequence[str | tuple[str, Any]], started: Sequence[str]) -> None:
    """Refuse a session without a provider that was asked for: ONNX Runtime warns, and does without it."""
    names = [one[0] if isinstance(one, tuple) else one for one in asked]
    missing = [name for name in names if name not in started]
    if missing:
        raise ArgumentError(
            f"provider: {missing[0]!r} could not start here, and ONNX Runtime would do without it. Install the "
            "libraries that ONNX Runtime's own warning names, such as CUDA and cuDNN, or use device='cpu'."
        )


def _session_options(given: Any, threads: int, spin: bool) -> ort.SessionOptions:
    if given is not None:
        if not isinstance(given, ort.SessionOptions):
            raise ArgumentError(f"session_options: {given!r}, expected an onnxruntime.SessionOptions. Make one.")
        return given
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # It keeps a plan of memory for each shape of a batch that it has met, and a block of it for each in the arena: with
    # texts of all lengths 13 MB a session, and more with each shape.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # errors reach the caller as exceptions; warnings say nothing to act on
    # Weights are brought into the order of the kernels by all threads: all-MiniLM-L6-v2 in fp32 opens in 27 ms, not 41.
    options.add_session_config_entry("session.prepack.enable_parallel", "1")
    if spin:
        options.add_session_config_entry("session.intra_op.spin_duration_us", SPIN_MICROSECONDS)
    else:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _width(session: ort.InferenceSession, output: str) -> int | None:
    shape = next(node.shape for node in session.get_outputs() if node.name == output)
    return shape[-1] if shape and isinstance(shape[-1], int) else None


def check_provider(name: str, where: str = "provider:") -> str:
    """The execution provider itself, if this onnxruntime has it; `where` begins the message.

    Raises:
        ArgumentError: it has not; the message names the package that brings it.
    """
    found = ort.get_available_providers()
    if name not in found:
        package = "onnxruntime-gpu" if "CUDA" in name or "Tensorrt" in name else "an onnxruntime built with it"
        raise ArgumentError(
            f"{where} {name!r}, but this onnxruntime has {', '.join(found)}. Install {package} in place of onnxruntime."
        )
    return name

"""The weights inside an ONNX graph as arrays over the mapped file, and the graph without them.

ONNX Runtime maps weights in files beside a graph, but copies those that lie inside: twice while it opens it, once for
each session that it keeps. Given as arrays over the file, they are read where they lie: by all sessions of a process
and by all processes, once in memory for the whole machine, and what no kernel reads again may be dropped. Measured on
all-MiniLM-L6-v2, 2 cores: a session opens in 40 ms in place of 116 in fp32 and in 14 in place of 78 in int8, and holds
45 and 14 MB of its own in place of 115 and 30.
Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
Knows nothing of sessions.
"""

import mmap
import os
from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from airvec.arrays import Array
from airvec.backends.external_data import LONGEST_SEARCHED
from airvec.backends.protobuf import fields, message, varints
from airvec.paths import StrPath

# Smaller ones stay in the graph: shapes, biases and what else ONNX Runtime looks at while it optimises.
SMALLEST = 64 * 1024
GRAPH, NODE, TENSOR, INPUT = 7, 1, 5, 11  # in a model; in a graph
GIVEN, OPERATOR, ATTRIBUTE = 1, 4, 5  # in a node
SUBGRAPHS = (6, 11)  # in an attribute
# What the fields of graphs begin with; with 0x80 set where the key is written in more bytes than it needs.
SUBGRAPH_KEYS = [bytes([message(number, b"")[0] | more]) for number in SUBGRAPHS for more in (0, 0x80)]
DIMS, DTYPE, NAME, RAW, ENTRY, LOCATION = 1, 2, 8, 9, 13, 14  # in a tensor
EXTERNAL = 1
# Operators and the input whose array ONNX Runtime's optimisers leave as it is. Elsewhere they may turn a constant in
# place, under its own name, and would then read ours for it: seen with an Add between two Transposes.
LEFT_ALONE = {
    "MatMul": 1, "Gemm": 1, "Gather": 0, "FusedMatMul": 1, "MatMulInteger": 1, "MatMulIntegerToFloat": 1,
    "DynamicQuantizeMatMul": 1, "MatMulNBits": 1,
}  # fmt: skip
DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 10: np.float16,
    11: np.float64,
}  # fmt: skip


class MappedWeights(NamedTuple):
    """Arrays over mapped files, by the names of the graph's tensors.

    `graph` is the graph with references to its own file in `folder` in their place; `data` is that file.
    """

    arrays: dict[str, Array]
    graph: bytes
    folder: str
    data: mmap.mmap

    def drop(self) -> None:
        """Give back the pages that have been read: those that are read again come back from the file."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            self.data.madvise(mmap.MADV_DONTNEED)


class _Tensor(NamedTuple):
    """Where a tensor's message lies, and its bytes."""

    start: int
    end: int
    name: str
    dims: tuple[int, ...]
    dtype: int
    raw: tuple[int, int]

    @property
    def size(self) -> int:
        """Bytes by type and shape; 0 for a type that NumPy does not have."""
        return prod(self.dims) * np.dtype(DTYPES[self.dtype]).itemsize if self.dtype in DTYPES else 0


def map_weights(file: StrPath) -> MappedWeights | None:
    """Map the large weights inside a graph that `check_external_data` has passed; None where there are none.

    Raises:
        ValueError: the file is cut short, no protobuf, or not written in the shortest way.
        IndexError: as ValueError.
    """
    data = _mapped(file)
    start, end = next(((first, last) for number, first, last in fields(data, 0, len(data)) if number == GRAPH), (0, 0))
    tensors = list(_large(data, start, end))
    if not tensors:
        return None
    # The real file: the Hub's cache has links, and ONNX Runtime does not follow those that leave a folder.
    folder, name = os.path.split(os.path.realpath(file))
    arrays = {tensor.name: _array(data, tensor) for tensor in tensors}
    return MappedWeights(arrays, _without(data, (start, end), tensors, name), folder, data)


def _mapped(file: StrPath) -> mmap.mmap:
    with open(file, "rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def _array(data: mmap.mmap, tensor: _Tensor) -> Array:
    array = np.frombuffer(data, DTYPES[tensor.dtype], prod(tensor.dims), tensor.raw[0])
    return array.reshape(tensor.dims)


def _large(data: mmap.mmap, start: int, end: int) -> Iterator[_Tensor]:
    """The tensors of a graph that are worth it; not those that a caller may give in another way, as inputs."""
    found = list(fields(data, start, end))
    inputs = {_text(data, first, last, 1) for number, first, last in found if number == INPUT}
    wanted = _left_alone(data, [(first, last) for number, first, last in found if number == NODE])
    for first, last in ((first, last) for number, first, last in found if number == TENSOR):
        if last - first < SMALLEST:
            continue
        tensor = _tensor(data, first, last)
        if tensor.size >= SMALLEST and tensor.raw[1] - tensor.raw[0] == tensor.size and tensor.name in wanted - inputs:
            yield tensor


def _left_alone(data: mmap.mmap, nodes: list[tuple[int, int]]) -> set[str]:
    """Names that only inputs in `LEFT_ALONE` read; none where a graph is inside another, which may have them, too."""
    read, elsewhere = set[str](), set[str]()
    for start, end in nodes:
        operator, given = "", list[str]()
        for number, first, last in fields(data, start, end):
            if number == GIVEN:
                given.append(data[first:last].decode())
            elif number == OPERATOR:
                operator = data[first:last].decode()
            elif number == ATTRIBUTE and _holds_a_graph(data, first, last):
                return set()
        for place, name in enumerate(given):
            (read if LEFT_ALONE.get(operator) == place else elsewhere).add(name)
    return read - elsewhere


def _holds_a_graph(data: mmap.mmap, start: int, end: int) -> bool:
    """Whether an attribute is a graph, or several; most are short, and without a byte that begins one."""
    if end - start <= LONGEST_SEARCHED and all(data.find(key, start, end) < 0 for key in SUBGRAPH_KEYS):
        return False
    return any(number in SUBGRAPHS for number, *_ in fields(data, start, end))


def _tensor(data: mmap.mmap, start: int, end: int) -> _Tensor:
    name, raw, packed = "", (0, 0), tuple[int, ...]()
    for number, first, last in fields(data, start, end):
        if number == NAME:
            name = data[first:last].decode()
        elif number == RAW:
            raw = (first, last)
        elif number == DIMS:  # packed, as proto3 writes them
            packed = tuple(value for _, value in varints(data, first, last, packed=True))
    numbers = list(varints(data, start, end))
    dims = packed or tuple(value for number, value in numbers if number == DIMS)
    dtype = next((value for number, value in numbers if number == DTYPE), 0)
    return _Tensor(start, end, name, dims, dtype, raw)


def _text(data: mmap.mmap, start: int, end: int, wanted: int) -> str:
    return next((data[first:last].decode() for number, first, last in fields(data, start, end) if number == wanted), "")


def _without(data: mmap.mmap, graph: tuple[int, int], tensors: list[_Tensor], name: str) -> bytes:
    """The model with references to the file `name` in place of the bytes of some tensors of its graph."""
    parts: list[bytes] = []
    at = graph[0]
    for tensor in tensors:
        first, last = tensor.raw
        head = data[tensor.start : first - len(_header(data, RAW, first, last))]
        stated = {"location": name, "offset": str(first), "length": str(last - first)}
        entries = [
            message(ENTRY, message(1, key.encode()) + message(2, value.encode())) for key, value in stated.items()
        ]
        whole = b"".join([head, data[last : tensor.end], *entries, bytes([LOCATION << 3, EXTERNAL])])
        parts += [
            data[at : tensor.start - len(_header(data, TENSOR, tensor.start, tensor.end))],
            message(TENSOR, whole),
        ]
        at = tensor.end
    body = b"".join([*parts, data[at : graph[1]]])
    before = graph[0] - len(_header(data, GRAPH, *graph))
    return b"".join([data[:before], message(GRAPH, body), data[graph[1] :]])


def _header(data: mmap.mmap, number: int, start: int, end: int) -> bytes:
    """What stands in front of a field's content: its key and length."""
    header = message(number, b"", end - start)
    if data[start - len(header) : start] != header:
        raise ValueError(f"field {number} at byte {start} has a key or a length of more bytes than it needs")
    return header

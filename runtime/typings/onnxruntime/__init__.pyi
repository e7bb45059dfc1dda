"""The part of ONNX Runtime that airvec's adapter uses; onnxruntime ships no types of its own."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Protocol

import numpy as np

__version__: str

class GraphOptimizationLevel:
    ORT_DISABLE_ALL: GraphOptimizationLevel
    ORT_ENABLE_BASIC: GraphOptimizationLevel
    ORT_ENABLE_EXTENDED: GraphOptimizationLevel
    ORT_ENABLE_LAYOUT: GraphOptimizationLevel
    ORT_ENABLE_ALL: GraphOptimizationLevel

class ExecutionMode:
    ORT_SEQUENTIAL: ExecutionMode
    ORT_PARALLEL: ExecutionMode

class SessionOptions:
    intra_op_num_threads: int
    inter_op_num_threads: int
    graph_optimization_level: GraphOptimizationLevel
    execution_mode: ExecutionMode
    log_severity_level: int
    enable_cpu_mem_arena: bool
    enable_mem_pattern: bool
    optimized_model_filepath: str
    def __init__(self) -> None: ...
    def add_session_config_entry(self, key: str, value: str) -> None: ...
    def add_initializer(self, name: str, value: OrtValue) -> None: ...
    def has_providers(self) -> bool: ...
    def add_free_dimension_override_by_name(self, name: str, value: int) -> None: ...

class RunOptions:
    log_severity_level: int
    terminate: bool
    def __init__(self) -> None: ...
    def add_run_config_entry(self, key: str, value: str) -> None: ...

class NodeArg(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> list[int | str | None]: ...
    @property
    def type(self) -> str: ...

class ModelMetadata(Protocol):
    @property
    def producer_name(self) -> str: ...
    @property
    def custom_metadata_map(self) -> dict[str, str]: ...

class InferenceSession:
    def __init__(
        self,
        path_or_bytes: str | bytes | PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
        provider_options: Sequence[dict[str, Any]] | None = None,
        *,
        disabled_optimizers: Sequence[str] | None = None,
        enable_fallback: int = 1,
    ) -> None: ...
    # Any, not an array: a graph may also give lists and dicts; the adapter says what it expects.
    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[Any]: ...
    def get_inputs(self) -> list[NodeArg]: ...
    def get_outputs(self) -> list[NodeArg]: ...
    def get_providers(self) -> list[str]: ...
    def get_modelmeta(self) -> ModelMetadata: ...

class OrtValue:
    @staticmethod
    def ortvalue_from_numpy(numpy_obj: np.ndarray[Any, Any], device_type: str = "cpu") -> OrtValue: ...

class OrtAllocatorType:
    ORT_ARENA_ALLOCATOR: OrtAllocatorType

class OrtMemType:
    DEFAULT: OrtMemType

class OrtMemoryInfo:
    def __init__(self, name: str, kind: OrtAllocatorType, number: int, memory: OrtMemType) -> None: ...

class OrtArenaCfg:
    def __init__(self, settings: Mapping[str, int]) -> None: ...

def create_and_register_allocator(memory: OrtMemoryInfo, settings: OrtArenaCfg) -> None: ...
def get_available_providers() -> list[str]: ...
def get_device() -> str: ...
def set_default_logger_severity(severity: int) -> None: ...

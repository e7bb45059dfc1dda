"""A graph → the same graph ready to open: optimised by ONNX Runtime, its weights in a file beside it.

What a session would do to the graph each time it is opened is done once, at the extended level at most: the level
above it may arrange weights for one CPU. ONNX Runtime maps weights of a file of their own into memory; those inside
the graph it copies. Measured on all-MiniLM-L6-v2 with 2 cores: fp32 opens in 20 ms in place of 75 to 130. Small ones
stay inside: from a file, each is looked up and read alone, which took int8 a millisecond.
Knows nothing of models and of airvec.json.
"""

import errno
from dataclasses import dataclass
from pathlib import Path

from airvec.backends.onnx import SLOW_FUSIONS  # first: it keeps ONNX Runtime from reporting what is run

# isort: split
import onnxruntime as ort

from airvec.backends.external_data import check_external_data, operators
from airvec.backends.mapped_weights import SMALLEST
from airvec.errors import ModelFolderError
from airvec.json_file import short_name

# Layouts of weights for the CPU that they are made on; the extended level makes none.
ONE_CPU_ONLY = ("com.microsoft.nchwc", "com.ms.internal.nhwc")
STANDARD = ("", "ai.onnx")


@dataclass(frozen=True)
class SavedGraph:
    """A graph that was saved: names of its `inputs` and `outputs`.

    `optimized` says whether it is to be opened with optimisation off. `min_onnxruntime` is set where ONNX Runtime put
    in operators of its own, which an older one may not have.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    optimized: bool = True
    min_onnxruntime: str | None = None


def save_graph(source: Path, target: Path, *, optimized: bool, arch: str) -> SavedGraph:
    """Write a graph ready to open with optimisation off; it then gives the numbers of the original.

    In half precision a session casts every product's inputs and outputs, and takes most of these casts out again when
    it optimises; without that, a vector moves by 2e-3. So such graphs stay to be optimised when they are opened.

    Args:
        source: the graph; its weights may be inside it, or in files beside it.
        target: the graph to write; its weights are written beside it, in `<name>_data`. The folder must exist, and is
            left with half a graph in it if this fails.
        optimized: whether nothing is left to optimise, as airvec.json says: its operators stay as they are then.
        arch: `"x86_64"` or `"arm64"`, which the graph is to run on.

    Raises:
        ModelFolderError: the source is damaged, or needs a newer onnxruntime.
        OSError: the disk is full, or cannot be written to.
    """
    check_external_data(source)
    session = _save(source, target, _options(target, optimized, arch))
    before, after = operators(source), operators(target)
    bound = sorted(name for domain, name in after if domain in ONE_CPU_ONLY)
    if bound:
        raise ModelFolderError(
            f"{short_name(source)}: ONNX Runtime {ort.__version__} made operators for this CPU only of it: "
            f"{', '.join(bound)}, expected none at this level. Report this."
        )
    own = any(domain not in STANDARD for domain, _ in set(after) - set(before))
    casts = sum(after[domain, "Cast"] - before[domain, "Cast"] for domain in STANDARD)
    return SavedGraph(
        tuple(node.name for node in session.get_inputs()),
        tuple(node.name for node in session.get_outputs()),
        optimized or casts <= 0,
        ".".join(ort.__version__.split(".")[:2]) if own else None,
    )


def _options(target: Path, optimized: bool, arch: str) -> ort.SessionOptions:
    levels = ort.GraphOptimizationLevel
    options = ort.SessionOptions()
    options.log_severity_level = 4  # errors reach the caller as exceptions
    options.intra_op_num_threads = 1
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if optimized else levels.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(target)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", f"{target.name}_data")
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", str(SMALLEST))
    # Otherwise decided by the machine that this runs on: on x86, signed 8-bit numbers become unsigned ones.
    options.add_session_config_entry("session.qdqisint8allowed", "1" if arch == "arm64" else "0")
    return options


def _save(source: Path, target: Path, options: ort.SessionOptions) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(str(source), options, ["CPUExecutionProvider"], disabled_optimizers=SLOW_FUSIONS)
    except Exception as error:  # its errors have no common parent outside a private module
        if "Failed to write" in str(error) or "No space left" in str(error):
            raise OSError(
                errno.ENOSPC, f"cannot be written whole; make room on the disk ({error})", str(target)
            ) from error
        raise ModelFolderError(
            f"{short_name(source)}: ONNX Runtime {ort.__version__} cannot open it: {error} "
            "The file is damaged or needs a newer onnxruntime: fetch or export it again."
        ) from error

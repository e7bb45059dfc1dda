"""The portable graph → OpenVINO's files, in float32 or with integers that NNCF chooses.

Equal graphs give equal bytes: OpenVINO numbers the operators that have no name by a counter of the process, so they are
named by their place here. NNCF's ranges are those of whole tensors over the calibration texts, so that a text's vector
does not depend on its neighbours in a batch.
Knows nothing of torch, of tokenizers and of the folder.
"""

import contextlib
import io
import logging
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from airvec.backends.telemetry import no_telemetry
from airvec.errors import require
from airvec_exporter.errors import ExportError

EXTRA = "export-openvino"
# Texts to calibrate on: as many as the reference takes by default.
SAMPLES = 300

Batch = Mapping[str, npt.NDArray[np.int64]]


def check_packages(*, int8: bool) -> None:
    """Refuse to begin without what is needed to make the graphs.

    Raises:
        MissingPackageError: openvino or, for int8, nncf is not installed.
    """
    require("openvino", EXTRA, "OpenVINO graphs")
    if int8:
        require("nncf", EXTRA, "OpenVINO graphs in int8")


def write_ir(portable: Path, target: Path) -> None:
    """Write a graph as OpenVINO's .xml and, beside it, .bin, in float32.

    Args:
        portable: an ONNX graph of standard operators.
        target: the .xml file.

    Raises:
        MissingPackageError: openvino is not installed.
        ExportError: OpenVINO cannot read the graph, or the disk takes no files.
    """
    check_packages(int8=False)
    _save(_read(portable), target)


def write_int8_ir(portable: Path, target: Path, batches: Sequence[Batch]) -> None:
    """Write a graph with 8-bit products and 8-bit embedding tables, by NNCF's post-training quantisation.

    The scheme for transformers: weights symmetric by channel, activations symmetric or not by what follows them, large
    activations smoothed into the weights, errors of the mean corrected in the biases. NNCF takes the maximum and
    minimum of each tensor over all texts.

    Args:
        portable: an ONNX graph of standard operators.
        target: the .xml file.
        batches: texts to calibrate on, as the graph's inputs, int64 (texts, tokens) each; padded places are left out,
            and texts after the first 300.

    Raises:
        MissingPackageError: openvino or nncf is not installed.
        ExportError: there are no texts, NNCF cannot quantise the graph, or the disk takes no files.
    """
    check_packages(int8=True)
    texts = [text for batch in batches for text in _texts(batch)][:SAMPLES]
    if not texts:
        raise ExportError(f"{target.name}: no texts to calibrate on, expected at least one. Give some.")
    model = _read(portable)
    with _quiet_nncf(), no_telemetry():
        import nncf

        try:
            smaller = nncf.quantize(
                model, nncf.Dataset(texts), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts)
            )
        except Exception as error:  # it raises its own classes and whatever OpenVINO raises
            raise ExportError(
                f"{portable.name}: NNCF cannot quantise it: {_last_line(error)} Leave this variant out."
            ) from error
    _save(smaller, target)


def _texts(batch: Batch) -> list[dict[str, npt.NDArray[np.int64]]]:
    """Each text by itself, (1, tokens), without padding: its ranges would be counted with those of real tokens."""
    mask = batch.get("attention_mask", np.ones_like(batch["input_ids"])) > 0
    return [
        {name: values[row][None, mask[row]] for name, values in batch.items()}
        for row in range(len(mask))
        if mask[row].any()
    ]


def _read(portable: Path) -> Any:
    with no_telemetry():
        import openvino as ov
    try:
        model = ov.Core().read_model(portable)
    except RuntimeError as error:
        raise ExportError(
            f"{portable.name}: OpenVINO {ov.__version__.partition('-')[0]} cannot read it: {_last_line(error)} "
            "Upgrade openvino, or leave the OpenVINO variants out."
        ) from error
    _name_operators(model)
    return model


def _name_operators(model: Any) -> None:
    """Names without the process's counter, for operators whose name is nothing but that."""
    for place, operator in enumerate(model.get_ordered_ops()):
        if operator.get_friendly_name() == operator.get_name():
            operator.set_friendly_name(f"{operator.get_type_name()}_{place}")


def _save(model: Any, target: Path) -> None:
    from openvino import save_model

    _name_operators(model)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_model(model, target, compress_to_fp16=False)
    except RuntimeError as error:
        raise ExportError(
            f"{target}: OpenVINO cannot write it: {_last_line(error)} Check that the folder can be written to and the "
            "disk is not full."
        ) from error


def _last_line(error: Exception) -> str:
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


@contextmanager
def _quiet_nncf() -> Generator[None]:
    """Without NNCF's log, its progress bars on stdout and the warnings of what it imports: not ours to mend."""
    log = logging.getLogger("nncf")
    level, said = log.level, io.StringIO()
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(said):
        for module in ("nncf", "openvino", "torch"):
            warnings.filterwarnings("ignore", module=rf"{module}(\.|$)")
        try:
            yield
        finally:
            log.setLevel(level)

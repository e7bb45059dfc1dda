"""OpenVINO's properties: the caller's, read from a dict or a JSON file, over ours.

Source: https://docs.openvino.ai, "CPU device", for their names and values.
Knows nothing of OpenVINO itself and of graphs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from airvec.errors import ArgumentError
from airvec.json_file import read_object

# Properties that rule how many batches run side by side: where the caller sets one, calls of all sizes run by it.
SIDE_BY_SIDE = frozenset({"NUM_STREAMS", "INFERENCE_NUM_THREADS", "PERFORMANCE_HINT"})

VALUES = (str, bool, int, float)


def read_settings(given: object) -> dict[str, Any]:
    """The properties in `ov_config`: a dict, the path of a JSON file that holds one, or None for none.

    Raises:
        ArgumentError: something else, no such file, or a name or value that no property has.
        ModelFolderError: the file holds no JSON object.
    """
    if given is None:
        return {}
    found = _read_file(Path(given)) if isinstance(given, (str, Path)) else given
    if isinstance(found, Mapping):
        properties = cast("Mapping[object, object]", found)
        if all(isinstance(key, str) and isinstance(value, VALUES) for key, value in properties.items()):
            return dict(cast("Mapping[str, Any]", found))
    raise ArgumentError(
        f"ov_config: {found!r}, expected OpenVINO's properties, names with a text or a number each, such as "
        "{'CACHE_DIR': 'cache'}, or the path of a JSON file with them. Correct it."
    )


def compile_settings(given: Mapping[str, Any], threads: int, streams: int) -> dict[str, Any]:
    """All properties to compile a graph with: the caller's, and ours where they leave room.

    Args:
        given: the caller's.
        threads: to use in all.
        streams: batches that are to run side by side, each on its share of the threads.
    """
    ours: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
    if not SIDE_BY_SIDE & given.keys():
        ours |= {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams}
    elif "INFERENCE_NUM_THREADS" not in given:
        ours["INFERENCE_NUM_THREADS"] = threads
    return {**ours, **given}


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise ArgumentError(f"ov_config: no file {str(path)!r}, expected JSON with OpenVINO's properties. Correct it.")
    return read_object(path).values

"""Variants: what a graph is called by its users, and the file names that it may have.

    fp32               onnx/model.onnx
    int8               onnx/model_int8_FAMILY.onnx, the best that this CPU can run
    int8-FAMILY        onnx/model_int8_FAMILY.onnx
    int8-dynamic       onnx/model_qint8_avx512.onnx and its like, as sentence-transformers names them
    any other NAME     onnx/model_NAME.onnx
    fastest            the graph of the backend that airvec.json says was fastest: `graphs.fastest`
    openvino           openvino/openvino_model.xml
    openvino-int8      openvino/openvino_model_qint8_quantized.xml
    openvino-NAME      openvino/openvino_model_NAME.xml

Knows nothing of folders' contents.
"""

from airvec.cpu import FAMILIES, families

ONNX, OPENVINO = "onnx", "openvino"
FP32_VARIANTS = ("auto", "fp32")
# The graph with everything behind the body inside.
FUSED = "fused"
FASTEST = "fastest"
# sentence-transformers' dynamically quantised graphs, best first for each family of CPUs.
DYNAMIC = {
    "vnni": ("qint8_avx512_vnni", "qint8_avx512", "quint8_avx2"),
    "x86": ("quint8_avx2", "qint8_avx512", "qint8_avx512_vnni"),
    "arm64": ("qint8_arm64",),
}
# Those whose weights are signed 8-bit numbers, to be multiplied by unsigned ones: the one for arm64 is the same graph.
DYNAMIC_SIGNED = ("qint8_avx512_vnni", "qint8_avx512", "qint8_arm64")
# Names of OpenVINO's int8 graphs: sentence-transformers' first.
OPENVINO_INT8 = ("qint8_quantized", "int8")


def settle(variant: str, backend: str = ONNX) -> tuple[str, str]:
    """The variant's name within its backend, and the backend: `"openvino-int8"` is `"int8"` of OpenVINO.

    >>> settle("openvino-int8"), settle("openvino"), settle("int8")
    (('int8', 'openvino'), ('fp32', 'openvino'), ('int8', 'onnx'))
    """
    if variant == OPENVINO:
        return "fp32", OPENVINO
    if variant.startswith(f"{OPENVINO}-"):
        return variant.removeprefix(f"{OPENVINO}-"), OPENVINO
    return variant, backend


def graph_names(variant: str, backend: str = ONNX) -> tuple[str, ...]:
    """File names that the graph of a variant may have, best first.

    >>> graph_names("fp32"), graph_names("O3"), graph_names("int8-arm64")
    (('model.onnx',), ('model_O3.onnx',), ('model_int8_arm64.onnx',))
    """
    name, backend = settle(variant, backend)
    if backend == OPENVINO:
        stems = OPENVINO_INT8 if name == "int8" else (name,)
        return tuple("openvino_model.xml" if stem in FP32_VARIANTS else f"openvino_model_{stem}.xml" for stem in stems)
    return tuple("model.onnx" if stem in FP32_VARIANTS else f"model_{stem}.onnx" for stem in _stems(name))


def variant_of(file_name: str) -> str:
    """The variant that a graph's file name stands for; the name itself where it follows no rule.

    >>> [variant_of(name) for name in ("model.onnx", "model_int8_vnni.onnx", "openvino_model_qint8_quantized.xml")]
    ['fp32', 'int8-vnni', 'openvino-int8']
    """
    stem, _, kind = file_name.rpartition(".")
    if kind == "xml":
        name = stem.removeprefix("openvino_model").removeprefix("_")
        return f"{OPENVINO}-int8" if name in OPENVINO_INT8 else f"{OPENVINO}-{name}" if name else OPENVINO
    if stem == "model":
        return "fp32"
    if not stem.startswith("model_"):
        return file_name
    name = stem.removeprefix("model_")
    family = name.removeprefix("int8_")
    return f"int8-{family}" if family != name and family in FAMILIES else name


def family_of(file_name: str) -> str | None:
    """The family of CPUs that the name of an int8 graph states, or that its products need.

    >>> family_of("model_int8_x86.onnx"), family_of("model_qint8_avx512.onnx"), family_of("model_quint8_avx2.onnx")
    ('x86', 'vnni', None)
    """
    name = variant_of(file_name)
    if is_dynamic(file_name):
        return "vnni" if name in DYNAMIC_SIGNED else None
    return name.removeprefix("int8-") if name.startswith("int8-") else None


def is_dynamic(file_name: str) -> bool:
    """Whether a graph is one of sentence-transformers' dynamically quantised ones, by its name."""
    return any(variant_of(file_name) in names for names in DYNAMIC.values())


def runs_here(family: str | None) -> bool:
    """Whether this CPU gives a graph's right numbers: 8-bit weights saturate on an x86 CPU without VNNI."""
    return family != "vnni" or families() != ("x86",)


def _stems(name: str) -> tuple[str, ...]:
    if name == "int8":
        mine = families()
        return (*(f"int8_{family}" for family in mine), "int8")
    if name == "int8-dynamic":
        return tuple(dict.fromkeys(stem for family in (*families(), *FAMILIES) for stem in DYNAMIC[family]))
    if name.startswith("int8-") and name.removeprefix("int8-") in FAMILIES:
        return (name.replace("-", "_"),)
    return (name,)

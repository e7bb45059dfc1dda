"""Which graph of a model goes into a package: a variant's name → file names, for the CPUs that it is to run on.

`SentenceTransformer` asks this machine's CPU for `"int8"`; a package is made for other machines, of which only the
architecture is known.
Knows nothing of what is in a folder.
"""

from airvec.cpu import FAMILIES
from airvec.errors import ArgumentError
from airvec.folder import FASTEST, OPENVINO, graph_names, settle
from airvec.folder.variants import DYNAMIC

# Architecture → the family of CPUs whose int8 graphs are right on each CPU of it.
FAMILY = {"x86_64": "x86", "arm64": "arm64"}
# Family → the architecture that it is of.
ARCH = {"vnni": "x86_64", "x86": "x86_64", "arm64": "arm64"}


def names_for(variant: str, arch: str) -> tuple[str, ...]:
    """File names that the graph of a variant may have, best first.

    >>> names_for("int8", "arm64"), names_for("int8-vnni", "x86_64")
    (('model_int8_arm64.onnx', 'model_int8.onnx'), ('model_int8_vnni.onnx',))

    Raises:
        ArgumentError: a variant that cannot be packed, or not for this architecture; or no such architecture.
    """
    if arch not in FAMILY:
        raise ArgumentError(f"arch: {arch!r}, expected {' or '.join(map(repr, FAMILY))}. Correct it.")
    if variant == FASTEST:
        raise ArgumentError(
            f"variant: {variant!r} is the fastest graph on the machine that measured it, which is not the one that the "
            "package is for. Name another, such as int8."
        )
    if settle(variant)[1] == OPENVINO:
        raise ArgumentError(
            f"variant: {variant!r}, but a package runs graphs with onnxruntime and has no openvino, which is larger "
            "than all the rest. Name another, such as int8."
        )
    family = variant.removeprefix("int8-") if variant.startswith("int8-") else ""
    if family in FAMILIES and ARCH[family] != arch:
        raise ArgumentError(
            f"variant: {variant!r} is made for {ARCH[family]} CPUs, but arch is {arch!r}. "
            f"Name int8, which is int8-{FAMILY[arch]} there."
        )
    if variant == "int8":
        return (f"model_int8_{FAMILY[arch]}.onnx", "model_int8.onnx")
    if variant == "int8-dynamic":
        return tuple(f"model_{stem}.onnx" for stem in DYNAMIC[FAMILY[arch]])
    return graph_names(variant)

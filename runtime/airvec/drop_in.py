"""`import airvec.drop_in` makes `import sentence_transformers` give airvec, for libraries that import it by that name.

Opt-in, for this process, and before anything else imports sentence_transformers. The classes are airvec's own with the
old method names that other libraries still call; `str(type(model))` holds "sentence_transformers", which some look
for. What airvec's runtime lacks (losses, trainers, evaluators) is missing here too.
Knows nothing of the libraries that use it.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

from airvec import backend, cross_encoder, sentence_transformer, sparse_encoder, util
from airvec.arrays import Array
from airvec.errors import AirvecError, ArgumentError
from airvec.model import Model
from airvec.precision import quantize_embeddings

if TYPE_CHECKING:
    from airvec.processes import Pool

NAME = "sentence_transformers"
MIRRORED_VERSION = "6.2.0"  # what `sentence_transformers.__version__` says: the release whose behaviour airvec keeps
EXPORTS = (
    "export_dynamic_quantized_onnx_model", "export_optimized_onnx_model", "export_static_quantized_openvino_model",
)  # fmt: skip


class OldNames(Model):
    """Methods that every class of sentence-transformers has or had, and that airvec has under one newer name."""

    def get_max_seq_length(self) -> int | None:
        """`max_seq_length`."""
        return self.max_seq_length

    def save(self, path: str | PathLike[str]) -> None:
        """`save_pretrained`."""
        self.save_pretrained(path)

    def to(self, device: object) -> Self:
        """The model itself, if it is on that device already.

        Raises:
            ArgumentError: another device; a model stays where it was opened.
        """
        if str(device) != self.device:
            raise ArgumentError(f"device: {device!r}, but the model was opened on {self.device!r}. Open it there.")
        return self

    def eval(self) -> Self:
        """The model itself: it never trains."""
        return self


class SentenceTransformer(sentence_transformer.SentenceTransformer, OldNames):
    """`airvec.SentenceTransformer` with the old method names."""

    def encode_multi_process(
        self,
        sentences: Sequence[str],
        pool: "Pool",
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int | None = None,
        chunk_size: int | None = None,
        show_progress_bar: bool | None = None,
    ) -> Array:
        """`encode(…, pool=pool)`."""
        return self.encode(
            sentences, prompt_name, prompt, batch_size, show_progress_bar, pool=pool, chunk_size=chunk_size
        )


class SparseEncoder(sparse_encoder.SparseEncoder, OldNames):
    """`airvec.SparseEncoder` with the old method names."""


class CrossEncoder(cross_encoder.CrossEncoder, OldNames):
    """`airvec.CrossEncoder` with the old method names."""


def register() -> ModuleType:
    """Put the modules in place; done by the import of this file, and harmless when done twice.

    Returns:
        What `import sentence_transformers` gives from now on.

    Raises:
        AirvecError: the real sentence_transformers has been imported already.
    """
    there = sys.modules.get(NAME)
    if there is not None and getattr(there, "__file__", None) != __file__:
        raise AirvecError(
            f"{NAME} is loaded from {getattr(there, '__file__', None)}, expected not yet. "
            "Put `import airvec.drop_in` in front of every import that leads to it."
        )
    functions: dict[str, object] = {"quantize_embeddings": quantize_embeddings}
    exports: dict[str, object] = {name: getattr(backend, name) for name in EXPORTS}
    classes = {kind.__name__: _named(kind) for kind in (SentenceTransformer, SparseEncoder, CrossEncoder)}
    root = _module(
        NAME, {**classes, **functions, **exports, "util": util, "__version__": MIRRORED_VERSION, "__path__": []}
    )
    parts = {
        "cross_encoder": _module(f"{NAME}.cross_encoder", {"CrossEncoder": CrossEncoder}),
        "sparse_encoder": _module(f"{NAME}.sparse_encoder", {"SparseEncoder": SparseEncoder}),
        "backend": _module(f"{NAME}.backend", exports),
        "quantization": _module(f"{NAME}.quantization", functions),
        "util": util,
    }
    sys.modules[NAME] = root
    for part, module in parts.items():
        sys.modules[f"{NAME}.{part}"] = module
        setattr(root, part, module)
    return root


def _module(name: str, members: dict[str, Any]) -> ModuleType:
    made = ModuleType(name, f"airvec under the name {name}; see airvec.drop_in.")
    made.__file__ = __file__
    made.__spec__ = ModuleSpec(name, None, origin=__file__, is_package=name == NAME)
    made.__dict__.update(members, __getattr__=_missing)
    return made


def _missing(name: str) -> object:
    """What asking one of the modules for a name ends in that it does not have."""
    raise AttributeError(
        f"{NAME}: airvec.drop_in has no {name!r}, expected one of the three classes, util, quantize_embeddings or an "
        "export function. docs/migrating.md says what is not there."
    )


def _named(kind: type) -> type:
    """The class as `airvec.drop_in.sentence_transformers.KIND`: found by pickle, and by those who read its name."""
    kind.__qualname__ = f"{NAME}.{kind.__name__}"
    return kind


sentence_transformers = register()

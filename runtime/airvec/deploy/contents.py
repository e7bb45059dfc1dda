"""What a package holds beside the Python packages: a model, a reranker, an index, each in a folder of its own.

Knows nothing of wheels, layers and images.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airvec.deploy.index import PackedIndex, pack_index
from airvec.deploy.model import Packed, pack_model
from airvec.errors import ArgumentError
from airvec.folder import DENSE, RERANKER, SPARSE

# Where airvec.serverless looks for them, beside the folder of the packages.
MODEL, RERANKER_FOLDER, INDEX = "model", "reranker", "index"
_STAGE_OF = {DENSE: "dense", SPARSE: "sparse"}


@dataclass(frozen=True)
class Contents:
    """What to pack.

    Args:
        model: a model folder or a name on the Hub; None = the static model inside of airvec.
        variant: which graph of the model and the reranker, see `pack_model`.
        reranker: a reranker's folder or name.
        index: a folder that `Retriever.save` wrote.
    """

    model: str | None = None
    variant: str = "auto"
    reranker: str | None = None
    index: Path | None = None


@dataclass(frozen=True)
class PackedContents:
    """What was packed; each None where it was not asked for."""

    model: Packed | None
    reranker: Packed | None
    index: PackedIndex | None

    @property
    def needs_onnxruntime(self) -> bool:
        """Whether one of the models has a graph."""
        return any(packed.needs_onnxruntime for packed in self.models())

    def models(self) -> Iterator[Packed]:
        """The models that there are."""
        yield from (packed for packed in (self.model, self.reranker) if packed is not None)


def pack_contents(contents: Contents, folder: Path, arch: str) -> PackedContents:
    """Write model/, reranker/ and index/ below a folder, as far as they are asked for.

    Raises:
        ArgumentError: a variant with nothing to apply it to, or an index that the model did not make.
        AirvecError: see `pack_model` and `pack_index`.
    """
    if contents.model is None and contents.reranker is None and contents.variant != "auto":
        raise ArgumentError(
            f"--variant {contents.variant}: the static model inside of airvec has no graph to choose. "
            "Name a model, or leave --variant out."
        )
    model = reranker = index = None
    if contents.model is not None:
        model = pack_model(contents.model, folder / MODEL, variant=contents.variant, arch=arch)
    if contents.reranker is not None:
        reranker = pack_model(
            contents.reranker, folder / RERANKER_FOLDER, variant=contents.variant, arch=arch, kind=RERANKER
        )
    if contents.index is not None:
        index = pack_index(contents.index, folder / INDEX)
        _check_index(index, contents.index, model)
    return PackedContents(model, reranker, index)


def _check_index(index: PackedIndex, source: Path, model: Packed | None) -> None:
    """A package has one model beside a reranker: the index's queries must be for it to encode, or for BM25."""
    kind = model.kind if model is not None else DENSE
    wanting = [stage for stage in index.models if stage != _STAGE_OF.get(kind)]
    if wanting:
        raise ArgumentError(
            f"--index {source}: its {' and '.join(wanting)} stage needs a model of that kind, and the package's one "
            f"model is a {kind}. Pack the model that made the index, or make the index with one model and BM25."
        )

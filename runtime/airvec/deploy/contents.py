"""What a package holds beside the Python packages: a model, a reranker, an index, each in a folder of its own.

Knows nothing of wheels, layers and images.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from airvec.deploy.index import PackedIndex, pack_index
from airvec.deploy.index_fit import check_index, measure_fit
from airvec.deploy.model import Packed, pack_model
from airvec.errors import ArgumentError
from airvec.folder import KINDS, RERANKER, read_folder

# Where airvec.serverless looks for them, beside the folder of the packages.
MODEL, RERANKER_FOLDER, INDEX = "model", "reranker", "index"


@dataclass(frozen=True)
class Contents:
    """What to pack.

    Args:
        model: a model folder or a name on the Hub; None = the static model inside of airvec.
        variant: which graph of the model, see `pack_model`.
        reranker: a reranker's folder or name.
        index: a folder that `Retriever.save` wrote.
        reranker_variant: which graph of the reranker.
        name: what answers call the model, see `pack_model`.
    """

    model: str | None = None
    variant: str = "auto"
    reranker: str | None = None
    index: Path | None = None
    reranker_variant: str = "auto"
    name: str | None = None


@dataclass(frozen=True)
class PackedContents:
    """What was packed; each None where it was not asked for. `notes` are what a reader of the report should know."""

    model: Packed | None
    reranker: Packed | None
    index: PackedIndex | None
    notes: tuple[str, ...] = ()

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
        ArgumentError: an option with nothing to apply it to, a reranker that is none, or an index that the model did
            not make.
        AirvecError: see `pack_model` and `pack_index`.
    """
    _check_options(contents)
    model = reranker = index = None
    notes = [_packed_twice(contents)]
    if contents.model is not None:
        model = pack_model(contents.model, folder / MODEL, variant=contents.variant, arch=arch, name=contents.name)
    if contents.index is not None:
        check_index(contents.index, model)
        notes.append(measure_fit(contents.index, model, contents.model))
        index = pack_index(contents.index, folder / INDEX)
        if not index.documents:
            raise ArgumentError(
                f"--index {contents.index}: holds {index.documents} documents, expected some to search in. Index them, "
                "or leave --index out."
            )
    if contents.reranker is not None:
        _check_reranker(contents.reranker)
        reranker = pack_model(
            contents.reranker, folder / RERANKER_FOLDER, variant=contents.reranker_variant, arch=arch, kind=RERANKER
        )
    return PackedContents(model, reranker, index, tuple(note for note in notes if note))


def _check_options(contents: Contents) -> None:
    if contents.model is None:
        for option, given, default in (("--variant", contents.variant, "auto"), ("--name", contents.name, None)):
            if given != default:
                raise ArgumentError(
                    f"{option} {given}: the static model inside of airvec has no graph to choose, and its own name. "
                    f"Name a MODEL, or leave {option} out."
                )
    if contents.reranker is None and contents.reranker_variant != "auto":
        raise ArgumentError(
            f"--reranker-variant {contents.reranker_variant}: for a reranker, and none is given. Name one by "
            "--reranker; the graph of MODEL is --variant."
        )


def _check_reranker(reranker: str) -> None:
    """Refuse a folder that is clearly something else; names on the Hub are looked at when they are fetched."""
    if not Path(reranker).is_dir():
        return
    kind = read_folder(Path(reranker), RERANKER).model_type
    if kind != RERANKER and kind in KINDS:
        raise ArgumentError(
            f"--reranker {reranker}: is a {kind}, expected a {RERANKER}, which scores pairs of texts. Name such a "
            "model, or give this one as MODEL."
        )


def _packed_twice(contents: Contents) -> str | None:
    if contents.model is None or contents.reranker is None:
        return None
    both = [Path(name).resolve() if Path(name).is_dir() else name for name in (contents.model, contents.reranker)]
    if both[0] != both[1]:
        return None
    return (
        f"MODEL and --reranker are both {contents.reranker}, which is packed twice: a reranker as MODEL alone answers "
        "/rerank, so --reranker can be left out"
    )

"""`CorpusIndex`: documents and what each stage made of them, in memory or in one folder.

    FOLDER/retriever.json            format version, number of documents, fusion, the stages and their models' names
           texts.npy, ids.npy        documents and their ids, each with `…_starts.npy`; a corpus without ids has no ids
           bm25/ sparse/ dense/      the index of each stage

Arrays are `.npy` files without pickle, and stay on disk when the folder is opened.
Knows nothing of how stages search, and of fusion and reranking.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

from airvec.arguments import check_texts, described
from airvec.array_file import new_folder
from airvec.errors import ArgumentError, InputError, ModelFolderError, ModelNotFoundError
from airvec.json_file import JsonObject, read_object
from airvec.search.bm25 import BM25
from airvec.search.sparse_stages import Bm25Stage, SparseStage, Split
from airvec.search.stages import DenseStage, RetrievalModel, Stage
from airvec.search.stored_texts import StoredTexts

SETTINGS_FILE = "retriever.json"
FORMAT_VERSION = "1"


@dataclass(frozen=True)
class StagePlan:
    """Which stages to make: those whose model is not None."""

    bm25: BM25 | None = None
    sparse: RetrievalModel | None = None
    dense: RetrievalModel | None = None
    precision: str = "float32"
    keep_float: bool = False

    @property
    def names(self) -> list[str]:
        """The stages, in the order in which they search."""
        models = {"bm25": self.bm25, "sparse": self.sparse, "dense": self.dense}
        return [name for name, model in models.items() if model is not None]


@dataclass(frozen=True)
class CorpusIndex:
    """The texts of n documents, their ids if they have any, and one stage or more, made by a plan."""

    plan: StagePlan
    texts: StoredTexts
    ids: StoredTexts | None
    stages: tuple[Stage, ...]

    @classmethod
    def build(
        cls, plan: StagePlan, corpus: Sequence[str] | Mapping[str, str], show_progress: bool | None = None
    ) -> Self:
        """Index texts, or id -> text.

        Raises:
            InputError: something that is not a text, or an id that is not a string.
        """
        names, texts = _names_and_texts(corpus)
        stored = StoredTexts.of(texts)
        ids = None if names is None else StoredTexts.of(names, "ids")
        stages: list[Stage] = []
        if plan.bm25 is not None:
            stages.append(Bm25Stage.build(plan.bm25, texts))
        if plan.sparse is not None:
            stages.append(SparseStage.build(plan.sparse, texts, show_progress))
        if plan.dense is not None:
            stages.append(DenseStage.build(plan.dense, texts, plan.precision, plan.keep_float, show_progress))
        return cls(plan, stored, ids, tuple(stages))

    def name(self, row: int) -> str | int:
        """The id of a document; without ids, its row."""
        return row if self.ids is None else self.ids[row]

    def save(self, folder: Path, fusion: str | Mapping[str, float]) -> None:
        """Write the folder, whole or not at all.

        Raises:
            ArgumentError: it holds something else than a retriever.
        """
        settings = {
            "format_version": FORMAT_VERSION,
            "documents": len(self.texts),
            "has_ids": self.ids is not None,
            "fusion": fusion,
            "stages": {stage.name: stage.settings() for stage in self.stages},
        }
        with new_folder(folder, SETTINGS_FILE) as fresh:
            self.texts.save(fresh)
            if self.ids is not None:
                self.ids.save(fresh)
            for stage in self.stages:
                (fresh / stage.name).mkdir()
                stage.save(fresh / stage.name)
            (fresh / SETTINGS_FILE).write_text(json.dumps(settings, indent=2), encoding="utf-8")

    @classmethod
    def load(
        cls,
        folder: Path,
        settings: JsonObject,
        sparse: RetrievalModel | None = None,
        dense: RetrievalModel | None = None,
        split: Split | None = None,
    ) -> Self:
        """Open what `save` wrote; `settings` are those of the folder, and `split` is bm25's, if it had one.

        Raises:
            ModelNotFoundError: a file is missing.
            ModelFolderError: a file is damaged, or does not fit the others.
            ArgumentError: a stage's model was not given, is one for no stage, or has another width.
        """
        models = _models_of_stages(settings, sparse, dense)
        about = settings.section("stages")
        stages: list[Stage] = []
        for name, model in models.items():
            if model is None:
                stages.append(Bm25Stage.load(folder / name, split))
            else:
                kind = DenseStage if name == "dense" else SparseStage
                stages.append(kind.load(folder / name, about.section(name), model))
        texts = StoredTexts.load(folder)
        ids = StoredTexts.load(folder, "ids") if settings.flag("has_ids", False) else None
        counts = {stage.name: len(stage) for stage in stages}
        counts |= {column.name: len(column) for column in (texts, ids) if column is not None}
        documents = settings.integer("documents")
        if set(counts.values()) != {documents}:
            raise ModelFolderError(
                f"{settings.file}: 'documents' is {documents}, and the files hold {counts}. Write the index again."
            )
        return cls(_plan_of(stages), texts, ids, tuple(stages))


def read_settings(folder: Path) -> JsonObject:
    """The settings that `save` wrote.

    Raises:
        ModelNotFoundError: no such folder, or not one that holds a retriever.
        ModelFolderError: they are damaged, or of a newer format.
    """
    if not (folder / SETTINGS_FILE).is_file():
        found = f"no {SETTINGS_FILE} in it" if folder.is_dir() else "a file" if folder.exists() else "not there"
        raise ModelNotFoundError(
            f"folder: {str(folder)!r} is no index ({found}), expected a folder that Retriever.save wrote. "
            "Correct the path, or make the index again."
        )
    settings = read_object(folder / SETTINGS_FILE)
    version = settings.text("format_version", "")
    if version != FORMAT_VERSION:
        raise ModelFolderError(
            f"{settings.file}: format version {version!r}, expected {FORMAT_VERSION!r}. "
            "Upgrade with: pip install --upgrade airvec"
        )
    return settings


def saved_fusion(settings: JsonObject) -> str | dict[str, float]:
    """The fusion that was saved.

    Raises:
        ModelFolderError: it is neither a name nor weights.
    """
    found = settings.values.get("fusion")
    if not isinstance(found, str | dict):
        raise ModelFolderError(
            f"{settings.file}: 'fusion' is {found!r}, expected a name or weights. Write the index again."
        )
    return cast("str | dict[str, float]", found)


def _plan_of(stages: Sequence[Stage]) -> StagePlan:
    """The plan that makes such stages again."""
    plan = StagePlan()
    for stage in stages:
        if isinstance(stage, DenseStage):
            codes = stage.index
            plan = replace(plan, dense=stage.model, precision=codes.precision, keep_float=codes.floats is not None)
        elif isinstance(stage, SparseStage):
            plan = replace(plan, sparse=stage.model)
        elif isinstance(stage, Bm25Stage):
            plan = replace(plan, bm25=stage.model)
    return plan


def _models_of_stages(
    settings: JsonObject, sparse: RetrievalModel | None, dense: RetrievalModel | None
) -> dict[str, RetrievalModel | None]:
    """Stage -> the model for it; None for bm25, whose model is in the folder.

    Raises:
        ModelFolderError: a stage that is none of ours, or none at all.
        ArgumentError: a stage without its model, or a model without a stage.
    """
    given: dict[str, RetrievalModel | None] = {"bm25": None, "sparse": sparse, "dense": dense}
    stages = settings.section("stages").values
    if not stages or not set(stages) <= set(given):
        raise ModelFolderError(
            f"{settings.file}: 'stages' has {', '.join(stages) or 'none'}, expected some of {', '.join(given)}. "
            "Write the index again."
        )
    for name in ("sparse", "dense"):
        if name in stages and given[name] is None:
            made_with = settings.section("stages").section(name).text("model")
            raise ArgumentError(f"{name}: None, expected the model that made the index: {made_with}. Pass {name}=….")
        if name not in stages and given[name] is not None:
            raise ArgumentError(
                f"{name}: {described(given[name])}, but the index has {', '.join(stages)} only. Leave it out."
            )
    return {name: given[name] for name in stages}


def _names_and_texts(corpus: object) -> tuple[list[str] | None, list[str]]:
    """Ids, None where the corpus has none, and texts."""
    if not isinstance(corpus, Mapping):
        texts, single = check_texts(corpus)
        if single:
            raise InputError(f"corpus: {described(corpus)}, expected a list of texts, or id -> text. Pass [text].")
        return None, texts
    names = list(cast("Mapping[object, object]", corpus))
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None:
        raise InputError(f"corpus: id {described(wrong)}, expected a str. Convert the ids.")
    texts, _ = check_texts(list(cast("Mapping[object, object]", corpus).values()))
    return cast("list[str]", names), texts

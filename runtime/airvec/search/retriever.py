"""`Retriever`: a corpus in memory or in one folder, searched by words, sparse weights, embeddings, or several together.

    queries → stages (bm25, sparse, dense) → fusion → reranker → hits
              a ranking each                 one ranking

Every stage looks at the whole corpus; what follows looks at what they found.
Knows nothing of how a stage finds what it finds.
"""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NotRequired, Self, TypedDict

from airvec.arguments import check_texts, described
from airvec.checks import whole_number
from airvec.errors import ArgumentError
from airvec.search.beir import read_beir
from airvec.search.bm25 import BM25
from airvec.search.corpus_index import CorpusIndex, StagePlan, read_settings, saved_fusion
from airvec.search.dense_index import RESCORE_MULTIPLIER, check_index_precision
from airvec.search.evaluation import Evaluation, Step, depth_for, evaluated
from airvec.search.fusion import check_weights, reciprocal_rank_fusion, weighted_fusion
from airvec.search.ranking import Ranking
from airvec.search.reranking import Reranker, rerank
from airvec.search.sparse_stages import Split
from airvec.search.stages import RetrievalModel, check_model, probe_of

CANDIDATES = 100
RERANK_TOP = 50


class DocumentHit(TypedDict):
    """One result: the document's id, or its row where the corpus was a list; its score; its text if asked for."""

    corpus_id: str | int
    score: float
    text: NotRequired[str]


class Retriever:
    """Searches a corpus in one or several ways.

    Models of other classes will do if they have the methods: `encode_query` and `encode_document`, which give arrays
    (n, dim) for `dense` and `SparseVectors` for `sparse`; `predict` for `reranker`. To see what they give, the
    models of both stages encode one short text here.

    Args:
        dense: a `SentenceTransformer`, or None for no search by embeddings.
        sparse: a `SparseEncoder`, or None.
        bm25: search by words: True, or a `BM25` with settings of your own.
        reranker: a `CrossEncoder` that puts the best candidates in order.
        fusion: of several stages: `"rrf"`, reciprocal ranks; or a weight for each stage by name, such as
            `{"dense": 0.7, "bm25": 0.3}`, for scores scaled to 0 … 1. May be set again at any time.
        precision: of embeddings: `"float32"`; `"int8"`, a quarter of the bytes; `"binary"`, a thirty-second.
        keep_float: keep the float32 embeddings too, and score the best candidates of codes with them. On disk they
            cost their bytes; in memory, once loaded, only those that are looked at.

    Raises:
        ArgumentError: no stage, an argument that cannot be, or a model of another kind.
    """

    def __init__(
        self,
        dense: RetrievalModel | None = None,
        *,
        sparse: RetrievalModel | None = None,
        bm25: bool | BM25 = False,
        reranker: Reranker | None = None,
        fusion: str | Mapping[str, float] = "rrf",
        precision: str = "float32",
        keep_float: bool = False,
    ) -> None:
        if not isinstance(bm25, bool | BM25):
            raise ArgumentError(f"bm25: {described(bm25)}, expected True, False or a BM25. Correct it.")
        check_index_precision(precision)
        for name, model in (("dense", dense), ("sparse", sparse)):
            if model is not None:
                probe_of(name, model)
        if reranker is not None:
            check_model("reranker", reranker, ["predict"], "CrossEncoder(…)")
        words = BM25() if bm25 is True else bm25 or None
        self._plan = StagePlan(words, sparse, dense, precision, keep_float)
        if not self._plan.names:
            raise ArgumentError(
                f"stages: {self._plan.names}, expected one or more. Pass bm25=True, sparse=… or dense=…."
            )
        self.reranker = reranker
        self.fusion = fusion
        self._index: CorpusIndex | None = None

    def __len__(self) -> int:
        """Documents in the index."""
        return 0 if self._index is None else len(self._index.texts)

    def __repr__(self) -> str:
        return f"Retriever({', '.join(self._plan.names)}; {len(self):,} documents)"

    @property
    def fusion(self) -> str | dict[str, float]:
        """`"rrf"`, or a weight for each stage by name."""
        return self._fusion

    @fusion.setter
    def fusion(self, fusion: str | Mapping[str, float]) -> None:
        if isinstance(fusion, Mapping):
            if set(fusion) != set(self._plan.names):
                raise ArgumentError(
                    f"fusion: weights for {', '.join(map(str, fusion))}, expected one each for "
                    f"{', '.join(self._plan.names)}. Correct them."
                )
            check_weights(list(fusion.values()))
            self._fusion: str | dict[str, float] = dict(fusion)
        elif fusion == "rrf":
            self._fusion = fusion
        else:
            raise ArgumentError(f"fusion: {fusion!r}, expected 'rrf' or weights by stage name. Correct it.")

    def index(self, corpus: Sequence[str] | Mapping[str, str], *, show_progress_bar: bool | None = None) -> None:
        """Index texts, in place of those that are there; a failure leaves those.

        Args:
            corpus: texts, which results name by their place; or id -> text, which they name by id.
            show_progress_bar: None = if the logger `airvec` shows INFO.

        Raises:
            InputError: something that is not a text, or an id that is not a string.
        """
        self._index = CorpusIndex.build(self._plan, corpus, show_progress_bar)

    def search(
        self,
        queries: str | Sequence[str],
        top_k: int = 10,
        *,
        candidates: int = CANDIDATES,
        rerank_top: int = RERANK_TOP,
        rescore_multiplier: int = RESCORE_MULTIPLIER,
        return_documents: bool = False,
    ) -> Any:
        """The best documents for one query or several.

        Args:
            queries: a text, or a list of texts.
            top_k: results a query.
            candidates: results that each of several stages hands to their fusion; at least `top_k` are.
            rerank_top: results that the reranker scores; at least `top_k` are.
            rescore_multiplier: see `precision`: for bits, and for int8 with `keep_float`, this many times as many
                candidates are looked at as are wanted.
            return_documents: give the texts too.

        Returns:
            `{"corpus_id": …, "score": float}` each, best first, with `"text"` where asked for: a list of them for one
            text, a list of lists for several. Scores are those of the last step that ran, and are compared within
            one query only.

        Raises:
            InputError: a query that is not a text.
            ArgumentError: nothing has been indexed, or a number below 1.
        """
        texts, single = check_texts(queries)
        index = self._indexed("search")
        *_, last = self._steps(index, texts, top_k, candidates, rerank_top, rescore_multiplier)
        best = last.ranking.top(top_k)
        hits = [_hits(index, best.hits(place), return_documents) for place in range(len(texts))]
        return hits[0] if single else hits

    def steps(
        self,
        queries: str | Sequence[str],
        top_k: int = 10,
        *,
        candidates: int = CANDIDATES,
        rerank_top: int = RERANK_TOP,
        rescore_multiplier: int = RESCORE_MULTIPLIER,
    ) -> Iterator[Step]:
        """What `search` does, step by step: each stage's ranking by rows, then the fused, then the reranked one.

        Yields:
            `bm25`, `sparse`, `dense`; `rrf` or `weighted` where there are several of them; `reranked`.

        Raises:
            InputError: a query that is not a text.
            ArgumentError: nothing has been indexed; or, with the first step, a number too low.
        """
        texts, _ = check_texts(queries)
        return self._steps(self._indexed("steps"), texts, top_k, candidates, rerank_top, rescore_multiplier)

    def _steps(
        self,
        index: CorpusIndex,
        queries: Sequence[str],
        top_k: int,
        candidates: int,
        rerank_top: int,
        rescore_multiplier: int,
    ) -> Iterator[Step]:
        for name, number in (("top_k", top_k), ("candidates", candidates), ("rerank_top", rerank_top)):
            whole_number(name, number)
        wanted = top_k if self.reranker is None else max(top_k, rerank_top)
        depth = wanted if len(index.stages) == 1 else max(wanted, candidates)
        found: dict[str, Ranking] = {}
        for stage in index.stages:
            found[stage.name] = stage.search(queries, depth, rescore_multiplier)
            yield Step(stage.name, found[stage.name])
        last = found[index.stages[0].name]
        if len(found) > 1:
            last = self._fused(found, wanted)
            yield Step("rrf" if self._fusion == "rrf" else "weighted", last, combines=True)
        if self.reranker is not None:
            yield Step("reranked", rerank(self.reranker, queries, last, index.texts), combines=True)

    def _fused(self, rankings: Mapping[str, Ranking], count: int) -> Ranking:
        if isinstance(self._fusion, str):
            return reciprocal_rank_fusion(list(rankings.values()), count)
        return weighted_fusion(list(rankings.values()), [self._fusion[name] for name in rankings], count)

    def evaluate(
        self,
        beir_folder: str | PathLike[str],
        split: str = "test",
        *,
        candidates: int = CANDIDATES,
        rerank_top: int = RERANK_TOP,
        rescore_multiplier: int = RESCORE_MULTIPLIER,
        show_progress_bar: bool | None = None,
    ) -> Evaluation:
        """Scores on a judged task in BEIR's layout: a line for each stage, their fusion, and the reranked results.

        The task's corpus is indexed where nothing has been indexed yet. All queries are searched in one call. A
        document whose id is the query's is no result, as in BEIR: in tasks that search for a text's doubles, it is
        the query itself.

        Args:
            beir_folder: holds `corpus.jsonl`, `queries.jsonl` and `qrels/SPLIT.tsv`.
            split: which queries: the file below `qrels/`.
            candidates: as in `search`, like the next two; 100 results a query are asked for, so at least 100.
            rerank_top: as in `search`; at least 100.
            rescore_multiplier: as in `search`.
            show_progress_bar: while indexing.

        Raises:
            ArgumentError: a file is missing, or another corpus has been indexed.
            InputError: a file is damaged, or has no grades.
        """
        task = read_beir(beir_folder, split)
        if self._index is None:
            self.index(task.corpus, show_progress_bar=show_progress_bar)
        index = self._indexed("evaluate")
        ids = [] if index.ids is None else list(index.ids)
        if ids != list(task.corpus):
            raise ArgumentError(
                f"beir_folder: {str(beir_folder)!r} has {len(task.corpus)} documents, the index holds {len(self)} "
                "others. Evaluate with a new Retriever."
            )
        queries = list(task.queries.values())
        depth = depth_for(task)
        list(self._steps(index, queries[:1], depth, 1, 1, 1))  # the first call opens what the others find open
        steps = self._steps(index, queries, depth, candidates, rerank_top, rescore_multiplier)
        return evaluated(steps, task, ids, {stage.name: stage.nbytes for stage in index.stages})

    def save(self, folder: str | PathLike[str]) -> None:
        """Write texts and indexes to a folder, whole or not at all; models are not in it.

        Raises:
            ArgumentError: nothing has been indexed; or the folder holds something else than a retriever.
        """
        self._indexed("save").save(Path(folder), self._fusion)

    @classmethod
    def load(
        cls,
        folder: str | PathLike[str],
        *,
        dense: RetrievalModel | None = None,
        sparse: RetrievalModel | None = None,
        reranker: Reranker | None = None,
        bm25_split: Split | None = None,
    ) -> Self:
        """Open what `save` wrote; the files stay on disk, and are read as far as searches need them.

        Args:
            folder: what `save` wrote.
            dense: the model that made the index's embeddings, if it has any.
            sparse: the model that made its sparse vectors, if it has any.
            reranker: any.
            bm25_split: the function that the BM25 was given to split texts, if it was given one.

        Raises:
            ModelNotFoundError: no such folder, or a file of it is missing.
            ModelFolderError: a file is damaged, does not fit the others, or was written by a newer airvec.
            ArgumentError: a stage's model was not given, is one for no stage, or has another width. (A model that
                encodes otherwise than the one that made the index gives an AirvecWarning.)
        """
        settings = read_settings(Path(folder))
        index = CorpusIndex.load(Path(folder), settings, sparse, dense, bm25_split)
        plan = index.plan
        retriever = cls(
            dense, sparse=sparse, bm25=plan.bm25 or False, reranker=reranker, fusion=saved_fusion(settings),
            precision=plan.precision, keep_float=plan.keep_float,
        )  # fmt: skip
        retriever._index = index
        return retriever

    def _indexed(self, where: str) -> CorpusIndex:
        if self._index is None:
            raise ArgumentError(f"{where}: {self!r} has no index, expected one. Call index(corpus) first.")
        return self._index


def _hits(index: CorpusIndex, found: list[tuple[int, float]], return_documents: bool) -> list[DocumentHit]:
    hits: list[DocumentHit] = [{"corpus_id": index.name(row), "score": score} for row, score in found]
    if return_documents:
        for hit, (row, _) in zip(hits, found, strict=True):
            hit["text"] = index.texts[row]
    return hits

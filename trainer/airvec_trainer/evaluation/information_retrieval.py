"""Does a model find the relevant documents of a corpus? Dense and sparse encoders alike.

Knows nothing of how a model encodes and of where the texts come from, but for BEIR folders.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from airvec.checks import whole_number
from airvec.errors import ArgumentError, InputError
from airvec.progress import progress_bar
from airvec.search.beir import read_beir
from airvec.similarity import SIMILARITIES
from airvec_trainer.evaluation.corpus_search import Best, Score, best_rows
from airvec_trainer.evaluation.depths import Depths
from airvec_trainer.evaluation.embedding import (
    ENCODES,
    ENCODES_SPARSELY,
    Embeddings,
    EncodeOptions,
    as_embeddings,
    embed,
)
from airvec_trainer.evaluation.evaluator import Evaluator
from airvec_trainer.evaluation.predictions import write_lines
from airvec_trainer.evaluation.retrieval_data import RetrievalData
from airvec_trainer.evaluation.scoring import measure_name, own_measure
from airvec_trainer.evaluation.sparsity import Activity, flops

__all__ = ["InformationRetrievalEvaluator", "SparseInformationRetrievalEvaluator"]


class InformationRetrievalEvaluator(Evaluator):
    """Queries are searched in a corpus, exactly; the metrics say how high their relevant documents come.

    Gives `{function}_accuracy@k`, `_precision@k`, `_recall@k`, `_ndcg@k`, `_mrr@k` and `_map@k` for each score
    function; the primary metric is the NDCG at the largest k. Relevance is binary: a document is relevant or not.
    Documents of equal score are ordered by their ids. A document that has the query's id counts as any other.

    The corpus is encoded and compared chunk by chunk, so that memory does not grow with it; sparse embeddings stay so.

    Args:
        queries: texts by id; those without a relevant document are left out.
        corpus: texts by id.
        relevant_docs: by query id the ids of its relevant documents; or grades by id, of which those above 0 count.
        corpus_chunk_size: documents encoded and compared at once.
        mrr_at_k: places of the mean reciprocal rank.
        ndcg_at_k: places of the normalised discounted cumulative gain.
        accuracy_at_k: places of the share of queries with a relevant document among them.
        precision_recall_at_k: places of precision and recall.
        map_at_k: places of the mean average precision.
        show_progress_bar: over the corpus, and passed to the model.
        batch_size: passed to `encode_query` and `encode_document`, like the prompts.
        name: of the data.
        write_csv: write `Information-Retrieval_evaluation_{name}_results.csv`.
        truncate_dim: dimensions to keep; None = as the model says.
        score_functions: by name: (n, dim), (m, dim) -> (n, m), larger is better, of arrays or `SparseVectors`; None =
            the model's own similarity.
        main_score_function: that of the primary metric; None = the one with the best NDCG at the first call.
        query_prompt: the text in front of each query.
        query_prompt_name: or the name of one of the model's prompts.
        corpus_prompt: the text in front of each document.
        corpus_prompt_name: or the name of one of the model's prompts.
        write_predictions: write what was found for each query to
            `Information-Retrieval_evaluation_{name}_predictions_{function}.jsonl`.

    Raises:
        ArgumentError: no texts by id, nothing to search or to find, no whole numbers for places, or a main score
            function that is none of those there are.
    """

    asks = ENCODES

    def __init__(
        self,
        queries: Mapping[str, str],
        corpus: Mapping[str, str],
        relevant_docs: Mapping[str, Collection[str] | Mapping[str, int]],
        corpus_chunk_size: int = 50000,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
        score_functions: Mapping[str, Score] | None = None,
        main_score_function: Any = None,
        query_prompt: str | None = None,
        query_prompt_name: str | None = None,
        corpus_prompt: str | None = None,
        corpus_prompt_name: str | None = None,
        write_predictions: bool = False,
    ) -> None:
        where = type(self).__name__
        self.data = data = RetrievalData.of(where, queries, corpus, relevant_docs)
        self.queries_ids, self.queries, self.relevant_docs = data.query_ids, data.queries, data.relevant
        self.corpus_ids, self.corpus = data.corpus_ids, data.corpus
        self.depths = Depths.of(where, mrr_at_k, ndcg_at_k, accuracy_at_k, precision_recall_at_k, map_at_k)
        self.file_name = f"Information-Retrieval_evaluation{'_' + name if name else ''}"
        super().__init__(name=name, csv_file=f"{self.file_name}_results.csv", write_csv=write_csv)
        self.corpus_chunk_size = whole_number(f"{where}: corpus_chunk_size", corpus_chunk_size)
        self.show_progress_bar, self.batch_size = show_progress_bar, batch_size
        self.truncate_dim: int | None = truncate_dim
        self.max_active_dims: int | None = None
        self.score_functions = None if score_functions is None else dict(score_functions)
        self.main_score_function = _main(where, main_score_function, self.score_functions)
        self.query_prompt, self.query_prompt_name = query_prompt, query_prompt_name
        self.corpus_prompt, self.corpus_prompt_name = corpus_prompt, corpus_prompt_name
        self.write_predictions = write_predictions
        self.counts_entries = False
        self.activity: dict[str, Activity] = {}
        self._best_function: str | None = None

    @classmethod
    def from_beir(
        cls,
        folder: str | Path,
        split: str = "test",
        *,
        name: str | None = None,
        batch_size: int = 32,
        corpus_chunk_size: int = 50000,
        show_progress_bar: bool = False,
        write_predictions: bool = False,
    ) -> "InformationRetrievalEvaluator":
        """From a folder in BEIR's layout: `corpus.jsonl`, `queries.jsonl` and `qrels/{split}.tsv`.

        A document is its title, a space and its text. Grades become relevant or not: those above 0 are relevant, and
        the others count as documents that nobody judged. For other settings read the folder with
        `airvec.search.read_beir`, whose three parts are this class's first three arguments.

        Args:
            folder: with the three files.
            split: of the grades.
            name: of the data; None = the folder's.
            batch_size: as the constructor's, like the rest.
            corpus_chunk_size: documents encoded at once.
            show_progress_bar: over the corpus.
            write_predictions: what was found, as JSONL.

        Raises:
            ArgumentError: a file is not there.
            InputError: a line is not as it should be.
        """
        task = read_beir(folder, split)
        return cls(
            task.queries, task.corpus, task.relevant, corpus_chunk_size=corpus_chunk_size, batch_size=batch_size,
            show_progress_bar=show_progress_bar, name=Path(folder).resolve().name if name is None else name,
            write_predictions=write_predictions,
        )  # fmt: skip

    def __call__(
        self,
        model: Any,
        output_path: str | Path | None = None,
        epoch: float = -1,
        steps: int = -1,
        *,
        corpus_model: Any = None,
        corpus_embeddings: Any = None,
    ) -> dict[str, float]:
        """Measure a model; arguments as in `Evaluator`, and two of `search`."""
        self.expect(model)
        found = self.search(model, corpus_model, corpus_embeddings)
        if self.write_predictions and output_path is not None:
            for function, best in found.items():
                write_lines(output_path, f"{self.file_name}_predictions_{function}.jsonl", self._records(best))
        return self.report(model, self.scores(found), output_path, epoch, steps)

    def measure(self, model: Any) -> dict[str, float]:
        """All metrics, for each score function; of sparse embeddings how sparse they are, too."""
        return self.scores(self.search(model))

    def search(self, model: Any, corpus_model: Any = None, corpus_embeddings: Any = None) -> dict[str, Best]:
        """The best documents of each query by each score function, as rows of the corpus in the order of its ids.

        Args:
            model: encodes the queries.
            corpus_model: encodes the documents; None = the same.
            corpus_embeddings: the documents' (m, dim) or sparse, in the order of `corpus`; then no document is encoded.

        Raises:
            ArgumentError: both of the last two.
            InputError: not an embedding a document, or of another width than the queries'.
        """
        functions = self._functions(model)
        queries = embed(model, self.queries, "query", self._options(self.query_prompt_name, self.query_prompt))
        seen: list[Activity] = []
        if corpus_embeddings is None:
            chunks = self._chunks(model if corpus_model is None else corpus_model, seen)
        else:
            chunks = self._given_chunks(corpus_model, corpus_embeddings, queries.shape[1], seen)
        found = best_rows(queries, chunks, functions, self.depths.deepest)
        if self.counts_entries:
            self.activity = {"query": Activity.of(queries), "corpus": reduce(add, seen)}
        return found

    def scores(self, found: Mapping[str, Best]) -> dict[str, float]:
        """The metrics of what was found."""
        relevant = [dict.fromkeys(self.relevant_docs[query], 1) for query in self.queries_ids]
        metrics: dict[str, float] = {}
        for function, best in found.items():
            rankings = [self._names(rows) for rows in best.rows.tolist()]
            metrics |= {f"{function}_{key}": value for key, value in self.depths.metrics(rankings, relevant).items()}
        return metrics | sparsity_metrics(self.activity)

    def primary(self, metrics: Mapping[str, float]) -> str:
        """NDCG at the largest k by the main score function; without one, that which was best at the first call."""
        self._best_function = self.depths.best_function(metrics, self._best_function)
        return self.depths.primary(self.main_score_function or self._best_function)

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """`cosine-Accuracy@1` and so on."""
        return self.depths.columns(metrics)

    def get_config_dict(self) -> dict[str, Any]:
        """Where embeddings are cut, and prompts."""
        keys = ("truncate_dim", "query_prompt", "query_prompt_name", "corpus_prompt", "corpus_prompt_name",
                "max_active_dims")  # fmt: skip
        return {key: getattr(self, key) for key in keys if getattr(self, key) is not None}

    def _functions(self, model: Any) -> Mapping[str, Score]:
        if self.score_functions is not None:
            return self.score_functions
        name = own_measure(model, type(self).__name__)
        if self.main_score_function not in (None, name):
            raise ArgumentError(
                f"{type(self).__name__}: main_score_function {self.main_score_function!r}, but the model compares by "
                f"{name!r}. Pass score_functions with it, or leave it out."
            )
        return {name: SIMILARITIES[name][0]}

    def _options(self, prompt_name: str | None, prompt: str | None) -> EncodeOptions:
        return EncodeOptions(
            batch_size=self.batch_size,
            show_progress_bar=self.show_progress_bar,
            prompt_name=prompt_name,
            prompt=prompt,
            truncate_dim=self.truncate_dim,
            max_active_dims=self.max_active_dims,
        )

    def _chunks(self, model: Any, seen: list[Activity]) -> Iterator[Embeddings]:
        """Embeddings of the corpus in the order of its ids, and into `seen` how sparse they are, if that is asked."""
        options = self._options(self.corpus_prompt_name, self.corpus_prompt)
        order, size = self.data.order, self.corpus_chunk_size
        with progress_bar(bool(self.show_progress_bar), len(order), "Searching", "doc") as advance:
            for start in range(0, len(order), size):
                places = order[start : start + size]
                chunk = embed(model, [self.corpus[place] for place in places], "document", options)
                if self.counts_entries:
                    seen.append(Activity.of(chunk))
                yield chunk
                advance(len(places))

    def _given_chunks(self, model: Any, given: Any, width: int, seen: list[Activity]) -> Iterator[Embeddings]:
        """The same from embeddings that the caller has; they are checked before the first is compared."""
        where = f"{type(self).__name__}: corpus_embeddings"
        if model is not None:
            raise ArgumentError(f"{where} and corpus_model are both given, expected one. Leave one of them out.")
        rows = as_embeddings(given)
        if rows.shape != (len(self.corpus), width):
            raise InputError(
                f"{where} of shape {list(rows.shape)}, expected {[len(self.corpus), width]}: an embedding a document, "
                "as wide as the queries'. Encode the corpus with this model, cut as the evaluator cuts."
            )
        return self._in_order(rows, seen)

    def _in_order(self, rows: Embeddings, seen: list[Activity]) -> Iterator[Embeddings]:
        order, size = np.asarray(self.data.order), self.corpus_chunk_size
        for start in range(0, len(order), size):
            chunk = rows[order[start : start + size]]
            if self.counts_entries:
                seen.append(Activity.of(chunk))
            yield chunk

    def _names(self, rows: Sequence[int]) -> list[str]:
        return [self.corpus_ids[self.data.order[row]] for row in rows]

    def _records(self, best: Best) -> Iterator[dict[str, Any]]:
        """A line of the JSONL file for each query."""
        places = zip(self.queries_ids, self.queries, best.rows.tolist(), best.scores.tolist(), strict=True)
        for query_id, query, rows, scores in places:
            hits = zip(self._names(rows), scores, strict=True)
            results = [{"corpus_id": name, "score": score} for name, score in hits]
            yield {"query_id": query_id, "query": query, "results": results}


class SparseInformationRetrievalEvaluator(InformationRetrievalEvaluator):
    """As `InformationRetrievalEvaluator`, and how sparse the embeddings are.

    Gives `query_active_dims`, `query_sparsity_ratio`, `corpus_active_dims`, `corpus_sparsity_ratio` and `avg_flops`,
    the products that comparing a query with a document takes on average, besides.

    Args:
        queries: texts by id, like the other arguments as in `InformationRetrievalEvaluator`, but for one:
        max_active_dims: weights to keep of each embedding; None = as the model says.
    """

    asks = ENCODES_SPARSELY

    def __init__(
        self,
        queries: Mapping[str, str],
        corpus: Mapping[str, str],
        relevant_docs: Mapping[str, Collection[str] | Mapping[str, int]],
        corpus_chunk_size: int = 50000,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        max_active_dims: int | None = None,
        score_functions: Mapping[str, Score] | None = None,
        main_score_function: Any = None,
        query_prompt: str | None = None,
        query_prompt_name: str | None = None,
        corpus_prompt: str | None = None,
        corpus_prompt_name: str | None = None,
        write_predictions: bool = False,
    ) -> None:
        super().__init__(
            queries, corpus, relevant_docs, corpus_chunk_size, mrr_at_k, ndcg_at_k, accuracy_at_k,
            precision_recall_at_k, map_at_k, show_progress_bar, batch_size, name, write_csv, None, score_functions,
            main_score_function, query_prompt, query_prompt_name, corpus_prompt, corpus_prompt_name, write_predictions,
        )  # fmt: skip
        self.max_active_dims = max_active_dims
        self.counts_entries = True


def sparsity_metrics(activity: Mapping[str, Activity]) -> dict[str, float]:
    """`query_active_dims` … `avg_flops` of queries and corpus; nothing where they were not counted."""
    if not activity:
        return {}
    queries, corpus = activity["query"], activity["corpus"]
    return queries.metrics("query_") | corpus.metrics("corpus_") | {"avg_flops": flops(queries, corpus)}


def _main(where: str, given: Any, functions: Mapping[str, Score] | None) -> str | None:
    if given is None or functions is None:
        return measure_name(given, where)
    name = str(getattr(given, "value", given))
    if name not in functions:
        raise ArgumentError(
            f"{where}: main_score_function {name!r}, expected one of score_functions: {', '.join(functions)}. "
            "Correct it."
        )
    return name

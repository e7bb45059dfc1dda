"""Are the most similar pairs of all texts the paraphrases among them?

Knows nothing of how a model encodes and of how pairs are searched.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from airvec.search import paraphrase_mining_embeddings
from airvec_trainer.evaluation.classification_metrics import average_precision, best_f1, outcomes
from airvec_trainer.evaluation.columns import some, texts
from airvec_trainer.evaluation.embedding import ENCODES, Ask, EncodeOptions, embed
from airvec_trainer.evaluation.evaluator import Evaluator

__all__ = ["ParaphraseMiningEvaluator"]

COLUMNS = ("precision", "recall", "f1", "threshold", "average_precision")


class ParaphraseMiningEvaluator(Evaluator):
    """How well the most similar pairs of a collection, by cosine, are its paraphrases.

    Gives `average_precision`, the primary metric, and `f1`, `precision`, `recall` and `threshold` where F1 is best.
    Recall counts all paraphrases, those that were not mined too.

    Args:
        sentences_map: texts by id.
        duplicates_list: pairs of ids of paraphrases; those with an unknown id are left out.
        duplicates_dict: the same as `{id: {id: True}}`.
        add_transitive_closure: paraphrases of paraphrases are paraphrases.
        query_chunk_size: texts compared at once.
        corpus_chunk_size: texts that they are compared with at once.
        max_pairs: most pairs to mine.
        top_k: neighbours of each text that are looked at.
        show_progress_bar: passed to `encode`.
        batch_size: passed to `encode`.
        name: of the data.
        write_csv: write `paraphrase_mining_evaluation_{name}_results.csv`.
        truncate_dim: passed to `encode`.

    Attributes:
        total_num_duplicates: different pairs of paraphrases among the texts.

    Raises:
        ArgumentError: no texts; later, a size below 1.
    """

    asks = ENCODES

    def __init__(
        self,
        sentences_map: Mapping[Any, str],
        duplicates_list: Iterable[Sequence[Any]] | None = None,
        duplicates_dict: Mapping[Any, Mapping[Any, bool]] | None = None,
        add_transitive_closure: bool = False,
        query_chunk_size: int = 5000,
        corpus_chunk_size: int = 100000,
        max_pairs: int = 500000,
        top_k: int = 100,
        show_progress_bar: bool | None = False,
        batch_size: int = 16,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
    ) -> None:
        where = type(self).__name__
        file = f"paraphrase_mining_evaluation{'_' + name if name else ''}_results.csv"
        super().__init__(name=name, csv_file=file, write_csv=write_csv)
        self.ids = list(sentences_map)
        self.sentences = some(where, "texts", texts(where, "sentences_map", sentences_map.values()))
        self.query_chunk_size, self.corpus_chunk_size = query_chunk_size, corpus_chunk_size
        self.max_pairs, self.top_k, self.truncate_dim = max_pairs, top_k, truncate_dim
        self.options = EncodeOptions(batch_size, show_progress_bar, truncate_dim=truncate_dim)
        self._closed = add_transitive_closure
        graph = _graph(sentences_map, duplicates_list, duplicates_dict)
        self.duplicates = self.add_transitive_closure(graph) if add_transitive_closure else graph
        self._pairs = {
            frozenset((one, other))
            for one, others in self.duplicates.items()
            for other, is_duplicate in others.items()
            if is_duplicate and one in sentences_map and other in sentences_map
        }
        self.total_num_duplicates = len(self._pairs)

    def measure(self, model: Any, ask: Ask = embed) -> dict[str, float]:
        """Average precision, and the best F1 with its precision, recall and threshold."""
        mined = paraphrase_mining_embeddings(
            ask(model, self.sentences, options=self.options),
            self.query_chunk_size,
            self.corpus_chunk_size,
            self.max_pairs,
            self.top_k,
        )
        scores = np.array([score for score, _, _ in mined], dtype=np.float64)
        labels = [frozenset((self.ids[int(i)], self.ids[int(j)])) in self._pairs for _, i, j in mined]
        found = outcomes(scores, np.array(labels, dtype=np.int64), positives=self.total_num_duplicates)
        best = best_f1(found)
        return {
            "average_precision": average_precision(found),
            "f1": best.f1,
            "precision": best.precision,
            "recall": best.recall,
            "threshold": best.threshold,
        }

    def primary(self, metrics: Mapping[str, float]) -> str:
        """Average precision."""
        return "average_precision"

    def columns(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The five, average precision last."""
        return {name: metrics[name] for name in COLUMNS}

    def get_config_dict(self) -> dict[str, Any]:
        """What decides which pairs are mined, and which of them are right."""
        settings = {"add_transitive_closure": self._closed, "max_pairs": self.max_pairs, "top_k": self.top_k}
        return settings | ({} if self.truncate_dim is None else {"truncate_dim": self.truncate_dim})

    @staticmethod
    def add_transitive_closure(graph: Mapping[Any, Mapping[Any, bool]]) -> dict[Any, dict[Any, bool]]:
        """A graph `{id: {id: True}}` in which all that are connected are so directly; entries of False connect nothing.

        >>> ParaphraseMiningEvaluator.add_transitive_closure({1: {2: True}, 3: {2: True}, 4: {1: False}})[1]
        {2: True, 3: True}
        """
        closed = {one: dict(others) for one, others in graph.items()}
        for group in _groups(graph):
            for one in group:
                closed.setdefault(one, {}).update({other: True for other in group if other != one})
        return closed


def _graph(
    known: Mapping[Any, str],
    listed: Iterable[Sequence[Any]] | None,
    given: Mapping[Any, Mapping[Any, bool]] | None,
) -> dict[Any, dict[Any, bool]]:
    graph = {one: dict(others) for one, others in (given or {}).items()}
    for one, other in listed or ():
        if one in known and other in known:
            graph.setdefault(one, {})[other] = True
            graph.setdefault(other, {})[one] = True
    return graph


def _groups(graph: Mapping[Any, Mapping[Any, bool]]) -> list[list[Any]]:
    """Ids that are connected, whichever way their entries point."""
    beside: dict[Any, dict[Any, None]] = {}  # dicts for the order, so that results do not depend on hashes
    for one, others in graph.items():
        for other in (other for other, is_duplicate in others.items() if is_duplicate):
            beside.setdefault(one, {})[other] = None
            beside.setdefault(other, {})[one] = None
    groups: list[list[Any]] = []
    seen: set[Any] = set()
    for start in beside:
        if start in seen:
            continue
        group, waiting = [], [start]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                group.append(one)
                waiting.extend(beside[one])
        groups.append(group)
    return groups

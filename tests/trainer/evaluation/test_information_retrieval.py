"""InformationRetrievalEvaluator on vectors that can be checked by hand."""

import csv
import json

import numpy as np
import pytest

from airvec.errors import ArgumentError, InputError
from airvec.similarity import dot_score
from airvec.sparse_vectors import SparseVectors
from airvec_trainer.evaluation import InformationRetrievalEvaluator, SparseInformationRetrievalEvaluator, corpus_search
from tests.trainer.evaluation.stand_in import Card, TableModel

CORPUS = {"d3": "north", "d1": "north-east", "d2": "east", "d4": "south"}
TABLE = {
    "north": [0, 1], "north-east": [1, 1], "east": [1, 0], "south": [0, -1],
    "up": [0, 2], "right": [3, 0], "left": [-1, 0],
}  # fmt: skip
QUERIES = {"u": "up", "r": "right", "l": "left"}
RELEVANT = {"u": {"d1"}, "r": {"d2", "d3"}, "l": set()}
SMALL = {"accuracy_at_k": [1, 2], "precision_recall_at_k": [2], "map_at_k": [3]}


def model():
    """up: north, north-east, east, south; right: east, north-east, then north and south, which are equal."""
    return TableModel({text: np.array(row, np.float32) for text, row in TABLE.items()})


def test_metrics_by_hand():
    found = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, **SMALL, name="map")(model())
    gains = {"up": 1 / np.log2(3), "right": (1 + 1 / np.log2(4)) / (1 + 1 / np.log2(3))}
    assert found == pytest.approx(
        {
            "map_cosine_accuracy@1": 1 / 2,
            "map_cosine_accuracy@2": 1,
            "map_cosine_precision@2": 1 / 2,
            "map_cosine_recall@2": (1 + 1 / 2) / 2,
            "map_cosine_ndcg@10": (gains["up"] + gains["right"]) / 2,
            "map_cosine_mrr@10": (1 / 2 + 1) / 2,
            "map_cosine_map@3": (1 / 2 + (1 + 2 / 3) / 2) / 2,
        }
    )


@pytest.mark.parametrize("chunk", [1, 2, 3, 4, 100])
def test_equal_scores_come_by_id_whatever_the_chunks(chunk, tmp_path):
    measure = InformationRetrievalEvaluator(
        QUERIES, CORPUS, RELEVANT, chunk, [1], [1], [1], [1], [3], write_predictions=True, name="x"
    )
    measure(model(), tmp_path)
    lines = (tmp_path / "Information-Retrieval_evaluation_x_predictions_cosine.jsonl").read_text().splitlines()
    found = {line["query_id"]: line for line in map(json.loads, lines)}
    assert list(found) == ["u", "r"]
    assert found["r"]["query"] == "right"
    assert [hit["corpus_id"] for hit in found["r"]["results"]] == ["d2", "d1", "d3"]  # d3 and d4 both score 0
    assert [hit["score"] for hit in found["r"]["results"]] == pytest.approx([1, 1 / np.sqrt(2), 0])


@pytest.mark.parametrize("at_once", [1, 5, 2**24])
def test_documents_are_encoded_by_chunks_and_queries_compared_by_blocks(at_once, monkeypatch):
    monkeypatch.setattr(corpus_search, "SCORES_AT_ONCE", at_once)
    encoder, compared = model(), []

    def score(a, b):
        compared.append((len(a), len(b)))
        return dot_score(a, b)

    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, 3, **SMALL, score_functions={"dot": score})
    found = measure(encoder)
    assert [len(texts) for name, texts, _ in encoder.calls if name == "encode_document"] == [3, 1]
    assert all(a == 1 or a * b <= at_once for a, b in compared)
    assert sum(a * b for a, b in compared) == 8
    assert found["dot_map@3"] == pytest.approx(
        (1 + (1 / 2 + 2 / 3) / 2) / 2
    )  # north-east (d1) is never below its equals


def test_the_csv_file_and_the_card(tmp_path):
    encoder = model()
    encoder.model_card_data = Card()
    functions = {"dot": dot_score, "cosine": lambda a, b: dot_score(a / np.linalg.norm(a), b)}
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, **SMALL, score_functions=functions)
    found = measure(encoder, tmp_path, 0.5, 1)
    assert measure(encoder, tmp_path, 0.5, 2) == found
    with (tmp_path / "Information-Retrieval_evaluation_results.csv").open() as file:
        head, *rows = csv.reader(file)
    kinds = ["Accuracy@1", "Accuracy@2", "Precision@2", "Recall@2", "MRR@10", "NDCG@10", "MAP@3"]
    assert head == ["epoch", "steps", *(f"{name}-{kind}" for name in ("cosine", "dot") for kind in kinds)]
    assert [row[:2] for row in rows] == [["0.5", "1"], ["0.5", "2"]]
    assert float(rows[1][2]) == found["cosine_accuracy@1"]
    assert encoder.model_card_data.stored[0][1:] == (found, 0.5, 1)
    assert not list(tmp_path.glob("*.jsonl"))
    assert [name for name in tmp_path.iterdir() if name.name.startswith(".")] == []


def test_prompts_and_options_are_passed():
    encoder = model()
    measure = InformationRetrievalEvaluator(
        QUERIES, CORPUS, RELEVANT, batch_size=3, truncate_dim=1, query_prompt="q: ", corpus_prompt_name="text"
    )
    measure(encoder)
    (_, texts, queries), (_, documents, corpus) = (call for call in encoder.calls if call[0] != "encode")
    assert texts == ["up", "right"]
    assert sorted(documents) == sorted(CORPUS.values())
    assert queries == {"batch_size": 3, "truncate_dim": 1, "prompt": "q: ", "show_progress_bar": False,
                       "convert_to_numpy": True}  # fmt: skip
    assert corpus["prompt_name"] == "text"
    assert "prompt" not in corpus
    assert measure.get_config_dict() == {"truncate_dim": 1, "query_prompt": "q: ", "corpus_prompt_name": "text"}


def test_the_primary_metric_is_the_best_function_s_and_stays():
    encoder = model()
    functions = {"against": lambda a, b: -dot_score(a, b), "dot": dot_score}
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, ndcg_at_k=[1, 3], score_functions=functions)
    measure(encoder)
    assert measure.primary_metric == "dot_ndcg@3"
    encoder.table = {text: -row if text in QUERIES.values() else row for text, row in encoder.table.items()}
    found = measure(encoder)
    assert found["against_ndcg@3"] > found["dot_ndcg@3"]
    assert measure.primary_metric == "dot_ndcg@3"
    measure = InformationRetrievalEvaluator(
        QUERIES, CORPUS, RELEVANT, score_functions=functions, main_score_function="against"
    )
    measure(model())
    assert measure.primary_metric == "against_ndcg@10"


def test_grades_above_0_are_relevant(caplog):
    graded = {"u": {"d3": 0, "d1": 2, "d2": -1}, "r": {"nowhere": 1}, "l": {"d1": 0}}
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, graded)
    assert measure.queries == ["up", "right"]
    assert measure.relevant_docs == {"u": {"d1"}, "r": {"nowhere"}}
    assert "relevant documents that the corpus does not have: 1" in caplog.text


def test_a_beir_folder_becomes_an_evaluator(tmp_path):
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": name, "title": "", "text": text} for name, text in CORPUS.items()]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "u", "text": "up"}) + "\n")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nu\td1\t2\nu\td3\t0\n")
    measure = InformationRetrievalEvaluator.from_beir(folder, batch_size=2)
    assert (measure.name, measure.batch_size, measure.relevant_docs) == ("small", 2, {"u": {"d1"}})
    assert measure(model())["small_cosine_mrr@10"] == 1 / 2
    with pytest.raises(ArgumentError, match=r"dev\.tsv"):
        InformationRetrievalEvaluator.from_beir(folder, "dev")


def test_sparse_vectors_are_searched_as_they_are(monkeypatch):
    """Three dimensions of a million: made dense the corpus would take 16 MB, which to_dense refuses here."""
    rows = {"up": {0: 1.0}, "right": {1: 2.0, 2: 1.0}, "left": {5: 1.0}, "north": {0: 2.0},
            "north-east": {0: 1.0, 1: 1.0}, "east": {1: 1.0}, "south": {3: 1.0}}  # fmt: skip
    monkeypatch.setattr(SparseVectors, "to_dense", lambda self: pytest.fail("made dense"))

    class Sparse(TableModel):
        similarity_fn_name = "dot"

        def encode(self, texts, **given):
            return SparseVectors.from_rows([self.table[text] for text in texts], 1_000_000)

        def sparsity(self):
            """What tells a sparse encoder."""

    encoder = Sparse({})
    encoder.table = rows
    measure = SparseInformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, 3, max_active_dims=7, name="s")
    found = measure(encoder)
    assert found["s_dot_mrr@10"] == 1 / 2  # north is before north-east; north-east and east are equal for "right"
    assert (found["s_query_active_dims"], found["s_corpus_active_dims"]) == (3 / 2, 5 / 4)
    assert found["s_query_sparsity_ratio"] == 1 - 1.5e-6
    # dimensions 0 and 1: half of the queries each, and half of the documents each
    assert found["s_avg_flops"] == 1 / 2 * 1 / 2 + 1 / 2 * 1 / 2
    assert encoder.calls[0][2]["max_active_dims"] == 7
    assert measure.get_config_dict() == {"max_active_dims": 7}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"queries": ["up"]}, r"queries \['up'\], expected texts by id"),
        ({"queries": {"u": 5}}, "queries, id 'u': 5, expected a text"),
        ({"corpus": {}}, "2 queries with relevant documents and 0 documents"),
        ({"relevant_docs": {"l": set()}}, "0 queries with relevant documents and 4 documents"),
        ({"relevant_docs": {"u": "d1"}}, "query 'u': 'd1', expected ids of documents"),
        ({"relevant_docs": [("u", "d1")]}, "expected document ids by query id"),
        ({"corpus": {"a": "up", 1: "east"}}, "types int, str, expected one type"),
        ({"corpus_chunk_size": 0}, "corpus_chunk_size: 0, expected a whole number"),
        ({"mrr_at_k": []}, r"mrr_at_k: \[\], expected whole numbers"),
        ({"map_at_k": 100}, "map_at_k: 100, expected whole numbers"),
        ({"ndcg_at_k": [0]}, "ndcg_at_k: 0, expected a whole number of at least 1"),
        ({"main_score_function": "angle"}, "'angle', expected one of cosine"),
        ({"main_score_function": "dot", "score_functions": {"mine": dot_score}}, "'dot', expected one of score_func"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_when_the_evaluator_is_made(changed, message):
    given = {"queries": QUERIES, "corpus": CORPUS, "relevant_docs": RELEVANT} | changed
    with pytest.raises(ArgumentError, match=f"^InformationRetrievalEvaluator: .*{message}"):
        InformationRetrievalEvaluator(**given)


def test_a_score_function_that_gives_nan_is_told():
    def broken(some, others):
        found = dot_score(some, others)
        found[0, 1] = np.nan
        return found

    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, **SMALL, score_functions={"broken": broken})
    with pytest.raises(ArgumentError, match=r"score function: 1 of \d+ scores are nan, expected numbers"):
        measure(model())


def test_a_model_that_does_not_fit_is_told():
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, main_score_function="dot")
    with pytest.raises(ArgumentError, match="main_score_function 'dot', but the model compares by 'cosine'"):
        measure(model())
    functions = {"one": lambda a, b: (a * a).sum(axis=1)}
    with pytest.raises(ArgumentError, match=r"gives shape \[2\], expected \[2, 4\]"):
        InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, score_functions=functions)(model())

    class Short(TableModel):
        def encode_document(self, texts, **given):
            return self.encode(texts)[:1]

    with pytest.raises(InputError, match="for 4 texts"):
        InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT)(Short(model().table))


def test_documents_of_another_model_or_given():
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, 3, **SMALL)
    encoder, other = model(), model()
    other.table["south"], other.table["east"] = other.table["east"], other.table["south"]
    found = measure(encoder, corpus_model=other)
    assert found != measure(encoder)
    assert [name for name, _, _ in other.calls if name != "encode"] == ["encode_document", "encode_document"]
    rows = [other.table[text].tolist() for text in CORPUS.values()]
    encoder.calls.clear()
    assert measure(encoder, corpus_embeddings=rows) == found
    assert [name for name, _, _ in encoder.calls if name != "encode"] == ["encode_query"]


def test_documents_that_do_not_fit_are_told():
    measure = InformationRetrievalEvaluator(QUERIES, CORPUS, RELEVANT, **SMALL)
    with pytest.raises(ArgumentError, match="corpus_embeddings and corpus_model are both given"):
        measure(model(), corpus_model=model(), corpus_embeddings=np.zeros((4, 2)))
    for wrong in ((3, 2), (4, 3)):
        with pytest.raises(
            InputError, match=rf"corpus_embeddings of shape \[{wrong[0]}, {wrong[1]}\], expected \[4, 2\]"
        ):
            measure(model(), corpus_embeddings=np.zeros(wrong))

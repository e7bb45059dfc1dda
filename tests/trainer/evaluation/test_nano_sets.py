"""Collections of sets: from memory, from folders of both layouts, and what is wrong with them."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from airvec.errors import ArgumentError, DownloadError, InputError
from airvec.search.beir import RetrievalTask
from airvec_trainer.evaluation import nano_sets
from airvec_trainer.evaluation.nano_sets import NanoSet, chosen, read_set, readable

TASK = RetrievalTask({"d1": "one", "d2": "two"}, {"q1": "first"}, {"q1": {"d1": 1, "d2": 0}})
FOUND = NanoSet({"q1": "first"}, {"d1": "one", "d2": "two"}, {"q1": ["d1"]})


def beir(folder, name, split="test"):
    """A folder in BEIR's layout."""
    home = folder / name
    (home / "qrels").mkdir(parents=True)
    rows = [json.dumps({"_id": key, "text": text}) for key, text in TASK.corpus.items()]
    (home / "corpus.jsonl").write_text("\n".join(rows))
    (home / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "first"}))
    (home / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n")
    return home


def tables(folder, name, **changed):
    """Parquet files as on the Hub; of a changed part the rows are those given."""
    parts = {
        "corpus": [{"_id": key, "text": text} for key, text in TASK.corpus.items()],
        "queries": [{"_id": "q1", "text": "first"}],
        "qrels": [{"query-id": "q1", "corpus-id": "d1"}],
        "bm25": [{"query-id": "q1", "corpus-ids": ["d2", "d1"]}],
    } | changed
    for part, rows in parts.items():
        (folder / part).mkdir(exist_ok=True)
        parquet.write_table(pa.Table.from_pylist(rows), folder / part / f"{name}-00000-of-00001.parquet")


def test_names_are_read_in_every_form():
    assert [readable(name) for name in ("nq", "NQ", "NanoNQ", "nanonq", "Mine")] == ["NanoNQ"] * 4 + ["Mine"]
    assert len(nano_sets.READABLE) == 13


def test_a_mapping_holds_tasks_and_folders(tmp_path):
    source = {"nq": TASK, "Mine": beir(tmp_path, "any"), "touche2020": str(beir(tmp_path, "other", "dev"))}
    assert chosen("here", source, None) == ["nq", "Mine", "touche2020"]
    assert chosen("here", source, None, ("touche2020",)) == ["nq", "Mine"]
    assert chosen("here", source, ["NanoNQ", "touche2020"], ("touche2020",)) == ["NanoNQ", "touche2020"]
    assert [read_set("here", source, name) for name in ("NanoNQ", "Mine", "touche2020")] == [FOUND] * 3


def test_a_folder_of_beir_folders(tmp_path):
    home = beir(tmp_path, "scifact")
    beir(tmp_path, "NanoNQ")
    (tmp_path / "notes").mkdir()
    assert chosen("here", tmp_path, None) == ["NanoNQ", "scifact"]
    assert read_set("here", str(tmp_path), "NanoSciFact") == FOUND
    assert read_set("here", tmp_path, "scifact", candidates=True).candidates == {}
    (home / "bm25.jsonl").write_text(json.dumps({"query-id": "q1", "corpus-ids": ["d2", "d1"]}) + "\n")
    assert read_set("here", tmp_path, "scifact", candidates=True).candidates == {"q1": ["d2", "d1"]}
    (home / "bm25.jsonl").write_text('{"query-id": "q1"}\n')
    with pytest.raises(InputError, match=r"bm25\.jsonl: .*expected an object with query-id and corpus-ids"):
        read_set("here", tmp_path, "scifact", candidates=True)


def test_a_copy_of_the_hub_s_data_set(tmp_path):
    tables(tmp_path, "NanoSciFact")
    tables(tmp_path, "NanoNQ", qrels=[{"query-id": "q1", "corpus-id": ["d1", "d2", "d1"]}])
    assert chosen("here", tmp_path, None) == ["NanoNQ", "NanoSciFact"]
    assert read_set("here", tmp_path, "scifact") == FOUND
    found = read_set("here", tmp_path, "nq", candidates=True)
    assert (found.relevant, found.candidates) == ({"q1": ["d1", "d2"]}, {"q1": ["d2", "d1"]})
    (tmp_path / "bm25" / "NanoNQ-00000-of-00001.parquet").unlink()
    assert read_set("here", tmp_path, "nq", candidates=True).candidates == {}
    (tmp_path / "qrels" / "NanoNQ-00000-of-00001.parquet").unlink()
    with pytest.raises(ArgumentError, match=r"has no qrels/NanoNQ-\*\.parquet"):
        read_set("here", tmp_path, "nq")


def test_a_name_on_the_hub_is_asked_there(monkeypatch):
    import datasets

    asked = []

    def load(name, part, split):
        asked.append((name, part, split))
        rows = {
            "corpus": [{"_id": "d1", "text": "one"}, {"_id": "d2", "text": "two"}],
            "queries": [{"_id": "q1", "text": "first"}],
            "qrels": [{"query-id": "q1", "corpus-id": "d1"}],
        }
        return datasets.Dataset.from_list(rows[part])

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert len(chosen("here", "org/NanoBEIR-xx", None)) == 13
    assert read_set("here", "org/NanoBEIR-xx", "scifact") == FOUND
    assert asked == [("org/NanoBEIR-xx", part, "NanoSciFact") for part in ("corpus", "queries", "qrels")]
    with pytest.raises(DownloadError, match="org/NanoBEIR-xx, bm25 of NanoSciFact: KeyError"):
        read_set("here", "org/NanoBEIR-xx", "scifact", candidates=True)


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(ArgumentError, match=r"dataset_names \['nope'\], expected some of climatefever"):
        chosen("here", "org/name", ["nope"])
    with pytest.raises(ArgumentError, match=r"dataset_names \[\], expected some of nq"):
        chosen("here", {"nq": TASK}, [])
    with pytest.raises(ArgumentError, match="dataset_id './nowhere', expected a folder, or ORG/NAME"):
        chosen("here", "./nowhere", None)
    with pytest.raises(ArgumentError, match="holds no set, expected folders with"):
        chosen("here", tmp_path, None)
    tables(tmp_path, "NanoNQ", corpus=[{"id": "d1", "text": "one"}])
    with pytest.raises(InputError, match="corpus has the columns id, text, expected _id as well"):
        read_set("here", tmp_path, "nq")
    home = beir(tmp_path, "two", "a")
    (home / "qrels" / "b.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    with pytest.raises(ArgumentError, match=r"two/qrels holds \['a', 'b'\], expected test"):
        read_set("here", tmp_path, "two")

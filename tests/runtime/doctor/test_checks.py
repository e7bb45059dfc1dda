"""Mirrors runtime/airvec/doctor/checks.py: each check can find what it looks for, and is quiet where all is well."""

import json
from types import SimpleNamespace

import pytest

from airvec.doctor import CHECKS, checks, examine
from airvec.errors import ModelNotFoundError
from tests.folders import MEAN, reranker, word_model, write_json

CLS = {"word_embedding_dimension": 4, "pooling_mode_cls_token": True}
TWENTY = [" ".join("abcdefghij"[place % 10 : place % 10 + 1 + place % 3]) for place in range(20)]


@pytest.fixture
def folder(tmp_path):
    """Makes a model folder of a name, with Normalize and mean pooling unless the test says otherwise."""

    def make(name="words", **settings):
        return word_model(tmp_path / name, **({"normalize": True} | settings))

    return make


def found(folder, check, texts=()):
    """The finding of one check."""
    return examine(folder, texts)[CHECKS.index(check)]


def test_there_are_ten_checks_and_each_says_what_it_found(folder):
    findings = examine(folder())
    assert len({finding.check for finding in findings}) == len(findings) == 10
    assert all(finding.found and finding.state in ("ok", "warn", "fix") for finding in findings)


def test_a_model_without_pitfalls_has_nothing_to_fix(folder):
    assert {finding.state for finding in examine(folder(), TWENTY)} <= {"ok", "warn"}


def test_a_missing_prefix_is_found_and_the_advice_can_be_pasted(folder):
    finding = found(folder("e5-small-v2"), checks.missing_prefix)
    assert finding.state == "fix"
    assert "prompts={'query': 'query: ', 'document': 'passage: '}" in finding.advice


def test_a_saved_prefix_is_enough(folder):
    settings = {"prompts": {"query": "query: ", "document": "passage: "}}
    assert found(folder("e5-small-v2", settings=settings), checks.missing_prefix).state == "ok"


def test_a_renamed_folder_is_known_by_the_name_in_its_config(folder):
    path = folder("mine")
    config = json.loads((path / "config.json").read_text())
    write_json(path / "config.json", config | {"_name_or_path": "BAAI/bge-small-en-v1.5"})
    assert "Represent this sentence" in found(path, checks.missing_prefix).advice


def test_vectors_that_are_not_of_length_1_are_found(folder):
    finding = found(folder(normalize=False), checks.unnormalised_with_dot)
    assert (finding.state, "lengths from" in finding.found) == ("warn", True)


def test_a_model_made_for_the_dot_product_may_have_other_lengths(folder):
    path = folder(normalize=False, settings={"similarity_fn_name": "dot"})
    assert found(path, checks.unnormalised_with_dot).state == "ok"
    assert "Do not normalise" in found(path, checks.unnormalised_with_dot).advice


def test_vectors_of_length_1_are_right(folder):
    assert found(folder(), checks.unnormalised_with_dot).state == "ok"


def test_texts_over_the_limit_are_counted(folder):
    finding = found(folder(), checks.truncation, ["a b", "a b c d e f g", "a b c d e f g h i"])
    assert finding.state == "fix"
    assert finding.found == "2 of 3 texts have more than 8 tokens, up to 11"


def test_texts_at_the_limit_fit(folder):
    assert found(folder(), checks.truncation, ["a b c d e f"]).state == "ok"


def test_a_rerankers_texts_must_leave_room_for_a_query(tmp_path):
    model = reranker(tmp_path / "ranker", limit=24)
    finding = found(model, checks.truncation, ["a b c d e f g h i j", "a"])
    assert finding.state == "fix"
    assert finding.found == "1 of 2 texts leave no room for a query of 16 of the 24 tokens"
    assert found(model, checks.truncation, ["a b"]).state == "ok"


def test_routes_that_normalise_on_one_side_only_are_found():
    routes = {"query": ["Normalize"], "document": ["Pooling"]}
    router = SimpleNamespace(routes=routes)
    model = SimpleNamespace(
        modules=[SimpleNamespace(router=router)],
        chain=lambda task: [SimpleNamespace(type=kind) for kind in routes[task]],
    )
    finding = checks.mixed_normalisation(SimpleNamespace(folder=model))
    assert (finding.state, "'document'" in finding.found) == ("fix", True)
    routes["document"] = ["Normalize"]
    assert checks.mixed_normalisation(SimpleNamespace(folder=model)).state == "ok"


def test_a_pooling_that_is_not_the_familys_is_found(folder):
    finding = found(folder("bge-small-en-v1.5"), checks.wrong_pooling)
    assert finding.state == "fix"
    assert "pooling is mean, BGE was trained with cls" in finding.found
    assert found(folder("bge-base-en-v1.5", pooling=CLS), checks.wrong_pooling).state == "ok"


def test_an_assumed_pooling_is_mentioned(folder):
    path = folder("plain", pooling=MEAN)
    for name in ("modules.json", "config_sentence_transformers.json"):
        (path / name).unlink()
    for place in path.glob("[0-9]_*"):
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    assert found(path, checks.wrong_pooling).state == "warn"


def test_texts_that_are_too_long_for_one_vector_are_found(folder):
    finding = found(folder(), checks.diluted_chunks, ["a " * 600, "b"])
    assert (finding.state, finding.found) == ("warn", "1 of 2 texts have more than 512 tokens")
    assert found(folder(), checks.diluted_chunks, ["a " * 100]).state == "ok"


def test_a_model_of_paraphrases_is_named_for_what_it_is(folder):
    assert found(folder("all-MiniLM-L6-v2"), checks.symmetric_for_queries).state == "warn"
    assert found(folder("gte-small"), checks.symmetric_for_queries).state == "ok"


def test_texts_that_all_look_alike_to_the_model_make_a_threshold_doubtful(folder):
    finding = found(folder(), checks.uncalibrated_thresholds, ["a"] * 20)
    assert (finding.state, "of yours score 1.00" in finding.found) == ("warn", True)
    assert "unrelated" in found(folder(), checks.uncalibrated_thresholds).found


def test_the_time_to_open_is_measured(folder):
    assert " s on this machine" in found(folder(), checks.load_a_call).found


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (["onnxruntime", "numpy"], "ok"),
        (["onnxruntime", "onnxruntime_gpu"], "fix"),
        (["onnxruntime", "onnxruntime-extensions"], "ok"),
        ([], "ok"),
    ],
)
def test_two_packages_of_onnxruntime_are_found(monkeypatch, names, state):
    install(monkeypatch, names)
    assert checks.onnxruntime_twice(None).state == state


def install(monkeypatch, names):
    installed = [SimpleNamespace(metadata={"Name": name}, version="2026.4.1") for name in names]
    monkeypatch.setattr(checks, "distributions", lambda: installed)


def test_openvino_is_told_with_its_version(monkeypatch):
    install(monkeypatch, ["onnxruntime", "openvino", "openvino-telemetry"])
    assert checks.onnxruntime_twice(None).found == "installed once: onnxruntime; openvino 2026.4.1"
    install(monkeypatch, [])
    assert checks.onnxruntime_twice(None).found == "not installed: no ONNX graphs; openvino is not installed"


def test_no_such_folder_is_an_error(tmp_path):
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        examine(tmp_path / "gone")

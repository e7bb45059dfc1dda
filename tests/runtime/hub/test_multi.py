"""A model with two heads by name: they are fetched for the class that reads them, and for no other."""

import pytest

from tests.multi_folders import COLBERT, SPARSE, lexical_of, multi_model

ENCODE = """from airvec import MultiEncoder
        result = MultiEncoder({}).encode("a b c d e f").sparse.to_dict()"""


@pytest.fixture
def heads(hub, tmp_path):
    hub.repositories = {"org/m3": multi_model(tmp_path / "m3"), "BAAI/m3": tmp_path / "m3"}
    (tmp_path / "m3" / "model.safetensors").write_bytes(b"large")
    return tmp_path / "m3"


def test_the_heads_come_with_the_graph(hub, client, heads):
    found = client.attempt(ENCODE.format("'org/m3'"))
    assert found.problem is None
    assert {int(word): weight for word, weight in found.result.items()} == pytest.approx(lexical_of("a b c d e f"))
    assert found.result
    assert {name for name in hub.fetched if not name.endswith(".json")} == {"onnx/model.onnx", SPARSE, COLBERT}
    again = client.attempt(ENCODE.format("'org/m3', local_files_only=True"))
    assert again.result == found.result


def test_a_dense_model_needs_no_heads_and_a_bare_name_is_one_of_baai(hub, client, heads):
    _, problem = client.encode("'org/m3'")
    assert problem is None
    assert {name for name in hub.fetched if not name.endswith(".json")} == {"onnx/model.onnx"}
    assert client.attempt(ENCODE.format("'m3'")).problem is None


def test_a_repository_with_torch_s_heads_only_says_what_to_do_before_the_graph_is_fetched(hub, client, heads):
    (heads / SPARSE).rename(heads / "sparse_linear.pt")
    found = client.attempt(ENCODE.format("'org/m3'"))
    assert found.message.startswith(f"org/m3: no {SPARSE}, expected a head as BGE-M3 has it")
    assert found.message.endswith("airvec export org/m3 ./m3-onnx")
    assert all(name.endswith(".json") for name in hub.fetched)

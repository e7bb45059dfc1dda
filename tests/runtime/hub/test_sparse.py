"""SPLADE models by name: of two graphs with the same numbers, the one that needs less memory is fetched and run."""

import pytest

from tests.sparse_folders import splade_model, splade_of

ENCODE = """from airvec import SparseEncoder
        result = SparseEncoder({}).encode("a b c").to_dense().tolist()"""


@pytest.mark.parametrize(
    ("arguments", "graph"),
    [
        ("'org/splade'", "model_fused"),
        ("'org/splade', variant='fp32'", "model"),
        ("'org/splade', model_kwargs={'file_name': 'model.onnx'}", "model"),
        ("'org/plain'", "model"),
    ],
)
def test_auto_fetches_the_graph_with_the_pooling_inside_where_there_is_one(hub, client, tmp_path, arguments, graph):
    hub.repositories = {
        "org/splade": splade_model(tmp_path / "splade", graphs=("model", "model_fused")),
        "org/plain": splade_model(tmp_path / "plain"),
    }
    found = client.attempt(ENCODE.format(arguments))
    assert found.problem is None
    assert found.result == pytest.approx(splade_of("a b c").tolist(), abs=1e-6)
    assert {name for name in hub.fetched if name.endswith(".onnx")} == {f"onnx/{graph}.onnx"}

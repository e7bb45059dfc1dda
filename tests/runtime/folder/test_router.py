"""Mirrors runtime/airvec/folder/router.py: which modules a text passes, by its task."""

import pytest

from airvec.errors import ArgumentError, ModelFolderError
from airvec.folder import read_folder
from tests.folders import write_json
from tests.sparse_folders import DOCUMENT, QUERY, SPLADE, inference_free, write_router

TYPES = {QUERY: "SparseStaticEmbedding", DOCUMENT: "MLMTransformer", SPLADE: "SpladePooling"}
STRUCTURE = {"query": [QUERY], "document": [DOCUMENT, SPLADE]}


def types(folder, task=None):
    """Class names of the modules that a text of this task passes."""
    return [module.type for module in read_folder(folder).chain(task)]


QUERIES, DOCUMENTS = ["SparseStaticEmbedding"], ["Transformer", "SpladePooling"]


def test_a_task_takes_the_route_of_its_name_and_none_the_default(tmp_path):
    folder = inference_free(tmp_path)
    assert types(folder, "query") == QUERIES
    assert types(folder, "document") == types(folder) == DOCUMENTS


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"default_route": "query"}, QUERIES),
        ({"default_route": None, "allow_empty_key": True}, QUERIES),  # the first one
        ({}, QUERIES),
        ({"default_route": "document", "allow_empty_key": False}, DOCUMENTS),
    ],
)
def test_without_a_task_the_default_route_is_taken_or_the_first(tmp_path, parameters, found):
    assert types(inference_free(tmp_path, parameters)) == found


@pytest.mark.parametrize(
    ("mappings", "task", "found"),
    [
        ({"('query', 'text')": "document"}, "query", DOCUMENTS),
        ({"('query', None)": "document"}, "query", DOCUMENTS),
        ({"('query', None)": "document", "('query', 'text')": "query"}, "query", QUERIES),
        ({"(None, 'text')": "query"}, "document", QUERIES),
        ({"(None, None)": "query"}, None, QUERIES),
        ({"('search', None)": "query"}, "search", QUERIES),
        ({"('query', 'image')": "document", "('query', ('image', 'text'))": "document"}, "query", QUERIES),
    ],
)
def test_mappings_win_over_names_from_the_exact_to_the_general(tmp_path, mappings, task, found):
    parameters = {"default_route": "document", "route_mappings": mappings}
    assert types(inference_free(tmp_path, parameters), task) == found


def test_a_route_named_text_takes_every_text(tmp_path):
    folder = inference_free(tmp_path)
    write_router(folder, TYPES, {"image": [QUERY], "text": [DOCUMENT, SPLADE]}, {"default_route": "image"})
    assert types(folder) == types(folder, "query") == DOCUMENTS


def test_a_task_without_a_route_is_an_error_even_with_a_default(tmp_path):
    folder = inference_free(tmp_path)
    with pytest.raises(
        ArgumentError, match=r"task: 'classify', but .*router_config.json has routes 'query', 'document'"
    ):
        types(folder, "classify")


def test_no_task_without_a_default_is_an_error(tmp_path):
    folder = inference_free(tmp_path, {"default_route": None, "allow_empty_key": False})
    with pytest.raises(ArgumentError, match="task: None, but .* has routes 'query', 'document'"):
        types(folder)


def test_a_module_of_two_routes_is_one_and_is_listed_once(tmp_path):
    folder = inference_free(tmp_path)
    write_router(folder, TYPES, {"query": [DOCUMENT, SPLADE], "document": [DOCUMENT, SPLADE]})
    found = read_folder(folder)
    assert found.chain("query")[0] is found.chain("document")[0]
    assert len(found.bodies()) == 1


def test_the_old_name_of_the_file_is_read(tmp_path):
    folder = inference_free(tmp_path)
    (folder / "router_config.json").rename(folder / "config.json")
    assert types(folder, "query") == QUERIES


@pytest.mark.parametrize(
    ("structure", "parameters", "message"),
    [
        ({}, {}, "'structure' is {}, expected routes"),
        ({"query": ["nothing"]}, {}, "route 'query' has module 'nothing', expected one of query_0"),
        (STRUCTURE, {"default_route": "nowhere"}, "route 'nowhere', expected one of query, document"),
        (STRUCTURE, {"route_mappings": {"('a', 'text')": "nowhere"}}, "route 'nowhere'"),
        (STRUCTURE, {"route_mappings": {"__import__('os')": "query"}}, "route_mappings has key"),
        (STRUCTURE, {"route_mappings": {"'query'": "query"}}, "route_mappings has key"),
        (STRUCTURE, {"route_mappings": {"3": "query"}}, "route_mappings has key '3'"),
    ],
)
def test_a_damaged_configuration_is_an_error_that_names_the_value(tmp_path, structure, parameters, message):
    folder = inference_free(tmp_path)
    write_router(folder, TYPES, structure, parameters)
    with pytest.raises(ModelFolderError, match=message):
        read_folder(folder)


@pytest.mark.parametrize("name", ["../outside", "/etc", "a/b", "..", "C:\\x", "a\\b"])
def test_the_folder_of_a_module_is_a_name_and_no_path(tmp_path, name):
    folder = inference_free(tmp_path)
    write_router(folder, {name: "SpladePooling"}, {"query": [name]})
    with pytest.raises(ModelFolderError, match="is a path, expected the name of a folder beside it"):
        read_folder(folder)


def test_code_from_outside_sentence_transformers_is_refused_in_routes_too(tmp_path):
    folder = inference_free(tmp_path)
    write_json(folder / "router_config.json", {"types": {QUERY: "my.Layer"}, "structure": {"query": [QUERY]}})
    with pytest.raises(ModelFolderError, match=r"module 'query_0_.*' has type 'my.Layer'.*runs no code"):
        read_folder(folder)


def test_a_route_without_modules_is_an_error_when_it_is_taken(tmp_path):
    folder = inference_free(tmp_path)
    write_router(folder, TYPES, {"query": [], "document": [DOCUMENT, SPLADE]})
    with pytest.raises(ModelFolderError, match="task 'query' has no modules"):
        types(folder, "query")

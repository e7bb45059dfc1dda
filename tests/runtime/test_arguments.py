"""Mirrors runtime/airvec/arguments.py."""

import logging

import numpy as np
import pytest

from airvec import arguments
from airvec.errors import AirvecWarning, ArgumentError, InputError
from airvec.folder import SIMILARITY_NAMES, TokenizerSpec
from airvec.similarity import SIMILARITIES


class Column:
    """A sized iterable that is no list, as a column of a data frame is."""

    def __iter__(self):
        return iter(["a", "b"])

    def __len__(self):
        return 2


@pytest.mark.parametrize(
    ("inputs", "texts", "single"),
    [
        ("a", ["a"], True),
        ("", [""], True),
        (np.str_("a"), ["a"], True),
        (["a", "b"], ["a", "b"], False),
        (("a", "b"), ["a", "b"], False),
        (np.array(["a", "bb"]), ["a", "bb"], False),
        (np.array(["a", "bb"], dtype=object), ["a", "bb"], False),
        (np.array([], dtype=str), [], False),
        (Column(), ["a", "b"], False),
        ([], [], False),
    ],
)
def test_texts_come_in_many_containers(inputs, texts, single):
    assert arguments.check_texts(inputs) == (texts, single)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, "texts: None, expected a str or a list of str"),
        (3, "texts: int 3"),
        (2.5, "texts: float 2.5"),
        (b"a", "texts: bytes b'a'"),
        ({"text": "a"}, "texts: dict"),
        ({"a"}, "texts: set"),
        (np.array([["a"], ["b"]]), "texts: ndarray"),
        (np.array("a"), "texts: ndarray"),
        ((text for text in ["a"]), "has no length.*encode_stream"),
        (["a", None], "text 1: None, expected a str"),
        (["a", 3], "text 1: int 3"),
        ([b"a"], r"text 0: bytes b'a'.*\.decode\(\)"),
        ([["a", "b"]], "text 0: list .*Pairs of texts are for a reranker"),
        ([("a", "b")], "text 0: tuple .*Pairs of texts"),
        ([[]], "text 0: list"),
        (np.array(["a", None], dtype=object), "text 1: None"),
        (np.array([1, 2]), "text 0: int 1"),
        ([np.float32(1)], "text 0: float32"),
        (["a" * 3, ["x" * 100]], "text 1: list .*…, expected"),
    ],
)
def test_what_is_no_text_is_refused_with_its_place_and_type(inputs, message):
    with pytest.raises(InputError, match=message):
        arguments.check_texts(inputs)


def test_exactly_one_of_inputs_and_its_old_name_is_taken():
    assert arguments.pick_inputs("a", None) == arguments.pick_inputs(None, "a") == "a"
    with pytest.raises(InputError, match="neither of inputs and sentences"):
        arguments.pick_inputs(None, None)
    with pytest.raises(InputError, match="both of inputs and sentences"):
        arguments.pick_inputs("a", "b")


def options(backend="onnx", variant="auto", device=None, model_kwargs=None, threads=1):
    """`backend_options` with defaults."""
    return arguments.backend_options(backend, variant, device, model_kwargs, threads)


def test_the_cpu_needs_no_provider_and_a_missing_cuda_names_its_package():
    assert options().providers is None
    assert options(device="cpu").providers is None
    with pytest.raises(ArgumentError, match="'CUDAExecutionProvider'.*Install onnxruntime-gpu"):
        options(device="cuda")


@pytest.mark.parametrize("device", ["mps", "cuda:x", "gpu", ["cpu", "cpu"], 0])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(ArgumentError, match="device:"):
        options(device=device)


def test_cuda_is_used_where_onnxruntime_has_it(monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    expected = (("CUDAExecutionProvider", {"device_id": "1"}), "CPUExecutionProvider")
    assert options(device="cuda:1").providers == expected


def test_a_provider_s_options_join_those_of_the_device(monkeypatch):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    limit = {"provider_options": {"gpu_mem_limit": 2 << 30}}
    expected = (("CUDAExecutionProvider", {"device_id": "0", "gpu_mem_limit": 2 << 30}), "CPUExecutionProvider")
    assert options(device="cuda", model_kwargs=limit).providers == expected
    named = {"provider": "CUDAExecutionProvider", **limit}
    assert options(model_kwargs=named).providers == (("CUDAExecutionProvider", {"gpu_mem_limit": 2 << 30}),)
    with pytest.raises(ArgumentError, match="provider_options: .*, but no provider is named"):
        options(model_kwargs=limit)
    with pytest.raises(ArgumentError, match="provider_options: 7, expected a dict"):
        options(device="cuda", model_kwargs={"provider_options": 7})


def test_model_kwargs_take_these_keys_and_no_others():
    found = options(model_kwargs={"file_name": "x.onnx", "provider": "CPUExecutionProvider", "session_options": 7})
    assert (found.file_name, found.providers, found.session_options) == ("x.onnx", ("CPUExecutionProvider",), 7)
    with pytest.raises(
        ArgumentError, match="key 'torch_dtype', expected file_name, provider, provider_options, session_options"
    ):
        options(model_kwargs={"torch_dtype": "float16"})


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_that_is_none_is_refused(threads):
    with pytest.raises(ArgumentError, match=f"threads: {threads!r}"):
        options(threads=threads)


def test_the_callers_limit_beats_the_folders_and_max_seq_length_beats_model_max_length():
    spec = TokenizerSpec(file=None, max_length=256)
    assert arguments.tokenizer_spec(spec, None, None, None).max_length == 256
    assert arguments.tokenizer_spec(spec, None, {"model_max_length": 99}, None).max_length == 99
    assert arguments.tokenizer_spec(spec, None, None, {"model_max_length": 98}).max_length == 98
    assert arguments.tokenizer_spec(spec, 97, None, {"model_max_length": 98}).max_length == 97
    assert arguments.tokenizer_spec(spec, None, None, {"padding_side": "left"}).padding_side == "left"


@pytest.mark.parametrize(
    ("tokenizer", "processor", "message"),
    [
        ({"use_fast": True}, None, "key 'use_fast'"),
        (None, {"padding_side": "up"}, "padding_side: 'up'"),
        ({}, {}, "together with its old name"),
        (None, {"model_max_length": 0}, "max_seq_length: 0"),
    ],
)
def test_tokenizer_arguments_that_cannot_be_served_are_refused(tokenizer, processor, message):
    with pytest.raises(ArgumentError, match=message):
        arguments.tokenizer_spec(TokenizerSpec(file=None), None, tokenizer, processor)


def test_a_limit_beyond_the_models_positions_is_refused_with_both_numbers():
    spec = TokenizerSpec(file=None, max_length=256, positions=512)
    assert arguments.tokenizer_spec(spec, 512, None, None).max_length == 512
    with pytest.raises(ArgumentError, match=r"max_seq_length: 513, but .* for 512 tokens\. Lower it to that\.$"):
        arguments.tokenizer_spec(spec, 513, None, None)


def test_device_and_provider_may_not_contradict_each_other():
    assert options(device="cpu", model_kwargs={"provider": "CPUExecutionProvider"}).providers == (
        "CPUExecutionProvider",
    )
    with pytest.raises(ArgumentError, match="provider: 'CUDAExecutionProvider', but device is 'cpu'"):
        options(device="cpu", model_kwargs={"provider": "CUDAExecutionProvider"})
    with pytest.raises(ArgumentError, match="device: 'tpu'"):
        options(device="tpu", model_kwargs={"provider": "CPUExecutionProvider"})


def test_without_tqdm_a_logger_at_info_draws_no_bar(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(logging.getLogger("airvec"), "getEffectiveLevel", lambda: logging.INFO)
    assert not arguments.want_progress(None)
    assert arguments.want_progress(True)


def test_a_call_may_repeat_the_models_device_but_not_change_it():
    assert arguments.check_device(None, "cpu") is None
    assert arguments.check_device("cpu", "cpu") is None
    for device in ("cuda", ["cpu", "cpu"]):
        with pytest.raises(ArgumentError, match="opened on 'cpu'"):
            arguments.check_device(device, "cpu")


def test_no_word_on_progress_means_what_the_logger_shows():
    logger = logging.getLogger("airvec")
    try:
        logger.setLevel(logging.INFO)
        assert arguments.want_progress(None)
        logger.setLevel(logging.WARNING)
        assert not arguments.want_progress(None)
        assert arguments.want_progress(True)
    finally:
        logger.setLevel(logging.NOTSET)


def test_a_warning_comes_once_a_process():
    with pytest.warns(AirvecWarning, match="first"):
        arguments.warn_once("test_a_warning_comes_once", "first")
    assert arguments.warn_once("test_a_warning_comes_once", "second") is None  # a second warning would be an error


def test_the_cache_folder_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("AIRVEC_CACHE", raising=False)
    monkeypatch.setenv("SENTENCE_TRANSFORMERS_HOME", "there")
    assert arguments.default_cache_folder() == "there"
    monkeypatch.setenv("AIRVEC_CACHE", "here")
    assert arguments.default_cache_folder() == "here"


@pytest.mark.parametrize("variant", [None, 8, "", "../../secret", "int8 "])
def test_a_variant_that_is_no_name_is_refused(variant):
    with pytest.raises(ArgumentError, match=r"variant: .*, expected a name such as 'int8'"):
        arguments.backend_options("onnx", variant, None, None, 1)


@pytest.mark.parametrize("device", ["cuda", "GPU"])
def test_openvino_takes_no_device_of_onnx_runtime(device):
    with pytest.raises(ArgumentError, match="OpenVINO runs on the CPU here"):
        arguments.backend_options("onnx", "openvino", device, None, 1)


def test_an_unknown_similarity_is_refused_with_those_there_are():
    assert [arguments.check_similarity_name(name) for name in SIMILARITIES] == list(SIMILARITY_NAMES)
    with pytest.raises(ArgumentError, match="'cosin', expected one of cosine, dot, euclidean, manhattan"):
        arguments.check_similarity_name("cosin")

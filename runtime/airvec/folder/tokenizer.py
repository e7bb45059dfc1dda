"""What a model folder says of its tokenizer besides `tokenizer.json` itself: `TokenizerSpec`.

The length limit is in any of four places, and lower-casing in two: the reference's order decides.
Knows nothing of tokenizers themselves.
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from airvec.errors import ModelFolderError
from airvec.json_file import JsonObject, read_object, read_object_if_there, short_name
from airvec.paths import StrPath

# Tried in this order; all but the first are from the first generation, one name an architecture.
TRANSFORMER_CONFIGS = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_distilbert_config.json",
    "sentence_camembert_config.json",
    "sentence_albert_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_xlnet_config.json",
)
UNSET_LENGTH = 10**18  # transformers writes 1e30 for "no limit"
SIDES = ("left", "right")
# transformers rebuilds the normaliser of these tokenizers from tokenizer_config.json.
BERT_TOKENIZERS = (
    "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer", "MPNetTokenizer",
    "ConvBertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer",
)  # fmt: skip
BERT_TYPES = ("bert", "distilbert", "electra", "mobilebert", "mpnet", "convbert", "squeezebert", "nomic_bert")
# Those that tell the two texts of a pair apart by token types, where tokenizer_config.json does not say it.
# Source: `model_input_names` of each class in transformers 5.23.
TYPED_TOKENIZERS = (
    "BertTokenizer", "CanineTokenizer", "ConvBertTokenizer", "DebertaTokenizer", "DebertaV2Tokenizer",
    "ElectraTokenizer", "FNetTokenizer", "LayoutLMTokenizer", "LayoutLMv2Tokenizer", "MarkupLMTokenizer",
    "MobileBertTokenizer", "SqueezeBertTokenizer", "TapasTokenizer",
)  # fmt: skip
TOKENIZER_ARGUMENTS = (
    "model_max_length", "padding_side", "truncation_side", "do_lower_case", "strip_accents",
    "tokenize_chinese_chars", "add_prefix_space", "pad_token",
)  # fmt: skip
HARMLESS_ARGUMENTS = ("use_fast", "trust_remote_code", "clean_up_tokenization_spaces", "token", "revision")


class TokenizerSpec(NamedTuple):
    """What the folder says about its tokenizer, besides `tokenizer.json` itself.

    `max_length` counts special tokens; None = no limit. `bert_options` (do_lower_case, strip_accents,
    tokenize_chinese_chars) override the normaliser in `tokenizer.json` as transformers' BERT tokenizers do;
    None where the folder's tokenizer is of another kind. `positions` is how many tokens the model's body can number.
    `token_types` says whether the second text of a pair has token types of its own.
    `saved_arguments` are those that the folder saves for loading its tokenizer; the other fields include them.
    """

    file: StrPath
    max_length: int | None = None
    padding_side: str = "right"
    truncation_side: str = "right"
    lower_case: bool = False
    bert_options: dict[str, Any] | None = None
    add_prefix_space: bool | None = None
    pad_token: str | None = None
    pad_id: int | None = None
    positions: int | None = None
    token_types: bool = True
    saved_arguments: Mapping[str, Any] = {}


def read_tokenizer_spec(home: StrPath, config: JsonObject, saved: JsonObject) -> TokenizerSpec:
    """The tokenizer of the body in `home`.

    Args:
        home: the module's folder.
        config: its `config.json`.
        saved: what `transformer_config` reads, or an empty object for a plain transformers checkpoint.

    Raises:
        ModelFolderError: a side that is none, or a saved argument that airvec does not know.
    """
    arguments = _saved_arguments(saved)
    options = read_object_if_there(os.path.join(home, "tokenizer_config.json"))
    options = JsonObject(options.file, options.values | arguments)
    positions = config.integer("max_position_embeddings")
    positions = None if positions == -1 else positions
    for key in ("padding_side", "truncation_side"):
        check_choice(options, key, options.text(key), SIDES)
    return TokenizerSpec(
        file=os.path.join(home, "tokenizer.json"),
        max_length=_max_length(JsonObject(saved.file, arguments), saved, options, positions),
        padding_side=options.text("padding_side", "right") or "right",
        truncation_side=options.text("truncation_side", "right") or "right",
        lower_case=saved.flag("do_lower_case", False),
        bert_options=_bert_options(options, config),
        add_prefix_space=options.optional_flag("add_prefix_space"),
        pad_token=_pad_token(home, options),
        pad_id=config.integer("pad_token_id"),
        positions=positions,
        token_types=_token_types(options, config),
        saved_arguments=arguments,
    )


def transformer_config(home: StrPath) -> JsonObject:
    """`sentence_bert_config.json`, under its first name that is there; none reads as an empty object."""
    files = [os.path.join(home, name) for name in TRANSFORMER_CONFIGS]
    found = next(filter(os.path.isfile, files), None)
    return read_object(found) if found else JsonObject(short_name(files[0]), {})


def check_choice(found: JsonObject, key: str, value: str | None, known: tuple[str, ...]) -> None:
    """Refuse a value that is none of those known.

    Raises:
        ModelFolderError: it is another.
    """
    if value is not None and value not in known:
        raise ModelFolderError(f"{found.file}: {key!r} is {value!r}, expected one of {', '.join(known)}. Correct it.")


def _saved_arguments(saved: JsonObject) -> dict[str, Any]:
    """What the folder saves for loading its tokenizer, under the old or the new name."""
    found = saved.section("tokenizer_args").values | saved.section("processor_kwargs").values
    for key in found:
        if key not in TOKENIZER_ARGUMENTS + HARMLESS_ARGUMENTS:
            raise ModelFolderError(
                f"{saved.file}: tokenizer argument {key!r}, expected any of {', '.join(TOKENIZER_ARGUMENTS)}. "
                "Export the checkpoint again with airvec export."
            )
    return {key: value for key, value in found.items() if key in TOKENIZER_ARGUMENTS}


def _max_length(arguments: JsonObject, saved: JsonObject, options: JsonObject, positions: int | None) -> int | None:
    """The reference's order: saved arguments, max_seq_length, then the tokenizer's limit capped by the model's."""
    for stated in (arguments.integer("model_max_length"), saved.integer("max_seq_length")):
        if stated is not None:
            return _limit(stated)
    limits = [options.integer("model_max_length"), positions]
    return min((limit for limit in limits if limit is not None and limit < UNSET_LENGTH), default=None)


def _limit(stated: int) -> int | None:
    return stated if stated < UNSET_LENGTH else None


def _token_types(options: JsonObject, config: JsonObject) -> bool:
    if options.values.get("model_input_names") is not None:
        return "token_type_ids" in options.items("model_input_names")
    kind = options.text("tokenizer_class")
    if kind is None:
        return config.text("model_type") != "albert"  # the others without them take none
    return kind.removesuffix("Fast") in TYPED_TOKENIZERS


def _bert_options(options: JsonObject, config: JsonObject) -> dict[str, Any] | None:
    kind = options.text("tokenizer_class")
    if (kind or "").removesuffix("Fast") not in BERT_TOKENIZERS and (
        kind or config.text("model_type") not in BERT_TYPES
    ):
        return None
    return {
        "lowercase": options.flag("do_lower_case", True),
        "strip_accents": options.optional_flag("strip_accents"),
        "handle_chinese_chars": options.flag("tokenize_chinese_chars", True),
    }


def _pad_token(home: StrPath, options: JsonObject) -> str | None:
    """The padding token's text, from either of the two files; older ones write an object with its `content`."""
    for found in (options, read_object_if_there(os.path.join(home, "special_tokens_map.json"))):
        token = found.values.get("pad_token")
        if isinstance(token, dict):
            token = cast("dict[str, Any]", token).get("content")
        if isinstance(token, str):
            return token
    return None

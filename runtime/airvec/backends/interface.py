"""What a text encoder's graph takes and gives, whatever runs it.

Knows nothing of ONNX Runtime and OpenVINO.
"""

from collections.abc import Sequence

from airvec.errors import ModelFolderError
from airvec.folder import CLASSIFY, FEATURES, FILL_MASK, ModuleSpec
from airvec.json_file import short_name
from airvec.paths import StrPath

# What the graph of each task may give, best first: the output's name, and the feature that it becomes. Token embeddings
# before pooled ones, since all the model's modules can then be applied to them, but for bare bodies, where those are
# not known; logits over the vocabulary last, since the head inside the graph needs a fraction of their memory.
OUTPUTS = {
    FEATURES: {
        "last_hidden_state": "token_embeddings",
        "token_embeddings": "token_embeddings",
        "sentence_embedding": "sentence_embedding",
    },
    FILL_MASK: {"sparse_embedding": "sentence_embedding", "logits": "token_embeddings"},
    CLASSIFY: {"logits": "scores"},
}
POOLED = "sentence_embedding"
KNOWN_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
# Tokens of a batch for a graph with a head over the vocabulary: 31 MB of logits at 30,522 words. Half the usual batch
# is as fast where logits are given out, since their pooling takes 2.5 ms in place of 13, as no cache holds those of 498
# tokens; with the pooling inside it costs 5 %, and peak memory of one session is 309 MB and flat, not 384 and rising.
HEAD_BUDGET = 256


def check_inputs(file: StrPath, names: Sequence[str]) -> tuple[str, ...]:
    """The names themselves, if a tokenizer can fill these inputs.

    Raises:
        ModelFolderError: an input is unknown, or `input_ids` is missing.
    """
    if "input_ids" not in names or not set(names) <= set(KNOWN_INPUTS):
        raise ModelFolderError(
            f"{short_name(file)}: inputs {', '.join(names)}, expected input_ids and any of "
            f"{', '.join(KNOWN_INPUTS[1:])}. This is not the graph of a text encoder."
        )
    return tuple(names)


def choose_output(file: StrPath, names: Sequence[str], body: ModuleSpec) -> tuple[str, str]:
    """The output to ask for, and the name of the feature that it is.

    Args:
        file: the graph, for messages.
        names: of its outputs.
        body: the module that it is of.

    Raises:
        ModelFolderError: none of the outputs is one of the task's.
    """
    known = OUTPUTS[body.task]
    for name, feature in ({POOLED: POOLED, **known} if body.bare and POOLED in known else known).items():
        if name in names:
            return name, feature
    raise ModelFolderError(
        f"{short_name(file)}: outputs {', '.join(names)}, expected one of {', '.join(known)}. "
        f"This is not the graph of a {body.task} model."
    )

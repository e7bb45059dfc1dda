"""Which prompt goes in front of the texts of one call.

The reference's rules: `prompt` beats `prompt_name` beats the default name; an explicit "" is a real, empty prompt.
Knows nothing of tokens.
"""

import warnings
from collections.abc import Mapping

from airvec.errors import AirvecWarning, ArgumentError

DOCUMENT_NAMES = ("document", "passage", "corpus")


def resolve_prompt(
    prompts: Mapping[str, str], default_name: str | None, prompt_name: str | None = None, prompt: str | None = None
) -> str:
    """The text to put in front of each input; "" for none.

    Raises:
        ArgumentError: a name that is not among `prompts`.
    """
    if prompt is not None:
        if prompt_name is not None:
            warnings.warn(
                f"prompt: given together with prompt_name={prompt_name!r}; prompt is used. Give one of the two.",
                AirvecWarning,
                stacklevel=3,
            )
        return check_prompt("prompt", prompt)
    name = default_name if prompt_name is None else prompt_name
    if name is None:
        return ""
    return prompts[check_prompt_name(prompts, name, "prompt_name")]


def merged_prompts(saved: Mapping[str, str], given: Mapping[str, str | None] | None) -> dict[str, str]:
    """The saved prompts with the caller's over them; None keeps the saved one, or else is the empty prompt.

    Raises:
        ArgumentError: not a mapping from names to texts.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ArgumentError(f"prompts: {given!r}, expected a dict from names to texts. Pass {{'query': 'query: '}}.")
    merged = dict(saved)
    for name, text in (given or {}).items():
        if text is None:
            merged.setdefault(name, "")
        else:
            merged[name] = check_prompt(f"prompts[{name!r}]", text)
    return merged


def check_prompt(where: str, prompt: str) -> str:
    """The prompt itself, if it is a text.

    Raises:
        ArgumentError: it is something else.
    """
    if not isinstance(prompt, str):
        raise ArgumentError(f"{where}: {prompt!r}, expected a str. Convert it first.")
    return prompt


def check_prompt_name(prompts: Mapping[str, str], name: str, where: str) -> str:
    """The name itself, if there is such a prompt.

    Raises:
        ArgumentError: there is none; the message lists the names there are.
    """
    if not isinstance(name, str) or name not in prompts:
        raise ArgumentError(f"{where}: {name!r}, expected one of {', '.join(map(repr, prompts))}. Add it to prompts.")
    return name


def query_name(prompts: Mapping[str, str]) -> str | None:
    """The prompt that `encode_query` uses where the caller names none."""
    return "query" if "query" in prompts else None


def document_name(prompts: Mapping[str, str]) -> str | None:
    """The prompt that `encode_document` uses where the caller names none: document, else passage, else corpus."""
    return next((name for name in DOCUMENT_NAMES if name in prompts), None)

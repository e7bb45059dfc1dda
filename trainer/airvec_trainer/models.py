"""The modules under their old place and old names: `from airvec_trainer import models`.

Knows nothing of what modules do: that is in `airvec_trainer.modules`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airvec.folder import FILL_MASK
from airvec_trainer.modules import *  # noqa: F403
from airvec_trainer.modules import Router, Transformer
from airvec_trainer.modules import __all__ as modules

__all__ = sorted([*modules, "Asym", "MLMTransformer"])  # noqa: PLE0605  # names of ours and those of the modules

Asym = Router


def MLMTransformer(  # noqa: N802  # the old name of a class
    model_name_or_path: str | Path,
    *,
    model_kwargs: Mapping[str, Any] | None = None,
    processor_kwargs: Mapping[str, Any] | None = None,
    config_kwargs: Mapping[str, Any] | None = None,
    max_seq_length: int | None = None,
    do_lower_case: bool | None = None,
) -> Transformer:
    """A `Transformer` with `transformer_task="fill-mask"`, under its old name; the arguments are its."""
    return Transformer(
        model_name_or_path, transformer_task=FILL_MASK, model_kwargs=model_kwargs, processor_kwargs=processor_kwargs,
        config_kwargs=config_kwargs, max_seq_length=max_seq_length, do_lower_case=do_lower_case,
    )  # fmt: skip

"""Turns a torch checkpoint into a verified model folder for `airvec`: `airvec_exporter.export(checkpoint, out)`.

The public names, imported when first used; importing this package needs torch to be installed, but does not load it.
Knows nothing of how a folder is run: that is `airvec`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airvec.errors import require

for _package in ("torch", "transformers", "onnxscript"):
    require(_package, "export", "airvec_exporter")

if TYPE_CHECKING:
    from airvec_exporter.errors import ExportError, PushError, VerificationError
    from airvec_exporter.pipeline import export
    from airvec_exporter.pushing import push
    from airvec_exporter.report import ExportReport

__all__ = ["ExportError", "ExportReport", "PushError", "VerificationError", "export", "push"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'airvec_exporter' has no attribute {name!r}, expected one of {__all__}")
    if name.endswith("Error"):
        return getattr(import_module("airvec_exporter.errors"), name)
    return getattr(import_module("airvec_exporter.pushing" if name == "push" else "airvec_exporter.pipeline"), name)

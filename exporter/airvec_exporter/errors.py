"""The exceptions of the exporter, below `airvec.errors.AirvecError`.

* AirvecError
  * ExportError            (RuntimeError)   a checkpoint that cannot be loaded, traced or written
    x VerificationError                     a graph that was written and does not give the checkpoint's vectors
Knows nothing of checkpoints and graphs.
"""

from airvec.errors import AirvecError


class ExportError(AirvecError, RuntimeError):
    """A checkpoint could not be exported; nothing was written."""


class VerificationError(ExportError):
    """The exported graph does not give the checkpoint's vectors; nothing was written."""

"""The exceptions of the exporter, below `airvec.errors.AirvecError`.

* AirvecError
  * ExportError            (RuntimeError)   a checkpoint that cannot be loaded, traced or written
    x VerificationError                     a graph that was written and does not give the checkpoint's vectors
  * PushError              (RuntimeError)   a model folder that could not be uploaded; it lies here as it was
Knows nothing of checkpoints and graphs.
"""

from airvec.errors import AirvecError


class ExportError(AirvecError, RuntimeError):
    """A checkpoint could not be exported; nothing was written."""


class VerificationError(ExportError):
    """The exported graph does not give the checkpoint's vectors; nothing was written."""


class PushError(AirvecError, RuntimeError):
    """A model folder could not be uploaded to the Hub; it lies here as it was."""

"""The exceptions and the warning that airvec raises.

* AirvecError
  x ArgumentError        (ValueError)             an argument that cannot be, or that does not fit the model
  x InputError           (TypeError, ValueError)  something among the texts that is not a valid text
  x TruncationError      (ValueError)             a text over the length limit, under on_truncate="error"
  x ModelNotFoundError   (FileNotFoundError)      no such folder, name or file
  x DownloadError        (OSError)                the Hub, the network or the disk failed, or a file came damaged
  x ModelFolderError     (ValueError)             a model folder that is damaged, incomplete or of an unknown kind
  x MissingPackageError  (ImportError)            an optional package is needed and not installed
  x ProcessError         (RuntimeError)           a process of a pool ended, or failed in a way that cannot be shown
  x StoreError           (OSError)                a cache's file or server cannot be read or written
* AirvecWarning          (UserWarning)            the result is right, but perhaps not what was meant

Every message reads "where: what was found, what was expected. What to do."
Knows nothing of models, files or arrays.
"""


class AirvecError(Exception):
    """Parent of every error that airvec raises on purpose."""


class ArgumentError(AirvecError, ValueError):
    """An argument has a value that cannot be used."""


class InputError(AirvecError, TypeError, ValueError):
    """An input is not a valid text, or not a list of texts."""


class TruncationError(AirvecError, ValueError):
    """A text has more tokens than the model reads, and the caller asked to be told."""


class ModelNotFoundError(AirvecError, FileNotFoundError):
    """A model folder, a model name or a file of a model does not exist."""


class DownloadError(AirvecError, OSError):
    """A model exists and could not be fetched whole: the Hub, the network, the disk or a checksum."""


class ModelFolderError(AirvecError, ValueError):
    """A model folder is damaged, incomplete or of a kind that airvec does not read."""


class MissingPackageError(AirvecError, ImportError):
    """A package outside airvec's own dependencies is needed for this call."""


class ProcessError(AirvecError, RuntimeError):
    """A process that was to share the work has ended, or raised what cannot be sent."""


class StoreError(AirvecError, OSError):
    """What keeps a cache, a file or a server, cannot be read or written."""


class AirvecWarning(UserWarning):
    """The result is right, but perhaps not what the caller meant."""


def require(package: str, extra: str, purpose: str) -> None:
    """Raise unless a package can be imported; nothing is imported by asking.

    Args:
        package: import name, such as `"torch"`.
        extra: the extra of airvec that brings it, such as `"export"`.
        purpose: what needs it, the subject of the message.

    Raises:
        MissingPackageError: the package is not installed; the message holds the pip line.
    """
    from importlib.util import find_spec  # 0.3 ms, and most starts ask for no package

    if find_spec(package) is None:
        raise MissingPackageError(
            f'{purpose}: needs the package {package}, which is not installed. Run: pip install "airvec[{extra}]"'
        )

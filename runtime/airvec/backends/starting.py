"""What to say where ONNX Runtime cannot be imported: no wheel for the machine, or a system too old for it.

Static models need none of it, so the message names them.
Knows nothing of graphs; does not import onnxruntime.
"""

import platform

from airvec.errors import MissingPackageError

STATIC = "A static model runs without: SentenceTransformer(), or airvec package lambda without MODEL."


def cannot_start(error: Exception) -> MissingPackageError:
    """What to raise in place of what `import onnxruntime` raised."""
    if isinstance(error, ModuleNotFoundError) and error.name == "onnxruntime":
        return MissingPackageError(
            "onnxruntime: not installed, expected for models with a graph. Run: pip install onnxruntime "
            f"(it has wheels for Linux with glibc, macOS and Windows). {STATIC}"
        )
    libc = " ".join(part for part in platform.libc_ver() if part)
    where = ", ".join(
        filter(None, (platform.system(), platform.machine(), f"Python {platform.python_version()}", libc))
    )
    return MissingPackageError(
        f"onnxruntime: its import failed ({type(error).__name__}: {error}), expected one that starts here ({where}). "
        f"Run: pip install --force-reinstall onnxruntime. {STATIC}"
    )

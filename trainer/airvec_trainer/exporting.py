"""`model.export(out)`: a model in training -> a verified folder that runs without torch.

The model is saved to a temporary folder, with its adapters merged into the weights, and `airvec_exporter.export` makes
the graphs and measures them.
Knows nothing of how a model is saved, and of graphs.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airvec.errors import require
from airvec_trainer.adapters import with_adapters_merged

if TYPE_CHECKING:
    from airvec_exporter import ExportReport

__all__ = ["Exporting"]

# The model's class -> what `airvec_exporter.export` calls it.
KINDS = {"SentenceTransformer": "dense", "SparseEncoder": "sparse", "CrossEncoder": "rerank"}


class Exporting:
    """The method of a model that exports it."""

    kind: ClassVar[str]

    def export(
        self,
        out: str | Path,
        *,
        variants: Sequence[str] = ("fp32",),
        weights: bool = True,
        texts: Sequence[str] | None = None,
        calibration: Sequence[str] | None = None,
        labels: str | Path | None = None,
        max_delta: float | None = None,
        accept_worse: bool = False,
        speed: bool = True,
        overwrite: bool = False,
        show_progress_bar: bool | None = None,
    ) -> "ExportReport":
        """Export the model as it is now and verify the result against torch; the model itself does not change.

        Active adapters are merged; weights in half precision stay so in the folder, and graphs compute in float32.
        The default truncation (`truncate_dim`, `max_active_dims`), prompts, similarity and activation go with it.

        Args:
            out: the folder to make; must not exist or be empty.
            variants: the graphs to make: `"fp32"` (always made), `"fused"`, `"int8"`, `"openvino"` …
            weights: False leaves torch's weights out of the folder: half the size, for packages.
            texts: what to verify on; None = 240 texts of 1 to 600 tokens from Python's documentation.
            calibration: texts to calibrate int8 on; None = airvec's own sample.
            labels: file or folder with people's judgements, to score each graph on.
            max_delta: largest |difference| that is let through; None = 1e-5 on unit vectors, and 1e-4, relative to the
                largest value, on sparse values and logits.
            accept_worse: write graphs beyond their bound all the same.
            speed: whether to measure it, a few seconds a graph at most.
            overwrite: replace `out` if it is a model folder.
            show_progress_bar: None = where stderr is a terminal.

        Returns:
            What was written, and how far airvec is from torch on it.

        Raises:
            ArgumentError: `out` is there already, or an argument that cannot be.
            ExportError: torch cannot trace the model.
            VerificationError: the result does not give the model's answers; nothing was written.
            MissingPackageError: what an export needs is not installed.
        """
        require("onnxscript", "export", "export")
        # Late: the exporter takes seconds to import.
        from airvec_exporter.pipeline import check_target, export

        target = Path(out).absolute()
        with tempfile.TemporaryDirectory(prefix="airvec-") as scratch:
            saved = Path(scratch) / target.name  # its name is what the manifest says the graphs were made from
            check_target(saved, target, overwrite)
            model: Any = with_adapters_merged(self)  # pyright: ignore[reportArgumentType]
            model.save_pretrained(saved)
            return export(
                saved, target, kind=KINDS[self.kind], variants=variants, weights=weights, texts=texts,
                calibration=calibration, labels=labels, max_delta=max_delta, accept_worse=accept_worse, speed=speed,
                overwrite=overwrite, show_progress_bar=show_progress_bar,
            )  # fmt: skip

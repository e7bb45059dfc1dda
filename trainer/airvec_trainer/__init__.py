"""Training of embedding models; in this version it is the room only: nothing trains yet.

It will hold losses (a file for each shape of data), trainers, evaluators, hard-negative mining, distillation and
model cards, and end in a folder that airvec loads. Until then, train with sentence-transformers and bring the
checkpoint over with `airvec export`.
Knows nothing of how a model folder is run: that is airvec's job.
"""

from airvec.errors import require

__all__: list[str] = []

require("torch", extra="train", purpose="airvec_trainer")

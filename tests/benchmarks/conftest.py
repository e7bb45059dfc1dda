"""The benchmarks are scripts: their folder is on the path of whoever runs them, so it is on ours."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

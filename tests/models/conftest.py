"""Makes the scripts of a model's recipe importable, as they are when one of them is run.

Knows nothing of what they compute.
"""

import sys
from pathlib import Path

RECIPE = Path(__file__).resolve().parents[2] / "models" / "static-en"
# At the end: a script must never hide an installed package of the same name from other tests.
sys.path.append(str(RECIPE))

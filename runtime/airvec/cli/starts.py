"""Whether the packages that airvec needs can be imported on this machine.

    python -m airvec.cli.starts

Each is tried in a process of its own: an instruction that the CPU does not have ends a process without a word. This
file imports none of them, so it runs where `airvec info`, which shows the same, does not.
Knows nothing of what the packages are for.
"""

import signal
import subprocess
import sys
from importlib.util import find_spec

NEEDED = ("numpy", "onnxruntime", "tokenizers")
# With the paths of this process, which may have been given by other ways than PYTHONPATH, as a packed folder does.
IMPORT = "import sys; sys.path[:] = sys.argv[2:]; __import__(sys.argv[1])"
# NumPy's wheels for x86-64 need SSE4.2 since 2.4; those before run on any such CPU, as do onnxruntime's and
# tokenizers'. Tried with qemu-user's models qemu64, core2duo and Penryn, with NumPy 2.0 to 2.5.
OLD_CPU = 'this x86 CPU is too old for it; run: pip install "numpy<2.4"'


def why_not(package: str) -> str | None:
    """What the import of a package ends with, as a part of a line; None = it works."""
    command = [sys.executable, "-c", IMPORT, package, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
    if done.returncode == 0:
        return None
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        return f"its import ends with {name}" + (f": {OLD_CPU}" if name == "SIGILL" and package == "numpy" else "")
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"its import fails: {OLD_CPU if 'X86_V2' in done.stderr else last}"


def main() -> int:
    """Print a line a package; 1 if one is not there or cannot be imported."""
    problems = {name: why_not(name) if find_spec(name) else "not installed" for name in NEEDED}
    for name, problem in problems.items():
        print(f"{name}: {problem or 'starts'}")
    return int(any(problems.values()))


if __name__ == "__main__":
    raise SystemExit(main())

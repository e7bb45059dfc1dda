"""The programs of a folder package: `airvec` for shells, `airvec.cmd` for Windows, and `run.py` behind both.

They find the folder that they lie in, wherever it was moved, and a Python of its version.
Knows nothing of what else is in the folder.
"""

from pathlib import Path

# `-I`: neither PYTHONPATH, nor packages of the user, nor a numpy.py in the current folder comes in between.
SHELL = """\
#!/bin/sh
# Runs airvec from the folder that this file lies in, with a Python {version}: $AIRVEC_PYTHON, or one on PATH.
file=$0
while [ -L "$file" ]; do  # a link to this file, say in ~/bin
  next=$(readlink "$file")
  case $next in
    /*) file=$next ;;
    *) file=$(dirname "$file")/$next ;;
  esac
done
folder=$(CDPATH='' cd "$(dirname "$file")" && pwd -P) || exit 1
if [ -n "${{AIRVEC_PYTHON:-}}" ]; then
  exec "$AIRVEC_PYTHON" -I "$folder/run.py" "$@"
fi
for python in python{version} python3 python; do
  if "$python" -I -S -c 'import sys; sys.exit(sys.version_info[:2] != ({comma}))' 2>/dev/null; then
    exec "$python" -I "$folder/run.py" "$@"
  fi
done
echo "airvec: error: no Python {version} on PATH, which the packages in $folder/lib are made for. Install one, or name \
one: AIRVEC_PYTHON=/path/to/python{version}" >&2
exit 1
"""
WINDOWS = """\
@echo off
rem Runs airvec from the folder that this file lies in, with a Python {version}: %AIRVEC_PYTHON%, or the launcher's.
setlocal
if defined AIRVEC_PYTHON (
  "%AIRVEC_PYTHON%" -I "%~dp0run.py" %*
) else (
  py -{version} -I "%~dp0run.py" %*
)
exit /b %ERRORLEVEL%
"""
RUN = '''\
"""Runs the program airvec with the packages and the models in this folder."""

import os
import sys

if __name__ == "__main__":  # not in processes that it spawns, which import this file again
    if sys.version_info[:2] != ({comma}):
        sys.exit(
            "airvec: error: %s is Python %d.%d, and the packages here are made for {version}. "
            "Name such a one in AIRVEC_PYTHON." % ((sys.executable,) + sys.version_info[:2])
        )
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(folder, "lib"))
    os.environ["PYTHONPATH"] = sys.path[0]  # for processes that it starts
    for name in ("model", "reranker", "index"):
        if os.path.isdir(os.path.join(folder, name)):
            os.environ.setdefault("AIRVEC_" + name.upper(), os.path.join(folder, name))
    from airvec.cli.main import main

    sys.exit(main())
'''


def write_launchers(folder: Path, python: str) -> None:
    """Write the three files.

    Args:
        folder: where `lib/` lies.
        python: the version that the packages in it are made for, such as `"3.13"`.
    """
    major, minor = python.split(".")
    for name, text, newline in (("airvec", SHELL, "\n"), ("airvec.cmd", WINDOWS, "\r\n"), ("run.py", RUN, "\n")):
        written = text.format(version=python, comma=f"{major}, {minor}")
        (folder / name).write_text(written, encoding="ascii", newline=newline)
    (folder / "airvec").chmod(0o755)

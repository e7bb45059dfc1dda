"""airvec_exporter without its extra."""

import subprocess
import sys

import pytest

import airvec_exporter

BLOCKED = "import sys; sys.modules[{!r}] = None; import airvec_exporter"


@pytest.mark.parametrize("package", ["torch", "transformers", "onnxscript"])
def test_importing_without_a_needed_package_gives_the_pip_line(package: str):
    done = subprocess.run([sys.executable, "-c", BLOCKED.format(package)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "MissingPackageError" in done.stderr
    assert f'needs the package {package}, which is not installed. Run: pip install "airvec[export]"' in done.stderr


def test_importing_the_package_does_not_load_torch():
    code = "import sys, airvec_exporter; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_is_there():
    assert all(getattr(airvec_exporter, name) for name in airvec_exporter.__all__)
    with pytest.raises(AttributeError, match="no attribute 'exports'"):
        airvec_exporter.exports  # noqa: B018

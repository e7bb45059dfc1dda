"""Mirrors runtime/airvec/errors.py."""

import pytest

from airvec import errors


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (errors.ArgumentError, ValueError),
        (errors.InputError, TypeError),
        (errors.InputError, ValueError),
        (errors.TruncationError, ValueError),
        (errors.ModelNotFoundError, FileNotFoundError),
        (errors.ModelFolderError, ValueError),
        (errors.MissingPackageError, ImportError),
        (errors.ProcessError, RuntimeError),
    ],
)
def test_every_error_is_an_airvec_error_and_the_builtin_that_callers_expect(kind, parent):
    assert issubclass(kind, errors.AirvecError)
    assert issubclass(kind, parent)
    assert str(kind("where: what. Do this.")) == "where: what. Do this."


def test_the_tree_in_the_docstring_names_every_error():
    kinds = [name for name, value in vars(errors).items() if isinstance(value, type) and name.startswith("Airvec")]
    kinds += [name for name, value in vars(errors).items() if isinstance(value, type) and name.endswith("Error")]
    assert kinds
    assert all(name in errors.__doc__ for name in kinds)


def test_a_missing_package_is_named_with_its_pip_line():
    with pytest.raises(errors.MissingPackageError, match=r'reading: .*no_such_package.*pip install "airvec\[export\]"'):
        errors.require("no_such_package", "export", "reading")


def test_a_package_that_is_there_is_fine():
    assert errors.require("json", "export", "reading") is None

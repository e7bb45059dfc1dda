"""Mirrors runtime/airvec/drop_in.py; each case in a process of its own, since the registration lasts.

`tests/others/check_drop_in.py` shows it with KeyBERT and LangChain, where torch is not installed.
"""

import subprocess
import sys

import pytest


def run(code):
    """Standard output of a Python program, which must end well."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sentence_transformers_is_airvec_and_loads_no_torch():
    out = run(
        "import sys, airvec, airvec.drop_in\n"
        "from sentence_transformers import SentenceTransformer, CrossEncoder, SparseEncoder, util\n"
        "from sentence_transformers.util import cos_sim\n"
        "model = SentenceTransformer()\n"
        "assert isinstance(model, airvec.SentenceTransformer) and util.cos_sim is cos_sim\n"
        "print(model.encode('x').shape, 'sentence_transformers' in str(type(model)), 'torch' in sys.modules)"
    )
    assert out == "(256,) True False\n"


@pytest.mark.parametrize("part", ["cross_encoder", "sparse_encoder", "quantization", "util"])
def test_the_packages_inside_can_be_imported(part):
    assert (
        run(f"import airvec.drop_in, sentence_transformers.{part} as part; print(part.__name__)").strip().endswith(part)
    )


def test_the_old_method_names_are_there():
    out = run(
        "import airvec.drop_in\n"
        "from sentence_transformers import SentenceTransformer\n"
        "model = SentenceTransformer(max_seq_length=9).to('cpu').eval()\n"
        "print(model.get_max_seq_length())"
    )
    assert out == "9\n"


def test_another_device_is_refused():
    out = run(
        "import airvec, airvec.drop_in\n"
        "from sentence_transformers import SentenceTransformer\n"
        "try:\n    SentenceTransformer().to('cuda')\nexcept airvec.ArgumentError as error:\n    print(error)"
    )
    assert out == "device: 'cuda', but the model was opened on 'cpu'. Open it there.\n"


def test_a_model_of_the_drop_in_can_be_pickled():
    out = run(
        "import pickle, airvec.drop_in\n"
        "from sentence_transformers import SentenceTransformer\n"
        "again = pickle.loads(pickle.dumps(SentenceTransformer()))\n"
        "print(type(again) is SentenceTransformer, again.encode('x').shape)"
    )
    assert out == "True (256,)\n"


def test_a_library_that_came_first_is_an_error_that_says_the_order():
    out = run(
        "import sys, types\n"
        "real = sys.modules['sentence_transformers'] = types.ModuleType('sentence_transformers')\n"
        "real.__file__ = '/site-packages/sentence_transformers/__init__.py'\n"
        "from airvec.errors import AirvecError\n"
        "try:\n    import airvec.drop_in\nexcept AirvecError as error:\n    print(error)"
    )
    assert "is loaded from /site-packages/sentence_transformers/__init__.py, expected not yet" in out
    assert "in front of every import" in out


def test_what_the_runtime_lacks_is_missing_here_too():
    out = run(
        "import airvec.drop_in\n"
        "try:\n    from sentence_transformers import losses\nexcept ImportError as error:\n    print(error)"
    )
    assert "drop_in.py" in out


def test_a_name_that_is_not_there_says_where_to_look():
    out = run(
        "import airvec.drop_in, sentence_transformers\n"
        "try:\n    sentence_transformers.SentenceTransformerTrainer\nexcept AttributeError as error:\n    print(error)"
    )
    assert "airvec.drop_in has no 'SentenceTransformerTrainer'" in out

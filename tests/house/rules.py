"""The house rules that can be read off one Python file; each gives the places that break it.

Knows nothing of which files there are.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from tests.house.sources import Documented, Source

MAX_FUNCTION_LINES = 50
MAX_FILE_LINES = 400
MAX_ARGUMENTS = 7
BANNED_NAMES = {"util", "utils", "misc", "base", "core", "helper", "helpers", "common"}
# `from airvec import util` and `from airvec_trainer import util`, as sentence-transformers has it.
THE_UTIL_FILES = ("runtime/airvec/util.py", "trainer/airvec_trainer/util.py")
LEFTOVERS = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|raise NotImplemented" + r"Error\b")

# Functions that keep the arguments of sentence-transformers, so that code written for it runs unchanged.
DROP_IN_SIGNATURES = {
    "SentenceTransformer.__init__": "the reference's constructor",
    "SentenceTransformer.encode": "the reference's encode",
    "SentenceTransformer.encode_query": "the reference's encode_query",
    "SentenceTransformer.encode_document": "the reference's encode_document",
    "SentenceTransformer.encode_stream": "encode's own arguments, over an iterable",
    "SparseEncoder.__init__": "the reference's constructor",
    "SparseEncoder.encode": "the reference's encode",
    "SparseEncoder.encode_query": "the reference's encode_query",
    "SparseEncoder.encode_document": "the reference's encode_document",
    "SparseEncoder.encode_stream": "encode's own arguments, over an iterable",
    "CrossEncoder.__init__": "the reference's constructor",
    "CrossEncoder.predict": "the reference's predict",
    "CrossEncoder.rank": "the reference's rank",
    "CachedModel.encode": "stands in for a model",
    "CachedModel.encode_query": "stands in for a model",
    "CachedModel.encode_document": "stands in for a model",
    "CachedModel.predict": "stands in for a model",
    "CachedModel.rank": "stands in for a model",
    "MultiEncoder.__init__": "the constructor of the other three",
    "MultiEncoder.encode": "the arguments of the others' encode, and one for each kind of embedding",
    "MultiEncoder.encode_query": "encode's own arguments",
    "MultiEncoder.encode_document": "encode's own arguments",
    "MultiEncoder.encode_stream": "encode's own arguments, over an iterable",
    "Dense.__init__": "the reference's constructor",
    "Pooling.__init__": "the reference's constructor, with its old flags",
    "ModelTrainer.__init__": "the reference's trainers",
    "export": "the options of airvec export, one each",
    "Exporting.export": "the options of airvec export that a model in memory leaves open",
    "Pushing.push_to_hub": "the reference's push_to_hub",
    "export_static_quantized_openvino_model": "the reference's function",
    "paraphrase_mining": "the reference's util.paraphrase_mining",
    "mine_hard_negatives": "the reference's util.mine_hard_negatives",
    "EmbeddingSimilarityEvaluator.__init__": "the reference's evaluator",
    "TripletEvaluator.__init__": "the reference's evaluator",
    "BinaryClassificationEvaluator.__init__": "the reference's evaluator",
    "MSEEvaluator.__init__": "the reference's evaluator",
    "TranslationEvaluator.__init__": "the reference's evaluator",
    "ParaphraseMiningEvaluator.__init__": "the reference's evaluator",
    "SparseEmbeddingSimilarityEvaluator.__init__": "the reference's evaluator",
    "SparseBinaryClassificationEvaluator.__init__": "the reference's evaluator",
    "SparseTripletEvaluator.__init__": "the reference's evaluator",
    "SparseMSEEvaluator.__init__": "the reference's evaluator",
    "SparseTranslationEvaluator.__init__": "the reference's evaluator",
    "InformationRetrievalEvaluator.__init__": "the reference's evaluator",
    "SparseInformationRetrievalEvaluator.__init__": "the reference's evaluator",
    "NanoBEIREvaluator.__init__": "the reference's evaluator",
    "SparseNanoBEIREvaluator.__init__": "the reference's evaluator",
    "CrossEncoderNanoBEIREvaluator.__init__": "the reference's evaluator",
    "RerankingEvaluator.__init__": "the reference's evaluator",
    "SparseRerankingEvaluator.__init__": "the reference's evaluator",
    "CrossEncoderRerankingEvaluator.__init__": "the reference's evaluator",
    "ReciprocalRankFusionEvaluator.__init__": "the reference's evaluator",
    "TextFitting.fit": "the reference's SentenceTransformer.fit",
    "PairFitting.fit": "the reference's CrossEncoder.fit",
    "FewShotTrainer.__init__": "SetFit's trainer",
    "STSDataReader.__init__": "the reference's reader",
    "STSBenchmarkDataReader.__init__": "the reference's reader",
    "DenseAdapter.encode": "mteb's EncoderProtocol",
    "RerankerAdapter.predict": "mteb's CrossEncoderProtocol",
    "RetrieverAdapter.search": "mteb's SearchProtocol",
}
# Messages with no value in them, because there is none to name: "path:function" and the reason.
ERRORS_WITHOUT_A_VALUE = {
    "exporter/airvec_exporter/cli.py:main": "a key was pressed, and nothing was found wrong",
    "runtime/airvec/cli/texts.py:read_texts": "nothing was given, so there is nothing to name",
}
NO_MESSAGE_NEEDED = {"SystemExit", "StopIteration", "KeyboardInterrupt"}

Rule = Callable[[Source], Iterator[str]]


def function_is_short(source: Source) -> Iterator[str]:
    """Functions have at most 50 lines, docstring aside."""
    for name, node in source.functions():
        body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if lines > MAX_FUNCTION_LINES:
            yield f"{source.path}:{node.lineno}: {name} has {lines} lines, expected {MAX_FUNCTION_LINES} at most"


def file_is_short(source: Source) -> Iterator[str]:
    """Files have at most 400 lines."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{source.path}: {lines} lines, expected {MAX_FILE_LINES} at most"


def no_kwargs_in_public_functions(source: Source) -> Iterator[str]:
    """A misspelt argument must be an error, so public functions take no `**kwargs`; callbacks (`on_…`) get many."""
    for name, node in source.functions():
        if node.args.kwarg and not _is_private(name) and not name.rpartition(".")[2].startswith("on_"):
            yield f"{source.path}:{node.lineno}: {name} takes **{node.args.kwarg.arg}; name its arguments"


def few_arguments(source: Source) -> Iterator[str]:
    """At most seven arguments, unless the signature is the reference's."""
    for name, node in source.functions():
        count = len(_arguments(node, name))
        if count > MAX_ARGUMENTS and name not in DROP_IN_SIGNATURES:
            yield f"{source.path}:{node.lineno}: {name} takes {count} arguments, expected {MAX_ARGUMENTS} at most"


def module_says_what_it_does_not_know(source: Source) -> Iterator[str]:
    """A runtime module's docstring has a line that starts with "Knows nothing of"."""
    docstring = ast.get_docstring(source.tree) or ""
    if source.in_runtime and not re.search(r"^Knows nothing of ", docstring, re.MULTILINE):
        yield f"{source.path}: the module docstring has no line 'Knows nothing of …'"


def public_things_have_docstrings(source: Source) -> Iterator[str]:
    """Modules, public classes, and public functions and methods say what they are for."""
    for name, node in source.public_definitions():
        if not ast.get_docstring(node) and not _needs_none(node):
            yield f"{source.path}:{getattr(node, 'lineno', 1)}: {name} has no docstring"


def errors_name_a_value(source: Source) -> Iterator[str]:
    """The message of an error holds the value that was found."""
    for name, node in _with_owner(source.tree):
        call = _error_call(node)
        allowed = f"{source.path}:{name}" in ERRORS_WITHOUT_A_VALUE
        if call is not None and not allowed and all(_is_constant(argument) for argument in _message(call)):
            yield f"{source.path}:{call.lineno}: {ast.unparse(call)[:100]} names no value"


def file_has_a_plain_name(source: Source) -> Iterator[str]:
    """No file is named after the fact that nobody knew where to put things."""
    parts = [PurePosixPath(source.path).stem, *PurePosixPath(source.path).parent.parts]
    banned = BANNED_NAMES.intersection(part.strip("_") for part in parts)
    if banned and source.path not in THE_UTIL_FILES:
        yield f"{source.path}: {banned.pop()!r} names no topic; name the file after what it does"


def only_programs_print(source: Source) -> Iterator[str]:
    """Libraries return; command lines print."""
    for node in ast.walk(source.tree):
        is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        if is_print and not source.is_program:
            yield f"{source.path}:{node.lineno}: prints; return the text, and let the command line print it"


def nothing_is_left_for_later(source: Source) -> Iterator[str]:
    """No note to ourselves in the code: it is done, or it is an issue."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if LEFTOVERS.search(line):
            yield f"{source.path}:{number}: {line.strip()[:90]}"


def _is_private(name: str) -> bool:
    return any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> list[ast.arg]:
    given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    is_method = "." in name and given and given[0].arg in ("self", "cls")
    return given[1:] if is_method else given


def _needs_none(node: Documented) -> bool:
    """The getter of a property documents its setter, and the function its overloads."""
    decorators = [] if isinstance(node, ast.Module) else node.decorator_list
    return any(ast.unparse(decorator).endswith(("overload", ".setter")) for decorator in decorators)


def _with_owner(tree: ast.AST, owner: str = "module") -> Iterator[tuple[str, ast.AST]]:
    for node in ast.iter_child_nodes(tree):
        yield owner, node
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else owner
        yield from _with_owner(node, inner)


def _error_call(node: ast.AST) -> ast.Call | None:
    """The making of an exception: what `raise` makes, and any `SomethingError(...)` that is handed on."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name) and node.exc.id[0].isupper():
        return ast.copy_location(ast.Call(node.exc, [], []), node)  # `raise ValueError`, with no message at all
    if not isinstance(node, ast.Call):
        return None
    name = ast.unparse(node.func).rpartition(".")[2]
    return (
        node if name[0].isupper() and name.endswith(("Error", "Exception")) and name not in NO_MESSAGE_NEEDED else None
    )


def _message(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_constant(node: ast.expr) -> bool:
    """A text with no value put in: a literal, an f-string without fields, or such texts joined."""
    if isinstance(node, ast.JoinedStr):
        return not any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _is_constant(node.left) and _is_constant(node.right)
    return isinstance(node, ast.Constant)

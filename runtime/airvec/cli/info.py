"""`airvec info`: the machine as airvec sees it, or what is in a model folder.

Knows nothing of texts.
"""

import argparse
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from airvec.cli.graphs import DAMAGED, MISSING, UNKNOWN, graph_states, graph_table, measured_table
from airvec.cli.starts import NEEDED, why_not
from airvec.cli.style import GREEN, RED, paint, table
from airvec.cpu import describe
from airvec.errors import ModelNotFoundError
from airvec.folder import DENSE, SPARSE, ModelFolder, ModuleSpec, read_folder, variants_of
from airvec.threads import available_threads, cpu_quota, lambda_share, memory_limit

EXAMPLES = """examples:
  airvec info                     this machine: CPU, threads, memory limit, versions
  airvec info ./all-MiniLM-L6-v2  a model folder: modules, limits, variants with what they were measured at
"""
INSTRUCTION_SETS = (
    "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16", "avx512_fp16",
    "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "sve", "bf16",
)  # fmt: skip
PACKAGES = (
    "airvec", "numpy", "onnxruntime", "tokenizers", "huggingface_hub", "tqdm", "openvino", "nncf", "torch",
    "transformers",
)  # fmt: skip
ABSENT = "not installed"
SIMILARITIES = {DENSE: "cosine", SPARSE: "dot"}  # where the folder names none


def add_parser(subparsers: Any) -> None:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "info",
        help="this machine, or a model folder",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="a model folder; none = this machine")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print; 1 if a graph of the manifest is not there, or its checksum is another."""
    if arguments.folder is None:
        print(table(["this machine", ""], machine()))
        return 0
    if not arguments.folder.is_dir():
        raise ModelNotFoundError(
            f"{arguments.folder}: no such folder. Give a model folder's path: info looks on this disk only."
        )
    folder = read_folder(arguments.folder)
    print(table([folder.name, ""], _model_rows(folder)))
    states = graph_states(folder)
    tables = [graph_table(states), measured_table(states)] if states else []
    print("".join(f"\n{one}\n" for one in tables if one), end="")
    damaged = any(one.state in (DAMAGED, MISSING) for one in states)
    if any(one.state != UNKNOWN for one in states):
        print(paint("damaged: fetch or export it again", RED) if damaged else paint("all checksums hold", GREEN))
    return int(damaged)


def machine() -> list[list[str]]:
    """Name and value of each fact about this machine, as rows."""
    model, flags = describe()
    memory = memory_limit()
    rows = [
        ["CPU", f"{model or 'not known'} ({platform.machine()})"],
        ["instruction sets", " ".join(name for name in INSTRUCTION_SETS if name in flags) or "not known"],
        ["threads we may use", f"{available_threads()}{_shares()}"],
        ["memory limit", "none" if memory is None else f"{memory / 2**20:,.0f} MiB"],
        ["system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"],
    ]
    return rows + [[name, _package(name)] for name in PACKAGES]


def _shares() -> str:
    """What limits our CPUs, in brackets; "" where nothing does."""
    limits = {"cgroup quota": cpu_quota(), "Lambda's share": lambda_share()}
    told = [f"{name} {value:.3g}" for name, value in limits.items() if value is not None]
    stated = os.environ.get("AIRVEC_THREADS")
    return f" ({', '.join([f'AIRVEC_THREADS={stated}'] * bool(stated) + told)})" if stated or told else ""


def _package(name: str) -> str:
    """Its version, and for one that airvec needs, why it cannot be imported if it cannot."""
    found = _version(name)
    problem = why_not(name) if name in NEEDED and found != ABSENT else None
    return f"{found}; {problem}" if problem else found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def _model_rows(folder: ModelFolder) -> list[list[str]]:
    prompts = {name: text for name, text in folder.prompts.items() if text}
    rows = [
        ["opens with", f"airvec.{folder.model_type}"],
        ["modules", " → ".join(_shown(module) for module in folder.modules)],
        ["longest text", ", ".join(dict.fromkeys(_limit(folder, body) for body in folder.bodies()))],
        ["prompts", ", ".join(f"{name}={text!r}" for name, text in prompts.items()) or "none"],
    ]
    if folder.model_type in SIMILARITIES:
        rows.insert(3, ["similarity", folder.similarity_fn_name or SIMILARITIES[folder.model_type]])
    if folder.manifest:
        made = " ".join(f"{name} {number}" for name, number in sorted(folder.manifest.versions.items()))
        rows += [["source", folder.manifest.source], ["made with", made]]
        if folder.manifest.packed:
            rows.append(["packed", _packed(folder.manifest.packed, list(variants_of(folder)))])
    return rows


def _packed(facts: Mapping[str, str], graphs: list[str]) -> str:
    """What `airvec package` made of it: the name in answers, the graph, what for and by which airvec."""
    name = f"as {facts['name']!r}" if "name" in facts else ""
    graph = f"with the graph {', '.join(graphs)}" if graphs else "without a graph"
    return " ".join(filter(None, (name, graph, f"for {facts.get('arch', '?')} by airvec {facts.get('airvec', '?')}")))


def _shown(module: ModuleSpec) -> str:
    """A module's type, and for a Router each route's."""
    if module.router is None:
        return module.type
    routes = (f"{name}: {' → '.join(map(_shown, route))}" for name, route in module.router.routes.items())
    return f"{module.type}({'; '.join(routes)})"


def _limit(folder: ModelFolder, body: ModuleSpec) -> str:
    limit = folder.tokenizer_of(body).max_length
    return "no limit" if limit is None else f"{limit} tokens"

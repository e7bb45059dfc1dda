"""`router_config.json` → which modules a text passes, by its task: `RouterSpec`.

Source: sentence-transformers 6.2, Router (in older folders Asym), whose order of resolution this keeps for texts.
Knows nothing of what the modules do.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, Generic, TypeVar, cast

from airvec.errors import ArgumentError, ModelFolderError
from airvec.json_file import JsonObject, read_object, short_name
from airvec.paths import StrPath, join_inside

FILES = ("router_config.json", "config.json")
TEXT = "text"

Module = TypeVar("Module")


@dataclass(frozen=True)
class RouterSpec(Generic[Module]):
    """Routes by name, and the rules that choose one; a module in two routes is the same one."""

    where: str
    routes: Mapping[str, tuple[Module, ...]]
    default_route: str | None = None
    mappings: Mapping[tuple[str | None, str | None], str] = field(
        default_factory=dict[tuple[str | None, str | None], str]
    )

    def resolve(self, task: str | None) -> tuple[Module, ...]:
        """The modules for texts of a task, such as "query" or "document"; None = none was named.

        Raises:
            ArgumentError: no route for that task, or no task where the model has no default route.
        """
        return self.routes[self.route_name(task)]

    def route_name(self, task: str | None) -> str:
        """The name of the route, in the reference's order: mappings from exact to general, task, modality, default.

        Raises:
            ArgumentError: there is none.
        """
        for key in ((task, TEXT), (task, None), (None, TEXT), (None, None)):
            if key in self.mappings:
                return self.mappings[key]
        for name in (task, TEXT):
            if name is not None and name in self.routes:
                return name
        if task is None and self.default_route is not None:
            return self.default_route
        raise ArgumentError(
            f"task: {task!r}, but {self.where} has routes {', '.join(map(repr, self.routes))}. "
            "Use encode_query or encode_document, or pass one of them as task=…."
        )


def read_router(home: StrPath, make_module: Callable[[str, StrPath, str], Module]) -> RouterSpec[Module]:
    """Read a Router's configuration, and its modules with `make_module(type, folder, where)`.

    Raises:
        ModelFolderError: no routes, a route with an unknown module, or a module's folder outside the router's.
    """
    files = [Path(home, name) for name in FILES]
    file = next((file for file in files if file.is_file()), files[0])
    config = read_object(file)
    types, structure, parameters = (config.section(key) for key in ("types", "structure", "parameters"))
    opened = {name: _open(home, name, types, make_module) for name in types.values}
    routes = {route: _route(structure, route, opened) for route in structure.values}
    if not routes:
        raise ModelFolderError(f"{config.file}: 'structure' is {structure.values!r}, expected routes. Re-export it.")
    default = parameters.text("default_route")
    if default is None and parameters.flag("allow_empty_key", True):
        default = next(iter(routes))
    found = RouterSpec(short_name(file), routes, default, _mappings(config.file, parameters))
    for named in (*found.mappings.values(), *([default] if default else [])):
        if named not in routes:
            raise ModelFolderError(
                f"{config.file}: route {named!r}, expected one of {', '.join(routes)}. Re-export the checkpoint."
            )
    return found


def _open(home: StrPath, name: str, types: JsonObject, make_module: Callable[[str, StrPath, str], Module]) -> Module:
    where = f"{types.file}: module {name!r}"
    if len(PurePosixPath(name).parts) != 1 or len(PureWindowsPath(name).parts) != 1 or name == "..":
        raise ModelFolderError(f"{where} is a path, expected the name of a folder beside it. Do not use this folder.")
    return make_module(types.text(name, "") or "", join_inside(home, name), where)


def _route(structure: JsonObject, route: str, opened: Mapping[str, Module]) -> tuple[Module, ...]:
    names: Sequence[Any] = structure.items(route)
    for name in names:
        if name not in opened:
            raise ModelFolderError(
                f"{structure.file}: route {route!r} has module {name!r}, expected one of {', '.join(opened)}. "
                "Re-export the checkpoint."
            )
    return tuple(opened[name] for name in names)


def _mappings(file: str, parameters: JsonObject) -> dict[tuple[str | None, str | None], str]:
    """Keys are tuples written as text: "('query', 'text')"; those for images and the like never apply to texts."""
    found: dict[tuple[str | None, str | None], str] = {}
    stated = parameters.section("route_mappings")
    for key in stated.values:
        try:
            task, modality = cast("tuple[Any, Any]", ast.literal_eval(key))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:  # the last two: nested deep
            raise ModelFolderError(
                f"{file}: route_mappings has key {key!r}, expected a pair such as \"('query', 'text')\". Re-export it."
            ) from error
        if modality is None or isinstance(modality, str):
            found[task, modality] = stated.text(key, "") or ""
    return found

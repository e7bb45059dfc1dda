"""Several chains of modules in one model, of which the task of a text chooses one.

Which one is `airvec.folder`'s to say, as in the runtime.
Knows nothing of what the chains do.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from airvec.errors import ArgumentError
from airvec.folder.router import RouterSpec

Mappings = Mapping[tuple[str | None, str | None], str]


class Router(nn.Module):
    """Routes by name; a module in two routes is the same one, with the same weights.

    Args:
        sub_modules: the modules of each route, in order; the first of each reads texts.
        default_route: for texts without a task; None = none.
        allow_empty_key: whether the first route is the default where none is named.
        route_mappings: `(task, "text")` or `(task, None)` → the route, before tasks are taken for names of routes.

    Raises:
        ArgumentError: no routes, an empty one, or a name that is no route's.
    """

    def __init__(
        self,
        sub_modules: Mapping[str, Sequence[nn.Module]],
        default_route: str | None = None,
        allow_empty_key: bool = True,
        route_mappings: Mappings | None = None,
    ) -> None:
        super().__init__()
        if not sub_modules or not all(sub_modules.values()):
            raise ArgumentError(f"sub_modules: {sub_modules!r:.200}, expected modules for each route. Give some.")
        for named in (*(route_mappings or {}).values(), *([default_route] if default_route else [])):
            if named not in sub_modules:
                raise ArgumentError(f"Router: route {named!r}, expected one of {', '.join(sub_modules)}. Correct it.")
        self.sub_modules = nn.ModuleDict({name: nn.Sequential(*modules) for name, modules in sub_modules.items()})
        self.allow_empty_key = allow_empty_key
        self.default_route = default_route or (next(iter(sub_modules)) if allow_empty_key else None)
        self.route_mappings = dict(route_mappings or {})

    @classmethod
    def for_query_document(
        cls,
        query_modules: Sequence[nn.Module],
        document_modules: Sequence[nn.Module],
        default_route: str | None = "document",
        allow_empty_key: bool = True,
    ) -> "Router":
        """The routes `"query"` and `"document"`, which `encode_query` and `encode_document` take."""
        return cls({"query": query_modules, "document": document_modules}, default_route, allow_empty_key)

    def route(self, task: str | None) -> nn.Sequential:
        """The modules for texts of a task, such as `"query"`; None = none was named.

        Raises:
            ArgumentError: no route for it.
        """
        routes: dict[str, tuple[Any, ...]] = dict.fromkeys(self.sub_modules, ())
        name = RouterSpec("the Router", routes, self.default_route, self.route_mappings).route_name(task)
        found: Any = self.sub_modules[name]
        return found

    def preprocess(self, texts: Sequence[Any], prompt: str | None = None, task: str | None = None) -> dict[str, Any]:
        """What the first module of the task's route makes of the texts, with the task for `forward`."""
        first: Any = self.route(task)[0]
        return {**first.preprocess(texts, prompt, task), "task": task}

    def forward(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Pass the modules of the route of the features' `task`."""
        result = dict(features)
        for module in self.route(result.get("task")):
            result = module(result)
        return result

    def bodies(self) -> list[Any]:
        """The modules that read texts, each once."""
        return list(dict.fromkeys(route[0] for route in self._routes()))

    def routes(self) -> dict[str, Any]:
        """The chains of modules by name."""
        return dict(self.sub_modules.items())

    def _routes(self) -> list[Any]:
        return list(self.sub_modules.values())

    def get_embedding_dimension(self) -> int | None:
        """Width of the first route's embeddings; None where no module of it says it."""
        for module in reversed(self._routes()[0]):
            if hasattr(module, "get_embedding_dimension"):
                return module.get_embedding_dimension()
        return None

    @property
    def tokenizer(self) -> Any:
        """The first route's."""
        return self._routes()[0][0].tokenizer

    @property
    def max_seq_length(self) -> int | None:
        """The largest of the routes' limits; None = one has none."""
        limits = [body.max_seq_length for body in self.bodies()]
        return None if None in limits else max(limits)

    @max_seq_length.setter
    def max_seq_length(self, limit: int) -> None:
        for body in self.bodies():
            if body.max_seq_length is not None:
                body.max_seq_length = limit

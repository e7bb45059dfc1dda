"""`airvec.caching`: files that are no cache, servers that do not answer, models that cannot be told from others."""

import socket
import sqlite3
from pathlib import Path

from airvec import CachedModel, SentenceTransformer
from airvec.caching import LRUStore, MemcachedStore, RedisStore, SQLiteStore
from tests.errors.cases import Case, Topic
from tests.folders import word_model


class Other:
    """A model of somebody else's."""

    def encode(self, texts: list[str]) -> list[list[float]]:
        return [[1.0] for _ in texts]


def no_database(home: Path) -> SQLiteStore:
    (home / "notes.txt").write_text("Some notes.")
    return SQLiteStore(home / "notes.txt")


def of_another_program(home: Path) -> SQLiteStore:
    with sqlite3.connect(home / "application.db") as connection:
        connection.execute("CREATE TABLE orders (number INTEGER)")
    connection.close()
    return SQLiteStore(home / "application.db")


def changed(home: Path) -> CachedModel:
    model = SentenceTransformer(word_model(home / "words"))
    (home / "words" / "config_sentence_transformers.json").write_text('{"prompts": {"query": "query: "}}')
    return CachedModel(model)


def inside(home: Path) -> CachedModel:
    folder = word_model(home / "words")
    return CachedModel(SentenceTransformer(folder), SQLiteStore(folder / "embeddings.db"))


def unanswered(home: Path) -> object:
    with socket.socket() as one:  # a port that nobody listens to
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    return CachedModel(SentenceTransformer(), MemcachedStore(f"127.0.0.1:{port}")).encode("a text")


TOPIC = Topic(
    "Caches",
    'A cache that fails stops the call, unless `on_error="warn"` lets the model go on without it.',
    (
        Case("A file that is something else", "`SQLiteStore('notes.txt')`; the file stays as it is.", no_database),
        Case("A file of another program", "`SQLiteStore('application.db')`; the file stays as it is.",
             of_another_program),
        Case("A server that does not answer", "`CachedModel(model, MemcachedStore()).encode('a text')`.", unanswered),
        Case("An address that is none", "`MemcachedStore('localhost')`.", lambda home: MemcachedStore("localhost")),
        Case("A prefix with a space", "`MemcachedStore(prefix='my cache:')`.",
             lambda home: MemcachedStore(prefix="my cache:")),
        Case("A URL that is none", "`RedisStore('localhost:6379')`.", lambda home: RedisStore("localhost:6379")),
        Case("A model whose folder changed", "`CachedModel(model)`, after a file of the folder was written.", changed),
        Case("A store in the model's folder", "`CachedModel(model, SQLiteStore(model.folder / 'embeddings.db'))`.",
             inside),
        Case("A model of another library", "`CachedModel(model)`, without `identity`.",
             lambda home: CachedModel(Other())),
        Case("A model with other answers", "`CachedModel(model, identity='1')` of a class without `encode`.",
             lambda home: CachedModel(object(), identity="1")),
        Case("An argument of another kind of model", "`CachedModel(dense).encode('a text', max_active_dims=3)`.",
             lambda home: CachedModel(SentenceTransformer()).encode("a text", max_active_dims=3)),
        Case("Scores of a model that gives none", "`CachedModel(SentenceTransformer()).predict([('a', 'b')])`.",
             lambda home: CachedModel(SentenceTransformer()).predict([("a", "b")])),
        Case("A store of no size", "`LRUStore(0)`.", lambda home: LRUStore(0)),
    ),
)  # fmt: skip

"""Answers kept: `CachedModel` around any model, and stores in memory, in a file, in Redis, in Memcached.

    model = CachedModel(SentenceTransformer("./all-MiniLM-L6-v2"), SQLiteStore("embeddings.db"))

Knows nothing of anything else.
"""

from airvec.caching.cached_model import CachedModel, CacheInfo
from airvec.caching.lru import LRUStore
from airvec.caching.memcached import MemcachedStore
from airvec.caching.redis import RedisStore
from airvec.caching.sqlite import SQLiteStore
from airvec.caching.store import Store

__all__ = ["CacheInfo", "CachedModel", "LRUStore", "MemcachedStore", "RedisStore", "SQLiteStore", "Store"]

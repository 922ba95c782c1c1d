"""Redis, as a cache that several processes share."""

from profilecore.adapters.redis.cache import RedisCache
from profilecore.adapters.redis.connection import RedisServer

__all__ = ["RedisCache", "RedisServer"]

"""Redis, as a cache that several processes share."""

from profilecore.adapters.redis.cache import RedisCache
from profilecore.adapters.redis.connection import RedisServer
from profilecore.adapters.redis.figures import RedisFigures

__all__ = ["RedisCache", "RedisFigures", "RedisServer"]

"""Redis, as a cache and as budgets that several processes share."""

from profilecore.adapters.redis.cache import RedisCache
from profilecore.adapters.redis.connection import RedisServer
from profilecore.adapters.redis.figures import RedisFigures
from profilecore.adapters.redis.limiter import RedisLimiter

__all__ = ["RedisCache", "RedisFigures", "RedisLimiter", "RedisServer"]

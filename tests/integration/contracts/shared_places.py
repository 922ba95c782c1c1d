"""Where the caches of the suites are: a database of a real Redis."""

import time
from itertools import count

from profilecore.adapters.redis import RedisCache, RedisServer
from profilecore.ports import Cache
from profilecore.relay import Horizon
from profilecore.testing.places import CachePlace
from tests.support.redis import RedisProcess

_numbers = count(1)

# What has been there for a while: every key's rest of life is shorter, or over.
_AGE = """
for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
  local rest = redis.call('PTTL', key)
  if rest >= 0 then
    if rest <= tonumber(ARGV[2]) then redis.call('DEL', key)
    else redis.call('PEXPIRE', key, rest - tonumber(ARGV[2])) end
  end
end
"""


class RedisPlace(CachePlace):
    """A prefix of its own; time passes by making what is there older."""

    ttl = 100.0

    def __init__(self, server: RedisProcess) -> None:
        self._server = server
        self._prefix = f"place{next(_numbers)}"
        self._later = 0.0
        self._opened: list[RedisCache] = []
        self.horizon = Horizon(0)

    async def cache(self) -> RedisCache:
        cache = RedisCache(
            RedisServer(host="127.0.0.1", port=self._server.port),
            self.horizon,
            ttl=self.ttl,
            prefix=self._prefix,
            clock=lambda: time.time() + self._later,
        )
        await cache.open()
        self._opened.append(cache)
        await cache.begin(0, None)
        return cache

    async def open(self) -> Cache:
        return await self.cache()

    async def close(self) -> None:
        while self._opened:
            await self._opened.pop().close()

    async def sleep(self, seconds: float) -> None:
        self._later += seconds
        with self._server.client() as client:
            client.eval(_AGE, 0, self._prefix, round(seconds * 1000))

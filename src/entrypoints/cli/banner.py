"""What `profilecore dev` says when it is ready: what it uses, and where to click."""

from pathlib import Path

from profilecore.entrypoints.settings import Settings

_EXAMPLE = """\
curl -X POST {url}/api/v1/profiles -H 'Content-Type: application/json' \\
       -d '{{"name": "Ada Lovelace", "email": "ada@example.com"}}'"""


def _hosts(settings: Settings) -> str:
    return ", ".join(host if port is None else f"{host}:{port}" for host, port in settings.db_host)


def banner(settings: Settings, base_url: str) -> str:
    """The text for a service that answers at `base_url`."""
    kept = {
        "sqlite": f"SQLite, in {_folder(settings.data_dir)}",
        "postgres": f"PostgreSQL at {_hosts(settings)}, {settings.db_name}",
        "memory": "memory: gone when this stops",
    }
    cached = {
        "redis": f"Redis at {settings.redis_address}; memory while it is lost",
        "memory": f"memory, {settings.cache_memory_max} profiles at most",
        "noop": "none",
    }
    queued = {
        "memory": "embedded in this process",
        "rabbitmq": "RabbitMQ; the database while it is lost",
    }
    return f"""
  profilecore is ready.

  Page      {base_url}/
  API       {base_url}/api/v1/profiles
  Docs      {base_url}/docs
  Health    {base_url}/health
  Metrics   {base_url}/metrics

  Database  {kept[settings.database]}
  Cache     {cached[settings.cache]}
  Queue     {queued[settings.queue]}
  Tasks     {settings.task_concurrency} at once in this process

  Try       {_EXAMPLE.format(url=base_url)}
  Fill it   profilecore seed --count 1000
  Watch it  profilecore tasks watch

  Stop with Ctrl-C. Every setting: profilecore config
"""


def _folder(path: Path) -> str:
    return str(path.resolve())

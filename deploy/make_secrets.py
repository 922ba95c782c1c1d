"""Make up the secrets of a deployment: a file for each, in deploy/secrets or a folder.

What is there already is left as it is, so that this may be run at any time. Nothing is printed, and
git leaves the files out.

    python3 deploy/make_secrets.py [FOLDER]
"""

import base64
import secrets
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("secrets")


def contents() -> dict[str, str]:
    """What is in each file; those of one service have the same password in them."""
    redis, rabbit = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    return {
        "db_superuser": secrets.token_urlsafe(24),
        "db_owner": secrets.token_urlsafe(24),
        "db_service": secrets.token_urlsafe(24),
        "db_replicator": secrets.token_urlsafe(24),
        "redis_password": redis,
        "redis_users.acl": (
            "user default off\n"
            f"user profilecore on >{redis} resetchannels -@all ~profilecore:1:* "
            "+mget +getrange +set +del +evalsha +script|load "
            "+ping +time +pexpire +zadd +zcard +zcount +zremrangebyscore +info +dbsize\n"
        ),
        "rabbitmq_user.conf": (
            f"default_user = profilecore\ndefault_pass = {rabbit}\n"
            "default_user_tags.administrator = false\n"
        ),
        "queue_uri": f"amqp://profilecore:{rabbit}@rabbitmq:5672/",
        "callback_secret": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "grafana_password": secrets.token_urlsafe(24),
    }


def write(folder: Path) -> None:
    """Write those that are not there, for their owner alone; all of a service's or none."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = contents()
    for names in (
        *((name,) for name in ("db_superuser", "db_owner", "db_service", "db_replicator")),
        ("redis_password", "redis_users.acl"),
        ("rabbitmq_user.conf", "queue_uri"),
        *(("callback_secret",), ("grafana_password",)),
    ):
        if any((folder / name).exists() for name in names):
            continue
        for name in names:
            path = folder / name
            path.touch(mode=0o644)  # a container reads it as another user; the folder is closed
            path.write_text(made[name], encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)

"""Where blobs are kept, by the URL that says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from obstore.store import AzureStore, GCSStore, S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

# One try has to end so early that the second still fits into what a call may take.
_CLIENT: Final["ClientConfig"] = {
    "connect_timeout": timedelta(seconds=2),
    "read_timeout": timedelta(seconds=5),
    "timeout": timedelta(seconds=10),
    "pool_idle_timeout": timedelta(seconds=30),
    "user_agent": "profilecore",
}
_RETRY: Final["RetryConfig"] = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=8),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=1),
        "base": 2,
    },
}


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket: `url` is `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.

    `access_key` and `secret_key` are those of S3; for Azure they are the account and its key, for
    GCS the latter is the JSON of a service account. What is not given is looked for where the
    provider's own tools would: in the environment, in files, from the machine.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = None
    path_style: bool = True

    def store(self) -> "ObjectStore":
        """The store, which was not asked anything yet."""
        scheme = urlsplit(self.url).scheme
        plain = (self.endpoint or "").startswith("http://")
        kind, config = {"s3": self._s3, "gs": self._gcs, "az": self._azure}[scheme]()
        made: ObjectStore = kind.from_url(
            self.url,
            config={name: value for name, value in config.items() if value is not None},
            client_options={**_CLIENT, "allow_http": plain},
            retry_config=_RETRY,
        )
        return made

    def _s3(self) -> tuple[Any, Mapping[str, Any]]:
        endpoint = self.endpoint
        if endpoint is not None and not self.path_style:
            parts = urlsplit(endpoint)
            endpoint = parts._replace(netloc=f"{urlsplit(self.url).netloc}.{parts.netloc}").geturl()
        return S3Store, {
            "endpoint": endpoint,
            "region": self.region,
            "access_key_id": self.access_key,
            "secret_access_key": self.secret_key,
            "virtual_hosted_style_request": not self.path_style,
        }

    def _gcs(self) -> tuple[Any, Mapping[str, Any]]:
        return GCSStore, {"base_url": self.endpoint, "service_account_key": self.secret_key}

    def _azure(self) -> tuple[Any, Mapping[str, Any]]:
        return AzureStore, {
            "endpoint": self.endpoint,
            "account_name": self.access_key,
            "account_key": self.secret_key,
        }

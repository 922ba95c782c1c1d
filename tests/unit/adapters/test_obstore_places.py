"""Where a bucket is, as obstore is told; nothing is asked of it."""

from datetime import timedelta
from typing import Any

import pytest
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from profilecore.adapters.obstore import Bucket

KEYS: dict[str, Any] = {"access_key": "account", "secret_key": "a2V5"}


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    for name in ("AWS_REGION", "AWS_ENDPOINT_URL", "AZURE_STORAGE_ACCOUNT_NAME"):
        monkeypatch.delenv(name, raising=False)


def made(url: str, **options: Any) -> Any:
    return Bucket(url=url, **options).store()


def test_s3() -> None:
    store = made("s3://pictures/of/people", region="eu-central-1", **KEYS)
    assert isinstance(store, S3Store)
    assert store.prefix == "of/people"
    config: dict[str, Any] = dict(store.config)
    assert config["bucket"] == "pictures"
    assert config["region"] == "eu-central-1"
    assert config["access_key_id"] == "account"
    assert config["secret_access_key"] == "a2V5"
    assert config["virtual_hosted_style_request"] == "false"
    assert "endpoint" not in config


@pytest.mark.parametrize(
    ("path_style", "endpoint"),
    [(True, "https://s3.internal:9000"), (False, "https://pictures.s3.internal:9000")],
)
def test_the_bucket_is_named_in_the_path_or_in_the_host(path_style: bool, endpoint: str) -> None:
    store = made("s3://pictures", endpoint="https://s3.internal:9000", path_style=path_style)
    assert store.config["endpoint"] == endpoint
    assert store.config["virtual_hosted_style_request"] == str(not path_style).lower()


def test_without_a_prefix_it_is_all_of_the_bucket() -> None:
    assert not made("s3://pictures").prefix


def test_gcs() -> None:
    store = made("gs://pictures/of")
    assert isinstance(store, GCSStore)
    assert (store.prefix, store.config["bucket"]) == ("of", "pictures")


def test_azure() -> None:
    store = made("az://container/of", **KEYS)
    assert isinstance(store, AzureStore)
    config: dict[str, Any] = dict(store.config)
    assert (store.prefix, config["container_name"]) == ("of", "container")
    assert (config["account_name"], config["account_key"]) == ("account", "a2V5")


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("az://container", {}),  # whose?
        ("gs://pictures", {"secret_key": "no JSON"}),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(url: str, options: dict[str, Any]) -> None:
    with pytest.raises(BaseError):
        made(url, **options)


@pytest.mark.parametrize("url", ["s3://pictures", "gs://pictures", "az://container"])
def test_every_wait_has_a_bound(url: str) -> None:
    store = made(url, **(KEYS if url.startswith("az") else {}))
    assert store.client_options["connect_timeout"] == "2s"
    assert store.client_options["timeout"] == "10s"
    assert store.retry_config["max_retries"] == 2
    assert store.retry_config["retry_timeout"] == timedelta(seconds=8)


@pytest.mark.parametrize(("endpoint", "plain"), [("http://a:1", True), ("https://a:1", False)])
def test_without_tls_only_where_the_endpoint_says_so(endpoint: str, plain: bool) -> None:
    store = made("s3://pictures", endpoint=endpoint)
    assert store.client_options["allow_http"] in (plain, str(plain).lower())

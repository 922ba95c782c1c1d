"""A route of Litestar that returns a constant: what its handler machinery costs, and no more."""

from litestar import Litestar, get


@get("/", sync_to_thread=False)
def constant() -> dict[str, str]:
    return {"hello": "world"}


app = Litestar([constant], openapi_config=None)

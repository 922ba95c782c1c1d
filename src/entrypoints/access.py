"""How it is told who calls: the part of the object graph that AUTH_MODE chooses from."""

from typing import Any

from dependency_injector import containers, providers

from profilecore.entrypoints.settings import Settings
from profilecore.tokens import TokenAuthenticator


class Access(containers.DeclarativeContainer):
    """Without authentication there is nobody who tells: then everybody may do everything."""

    settings = providers.Dependency(instance_of=Settings)
    tokens: Any = providers.Dependency()

    authenticator = providers.Selector(
        settings.provided.auth_mode,
        none=providers.Object(None),
        token=providers.Singleton(TokenAuthenticator, tokens),
    )

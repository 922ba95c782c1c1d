"""How it is told who calls: the part of the object graph that AUTH_MODE chooses from."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dependency_injector import containers, providers
from loguru import logger

from profilecore.entrypoints.resources import opening
from profilecore.entrypoints.settings import Settings
from profilecore.entrypoints.trust import JWKS
from profilecore.entrypoints.variables import WORD, BadSetting
from profilecore.tokens import TokenAuthenticator

if TYPE_CHECKING:  # whoever asks for no such token starts without cryptography
    from profilecore.adapters.jwt import JwtAuthenticator, Keys

_NEEDED: Final = (
    ("AUTH_JWT_ISSUER", WORD),
    ("AUTH_JWT_AUDIENCE", WORD),
    ("AUTH_JWT_JWKS", JWKS),
)


def jwt_authenticator(settings: Settings) -> "JwtAuthenticator":
    """What `AUTH_MODE=jwt` stands for; it has to be opened. Raises BadSetting."""
    from profilecore.adapters.jwt import JwtAuthenticator

    issuer, audience = settings.auth_jwt_issuer, settings.auth_jwt_audience
    jwks = settings.auth_jwt_jwks
    if issuer is None or audience is None or jwks is None:
        name, kind = next((n, k) for n, k in _NEEDED if getattr(settings, n.lower()) is None)
        raise BadSetting(name, f"has to be set for AUTH_MODE=jwt; it takes {kind.takes}.")
    return JwtAuthenticator(
        _keys(jwks), issuer=issuer, audience=audience, algorithms=settings.auth_jwt_algorithms
    )


def _keys(jwks: str | Path) -> "Keys":
    if isinstance(jwks, Path):
        from profilecore.adapters.jwt import FileKeys

        return FileKeys(jwks, say=_say)
    from profilecore.adapters.jwt.url_keys import UrlKeys

    return UrlKeys(jwks, say=_say)


def _say(well: bool, sentence: str) -> None:
    if well:
        logger.info("{}", sentence)
    else:
        logger.warning("{}", sentence)


class Access(containers.DeclarativeContainer):
    """Without authentication there is nobody who tells: then everybody may do everything."""

    settings = providers.Dependency(instance_of=Settings)
    tokens: Any = providers.Dependency()

    authenticator = providers.Selector(
        settings.provided.auth_mode,
        none=providers.Object(None),
        token=providers.Singleton(TokenAuthenticator, tokens),
        jwt=providers.Resource(opening, providers.Singleton(jwt_authenticator, settings)),
    )

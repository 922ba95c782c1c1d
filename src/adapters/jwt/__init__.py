"""Tokens that an issuer elsewhere signs: JSON Web Tokens (RFC 7519), told by its public keys."""

from profilecore.adapters.jwt.algorithms import ALGORITHMS
from profilecore.adapters.jwt.authenticator import JwtAuthenticator, Keys
from profilecore.adapters.jwt.file_keys import FileKeys

__all__ = ["ALGORITHMS", "FileKeys", "JwtAuthenticator", "Keys"]

"""The HTTP API: requests in, profiles or problem documents out."""

from profilecore.entrypoints.http.app import create_app, openapi_document

__all__ = ["create_app", "openapi_document"]

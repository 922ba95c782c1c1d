"""The HTTP API: requests in, profiles or problem documents out."""

from profilecore.entrypoints.http.app import Parts, create_app, openapi_document

__all__ = ["Parts", "create_app", "openapi_document"]

"""Requests that work, for the documentation; a test sends each of them."""

from typing import Any

EXAMPLES: dict[str, Any] = {
    "createProfile": {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "bio": "Wrote the first program.",
        "image_urls": ["https://example.com/ada.jpg"],
    },
    "updateProfile": {"bio": "Wrote the first program, for a machine not yet built."},
    "patchProfile": {"name": "Augusta Ada King", "bio": None},
    "batchProfiles": {
        "create": [{"name": "Grace Hopper", "email": "grace@example.com"}],
        "update": [],
        "delete": [],
    },
    "submitTask": {"type": "echo", "payload": {"hello": "world"}, "delay": "1h30m"},
    "rescheduleTask": {"delay": "5m", "priority": 5},
}

"""What our service is measured beside: a route that does nothing, and a plain service."""

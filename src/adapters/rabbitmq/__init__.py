"""RabbitMQ: it carries the tasks that are due, and events for whoever listens."""

from profilecore.adapters.rabbitmq.address import RabbitAddress
from profilecore.adapters.rabbitmq.publisher import RabbitPublisher
from profilecore.adapters.rabbitmq.queue import RabbitQueue

__all__ = ["RabbitAddress", "RabbitPublisher", "RabbitQueue"]

"""Whether RabbitMQ keeps what is rejected: tried with a message, since it loses it in silence."""

import asyncio
import secrets
from typing import Any, Final

from profilecore.adapters.rabbitmq.channel import persistent
from profilecore.adapters.rabbitmq.errors import translated
from profilecore.adapters.rabbitmq.link import Link
from profilecore.adapters.rabbitmq.topology import Topology
from profilecore.errors import Unavailable

PROBE_MAX: Final = 5.0
_EXPIRES: Final = 60_000  # ms; for a probe whose process was lost
LOSES: Final = "RabbitMQ loses what is rejected: look at the policies for the task queues."


async def prove(link: Link, topology: Topology) -> bool:
    """Reject a message in a queue like those of tasks; whether it comes out behind `dead`.

    Takes at most some seconds; Unavailable where that could not be tried.
    """
    channel = await link.channel(confirms=True)
    amqp, probe = channel.amqp, topology.probe(secrets.token_hex(8))
    came = asyncio.Event()

    def reject(_: object, method: Any, *__: object) -> None:
        amqp.basic_reject(method.delivery_tag, requeue=False)

    answers = await channel.call(amqp.queue_declare, queue="", exclusive=True)
    name = answers.method.queue
    await channel.call(amqp.queue_bind, queue=name, exchange=topology.dead, routing_key=probe)
    arguments = {**topology.arguments(), "x-expires": _EXPIRES}
    await channel.call(amqp.queue_declare, queue=probe, durable=True, arguments=arguments)
    await channel.call(
        amqp.basic_consume, queue=name, on_message_callback=lambda *_: came.set(), auto_ack=True
    )
    tag = await channel.call(amqp.basic_consume, queue=probe, on_message_callback=reject)
    try:
        with translated():
            async with asyncio.timeout(PROBE_MAX):
                await channel.publish("", probe, b"", persistent(), mandatory=True)
                await came.wait()
    except Unavailable:
        link.raise_if_blocked()
        if channel.lost.done():
            raise
        return False
    finally:
        if amqp.is_open:
            # First the consumer: version 3.10 breaks the connection where its queue is gone.
            amqp.basic_cancel(tag.method.consumer_tag)
            amqp.queue_delete(queue=probe)
            channel.close()
    return True

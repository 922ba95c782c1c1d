"""Follows the profiles from RabbitMQ, and ignores what it has had already."""

import json
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.exchange_declare("profile.events", "topic", durable=True)
channel.queue_declare("search", durable=True, arguments={"x-queue-type": "quorum"})
channel.queue_bind("search", "profile.events", "profile.*")
channel.basic_qos(prefetch_count=50)

newest: dict[str, int] = {}  # keep it with what you make of the events, in one transaction
for method, _, body in channel.consume("search"):
    event = json.loads(body)
    if event["version"] > newest.get(event["profile_id"], 0):
        newest[event["profile_id"]] = event["version"]
        print(event["type"], event["profile_id"], event["version"], flush=True)
    channel.basic_ack(method.delivery_tag)

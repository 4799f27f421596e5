"""An independent producer: librdkafka. Runs the script on stdin, one step a line, as Judge.java."""

import base64
import sys

from confluent_kafka import Producer


def decode(text):
    return None if text == "-" else base64.b64decode(text)


def delivered(error, _message):
    if error is not None:
        raise SystemExit(f"not delivered: {error}")


def open_producer(bootstrap, name):
    """For `ID@CODEC`; the id `-` is one without transactions."""
    identity, _, codec = name.partition("@")
    config = {
        "bootstrap.servers": bootstrap,
        "compression.type": codec or "none",
        "enable.idempotence": True,
        # Records of one flush stay in one batch.
        "linger.ms": 10000,
        "message.max.bytes": 4000000,
        "batch.size": 1000000,
    }
    if identity != "-":
        config["transactional.id"] = identity
    producer = Producer(config)
    if identity != "-":
        producer.init_transactions(60)
    return producer


def send(producer, step):
    topic, partition, timestamp, key, value = step[2:7]
    rest = step[7:]
    headers = [(decode(k).decode(), decode(v)) for k, v in zip(rest[::2], rest[1::2])]
    producer.produce(
        topic,
        partition=int(partition),
        timestamp=int(timestamp),
        key=decode(key),
        value=decode(value),
        headers=headers,
        on_delivery=delivered,
    )


def main(bootstrap):
    producers = {}
    for line in sys.stdin:
        step = line.rstrip("\n").split(" ")
        if step[1] not in producers:
            producers[step[1]] = open_producer(bootstrap, step[1])
        producer = producers[step[1]]
        if step[0] == "send":
            send(producer, step)
        elif step[0] == "begin":
            producer.begin_transaction()
        else:
            if producer.flush(60) > 0:
                raise SystemExit(f"not flushed within 60 s: {step}")
            if step[0] == "commit":
                producer.commit_transaction(60)
            elif step[0] == "abort":
                producer.abort_transaction(60)
    for producer in producers.values():
        producer.flush(60)
    print("end")


main(sys.argv[1])

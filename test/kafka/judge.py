"""An independent judge: librdkafka. Prints every committed record of the topics, one line each."""

import base64
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition


def encode(value):
    return "-" if value is None else base64.b64encode(value).decode()


def main(bootstrap, topics):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "judge",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
    )
    metadata = consumer.list_topics(timeout=30).topics
    partitions = [
        TopicPartition(topic, partition, OFFSET_BEGINNING)
        for topic in topics
        for partition in metadata[topic].partitions
    ]
    consumer.assign(partitions)
    left = {(p.topic, p.partition) for p in partitions}
    while left:
        message = consumer.poll(30)
        if message is None:
            raise SystemExit("no answer within 30 s")
        if message.error():
            # The end of a partition: with read_committed, the last stable offset.
            left.discard((message.topic(), message.partition()))
            continue
        fields = [message.topic(), message.partition(), message.offset(), message.timestamp()[1]]
        fields += [encode(message.key()), encode(message.value())]
        for name, value in message.headers() or []:
            fields += [encode(name.encode()), encode(value)]
        print(*fields, sep="\t")
    consumer.close()
    print("end")


main(sys.argv[1], sys.argv[2:])

"""Payments that were sent more than once, each only once: remembers the ids it has seen."""

from typing import TypedDict

from outrigger import App, ProcessorContext, Record, Serde, int64, json, key_value_store, utf8


class Payment(TypedDict):
    id: str
    cents: int


seen = key_value_store("seen-payments", key=utf8, value=int64)
payments: Serde[Payment] = json


def deduplicate(payment: Record[str, Payment], ctx: ProcessorContext[str, Payment]) -> None:
    store = ctx.store(seen)
    if store.get(payment.value["id"]) is None:
        store.put(payment.value["id"], payment.timestamp)
        ctx.forward(payment.key, payment.value)


app = App()
(
    app.stream("payments", key=utf8, value=payments)
    .process(deduplicate, stores=[seen])
    .to("payments-once", key=utf8, value=payments)
)
app.run(handle_signals=True)

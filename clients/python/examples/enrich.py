"""Orders with their customer's name, asked of a service, without blocking other partitions.

The call happens at least once for each record: the service can tell a repeated one by its
Idempotency-Key. Any client with ``async`` does; this one is of the standard library.
"""

import asyncio
import json as jsonlib
import os
import urllib.request
from typing import Any

from outrigger import App, AsyncProcessorContext, Record, json, utf8

CUSTOMERS_URL = os.environ.get("CUSTOMERS_URL", "http://localhost:8080/customers")


def fetch(customer: str, idempotency_key: str) -> Any:
    headers = {"Idempotency-Key": idempotency_key}
    request = urllib.request.Request(f"{CUSTOMERS_URL}/{customer}", headers=headers)
    # Where the service refuses, this raises; the record fails, and is tried again by the policy.
    with urllib.request.urlopen(request, timeout=10) as response:
        return jsonlib.load(response)


async def enrich(order: Record[str, Any], ctx: AsyncProcessorContext[str, Any]) -> None:
    customer = await asyncio.to_thread(fetch, order.value["customer"], order.idempotency_key)
    ctx.forward(order.key, {**order.value, "name": customer["name"]})


app = App()
app.stream("orders", key=utf8, value=json).process(enrich).to(
    "orders-enriched", key=utf8, value=json
)
app.run(handle_signals=True)

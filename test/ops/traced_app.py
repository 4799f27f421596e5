"""A traced application: a span of its own in each record's handler, exported as OTEL_* says."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from outrigger import App, ProcessorContext, Record, utf8

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("app")


def handle(record: Record[str, str], ctx: ProcessorContext[str, str]) -> None:
    with tracer.start_as_current_span("handle"):
        ctx.forward(record.key, record.value)


app = App()
app.stream(os.environ["OUTRIGGER_TEST_IN"], key=utf8, value=utf8).process(handle).to(
    os.environ["OUTRIGGER_TEST_OUT"], key=utf8, value=utf8
)
app.run(handle_signals=True)

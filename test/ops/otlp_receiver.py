"""Receives OTLP over HTTP and gRPC, by opentelemetry-proto's own classes; writes what came as JSON lines.

The first line is the two ports. A span and a metric are a line each.
"""

import gzip
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import (
    MetricsServiceServicer,
    add_MetricsServiceServicer_to_server,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)

lock = Lock()


def value_of(any_value):
    kind = any_value.WhichOneof("value")
    return None if kind is None else getattr(any_value, kind)


def attributes(pairs):
    return {
        pair.key: value_of(pair.value)
        for pair in pairs
        if pair.value.WhichOneof("value") in ("string_value", "int_value", "bool_value", "double_value")
    }


def write(line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def spans(body):
    for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                write(
                    {
                        "kind": "span",
                        "service": resource.get("service.name"),
                        "resource": resource,
                        "scope": of_scope.scope.name,
                        "schema": of_scope.schema_url,
                        "name": span.name,
                        "spanKind": span.kind,
                        "trace": span.trace_id.hex(),
                        "span": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "attributes": attributes(span.attributes),
                        "events": [event.name for event in span.events],
                        "links": [[link.trace_id.hex(), link.span_id.hex()] for link in span.links],
                        "status": span.status.code,
                        "state": span.trace_state,
                        "ms": (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
                    }
                )


def metrics(body):
    for of_resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        resource = attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_metrics:
            for metric in of_scope.metrics:
                data = metric.WhichOneof("data")
                write(
                    {
                        "kind": "metric",
                        "service": resource.get("service.name"),
                        "scope": of_scope.scope.name,
                        "name": metric.name,
                        "unit": metric.unit,
                        "data": data,
                        "monotonic": data == "sum" and metric.sum.is_monotonic,
                        "points": [
                            {**MessageToDict(point), "attributes": attributes(point.attributes)}
                            for point in getattr(metric, data).data_points
                        ],
                    }
                )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.body()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            spans(body)
            answer = ExportTraceServiceResponse().SerializeToString()
        elif self.path == "/v1/metrics":
            metrics(body)
            answer = ExportMetricsServiceResponse().SerializeToString()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def body(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers["content-length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, *_):
        pass


class Traces(TraceServiceServicer):
    def Export(self, request, context):
        spans(request.SerializeToString())
        return ExportTraceServiceResponse()


class Metrics(MetricsServiceServicer):
    def Export(self, request, context):
        metrics(request.SerializeToString())
        return ExportMetricsServiceResponse()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
over_grpc = grpc.server(ThreadPoolExecutor(4))
add_TraceServiceServicer_to_server(Traces(), over_grpc)
add_MetricsServiceServicer_to_server(Metrics(), over_grpc)
grpc_port = over_grpc.add_insecure_port("127.0.0.1:0")
over_grpc.start()
sys.stdout.write(f"{server.server_address[1]} {grpc_port}\n")
sys.stdout.flush()
server.serve_forever()

"""Traces by OpenTelemetry, where `OTEL_EXPORTER_OTLP_ENDPOINT` says where they go: a span for each request."""

from __future__ import annotations

import os
from collections.abc import Mapping

from torneo.errors import MissingExtraError
from torneo.http.front import App

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def traced(app: App, described: Mapping[str, str]) -> App:
    """The application with a span around each request, or as it is where no endpoint is set.

    Args:
        described: what is added to the resource of all spans, such as the projects served.

    Raises:
        MissingExtraError: an endpoint is set, and OpenTelemetry is not installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return app
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise MissingExtraError("OpenTelemetry", "otel", f"{ENDPOINTS[0]} (traces)") from error
    provider = TracerProvider(resource=Resource.create({"service.name": "torneo", **described}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    wrapped: App = OpenTelemetryMiddleware(app, tracer_provider=provider, exclude_spans=["receive", "send"])
    return wrapped

"""`telemetry()`: OpenTelemetry spans of runs, by the semantic conventions for generative AI.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/. The names of the attributes stand here,
because the package that has them (opentelemetry-semantic-conventions) calls them all unstable.
"""

from nbagent.run.telemetry.run_spans import RunSpans
from nbagent.run.telemetry.setup import caller, observers, telemetry

__all__ = ["RunSpans", "caller", "observers", "telemetry"]

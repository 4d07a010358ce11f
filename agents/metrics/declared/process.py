"""The process itself: what runs, its event loop, its log, its traces."""

from importlib.metadata import version
from typing import Literal, get_args

from agents.logs.handler import LeftOut
from agents.metrics.instruments import CounterBy, Declarations

SpanOutcome = Literal["exported", "failed"]


class ProcessMetrics:
    """Beside what Prometheus's own collector tells."""

    def __init__(self, declare: Declarations) -> None:
        self.build_info = declare.gauge_by(
            ("version", "config_version", "model"), "build_info", "1", "What runs here: always 1, see the labels."
        )
        self.certificate_end_s = declare.gauge_by(
            ("setting",),
            "certificate_expiry_timestamp_seconds",
            "seconds since 1970",
            "When the first of the certificates ends that `broker_ca`, `broker_certificate` or `web_certificate` "
            "names, as it was at the worker's start, or when the last was rotated. Take the min. Absent where none is "
            "set.",
        )
        self.loop_longest_block_s = declare.gauge(
            "loop_longest_block_seconds",
            "seconds",
            "The longest time since the start for which the event loop stood still, and the pages with it; a paused "
            "process and a machine that is too busy count. Above 1 something works in the loop that should not.",
        )
        self.log_lines_left_out: CounterBy[LeftOut] = declare.counter_by(
            "why",
            "log_lines_left_out",
            "lines",
            "Lines that were not logged: libraries' repeats, which are counted in a line a minute, and lines over "
            "SKILLSTREAM_LOG_LINES_PER_S.",
            get_args(LeftOut),
        )
        self.spans: CounterBy[SpanOutcome] = declare.counter_by(
            "outcome",
            "trace_spans",
            "spans",
            "Spans for SKILLSTREAM_TRACES: `exported`, or `failed` as the receiver did not take them. Those that found "
            "no room in OpenTelemetry's queue (OTEL_BSP_MAX_QUEUE_SIZE) are in the log alone.",
            get_args(SpanOutcome),
        )
        self.untraced_records = declare.counter(
            "untraced_records",
            "records",
            "Records with a `traceparent`, sampled or not, whose trace ended here, as those of "
            "SKILLSTREAM_TRACES_PER_BATCH others of their batch went on.",
        )

    def built(self, config_version: str, model: str) -> None:
        """Say what runs here."""
        self.build_info.replace({(version("skillstream"), config_version, model): 1.0})

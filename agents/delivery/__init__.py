"""Batch delivery inside Faust: whole fetches in, whole record batches out, acknowledged when confirmed."""

from agents.delivery.agent import BatchResult, BatchStep, Output, TableAgent
from agents.delivery.app import DeliveryApp, DeliveryHooks, create_app
from agents.delivery.run import EXIT_FATAL, EXIT_OK, EXIT_UNREACHABLE, run_worker
from agents.delivery.settings import DeliverySettings
from agents.delivery.writer import OutRecord, RecordBatchWriter

__all__ = [
    "EXIT_FATAL",
    "EXIT_OK",
    "EXIT_UNREACHABLE",
    "BatchResult",
    "BatchStep",
    "DeliveryApp",
    "DeliveryHooks",
    "DeliverySettings",
    "OutRecord",
    "Output",
    "RecordBatchWriter",
    "TableAgent",
    "create_app",
    "run_worker",
]

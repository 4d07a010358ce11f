"""The worker's web pages: probes for machines, health and metrics, and one page for people."""

from agents.web.access import Access, OpenToNetwork
from agents.web.server import CannotServe, WebServer

__all__ = ["Access", "CannotServe", "OpenToNetwork", "WebServer"]

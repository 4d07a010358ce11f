"""The worker's web pages: probes for machines, health and metrics, and one page for people."""

from agents.web.access import Access, OpenToNetwork
from agents.web.connections import Bounds
from agents.web.server import CannotServe, WebServer, WrongAddress

__all__ = ["Access", "Bounds", "CannotServe", "OpenToNetwork", "WebServer", "WrongAddress"]

"""The worker's web pages: probes for machines, health and metrics, and one page for people."""

from agents.web.access import OpenToNetwork, PageAccess, RoleTokens
from agents.web.connections import Bounds
from agents.web.server import CannotServe, WebServer, WrongAddress

__all__ = ["Bounds", "CannotServe", "OpenToNetwork", "PageAccess", "RoleTokens", "WebServer", "WrongAddress"]

"""What a worker writes to standard error: lines of text or JSON, bounded in number, each through one handler."""

from agents.logs.formats import Format, JsonLines, TextLines
from agents.logs.handler import LineHandler
from agents.logs.printed import Printed

__all__ = ["Format", "JsonLines", "LineHandler", "Printed", "TextLines"]

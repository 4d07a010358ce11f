"""`skillstream verify`, on Kafka: reads the topics, without joining the group, and has `streams.verification`
compare.
"""

from agents.operations.verify.run import Verification

__all__ = ["Verification"]

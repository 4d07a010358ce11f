"""Writes one chain: what the broker has not confirmed is written again, as it was, before anything that comes after."""

import secrets
from collections.abc import Sequence
from threading import Lock
from typing import Protocol

from agents.audit.chain import AuditedAct, HashChain
from schemas.audit import NewestRecord

_NAME_BYTES = 16


class AuditLog(Protocol):
    """Where records are: AuditTopic. Blocks."""

    def newest(self) -> NewestRecord | None:
        """The newest record; None where there is none. Raises TopicMismatch, TopicForbidden, Retryable."""
        ...

    def append(self, writer: str, values: Sequence[bytes]) -> None:
        """Append records of a writer, in their order; returns when all are confirmed. Raises BrokerUnavailable."""
        ...

    def close(self) -> None:
        """Let go of the clients."""
        ...


class ChainWriter:
    """Of one process, under a new name. From any thread: of several calls one waits for the other. Blocks."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._chain: HashChain | None = None
        self._acts: list[AuditedAct] = []
        self._unconfirmed: list[bytes] = []
        self._turn = Lock()

    def write(self, acts: Sequence[AuditedAct]) -> None:
        """Record the acts; returns when they are confirmed, and all before them. Raises as AuditLog does: then they are
        kept, and come first in the next call. A record that was confirmed unheard is on the topic twice, the same.
        """
        with self._turn:
            self._acts += acts
            if self._chain is None:
                self._chain = HashChain(secrets.token_hex(_NAME_BYTES), self._log.newest())
            self._unconfirmed += [self._chain.link(act) for act in self._acts]
            self._acts.clear()
            if self._unconfirmed:
                self._log.append(self._chain.writer, self._unconfirmed)
                self._unconfirmed.clear()

    def close(self) -> None:
        """Let go of the log's clients."""
        with self._turn:
            self._log.close()

"""The workers of a deployment, as each of them knows the others: announced on a topic, asked over HTTP.

    worker ──announcement──► skillstream-workers ──read when somebody asks──► Peers ──HTTP──► the other worker's pages

A worker that is not asked about the group does nothing but announce itself.
"""

from agents.peers.announcer import Announcer
from agents.peers.figures import GroupFigures, WorkerFigures
from agents.peers.group import Peer, WorkerGroup
from agents.peers.own import OwnWorker
from agents.peers.peers import Peers
from agents.peers.request import PeerAnswer, PeerRequests, PeerUnreachable
from agents.peers.topic import WorkersTopic

__all__ = [
    "Announcer",
    "GroupFigures",
    "OwnWorker",
    "Peer",
    "PeerAnswer",
    "PeerRequests",
    "PeerUnreachable",
    "Peers",
    "WorkerFigures",
    "WorkerGroup",
    "WorkersTopic",
]

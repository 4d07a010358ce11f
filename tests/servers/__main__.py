"""`python -m tests.servers COMMAND...`: the command, with a real Kafka and a real Redis to talk to."""

import sys

from tests.servers.shell import around

sys.exit(around(sys.argv[1:]))

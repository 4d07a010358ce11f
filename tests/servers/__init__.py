"""Real servers for tests and for people: Apache Kafka and Redis on free loopback ports.

Each server is a child process with a folder of its own, and a context manager:

    with RealKafka() as kafka:
        use(kafka.bootstrap)        # "127.0.0.1:23456"
        kafka.kill()                # SIGKILL, as a crash would
        kafka.restart()             # the same data, the same port

From a shell: `make kafka`, `python -m tests.servers.kafka`, or `python -m tests.servers COMMAND...`, which
starts both, runs the command with their addresses in its environment, and stops them.
"""

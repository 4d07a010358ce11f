"""What production does to a worker, done on purpose: `make chaos`.

Each experiment deploys two workers on a real Kafka and a real Redis, feeds them a seeded class, breaks something,
restarts what ended as a supervisor would, waits until all is committed, and asks `skillstream verify` whether every
event is accounted for. Three plant a fault that `verify` must find: a suite that cannot fail proves nothing.

    experiment   what an experiment is, and the list of them
    scene        what an experiment plays on: deployment, workers, load, waiting
    supervised   a worker that is started again when it ends
    fault        what a worker does to itself at the client's seam (faulty_worker does it)
    judge        the verdict of `skillstream verify`
    suite        all in turn, a line each, a summary
"""

"""What production does to a worker, done on purpose: `make chaos`.

Each experiment deploys two workers on a real Kafka and a real Redis, feeds them a seeded class, breaks something,
restarts what ended as a supervisor would, waits until all is committed, and asks `skillstream verify` whether every
event is accounted for. Some plant a fault that `verify` must find: a suite that cannot fail proves nothing.

    experiment   what an experiment is, and the list of them
    scene        what an experiment plays on: deployment, workers, load, waiting
    supervised   a worker that is started again when it ends
    fault        what a worker does to itself at the client's seam (faulty_worker does it)
    verdict      that of `skillstream verify`
    accounts     events by their ids, and left_over what was said of erased students, counted apart from it
    door_clients clients of the gateway, which send again what is not answered; door_batches what they send
    suite        all in turn, a line each, a summary
"""

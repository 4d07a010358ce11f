"""Of erasures under way. How many were asked for and done is among the outcomes of `internal_records`."""

from agents.metrics.instruments import Declarations


class ErasureMetrics:
    """Of one worker."""

    def __init__(self, declare: Declarations) -> None:
        self.erasures_open = declare.gauge(
            "erasures_open",
            "students",
            "Students whom this worker has read that they are to be erased, and who are not yet: mostly 0, since it "
            "takes some 50 ms.",
            adds_up="yes",
        )
        self.erasures_oldest_s = declare.gauge(
            "erasures_oldest_seconds", "seconds", "For how long the oldest of them has been waiting; 0 for none."
        )
        self.former_rows = declare.gauge(
            "store_former_rows",
            "students",
            "Students who are erased, while files of this worker's store on disk still hold what was stored of them: "
            "for some seconds. 0 with rows in memory.",
            adds_up="yes",
        )

"""What a worker's log holds: bounded in lines, nothing left out in silence, one JSON object a line where asked."""

import io
import json
import logging
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.cli.logs import Redacting
from agents.logs import JsonLines, LineHandler, TextLines

FLOOD = 78_515
"""Lines that one outage of 23 s wrote."""


class Log:
    """A handler with a clock set by hand, and what it wrote; loggers of their own, so that nothing else is heard."""

    def __init__(self, form: logging.Formatter | None = None, **options: Any) -> None:
        self.now_s = 1_000.0
        self.stream = io.StringIO()
        self.handler = LineHandler(self.stream, clock_s=lambda: self.now_s, **options)
        self.handler.setFormatter(Redacting(form or logging.Formatter("%(name)s %(levelname)s %(message)s")))
        self.left_out: Counter[str] = Counter()
        self.handler.on_left_out = lambda why: self.left_out.update([why])

    def write(self, logger: str, message: str, *args: object, level: int = logging.WARNING, **extra: object) -> None:
        record = logging.LogRecord(logger, level, __file__, 1, message, args, None)
        vars(record).update(extra)
        self.handler.handle(record)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


def test_an_outage_that_libraries_repeat_is_a_line_a_minute_with_the_count() -> None:
    log = Log()
    for number in range(FLOOD):
        log.write("aiokafka.consumer", "Heartbeat %d failed: coordinator %s is away", number, "one")
        log.now_s += 23 / FLOOD
    assert log.lines == ["aiokafka.consumer WARNING Heartbeat 0 failed: coordinator one is away"]
    log.now_s += 60
    log.write("faust", "something else")

    assert log.lines[1:] == [
        "aiokafka.consumer WARNING Heartbeat 0 failed: coordinator one is away (78514 more like this in 83 s)",
        "faust WARNING something else",
    ]
    assert log.left_out == {"repeated": FLOOD - 1}


def test_what_goes_on_is_said_every_minute_and_after_a_quiet_one_it_is_news() -> None:
    log = Log()
    for _ in range(180):
        log.write("aiokafka", "away")
        log.now_s += 1
    log.now_s += 120
    log.write("aiokafka", "away")
    log.now_s += 61
    log.write("aiokafka", "away")

    counted = [line.removeprefix("aiokafka WARNING ") for line in log.lines]
    assert counted == [
        "away",
        "away (59 more like this in 60 s)",
        "away (60 more like this in 60 s)",
        "away (60 more like this in 180 s)",
        "away (1 more like this in 61 s)",
    ]


def test_a_count_that_nothing_follows_is_written_at_the_end() -> None:
    log = Log()
    for _ in range(3):
        log.write("aiokafka", "away")
    log.handler.close()

    assert log.lines == ["aiokafka WARNING away", "aiokafka WARNING away (2 more like this in 0 s)"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 90)), max_size=60))
def test_every_record_is_either_a_line_or_in_a_count(records: list[tuple[str, float]]) -> None:
    log = Log(lines_per_s=1_000)
    for message, pause_s in records:
        log.write("aiokafka", message)
        log.now_s += pause_s
    log.handler.close()
    counted = sum(int(line.partition("(")[2].split()[0]) for line in log.lines if "more like this" in line)

    assert counted + sum("more like this" not in line for line in log.lines) == len(records)
    assert log.left_out["repeated"] == counted


def test_templates_that_never_repeat_take_neither_memory_nor_lines_without_bound() -> None:
    log = Log(lines_per_s=10_000)
    for number in range(5_000):
        dead_letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
        log.write("aiokafka.client", f"unique {dead_letters}")
    log.handler.close()

    assert len(log.lines) < 300
    assert "4743 more of other kinds" in log.lines[-1]


def test_numbers_in_a_template_make_no_new_kind() -> None:
    log = Log()
    for number in range(100):
        log.write("aiokafka.client", f"node {number} is away")

    assert len(log.lines) == 1


def test_what_has_no_template_is_told_apart_by_what_it_says() -> None:
    log = Log()
    for text in ("one is away", "two is gone", "one is away"):
        log.write("py.warnings", "%s", text)

    assert log.lines == ["py.warnings WARNING one is away", "py.warnings WARNING two is gone"]


def test_our_own_lines_are_not_folded_but_bounded_by_the_second_and_what_is_left_out_is_said() -> None:
    log = Log(lines_per_s=2.0)
    for number in range(100):
        log.write("agents.worker.worker", "Source failed in batch %d", number)
    assert len(log.lines) == 20
    log.now_s += 6
    log.write("agents.worker.worker", "and on")

    assert log.lines[20:] == [
        "agents.logs.handler WARNING 80 lines were left out: there were more than SKILLSTREAM_LOG_LINES_PER_S allows",
        "agents.worker.worker WARNING and on",
    ]
    assert log.left_out == {"over_rate": 80}


def test_the_first_error_of_a_kind_is_written_however_many_lines_there_are() -> None:
    log = Log(lines_per_s=1.0)
    for _ in range(50):
        log.write("agents.worker.worker", "chatter")
    for _ in range(50):
        log.write("agents.worker.input_identity", "records were lost on %d", 3, level=logging.ERROR)

    assert log.lines[10:] == ["agents.worker.input_identity ERROR records were lost on 3"]


def test_many_threads_lose_no_count() -> None:
    log = Log()

    def flood() -> None:
        for _ in range(2_000):
            log.write("aiokafka", "away")

    threads = [threading.Thread(target=flood) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.handler.write_counts()

    assert len(log.lines) == 2
    assert "15999 more" in log.lines[1]


def test_a_record_whose_arguments_do_not_fit_is_a_line_all_the_same() -> None:
    log = Log()
    log.write("aiokafka", "%d partitions", "no number")

    assert len(log.lines) == 1
    assert "%d partitions" in log.lines[0]


# -- JSON


def parsed(log: Log) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.lines]


def test_a_json_line_has_time_level_logger_message_and_the_fields_of_the_record() -> None:
    log = Log(JsonLines())
    log.write("agents.logs.lifecycle", "Partitions assigned: %s", "1, 2", partitions=[1, 2], where=Path("a"))
    (line,) = parsed(log)

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "agents.logs.lifecycle",
        "message": "Partitions assigned: 1, 2",
        "partitions": [1, 2],
        "where": "a",
    }


def test_an_exception_is_a_field_of_its_line() -> None:
    log = Log(JsonLines())
    try:
        int("of two\nlines")
    except ValueError:
        log.handler.handle(logging.LogRecord("agents", logging.ERROR, "", 1, "failed", (), sys.exc_info()))
    (line,) = parsed(log)

    assert line["message"] == "failed"
    assert line["exception"].startswith("Traceback (most recent call last)")
    assert "ValueError: invalid literal" in line["exception"]


@given(st.text(max_size=50), st.text(max_size=50))
def test_whatever_is_logged_is_one_line_of_json(message: str, value: str) -> None:
    log = Log(JsonLines())
    log.write("agents", "%s", message, value=value)

    assert len(log.stream.getvalue().split("\n")) == 2
    assert parsed(log)[0].keys() == {"time", "level", "logger", "message", "value"}


def test_a_secret_in_a_field_is_hidden_as_in_a_message() -> None:
    log = Log(JsonLines())
    log.write("agents", "at %s", "redis://:hush-hush@one:1", where="redis://:hush-hush@one:1")

    assert "hush" not in log.stream.getvalue()


def test_a_long_traceback_is_cut() -> None:
    record = logging.LogRecord("agents", logging.ERROR, "", 1, "failed", (), None)
    record.exc_text = "x" * 100_000

    assert len(JsonLines().format(record)) < 17_000
    assert len(TextLines().format(record)) < 17_000


PROGRAM = """
import sys, threading, warnings
from agents.cli.logs import log_to_stderr, own_stderr
log_to_stderr("info", "json")
own_stderr("json")
sys.stderr.write("a library ")
sys.stderr.write("prints\\n")
warnings.warn("of a library's use")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise ValueError("nobody catches it, at redis://:hush-hush@one:1")
"""


def test_nothing_goes_past_a_json_log() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    printed, warned, of_thread, uncaught = [json.loads(line) for line in run.stderr.splitlines()]

    assert run.returncode == 1
    assert printed["message"] == "a library prints"
    assert "of a library's use" in warned["message"]
    assert "ZeroDivisionError" in of_thread["exception"]
    assert "nobody catches it" in uncaught["exception"]
    assert "hush" not in run.stderr

"""No secret in what is shown: by its place in any text, by its value where the settings hold it."""

import logging
import sys
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cli.logs import Redacting
from agents.config.settings import SettingsError, load_settings
from agents.display.plain import plain, plain_lines
from agents.display.redaction import HIDDEN, Redaction, redact

PASSWORDS = [
    "can4ry",
    "can4/ry",
    "can#4ry",
    "can?4ry",
    "c@n@4ry",
    "can:4:ry",
    "can%4ry",
    "can%2F4ry",
    "c,a[n]4ry",
    "can'4\"ry",
]
ADDRESSES = [
    "redis://user:{}@host:6379/0",
    "redis://:{}@host",
    "rediss://user:{}@[::1]:6379/0",
    "https://user:{}@gateway.example/v1?x=1",
    "kafka://user:{}@broker:9092,kafka://user:{}@other:9092",
    "user:{}@broker:9092",
    "user:{}@broker:9092,user:{}@other:9092",
    "user:{}@[2001:db8::1]:9092",
    ":{}@broker:6379",
]


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    redact.know([])
    yield
    redact.know([])


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("address", ADDRESSES)
def test_what_stands_before_the_at_of_an_address_is_hidden(address: str, password: str) -> None:
    url = address.replace("{}", password)
    for text in (url, f"cannot connect to {url}: refused", f"ValueError({url!r})", f"a {url} and b {url} and c"):
        shown = redact(text)
        assert password not in shown, shown
        assert "4" not in shown.replace("6379", "").replace("9092", ""), shown
        assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "http://host/v1?password=can4ry&x=1",
        "http://host/v1?a=b&api_key=can4ry",
        "http://host/v1?key=can4ry#top",
        "redis://host:6379/0?db=1&password=can4ry",
        "sasl.password=can4ry",
        "OPENAI_API_KEY=can4ry",
        "password='can4ry with blanks'",
        "{'sasl.password': 'can4ry', 'x': 1}",
        '{"access_token": "can4ry"}',
        "Authorization: Bearer can4ry.can4ry",
        "headers={'Authorization': 'Basic dTpjYW40cnk='}",
        "Incorrect API key provided: sk-can4ry-can4ry.",
        "sent Bearer can4ry_can4ry",
        "request headers: x-api-key: can4ry, accept: */*",
    ],
)
def test_what_is_named_a_secret_is_hidden(text: str) -> None:
    shown = redact(text)

    assert "4ry" not in shown
    assert "dTpj" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    [
        "broker-1:9092,broker-2:9092 does not answer",
        "redis://redis:6379/0",
        "Source model failed: KeyError('a')",
        "student-activity/3: stopped at dead letter 3@17",
        "problem_solving@1a2b3c4d, for 1 skills",
        "OPENAI_API_KEY is missing or empty: set it, or choose (SKILLSTREAM_REASONING=scripted)",
        "2026-03-02 12:00:01,123 INFO agents.worker.worker: Pages at http://127.0.0.1:6066/",
        "max_tokens=1500 tokens: 3",
        "[::1]:9092",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("secret", ["s3cret/va?lue", 'quo"te\\back', "ünïcode-sécret", "tab\there", "a b c d e f"])
def test_a_known_secret_is_hidden_in_every_spelling(secret: str) -> None:
    import base64
    import json
    from urllib.parse import quote, quote_plus

    redaction = Redaction()
    redaction.know([secret])
    spellings = (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret, safe="").lower(),
        json.dumps(secret)[1:-1],
        json.dumps(secret)[1:-1].replace("/", "\\/"),
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    )
    for spelling in spellings:
        assert redaction(f"<{spelling}>") == f"<{HIDDEN}>"


def test_a_known_secret_that_is_too_short_blots_nothing_out() -> None:
    redaction = Redaction()
    redaction.know(["worker", "is", ""])

    assert redaction("this worker is fine") == f"this {HIDDEN} is fine"


@given(st.text(max_size=200))
def test_any_text_is_shown_on_one_printable_line(text: str) -> None:
    assert plain(text).isprintable()


@given(
    password=st.text(st.characters(exclude_categories=["Z", "C"]), min_size=6, max_size=30).filter(
        lambda p: "://" not in p
    ),
    before=st.text(max_size=30),
    after=st.text(max_size=30),
)
def test_no_password_without_a_blank_survives_in_an_address(password: str, before: str, after: str) -> None:
    text = f"{before} redis://user:{password}@host:6379/0 {after}"

    assert f"user:{password}" not in redact(text)


@pytest.mark.parametrize("text", ["a" * 200_000, "a:" * 100_000, "a://" * 50_000, "x=" * 100_000, "@" * 200_000])
def test_a_long_text_takes_time_in_proportion(text: str) -> None:
    began_s = time.process_time()
    redact(text)

    assert time.process_time() - began_s < 5


def formatted(message: str, *args: object, failed: Exception | None = None) -> str:
    info = None
    if failed is not None:
        try:
            raise failed
        except type(failed):
            info = sys.exc_info()
    record = logging.LogRecord("agents.x", logging.WARNING, __file__, 1, message, args, info)
    return Redacting(logging.Formatter("%(levelname)s %(message)s")).format(record)


def test_a_log_line_and_its_traceback_hold_no_secret() -> None:
    shown = formatted(
        "to %s: %r", "redis://u:can4ry@h", KeyError("sk-can4ry-can4ry"), failed=ValueError("https://u:can4ry@h/")
    )

    assert "can4ry" not in shown
    assert "Traceback (most recent call last):\n" in shown
    assert f"ValueError: https://{HIDDEN}@h/" in shown


def test_what_others_wrote_begins_no_line_of_its_own_in_the_log() -> None:
    shown = formatted("dead letter: %s", "x\n2026-01-01 ERROR forged \x1b[31m\u202e")

    assert shown == r"WARNING dead letter: x\n2026-01-01 ERROR forged \x1b[31m\u202e"


def test_arguments_that_do_not_fit_a_log_message_are_not_shown() -> None:
    assert "can4ry" not in formatted("no place for %d", "can4ry")


def test_lines_of_a_traceback_are_cut_and_kept_apart() -> None:
    assert [len(line) < 3_000 for line in plain_lines("a\n" + "b" * 9_999).splitlines()] == [True, True]


def test_settings_make_their_secrets_known() -> None:
    load_settings(
        {
            "OPENAI_API_KEY": "can4ry-key",
            "SKILLSTREAM_REDIS_URL": "redis://u:can4ry%2Fredis@h:6379/0",
            "OPENAI_BASE_URL": "https://h/v1?code=can4ry-base",
        }
    )

    assert redact("can4ry-key can4ry/redis can4ry%2Fredis can4ry-base") == " ".join([HIDDEN] * 4)
    assert redact("redis://h:6379/0") == "redis://h:6379/0"


def test_settings_that_are_refused_make_their_secrets_known_too() -> None:
    with pytest.raises(SettingsError):
        load_settings({"SKILLSTREAM_REDIS_URL": "u:can4ry-redis@h", "SKILLSTREAM_PARTITIONS": "x"})

    assert "can4ry" not in redact("can4ry-redis")

"""The key of our own headers: made once, the same for every process that comes after, or set."""

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from streams.input.origin import ORIGIN_HEADER
from streams.replay import FileRecord

HEADER = (ORIGIN_HEADER, b"in/1/2/0")


def settings_of(broker: str, name: str, **given: str) -> Settings:
    return Settings(broker=broker, app_id=name, **given)  # type: ignore[arg-type]


def signed_by(keyring: Keyring) -> FileRecord:
    headers = keyring.sign("in", 0, b"ada", b"{}", (HEADER,))
    return FileRecord(0, 0, b"{}", "in", 0, b"ada", tuple((name, value or b"") for name, value in headers))


def test_a_key_is_made_once_and_found_by_all_who_come_after(broker: str) -> None:
    settings = settings_of(broker, "made-once")
    first, reader = Keyring(settings).open_or_make(), Keyring(settings).open()
    second = Keyring(settings).open_or_make()

    assert signed_by(first) == signed_by(second) == signed_by(reader)
    assert len(signed_by(first).headers) == 2
    assert reader.authentic(signed_by(first))


def test_of_two_that_make_one_at_once_the_first_on_the_topic_signs_for_both(broker: str) -> None:
    settings = settings_of(broker, "made-twice")
    one, two = Keyring(settings).open(), Keyring(settings).open()
    one.make()
    two.make()

    assert signed_by(one.open()) == signed_by(two.open())


def test_a_key_that_is_set_signs_and_the_one_that_was_made_stays_valid(broker: str) -> None:
    made = Keyring(settings_of(broker, "rotated")).open_or_make()
    rotated = Keyring(settings_of(broker, "rotated", header_key="a new key,an old key")).open_or_make()
    former = Keyring(settings_of(broker, "another", header_key="an old key"))

    assert signed_by(rotated) != signed_by(made)
    assert all(rotated.authentic(signed_by(each)) for each in (rotated, made, former))
    assert not made.authentic(signed_by(rotated))


def test_without_any_key_nothing_is_signed_and_nothing_trusted(broker: str) -> None:
    nobody = Keyring(settings_of(broker, "nobody")).open()

    assert signed_by(nobody).headers == (HEADER,)
    assert not nobody.authentic(signed_by(nobody))

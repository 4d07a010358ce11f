"""Tenants: what their file says, whose a record is, and whose a student."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.config.settings import SettingsError, load_settings
from agents.config.tenants import Tenants, hash_of
from agents.display.redaction import redact
from streams.input.tenancy import ONE_TENANT, TENANT_HEADER, UNSIGNED, Tenancy
from streams.replay import FileRecord

ROOT: Final = Path(__file__).parents[2]
NORTH_KEY, NORTH_NEXT, SOUTH_KEY = ("n" * 32, "m" * 32, "s" * 32)
FILE: Final = f"""
[tenants.north]
students = "north:"
signing_keys = ["{NORTH_NEXT}", "{NORTH_KEY}"]
gateway_keys = ["{hash_of("the key of north's programs")}"]

[tenants.south]
students = "south:"
signing_keys = ["{SOUTH_KEY}"]
"""
TENANCY: Final = Tenancy(
    {"north": "north:", "south": "south:"}, {"north": [NORTH_KEY.encode()], "south": [SOUTH_KEY.encode()]}
)
KEY, VALUE = b"north:ada", b'{"type":"attempt"}'


def loaded(tmp_path: Path, text: str = FILE) -> Tenants:
    path = tmp_path / "tenants.toml"
    path.write_text(text, encoding="utf-8")
    return Tenants.of(load_settings({"SKILLSTREAM_TENANTS": str(path)}))


def record(*headers: tuple[str, Any], key: bytes | None = KEY, value: bytes | None = VALUE) -> FileRecord:
    return FileRecord(0, 0, value, "in", 0, key, headers)


# -- the file


def test_a_gateway_key_opens_its_tenant_alone(tmp_path: Path) -> None:
    tenants = loaded(tmp_path)

    found = tenants.of_gateway_key("the key of north's programs")
    assert found is not None
    assert (found.name, found.students) == ("north", "north:")
    for other in ("", "another", hash_of("the key of north's programs"), "\udcff"):
        assert tenants.of_gateway_key(other) is None


def test_what_a_tenant_signs_is_its_own(tmp_path: Path) -> None:
    tenants = loaded(tmp_path)

    for name in ("north", "south"):
        assert tenants.tenancy.of_record(record(*tenants.by_name[name].sign(KEY, VALUE))) == name


def test_a_former_key_stays_valid_while_the_first_one_signs(tmp_path: Path) -> None:
    tenants = loaded(tmp_path)
    former = TENANCY.sign("north", KEY, VALUE)

    assert tenants.by_name["north"].sign(KEY, VALUE) != former
    assert tenants.tenancy.of_record(record(*former)) == "north"


def test_without_a_file_there_are_none_and_all_is_unsigned() -> None:
    tenants = Tenants.of(load_settings({}))

    assert not tenants
    assert tenants.tenancy is ONE_TENANT
    assert tenants.of_gateway_key("") is None
    assert ONE_TENANT.of_student("north:ada") == UNSIGNED


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "tenants is missing"),
        ("[tenants]", "tenants: has 0 entries, 1..1000 are allowed"),
        ("not toml", "tenants.toml: "),
        (FILE + "\n[tenant.west]", "tenant: there is no such key. Did you mean tenants?"),
        (FILE.replace("students", "student"), "tenants.north.student: there is no such key. Did you mean students?"),
        (FILE.replace("tenants.north", "tenants.North"), "its name 'North' is not a text of the form [a-z0-9_-]{1,32}"),
        (FILE.replace("tenants.north", "tenants.unsigned"), "tenants.unsigned: so records are called"),
        (FILE.replace('"south:"', '"north:"'), "tenants.south.students: 'north:' begins with 'north:'"),
        (FILE.replace('"south:"', '"north:west:"'), "tenants.south.students: 'north:west:' begins with 'north:'"),
        (FILE.replace('"south:"', '""'), "tenants.north.students: 'north:' begins with ''"),
        (FILE.replace('"south:"', "3"), "tenants.south.students: 3 is not a text"),
        (FILE.replace(SOUTH_KEY, NORTH_KEY), "tenants.south.signing_keys: one of them is north's, too"),
        (FILE.replace(SOUTH_KEY, "s" * 31), "tenants.south.signing_keys: a list of at least one key of 32 characters"),
        (FILE.replace(f'["{SOUTH_KEY}"]', f'"{SOUTH_KEY}"'), "tenants.south.signing_keys: a list of at least one key"),
        (FILE.replace(f'["{SOUTH_KEY}"]', "[]"), "tenants.south.signing_keys: a list of at least one key"),
        (FILE.replace("sha256:", ""), "tenants.north.gateway_keys: a list of hashes, each sha256: and 64"),
    ],
)
def test_a_mistake_in_the_file_is_named_and_no_secret_with_it(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        loaded(tmp_path, text)

    assert said in str(error.value)
    assert str(tmp_path / "tenants.toml") in str(error.value)
    for secret in (NORTH_KEY, SOUTH_KEY, "s" * 31, hash_of("the key of north's programs")[7:]):
        assert secret not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: No such file"):
        Tenants.load(str(tmp_path / "none.toml"))


def test_signing_keys_are_shown_nowhere(tmp_path: Path) -> None:
    tenants = loaded(tmp_path)

    assert redact(f"a key: {SOUTH_KEY}") == "a key: ***"
    assert NORTH_KEY not in repr(tenants.tenancy) + repr(tenants.by_name)


# -- records and students


@pytest.mark.parametrize(
    "headers",
    {
        "none": (),
        "of another record": TENANCY.sign("north", b"north:bob", VALUE),
        "of another value": TENANCY.sign("north", KEY, b"{}"),
        "of a value that is null": TENANCY.sign("north", KEY, None),
        "twice": TENANCY.sign("north", KEY, VALUE) * 2,
        "of another's key": ((TENANT_HEADER, b"north" + (TENANCY.sign("south", KEY, VALUE)[0][1] or b"")[5:]),),
        "garbage": ((TENANT_HEADER, b"\xff"),),
        "null": ((TENANT_HEADER, None),),
        "of an unknown key": Tenancy({}, {"north": [b"unknown"]}).sign("north", KEY, VALUE),
    }.values(),
)
def test_a_header_that_does_not_fit_proves_nothing(headers: tuple[tuple[str, Any], ...]) -> None:
    assert TENANCY.of_record(record(*headers)) == UNSIGNED


@given(key=st.none() | st.binary(), value=st.none() | st.binary(), other=st.none() | st.binary())
def test_a_proof_is_of_one_key_and_value(key: bytes | None, value: bytes | None, other: bytes | None) -> None:
    headers = TENANCY.sign("north", key, value)

    assert TENANCY.of_record(record(*headers, key=key, value=value)) == "north"
    assert (TENANCY.of_record(record(*headers, key=other, value=value)) == "north") is (other == key)
    assert (TENANCY.of_record(record(*headers, key=key, value=other)) == "north") is (other == value)


@given(
    beginnings=st.sets(st.text("ab:", min_size=1, max_size=3), max_size=6),
    student=st.text("ab:c", max_size=5),
)
def test_a_student_is_whose_beginning_its_id_has(beginnings: set[str], student: str) -> None:
    apart = {one for one in beginnings if not any(one != other and one.startswith(other) for other in beginnings)}
    tenancy = Tenancy({f"t{number}": beginning for number, beginning in enumerate(sorted(apart))})

    expected = [name for name, beginning in tenancy.students.items() if student.startswith(beginning)]
    assert tenancy.of_student(student) == (expected[0] if expected else UNSIGNED)


def test_the_header_that_the_documentation_makes_is_the_one_that_is_read() -> None:
    page = (ROOT / "docs" / "tenants.md").read_text("utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    defined: dict[str, Any] = {}
    exec(code, defined)

    for value in (VALUE, None):
        assert (defined["tenant_header"]("north", NORTH_KEY, KEY, value),) == TENANCY.sign("north", KEY, value)

"""Attachments whose contents come with the statements, as `multipart/mixed`: what is taken, and which rule is named."""

import base64
import hashlib
from contextlib import suppress
from typing import Any, Final

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.gateway.multipart import MULTIPART_TYPE, sent_body
from agents.gateway.refusal import NotTaken
from tests.contract.test_gateway_statements import STATEMENTS
from tests.contract.test_xapi_rules import ATTACHED, SIGNATURE, SUB, without
from tests.contract.xapi_statements import ID, OTHER_ID, statement

TYPE: Final = f"{MULTIPART_TYPE}; boundary=abc"
DRAWING: Final = b"a drawing\r\n\r\n--of a face\x00\xff, with commas"
TEXT: Final = b"what a student wrote"
JSON_PART: Final = b"Content-Type: application/json"


def sha2(content: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, content).hexdigest()


def attached(content: bytes, kind: dict[str, Any] = ATTACHED, algorithm: str = "sha256") -> dict[str, Any]:
    return {**kind, "sha2": sha2(content, algorithm), "length": len(content)}


def about(*contents: bytes, **given: Any) -> dict[str, Any]:
    """A statement with these attached."""
    return statement(attachments=[attached(content) for content in contents], **given)


def part(content: bytes, sha: str | None = None, encoding: bytes = b"binary") -> bytes:
    """A content with its header."""
    said = (sha if sha is not None else sha2(content)).encode()
    lines = b"Content-Type: image/png\r\nContent-Transfer-Encoding: " + encoding + b"\r\nX-Experience-API-Hash: " + said
    return lines + b"\r\n\r\n" + content


def body(document: Any, *parts: bytes, header: bytes = JSON_PART) -> bytes:
    first = header + b"\r\n\r\n" + orjson.dumps(document)
    return b"".join(b"--abc\r\n" + each + b"\r\n" for each in (first, *parts)) + b"--abc--\r\n"


def posted(sent: bytes, content_type: str = TYPE) -> Any:
    """What is answered."""
    return STATEMENTS.posted(sent_body(content_type, sent), "1.0", "", "north").answer


def signing(content: bytes) -> dict[str, Any]:
    """A statement whose signature is this."""
    return statement(attachments=[attached(content, {**SIGNATURE, "contentType": "application/octet-stream"})])


def signed(header: Any, payload: Any) -> bytes:
    """A JWS of a signature that nobody checks."""
    said = [part if isinstance(part, bytes) else orjson.dumps(part) for part in (header, payload)]
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (*said, b"signature"))


def signature(header: Any, payload: Any) -> bytes:
    """A request with a statement that is signed so."""
    jws = signed(header, payload)
    return body(signing(jws), part(jws))


WHOLE: Final = body(about(DRAWING), part(DRAWING))
TAKEN: Final[dict[str, bytes]] = {
    "one content": WHOLE,
    "text before the first boundary and behind the last": b"for people\r\n" + WHOLE + b"also for people",
    "blanks behind a boundary": WHOLE.replace(b"--abc\r\n", b"--abc \t\r\n"),
    "no content": body(statement()),
    "an empty content": body(about(b""), part(b"")),
    "a fileUrl as well": body(
        statement(attachments=[{**attached(DRAWING), "fileUrl": "https://school.example/d.png"}]), part(DRAWING)),
    "a fileUrl alone": body(statement(attachments=[{**ATTACHED, "fileUrl": "https://school.example/d.png"}])),
    "several statements": body([about(DRAWING), about(DRAWING, TEXT, id=OTHER_ID)], part(TEXT), part(DRAWING)),
    "the same content twice": body(about(DRAWING), part(DRAWING), part(DRAWING)),
    "a hash in upper case": body(about(DRAWING), part(DRAWING, sha2(DRAWING).upper())),
    "another hash of the family": body(
        statement(attachments=[attached(DRAWING, algorithm="sha512")]), part(DRAWING, sha2(DRAWING, "sha512"))),
    "the attachment of a SubStatement": body(
        statement(object={**SUB, "attachments": [attached(DRAWING)]}), part(DRAWING)),
    "a signature": signature({"alg": "RS256"}, statement()),
}  # fmt: skip
REFUSED: Final[dict[str, tuple[bytes, str, str]]] = {
    "no boundary in the header": (WHOLE, MULTIPART_TYPE, "XAPI-00131"),
    "a boundary of 71 characters": (WHOLE, f"{MULTIPART_TYPE}; boundary={'a' * 71}", "XAPI-00131"),
    "another boundary in the header": (WHOLE, f"{MULTIPART_TYPE}; boundary=other", "XAPI-00130"),
    "nothing": (b"", TYPE, "XAPI-00130"),
    "no boundary before a header": (
        WHOLE.replace(b"--abc\r\nContent-Type: image", b"Content-Type: image"), TYPE, "not_json"),
    "no last boundary": (WHOLE.replace(b"--abc--", b""), TYPE, "XAPI-00130"),
    "a longer boundary": (WHOLE.replace(b"--abc\r\n", b"--abcd\r\n"), TYPE, "XAPI-00130"),
    "a header that does not end": (b"--abc\r\n" + JSON_PART + b"\r\n--abc--", TYPE, "XAPI-00130"),
    "no header": (WHOLE.replace(JSON_PART + b"\r\n", b""), TYPE, "XAPI-00134"),
    "a first part of another type": (
        body(about(DRAWING), part(DRAWING), header=b"Content-Type: text/plain"), TYPE, "XAPI-00134"),
    "statements behind the contents": (
        b"--abc\r\n" + part(DRAWING) + b"\r\n" + body(about(DRAWING)), TYPE, "XAPI-00134"),
    "statements in two parts": (
        body(about(DRAWING), part(DRAWING), JSON_PART + b"\r\n\r\n" + orjson.dumps(statement())), TYPE, "XAPI-00135"),
    "another transfer encoding": (body(about(DRAWING), part(DRAWING, encoding=b"base64")), TYPE, "XAPI-00135"),
    "no hash": (body(about(DRAWING), part(DRAWING, "")), TYPE, "XAPI-00132"),
    "a hash of another content": (body(about(DRAWING), part(TEXT, sha2(DRAWING))), TYPE, "XAPI-00132"),
    "a hash that is none": (body(about(DRAWING), part(DRAWING, "g" * 64)), TYPE, "XAPI-00132"),
    "a content of no attachment": (body(about(DRAWING), part(DRAWING), part(TEXT)), TYPE, "XAPI-00128"),
    "a content, and no attachment": (body(statement(), part(TEXT)), TYPE, "XAPI-00128"),
    "an attachment without content": (body(about(DRAWING, TEXT), part(DRAWING)), TYPE, "XAPI-00129"),
    "no parts at all": (orjson.dumps(about(DRAWING)), "application/json", "XAPI-00129"),
    "an attachment of a SubStatement without content": (
        body(statement(object={**SUB, "attachments": [ATTACHED]})), TYPE, "XAPI-00129"),
    "attachments by another spelling": (
        orjson.dumps(about(DRAWING)).replace(b'"attach', b'"\\u0061ttach'), "application/json", "XAPI-00129"),
    "another length": (
        body(statement(attachments=[{**attached(DRAWING), "length": 1}]), part(DRAWING)), TYPE, "XAPI-00102"),
    "an attachment without hash": (
        body(statement(attachments=[without(ATTACHED, "sha2")]), part(DRAWING)), TYPE, "XAPI-00103"),
    "a signature of three parts that are none": (body(signing(b"..."), part(b"...")), TYPE, "XAPI-00115"),
    "a signature that is none": (body(signing(TEXT), part(TEXT)), TYPE, "XAPI-00115"),
    "a signature by another algorithm": (signature({"alg": "HS256"}, statement()), TYPE, "XAPI-00117"),
    "a signature of no JSON": (signature({"alg": "RS256"}, b"{"), TYPE, "XAPI-00116"),
    "a signature of no statement": (signature({"alg": "RS256"}, [5]), TYPE, "XAPI-00116"),
}  # fmt: skip


@pytest.mark.parametrize("sent", TAKEN.values(), ids=TAKEN)
def test_statements_are_taken_with_the_contents_of_their_attachments(sent: bytes) -> None:
    assert posted(sent)[0] == ID


@pytest.mark.parametrize(("sent", "content_type", "rule"), REFUSED.values(), ids=REFUSED)
def test_a_rule_of_parts_and_contents_that_is_broken_is_named(sent: bytes, content_type: str, rule: str) -> None:
    with pytest.raises(NotTaken) as refused:
        posted(sent, content_type)

    assert (refused.value.status, refused.value.more["rule"]) == (400, rule)


def test_of_a_request_the_statement_is_stored_and_no_content() -> None:
    document = orjson.dumps(about(TEXT, version="1.0.0"))
    sent = b"--abc\r\n" + JSON_PART + b"\r\n\r\n" + document + b"\r\n--abc\r\n" + part(TEXT) + b"\r\n--abc--"

    taken = STATEMENTS.put(sent_body(TYPE, sent), "1.0", "", "north", ID)

    assert (taken.status, [orjson.loads(record.value) for record in taken.records]) == (204, [orjson.loads(document)])


PIECES: Final = [b"--abc", b"--", b"\r\n", b"\n", JSON_PART, b" ", b"\xff\x00", part(TEXT), part(b"", "")]
PARTS: Final = [part(TEXT), part(TEXT, encoding=b"base64"), b""]


@given(
    st.one_of(
        st.lists(st.sampled_from(PIECES)).map(b"".join),
        st.lists(st.sampled_from(PARTS)).map(lambda parts: body(statement(), *parts)),
    ),
    st.one_of(st.just(TYPE), st.text(st.characters(max_codepoint=255)).map(f"{MULTIPART_TYPE}; boundary".__add__)),
)
def test_whatever_is_sent_is_read_or_refused(sent: bytes, content_type: str) -> None:
    with suppress(NotTaken):
        assert sent.count(TEXT) >= len(sent_body(content_type, sent).contents)


def test_more_parts_than_a_request_may_have_are_too_large() -> None:
    contents = [b"%d" % number for number in range(1_001)]
    with pytest.raises(NotTaken) as refused:
        posted(body(about(*contents), *(part(content) for content in contents)))

    assert refused.value.status == 413

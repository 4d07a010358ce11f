"""Markup of editors is taken out of what students wrote; what they wrote themselves stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects.markup import without_markup
from streams.texts.words import tokenise

HTML = {
    "tags and entities": (
        "<p>In <strong>other</strong> words, for&nbsp;example: I&#39;m sorry to&nbsp;hear that.</p>",
        "In other words, for example: I'm sorry to hear that.",
    ),
    "blocks part words": ("<ul><li>one</li><li>two</li></ul>three<br>four", "one two three four"),
    "inline tags do not": ("un<b>believ</b>able", "unbelievable"),
    "in capitals, with attributes": ("<P ALIGN='left' class=\"a > b\">Hi</P>", "Hi"),
    "scripts and styles": ("<p>a</p><script>var b = '<p>';</script><style>p {}</style>c", "a c"),
    "a script without end": ("<p>a</p><script>b", "a"),
    "comments": ("<p>a<!-- b -->c</p>", "ac"),
    "a comment without end": ("<p>a<!-- b</p>", "a"),
    "an office program's tags": ("<o:p></o:p>Word", "Word"),
    "a quoted message": (
        "<blockquote><p>We gave up.</p></blockquote><p>I did not.</p>",
        "“We gave up.” I did not.",
    ),
    "a quotation": ("<p>he said <q>so</q>, and left</p>", "he said “so”, and left"),
    "a whole page": ("<!DOCTYPE html><html><head><title>a</title></head><body>b</body></html>", "b"),
    "one tag with attributes": ('see <img src="x.png" alt="x"> here', "see here"),
    "what it shows of markup": ("<p>&lt;b&gt;bold&lt;/b&gt; &amp;amp;</p>", "<b>bold</b> &amp;"),
    "less than, in a paragraph": ("<p>5 < 6 and <y and y></p>", "5 < 6 and <y and y>"),
    "no words at all": ("<p><br></p>", ""),
    "entities alone": ("I&#39;m &#x201C;here&#x201D; &eacute;", "I'm “here” é"),
    "an entity that is no character": ("&#xD800;&#0;&nosuch;", "\ufffd\ufffd&nosuch;"),
}
PLAIN = [
    "",
    "a < b and b > c",
    "if a <b and c> d",
    "2<3 & 4>3",
    "I <3 maths",
    "use <p> for a paragraph",
    "List<String> names = new ArrayList<>()",
    "R&D, AT&T; salt & pepper &copy",
    "  two  spaces\nand a line ",
]


@pytest.mark.parametrize(("text", "left"), HTML.values(), ids=HTML)
def test_what_is_left_of_html(text: str, left: str) -> None:
    assert without_markup(text) == left


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert without_markup(text) == text


@given(st.text(st.characters(exclude_characters="<&"), max_size=200))
def test_text_without_a_sign_of_markup_stays_as_it_is(text: str) -> None:
    assert without_markup(text) == text


@given(st.lists(st.text(st.characters(categories=("Ll", "Nd")), min_size=1, max_size=8), min_size=1, max_size=20))
def test_words_are_the_same_in_an_editors_paragraphs(words: list[str]) -> None:
    assert tokenise(without_markup("<p>" + "</p><p>".join(words) + "</p>")) == tokenise(" ".join(words))


@given(st.text("<>/!-&;#=\"' abp", max_size=200))
def test_any_text_comes_to_some(text: str) -> None:
    assert len(without_markup(text)) <= len(text)

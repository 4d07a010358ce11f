"""How `skillstream explain` looks: top to bottom as it comes about."""

from collections.abc import Iterator, Mapping
from typing import Any

from agents.display.plain import printable

_BESIDE = ("conflict", "certainty", "suggestion")
_SIGNS = {"up": "+", "down": "-", "neither": " "}


def explanation_page(report: Mapping[str, Any]) -> str:
    """The report as text, safe for a terminal."""
    return "\n".join(printable(line) for part in _parts(report) for line in part.split("\n"))


def _parts(report: Mapping[str, Any]) -> Iterator[str]:
    yield f"{report['student']}, as of {report['as_of']}, position {report['seq']}"
    yield "\nFACTS"
    for skill in report["skills"]:
        score = "no score" if skill["score"] is None else f"{skill['score']:.2f}"
        yield f"  {skill['skill']} ({skill['kind']}, {score})"
        for fact in skill["facts"]:
            when = f", {fact['when']}" if fact["when"] else ""
            yield f"    {_SIGNS[fact['direction']]} {fact['id']}: {fact['text']}{when}"
    yield from _prompt(report["prompt"])
    for number, answer in enumerate(report["answers"], 1):
        yield from _answer(number, answer)
    yield from _result(report)


def _prompt(prompt: Mapping[str, Any]) -> Iterator[str]:
    cost = "price not known" if prompt["most_usd"] is None else f"at most {prompt['most_usd']:.4f} USD"
    yield (
        f"\nPROMPT {prompt['version']}, about {prompt['about_tokens']:,} tokens; with its answer at most "
        f"{prompt['most_tokens']:,}, {cost} at {prompt['model']}'s price"
    )
    for message in prompt["messages"]:
        yield f"  [{message['role']}]"
        yield from (f"  {line}" for line in message["content"].split("\n"))


def _answer(number: int, answer: Mapping[str, Any]) -> Iterator[str]:
    if answer["model"] is None:
        yield f"\nANSWER {number}: none, {answer['failure']}"
        return
    yield f"\nANSWER {number} by {answer['model']}"
    for claim in answer["claims"]:
        verdict = "ok  " if claim["holds"] else "GOES"
        cited = ", ".join(claim["evidence"])
        yield f"  {verdict} {_SIGNS.get(claim['direction'], ' ')} {claim['skill']}: {claim['text']} [{cited}]"
        yield from (f"         because it {fault}" for fault in claim["faults"])


def _result(report: Mapping[str, Any]) -> Iterator[str]:
    explanation = report["explanation"]
    if explanation is None:
        why = report["trouble"] or "a worker would try again later"
        yield f"\nNO EXPLANATION: {why}"
        return
    because = f", because: {explanation['reason']}" if explanation["reason"] else ""
    yield f"\nEXPLANATION by {explanation['generator']} ({explanation['model']}){because}"
    yield f"  {explanation['summary']}"
    for skill in explanation["skills"]:
        for claim in skill["claims"]:
            by_template = " (template)" if skill.get("generator") else ""
            yield f"  {skill['skill']}{by_template}: {claim['text']}"
        yield from (f"    {name}: {skill[name]}" for name in _BESIDE if skill.get(name))
    usage = explanation.get("usage")
    if usage:
        cost = "price not known" if usage["cost_usd"] is None else f"{usage['cost_usd']:.5f} USD"
        calls = "1 call" if usage["calls"] == 1 else f"{usage['calls']} calls"
        yield (
            f"\nUSED {calls}, {usage['input_tokens']:,} tokens in ({usage['cached_tokens']:,} cached), "
            f"{usage['output_tokens']:,} out: {cost}"
        )

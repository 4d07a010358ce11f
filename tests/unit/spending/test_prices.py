"""What tokens cost, and what a model without a price does."""

import pytest

from streams.spending.prices import SHIPPED_PRICES, Price, PriceError, Prices, read_prices
from streams.spending.usage import TokenUsage

GPT_41 = Price(2.0, 0.5, 8.0)
MINI = Price(0.4, 0.1, 1.6)
PRICES = Prices({"gpt-4.1": GPT_41, "gpt-4.1-mini": MINI}, ("gpt-4.1", "gpt-4.1-mini"))


@pytest.mark.parametrize(
    ("usage", "nano_usd"),
    [
        (TokenUsage(1_000, 100), 2_000_000 + 800_000),
        (TokenUsage(1_000, 100, cached_tokens=600), 800_000 + 300_000 + 800_000),
        (TokenUsage(1_000, 100, reasoning_tokens=90), 2_000_000 + 800_000),
        (TokenUsage(1_000, 100, cached_tokens=600, written_tokens=400), 400 * 2_500 + 300_000 + 800_000),
        (TokenUsage(0, 0), 0),
    ],
)
def test_each_kind_of_token_costs_its_price(usage: TokenUsage, nano_usd: int) -> None:
    assert Price(2.0, 0.5, 8.0, written=2.5).nano_usd(usage) == nano_usd


def test_a_cost_is_rounded_up_and_never_more_than_the_most() -> None:
    price = Price(0.0003, 0.0001, 0.0007)
    assert price.nano_usd(TokenUsage(1, 0)) == 1
    for usage in (TokenUsage(999, 77), TokenUsage(999, 77, cached_tokens=500, written_tokens=499)):
        assert price.nano_usd(usage) <= price.most_nano_usd(999, 77)
    assert Price(1.0, 0.1, 0.0, written=1.25).most_nano_usd(4, 0) == 5_000


def test_a_snapshot_has_the_price_of_its_model() -> None:
    assert PRICES.known("gpt-4.1-2025-04-14") == GPT_41
    assert PRICES.known("gpt-4.1-mini-latest") == MINI


def test_what_is_called_like_a_model_is_none_of_its_snapshots() -> None:
    assert PRICES.known("gpt-4.1-pro") is None


def test_a_model_that_nobody_priced_costs_as_the_dearest_of_those_asked_for() -> None:
    assert PRICES.of("something-else") == Price(2.0, 0.5, 8.0, written=2.0)
    assert Prices().of("gpt-4.1") is None


def test_models_without_a_price_are_named() -> None:
    assert Prices(SHIPPED_PRICES, ("gpt-4.1", "llama3.2", "gpt-6-luna")).unknown() == ("llama3.2",)


def test_prices_are_read() -> None:
    assert read_prices(["llama3.2=0/0/0", " org/model:v1 = 1.5/0.75/6/1.9"]) == {
        "llama3.2": Price(0, 0, 0),
        "org/model:v1": Price(1.5, 0.75, 6, written=1.9),
    }


@pytest.mark.parametrize("text", ["gpt-4.1", "gpt-4.1=2", "=1/1/1", "m=1/x/1", "m=-1/1/1", "m=nan/1/1", "m=1/1/1e9"])
def test_a_price_that_cannot_be_meant_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(PriceError, match="MODEL=INPUT/CACHED/OUTPUT"):
        read_prices([text])

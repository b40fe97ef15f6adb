"""What a call costs, in microdollars: a table of prices, an upper bound before the call, the exact sum after it."""

from collections.abc import Iterable, Mapping

import msgspec

from schemas.errors import ConfigurationError

MICRODOLLARS = 1_000_000
TOKENS_BESIDES = 400
"""The schema and what wraps each message."""


class Price(msgspec.Struct, frozen=True):
    """Microdollars for a million tokens."""

    input: int
    output: int


PRICES: Mapping[str, Price] = {
    "gpt-4.1": Price(2_000_000, 8_000_000),
    "gpt-4.1-mini": Price(400_000, 1_600_000),
    "gpt-4.1-nano": Price(100_000, 400_000),
    "gpt-4o": Price(2_500_000, 10_000_000),
    "gpt-4o-mini": Price(150_000, 600_000),
    "gpt-5": Price(1_250_000, 10_000_000),
    "gpt-5-mini": Price(250_000, 2_000_000),
    "gpt-5-nano": Price(50_000, 400_000),
}
"""List prices of late 2025. A model that isn't here has no price, and isn't called without one being given."""


def price_of(model: str, given: Price | None = None) -> Price:
    """The given price, else the table's. Raises ConfigurationError where there is neither."""
    price = given or PRICES.get(model)
    if price is None:
        raise ConfigurationError(
            f"The price of model {model!r} isn't known, so no budget can be kept. Set TIMELOOM_LLM_PRICE to dollars "
            "for a million input and output tokens, such as 0.4,1.6 (0,0 for a model of your own). Known are: "
            f"{', '.join(sorted(PRICES))}."
        )
    return price


def read_price(text: str) -> Price:
    """A price as a person writes it: dollars for a million input and output tokens, "0.4,1.6"."""
    try:
        sent, back = (round(float(part) * MICRODOLLARS) for part in text.split(","))
    except ValueError as error:
        raise ConfigurationError(f"TIMELOOM_LLM_PRICE={text!r} isn't two amounts such as 0.4,1.6.") from error
    return Price(sent, back)


def cost(price: Price, input_tokens: int, output_tokens: int) -> int:
    """What was used, rounded up to a whole microdollar."""
    total = price.input * input_tokens + price.output * output_tokens
    return -(-total // MICRODOLLARS)


def estimate(price: Price, texts: Iterable[str], most_output_tokens: int) -> int:
    """An upper bound, from the texts to send and the most that may come back.

    A token stands for at least one byte of UTF-8, whatever the script: prose takes far fewer tokens than bytes, but
    ideographs, emoji and random letters come close. What was held too much is given back with the answer.
    """
    return cost(price, sum(len(text.encode()) for text in texts) + TOKENS_BESIDES, most_output_tokens)

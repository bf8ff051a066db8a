"""Why a number is what it is, for people: formula, inputs, and the contracts that weigh most."""

import textwrap
from collections.abc import Iterator

from click import style

from gextui.exposure.explain import Explanation, Input
from gextui.report.page import WIDTH
from gextui.ui import format as show

_BAR = 20
_NAMES = (28, 36)
"""The least and the most that the contracts' names take."""


def explained(explanation: Explanation) -> Iterator[str]:
    """The explanation as lines of at most 80 columns."""
    yield (
        style(explanation.title, bold=True)
        + f"  {_input(Input(explanation.title, explanation.value, explanation.unit))}"
    )
    yield from textwrap.wrap(explanation.formula, WIDTH, initial_indent="  = ", subsequent_indent="    ")
    yield ""
    for item in explanation.inputs:
        yield f"  {item.name:<22}{_input(item)}"
    yield ""
    if not explanation.contracts:
        yield "  No contract weighs in it."
        return
    count, share = len(explanation.contracts), show.percent(explanation.heaviest_share, signed=False)
    yield f"  The {count} contracts that weigh most ({share} of the whole), {explanation.amount_unit}:"
    largest = explanation.contracts[0].share
    least, most = _NAMES
    names = min(max(least, *(len(contract.name) + 1 for contract in explanation.contracts)), most)
    for contract in explanation.contracts:
        bar = "█" * max(round(contract.share / largest * _BAR), 1)
        part = show.percent(contract.share, signed=False)
        yield f"  {show.left(contract.name, names)}{show.compact(contract.amount):>10}{part:>8}  {bar}"


def _input(item: Input) -> str:
    value = item.value if isinstance(item.value, str) else _number(item.value)
    return f"{value} {item.unit}".rstrip()


def _number(value: float | None) -> str:
    """A price or a count in full, an amount of money with its scale."""
    if value is not None and abs(value) >= 1e7:
        return show.compact(value)
    return f"{value:,.0f}" if value is not None and value.is_integer() else show.level(value)

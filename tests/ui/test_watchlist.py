"""The watchlist: what each change of it gives, and what of a saved one is believed."""

from collections.abc import Callable

import pytest

from gextui.market.ticker import KNOWN_TICKERS, MOST_TICKERS, Kind, ticker_for
from gextui.route import Route
from gextui.ui.watchlist import Listed, ListError, Watchlist
from tests.ui.catalogue import MemoryCatalogue

BTC, ETH, SPX = (KNOWN_TICKERS[symbol] for symbol in ("BTC", "ETH", "SPX"))
LIST = Watchlist.of([BTC, ETH, SPX]).switched("ETH", on=False)


def said(watchlist: Watchlist) -> str:
    """Its symbols, those that are off in lower case."""
    return " ".join(entry.symbol if entry.on else entry.symbol.lower() for entry in watchlist.entries)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        (lambda given: given, "BTC eth SPX"),
        (lambda given: given.added(KNOWN_TICKERS["SOL"]), "BTC eth SPX SOL"),
        (lambda given: given.added(ETH), "BTC ETH SPX"),
        (lambda given: given.added(BTC), "BTC eth SPX"),
        (lambda given: given.without("BTC"), "eth SPX"),
        (lambda given: given.without("ETH"), "BTC SPX"),
        (lambda given: given.switched("BTC", on=False), "btc eth SPX"),
        (lambda given: given.switched("ETH", on=True), "BTC ETH SPX"),
        (lambda given: given.moved("BTC", 1), "eth BTC SPX"),
        (lambda given: given.moved("SPX", -1), "BTC SPX eth"),
        (lambda given: given.moved("SPX", 1), "BTC eth SPX"),
        (lambda given: given.moved("BTC", -1), "BTC eth SPX"),
        (lambda given: given.moved("BTC", 9), "eth SPX BTC"),
        (lambda given: given.moved_past("BTC", 1), "eth SPX BTC"),
        (lambda given: given.moved_past("SPX", -1), "SPX BTC eth"),
        (lambda given: given.moved_past("SPX", 1), "BTC eth SPX"),
        (lambda given: given.moved_past("BTC", -1), "BTC eth SPX"),
    ],
)
def test_every_change_gives_another_list(change: Callable[[Watchlist], Watchlist], after: str) -> None:
    assert said(change(LIST)) == after
    assert said(LIST) == "BTC eth SPX"


def test_the_last_one_that_is_on_stays() -> None:
    one = LIST.without("SPX")
    sentence = r"^BTC is the last ticker that is on; add or switch on another first$"
    with pytest.raises(ListError, match=sentence):
        one.without("BTC")
    with pytest.raises(ListError, match=sentence):
        one.switched("BTC", on=False)
    assert said(one.without("ETH")) == "BTC"


def test_so_many_are_watched_and_no_more() -> None:
    full = Watchlist.of(ticker_for(f"T{number}") for number in range(MOST_TICKERS))
    with pytest.raises(ListError, match=r"^the list is full: up to 50 tickers"):
        full.added(BTC)
    assert len(full.without("T0").added(BTC).entries) == MOST_TICKERS
    assert full.added(ticker_for("T0")) == full


def test_only_what_is_on_is_read_each_by_its_route() -> None:
    catalogue = MemoryCatalogue()
    both = Route(("bybit", "deribit"), combine=True)
    listed = LIST.routed("BTC", both)
    assert list(listed.routes(catalogue).items()) == [(BTC, both), (SPX, Route(("cboe",)))]
    assert listed.tickers == (BTC, SPX)
    assert listed.routed("BTC", None) == LIST
    # What was chosen is kept while it is off.
    assert listed.switched("BTC", on=False).switched("BTC", on=True) == listed


def test_a_saved_list_is_believed_as_far_as_it_can_be() -> None:
    entries = [
        Listed("BTC", Kind.COIN),
        Listed("DOGE", Kind.COIN, sources=("deribit",)),
        Listed("BTC", Kind.COIN, on=False),
        Listed("a\x1b[2J", Kind.COIN),
        Listed("spx", Kind.INDEX),
        Listed(" SPX", Kind.INDEX),
    ]
    restored = Watchlist.restored(entries)
    assert restored is not None
    assert said(restored) == "btc DOGE"
    assert restored.tickers == (ticker_for("DOGE", Kind.COIN),)
    assert restored.tickers[0].source == "deribit"
    many = Watchlist.restored(Listed(f"T{number}", Kind.STOCK) for number in range(90))
    assert many is not None
    assert len(many.entries) == MOST_TICKERS


@pytest.mark.parametrize("entries", [[], [Listed("BTC", Kind.COIN, on=False)], [Listed("\x07", Kind.COIN)]])
def test_a_saved_list_with_nothing_on_is_none(entries: list[Listed]) -> None:
    assert Watchlist.restored(entries) is None


def test_a_saved_list_is_only_of_what_there_is() -> None:
    entries = [Listed("BTC", Kind.COIN), Listed("DOGE", Kind.COIN)]
    restored = Watchlist.restored(entries, {"BTC", "ETH"})
    assert restored is not None
    assert said(restored) == "BTC"
    assert Watchlist.restored(entries, {"ETH"}) is None

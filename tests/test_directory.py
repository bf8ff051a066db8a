"""Which ticker a name means."""

import asyncio
import json
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from gextui.config import Bybit, Cboe, Deribit, Settings, Sources
from gextui.directory import Directory
from gextui.live import route_for
from gextui.market.ticker import KNOWN_TICKERS, Kind, Ticker, UnknownTickerError
from gextui.route import Route
from gextui.sources.deribit_currency import kept_instruments
from gextui.ui.watchlist import Watchlist

NOWHERE = "http://127.0.0.1:9"


class Quotes:
    """Cboe's quotes of a few names, and Bybit's options on a few coins, on loopback."""

    def __init__(self, *names: str, coins: Sequence[str] = ()) -> None:
        self._names = names
        self._coins = coins
        self.asked: list[str] = []

    async def __call__(self, _: ServerConnection, request: Request) -> Response:
        path = urlsplit(request.path)
        if path.path == "/v5/market/instruments-info":
            [coin] = parse_qs(path.query)["baseCoin"]
            listed = [{"symbol": f"{coin}-25DEC26-1-C-USDT"}] if coin in self._coins else []
            answer = {"retCode": 0, "result": {"list": listed, "nextPageCursor": ""}, "time": 1_790_000_000_000}
            headers = Headers({"content-type": "application/json"})
            return Response(HTTPStatus.OK, "OK", headers, json.dumps(answer).encode())
        name = request.path.removeprefix("/quotes/").removesuffix(".json")
        self.asked.append(name)
        known = name in self._names
        status = HTTPStatus.OK if known else HTTPStatus.FORBIDDEN
        headers = Headers({"content-type": "application/json" if known else "application/xml"})
        return Response(status, status.phrase, headers, b"{}")


async def find(symbol: str, quotes: Quotes, cache: Path, *, listed: bool = True) -> object:
    """What the name means, or the sentence that says why it means nothing."""
    if listed:
        names = ["DOGE_USDC-27NOV26-0d2-C", "SOL_USDC-27NOV26-140-C"]
        await kept_instruments(NOWHERE, cache).write("USDC", names, time.time())
    async with serve(_nobody, "127.0.0.1", 0, process_request=quotes) as server:
        port = server.sockets[0].getsockname()[1]
        here = f"http://127.0.0.1:{port}"
        sources = Sources(Deribit(rest_url=NOWHERE), bybit=Bybit(rest_url=here), cboe=Cboe(rest_url=here))
        try:
            return await Directory(sources, cache_dir=cache).find(symbol)
        except UnknownTickerError as error:
            return str(error)


async def _nobody(connection: ServerConnection) -> None:
    await connection.close()


def test_what_is_known_here_is_asked_of_nobody(tmp_path: Path) -> None:
    quotes = Quotes()
    assert asyncio.run(find(" spx ", quotes, tmp_path)) is KNOWN_TICKERS["SPX"]
    assert quotes.asked == []


def test_a_coin_that_deribit_lists_and_a_share_that_cboe_knows(tmp_path: Path) -> None:
    found = asyncio.run(find("doge", Quotes("DOGE"), tmp_path))
    assert (getattr(found, "symbol", found), getattr(found, "kind", None)) == ("DOGE", Kind.COIN)
    found = asyncio.run(find("tsla", Quotes("TSLA"), tmp_path))
    assert (getattr(found, "symbol", found), getattr(found, "source", None)) == ("TSLA", "cboe")


def test_a_coin_that_bybit_alone_lists(tmp_path: Path) -> None:
    found = asyncio.run(find("pepe", Quotes(coins=["PEPE"]), tmp_path))
    assert isinstance(found, Ticker)
    assert (found.symbol, found.kind, found.source) == ("PEPE", Kind.COIN, "bybit")
    assert route_for(Settings(), found) == Route(("bybit",))
    [entry] = Watchlist(()).added(found).entries
    assert entry.chosen == Route(("bybit",)), "remembered, for nobody looks a remembered ticker up"


@pytest.mark.parametrize(
    ("symbol", "listed", "said"),
    [
        ("SPYY", True, "Deribit, Bybit and Cboe list no options on SPYY; did you mean SPY?"),
        ("QQQQQQQQ", True, "Deribit, Bybit and Cboe list no options on QQQQQQQQ"),
        (
            "SPYY",
            False,
            "nobody who can be asked (Deribit cannot be asked: 127.0.0.1 refuses the connection) lists options on SPYY"
            "; did you mean SPY?",
        ),
        ("a\x1bb", True, "a ticker is letters, digits and . _ : / ^ $ -, up to 32 of them"),
    ],
)
def test_what_nobody_lists_is_said_with_near_names(symbol: str, listed: bool, said: str, tmp_path: Path) -> None:
    assert asyncio.run(find(symbol, Quotes("TSLA"), tmp_path, listed=listed)) == said


def test_when_nobody_can_be_asked(tmp_path: Path) -> None:
    sources = Sources(Deribit(rest_url=NOWHERE), bybit=Bybit(rest_url=NOWHERE), cboe=Cboe(rest_url=NOWHERE))
    with pytest.raises(
        UnknownTickerError, match=r"^TSLA is unknown here, and Deribit .*; Bybit .*; Cboe cannot be asked"
    ):
        asyncio.run(Directory(sources, cache_dir=tmp_path).find("TSLA"))

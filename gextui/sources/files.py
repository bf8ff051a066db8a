"""Recorded chains: files of many origins, told apart by content, read into OptionChains."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import msgspec

from gextui.market.chain import OptionChain
from gextui.market.combined import combine
from gextui.market.text import clean_text
from gextui.market.ticker import Kind, Ticker
from gextui.sources import cboe, tradier, yahoo
from gextui.sources.bybit_messages import decode_tickers
from gextui.sources.cboe_page import decode_quote_page, is_quote_page
from gextui.sources.collectors import decode_table, is_chain_table, is_own_table
from gextui.sources.deribit_messages import decode_book_summary
from gextui.sources.moving_spot import with_a_standing_spot
from gextui.sources.rows import Capture, Scalar, decode_json, instant, positive
from gextui.sources.source import BadInputError

LARGEST_FILE = 256 * 2**20
"""Bytes, unpacked."""
_LARGEST_META = 2**16
_LONGEST_MESSAGE = 1024
_EXPECTED = (
    "is not a recorded option chain: expected JSON of Cboe, Deribit, Bybit, Yahoo or Tradier, a Cboe quote-page CSV, "
    "or a CSV with a row a contract"
)

_Decoder = Callable[[bytes], list[Capture]]
_JSON_FORMATS: tuple[tuple[frozenset[str], str, _Decoder], ...] = (
    (frozenset({"retCode"}), "bybit-json", decode_tickers),
    (frozenset({"symbol", "markIv"}), "bybit-json", decode_tickers),
    (frozenset({"optionChain"}), "yahoo-json", yahoo.decode_options),
    (frozenset({"finance"}), "yahoo-json", yahoo.decode_options),
    (frozenset({"quotes", "symbol"}), "quotes-json", lambda data: [yahoo.decode_normalised(data)]),
    (frozenset({"options"}), "tradier-json", tradier.decode_chains),
    (frozenset({"data"}), "cboe-json", lambda data: [cboe.decode_delayed_quotes(data)]),
    (frozenset({"instrument_name"}), "deribit-json", decode_book_summary),
    (frozenset({"result"}), "deribit-json", decode_book_summary),
    (frozenset({"jsonrpc"}), "deribit-json", decode_book_summary),
)
"""Keys of a document, or of the first of a list, and what they tell it to be; the first match counts."""


def read_chains(
    path: Path,
    *,
    as_of: datetime | None = None,
    spot: float | None = None,
    rate: float | None = None,
    us_rate: float = 0.0,
    tickers: Collection[str] | None = None,
) -> list[OptionChain]:
    """Read a recorded chain or several: one a ticker and instant, ordered by ticker, then instant.

    Args:
        path: A file, gzipped or not; its format is told from its content.
        as_of: Overrides the file's instant. Of a file with several it picks, a ticker, the newest not after it.
        spot: Overrides the file's price of the underlying, in USD.
        rate: The interest rate of every chain. None means 0 for coins and ``us_rate`` for the rest.
        us_rate: See ``rate``.
        tickers: Read these symbols only.

    Raises:
        BadInputError: the file is damaged, of no known format, or lacks what nothing else says.
        FileNotFoundError: there is no such file.
        PermissionError: it may not be read.
    """
    try:
        source, captures = _decode(path)
        captures = _wanted(captures, tickers)
        captures = _overridden(captures, as_of, spot)
        chains = _chains(captures, f"file:{source}", rate, us_rate)
        usable = [chain for chain in chains if len(chain)]
        if not usable:
            dropped = Counter[str]()
            for chain in chains:
                dropped.update(chain.dropped)
            reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(dropped.items()))
            raise BadInputError(f"holds no option row that can be used ({reasons}): is it what the venue sent?")
    except BadInputError as error:
        raise BadInputError(clean_text(f"{clean_text(path.name)} {error}", _LONGEST_MESSAGE)) from None
    return sorted(usable, key=lambda chain: (chain.ticker.symbol, chain.as_of))


def _chains(captures: Sequence[Capture], source: str, rate: float | None, us_rate: float) -> list[OptionChain]:
    """The captures' chains; those of several venues at one instant are one."""
    chains = []
    books: dict[tuple[Ticker, datetime], list[OptionChain]] = {}
    for capture in captures:
        chain = capture.chain(capture.venue or source, rate=_rate(capture.ticker.kind, rate, us_rate))
        if capture.venue:
            books.setdefault((chain.ticker, chain.as_of), []).append(chain)
        else:
            chains.append(chain if capture.spot_at is None else with_a_standing_spot(chain, capture.spot_at))
    return [*chains, *(replace(combine(ticker, each), source=source) for (ticker, _), each in books.items())]


def _rate(kind: Kind, rate: float | None, us_rate: float) -> float:
    if rate is not None:
        return rate
    return 0.0 if kind is Kind.COIN else us_rate


def _decode(path: Path) -> tuple[str, list[Capture]]:
    """The name of the file's format and its captures."""
    data = _unpacked(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(b"\xef\xbb\xbf").strip()
    if not data:
        raise BadInputError("is empty: give a recorded option chain")
    if data[:1] in (b"{", b"["):
        return _decode_json(data)
    rows = _csv_rows(data.decode("utf-8", "replace"))
    if is_quote_page(rows):
        return "cboe-csv", [decode_quote_page(rows)]
    if rows and is_chain_table(rows):
        return "gextui-csv" if is_own_table(rows) else "collector-csv", decode_table(rows, _taken_beside(path))
    raise BadInputError(_EXPECTED)


def _unpacked(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        raise BadInputError("is a folder: give a file") from None
    if data.startswith(b"\x1f\x8b"):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
                data = packed.read(LARGEST_FILE + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise BadInputError("is a gzip file cut short or damaged: get it again") from None
    if len(data) > LARGEST_FILE:
        raise BadInputError(f"is larger than {LARGEST_FILE >> 20} MB, which no option chain is: give another file")
    return data


def _decode_json(data: bytes) -> tuple[str, list[Capture]]:
    if data.startswith(b"["):
        listed = decode_json(data, list[msgspec.Raw])
        keys = set(decode_json(bytes(listed[0]), dict[str, msgspec.Raw])) if listed else set()
    else:
        keys = set(decode_json(data, dict[str, msgspec.Raw]))
    for telling, source, decode in _JSON_FORMATS:
        if telling <= keys:
            return source, decode(data)
    raise BadInputError(_EXPECTED)


def _csv_rows(text: str) -> list[list[str]]:
    """The rows that hold anything, their cells divided by whatever divides most of the first lines."""
    start = text[:4096]
    delimiter = max(",;\t|", key=start.count)
    try:
        return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]
    except csv.Error as error:
        raise BadInputError(f"is no readable CSV ({clean_text(str(error))}): get it again") from None


class _Meta(msgspec.Struct):
    utc: Scalar = None


def _taken_beside(path: Path) -> datetime | None:
    """When a collector's ``meta.json`` in the same folder says that its files were taken."""
    try:
        with path.with_name("meta.json").open("rb") as file:
            meta = msgspec.json.decode(file.read(_LARGEST_META), type=_Meta)
    except (OSError, msgspec.DecodeError, RecursionError):
        return None
    at = instant(meta.utc)
    return datetime.fromtimestamp(at, UTC) if at == at else None


def _wanted(captures: list[Capture], tickers: Collection[str] | None) -> list[Capture]:
    if tickers is None:
        return captures
    wanted = [capture for capture in captures if capture.ticker.symbol in tickers]
    if not wanted:
        held = _names({capture.ticker.symbol for capture in captures})
        raise BadInputError(f"holds {held}, not {_names(tickers)}: name a ticker it holds")
    return wanted


def _names(symbols: Collection[str]) -> str:
    return " and ".join(clean_text(symbol) for symbol in sorted(symbols))


def _overridden(captures: Sequence[Capture], as_of: datetime | None, spot: float | None) -> list[Capture]:
    """The captures with the instant and the spot price that the user gave."""
    if as_of is not None:
        by_book = groupby(captures, key=lambda capture: (capture.ticker.symbol, capture.venue))
        captures = [_at(as_of, list(mine)) for _, mine in by_book]
    if spot is None:
        return list(captures)
    if positive(spot) is None:
        raise BadInputError(f"cannot be read with --spot {spot:g}: give a price above 0")
    symbols = {capture.ticker.symbol for capture in captures}
    if len(symbols) > 1:
        raise BadInputError(f"holds {_names(symbols)}, and --spot is the price of one: name one ticker")
    return [replace(capture, spot=spot, spot_at=None) for capture in captures]


def _at(as_of: datetime, captures: Sequence[Capture]) -> Capture:
    """A ticker's capture read as of ``as_of``: its only one, or of several the newest not after it."""
    if len(captures) == 1:
        return replace(captures[0], as_of=as_of, spot_at=None, halt=None, notes=())
    earlier = [capture for capture in captures if capture.as_of is not None and capture.as_of <= as_of]
    if not earlier:
        first = captures[0].as_of
        raise BadInputError(f"begins at {first:%Y-%m-%dT%H:%MZ}, after --as-of: give a later instant")
    return replace(earlier[-1], as_of=as_of, notes=())

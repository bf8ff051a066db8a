"""CSV tables with a row a contract: gextui's own, and those collectors keep under a venue's own field names."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np

from gextui.market.calendar import Settlement, expiry_instant, settlement_of
from gextui.market.chain import Floats, Integers
from gextui.market.text import clean_symbol, clean_text, is_symbol
from gextui.market.ticker import KNOWN_TICKERS, Kind, Session, ticker_for
from gextui.sources.deribit_messages import quoted_in_coins
from gextui.sources.rows import (
    Capture,
    Rows,
    by_underlying,
    instant,
    instants,
    median,
    newest,
    numbers,
)
from gextui.sources.source import BadInputError
from gextui.sources.symbols import OKX_NAME, Contracts, parse_names, underlying_of

# What a column may be called, without case, spaces and punctuation; the first one present is read.
_NAME = ("instrumentname", "instrument", "contractsymbol", "optionsymbol", "contract", "symbol", "option", "osi")
_TICKER = ("ticker", "underlyingsymbol", "underlying", "basecurrency", "currency", "coin", "symbol")
_ROOT = ("root", "rootsymbol", "optionroot")
_EXPIRY = ("expiry", "expiration", "expirydate", "expirationdate", "expirydatetime", "expirationtimestamp", "maturity")
_SETTLEMENT = ("settlement", "settlementtype")
_STRIKE = ("strike", "strikeprice")
_RIGHT = ("right", "optiontype", "type", "side", "callput", "putcall", "cp")
_IV = ("iv", "markiv", "impliedvolatility", "impliedvol", "midiv", "markpriceiv", "smvvol")
_OPEN_INTEREST = ("openinterest", "oi", "openint")
_VOLUME = ("volume", "volume24h", "dayvolume", "vol")
_BID = ("bid", "bidprice", "bestbidprice", "bestbid", "bid1price")
_ASK = ("ask", "askprice", "bestaskprice", "bestask", "ask1price")
_FORWARD = ("forward", "forwardprice")
_COIN_FORWARD = (*_FORWARD, "underlyingprice", "futuresprice", "underlying")
_SPOT = ("spot", "spotprice", "indexprice", "estimateddeliveryprice", "underlyinglast")
_SHARE_SPOT = (*_SPOT, "underlyingprice", "underlying")
_MULTIPLIER = ("multiplier", "contractmultiplier")
_AS_OF = ("asof",)
_TAKEN = (
    "snapshotutc", "snapshottime", "snapshottimestamp", "timestamp", "datetime", "date", "utc", "updated", "quotetime",
    "capturedat", "fetchedat", "creationtimestamp", "time", "ts",
)  # fmt: skip
_TRADED = ("lasttradedate",)
_VENUE = ("exchange", "venue")

_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]00:00(?!:\d*[1-9])", re.ASCII)
_LONGEST_PAUSE = 60.0
"""Seconds: rows stamped one by one are of one capture while each follows the last no later than this."""
_HIGHEST_MEDIAN_IV = {"markiv": 3.0}
_HIGHEST_MEDIAN_IV_ELSE = 5.0
"""A column whose median IV is above this is in percent; Deribit's own field name makes percent the likelier."""


class Table:
    """A CSV's rows by column, whatever the case and punctuation of the header's names."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        """Take the first row as header; of columns with one name the first counts.

        Rows may leave out their last columns as long as most do; those with fewer cells still are `short`.

        Raises:
            BadInputError: the last row is short, as in a file cut short.
        """
        self.columns: dict[str, int] = {}
        for index, name in enumerate(rows[0]):
            self.columns.setdefault(re.sub(r"[^a-z0-9]", "", name.lower()), index)
        width = len(rows[0])
        lengths = Counter(min(len(row), width) for row in rows[1:])
        usual = max(lengths, key=lambda length: (lengths[length], length), default=width)
        self.short = np.array([len(row) < usual for row in rows[1:]], dtype=np.bool_)
        if self.short[-1:].any():
            raise BadInputError("is cut short, its last row is not whole: get it again")
        self.rows = [row if len(row) >= width else [*row, *[""] * (width - len(row))] for row in rows[1:]]

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, *columns: Sequence[str]) -> bool:
        """Whether there is a column for each of these sets of names."""
        return all(any(name in self.columns for name in names) for names in columns)

    def texts(self, names: Sequence[str]) -> list[str]:
        """The first of the named columns that is there, or blanks."""
        index = next((self.columns[name] for name in names if name in self.columns), None)
        return [""] * len(self) if index is None else [row[index] for row in self.rows]

    @property
    def is_chain(self) -> bool:
        """Whether it names contracts and says something of each."""
        return self.has(_NAME, _OPEN_INTEREST) or self.has(_NAME, _IV) or self.has(_STRIKE, _RIGHT, _EXPIRY)

    @property
    def is_own(self) -> bool:
        """Whether it is gextui's own."""
        return self.has(("ticker",), _AS_OF, ("strike",), ("right",))

    @property
    def is_web_export(self) -> bool:
        """Whether it is the export of Deribit's option page, whose open interest is headed Open."""
        return self.has(("instrument",), ("ivbid",), ("open",))


def is_chain_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the header names columns of an option chain."""
    table = Table(rows[:1])
    return table.is_chain or table.is_web_export


def is_own_table(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the header is that of gextui's own CSV."""
    return Table(rows[:1]).is_own


def decode_table(rows: Sequence[Sequence[str]], taken: datetime | None = None) -> list[Capture]:
    """Decode a CSV under its header: one capture a ticker and instant, in that order.

    Deribit's and OKX's quotes are in coins, IVs percent or fractions as their values say, times without a zone UTC.
    ``taken`` is when the file was taken, as far as something beside it says; it counts where no column does.

    Raises:
        BadInputError: it is cut short, holds no options, or counts open interest in contracts of unknown size.
    """
    table = Table(rows)
    contracts = _contracts(table)
    venue = np.array([text.strip().lower() for text in table.texts(_VENUE)], dtype=np.str_)
    is_okx = np.array([OKX_NAME.fullmatch(name) is not None for name in table.texts(_NAME)], dtype=np.bool_)
    is_okx |= (venue == "okx") & (not table.is_own)
    if is_okx.any() and not table.has(_MULTIPLIER):
        raise BadInputError(
            "holds OKX options, whose open interest is in contracts of a size the file does not give: "
            "add a column 'multiplier' with the coins a contract"
        )
    is_coin = contracts.is_coin
    read = Rows.read(
        contracts,
        iv=table.texts(_IV),
        open_interest=table.texts((*_OPEN_INTEREST, "open") if table.is_web_export else _OPEN_INTEREST),
        volume=table.texts(_VOLUME),
        bid=table.texts(_BID),
        ask=table.texts(_ASK),
        multiplier=table.texts(_MULTIPLIER),
    )
    # What OKX's tables call the underlying's price is the index.
    forward = np.where(is_coin & ~is_okx, numbers(table.texts(_COIN_FORWARD)), numbers(table.texts(_FORWARD)))
    spot = np.where(is_coin & ~is_okx, numbers(table.texts(_SPOT)), numbers(table.texts(_SHARE_SPOT)))
    in_coins = (quoted_in_coins(contracts) & (venue != "bybit") & (not table.is_own)) | is_okx
    columns = replace(read, iv=read.iv * _iv_unit(table, read.iv), forward=forward, in_coins=in_coins)

    times, exact = _times(table)
    captures = []
    books = venue if table.is_own else np.zeros(len(table), dtype=np.str_)
    for symbol, owned in by_underlying(contracts):
        ticker = ticker_for(symbol, Kind.COIN if is_coin[owned].any() else Kind.STOCK)
        for name in np.unique(books[owned]).tolist():
            mine = owned & (books == name)
            for chosen in _moments(columns.take(mine), times[mine], exact):
                index = np.flatnonzero(mine)[chosen]
                captures.append(
                    Capture(
                        ticker=ticker,
                        rows=_timed(columns.take(index), times[index]),
                        as_of=newest(times[index]),
                        spot=median(spot[index]),
                        venue=clean_text(name),
                    )
                )
    return [_dated(capture, table, taken) for capture in captures]


def _contracts(table: Table) -> Contracts:
    """Each row's contract, from its name or else from the columns that spell it out."""
    contracts = parse_names(table.texts(_NAME))
    if not table.has(_NAME) or (table.has(_STRIKE, _RIGHT, _EXPIRY) and not (contracts.reason == "").any()):
        contracts = _spelled_out(table)
    return replace(contracts, reason=np.where(table.short, "bad_row", contracts.reason))


def _spelled_out(table: Table) -> Contracts:
    roots = [clean_symbol(text).upper() for text in table.texts(_ROOT)]
    symbols = [clean_symbol(text).upper() for text in table.texts(_TICKER)]
    rights = [text.strip()[:1].upper() for text in table.texts(_RIGHT)]
    listed = list(zip(symbols, roots, table.texts(_EXPIRY), table.texts(_SETTLEMENT), rights, strict=True))
    known = {row: _contract(*row) for row in set(listed)}
    rows = [known[row] for row in listed]
    underlying, root, expiry, is_call, is_coin, reason = zip(*rows, strict=True) if rows else ((),) * 6
    return Contracts(
        underlying=np.array(underlying, dtype=np.str_),
        root=np.array(root, dtype=np.str_),
        expiry=np.array(expiry, dtype=np.float64),
        strike=numbers(table.texts(_STRIKE)),
        is_call=np.array(is_call, dtype=np.bool_),
        is_coin=np.array(is_coin, dtype=np.bool_),
        reason=np.array(reason, dtype=np.str_),
    )


def _contract(
    symbol: str, root: str, expiry: str, settlement: str, right: str
) -> tuple[str, str, float, bool, bool, str]:
    """Underlying, root, expiry, whether a call, whether on a coin, and why not."""
    root = root if root else symbol
    symbol = symbol if symbol else underlying_of(root)
    instant_given = _expiry_given(expiry)
    known = KNOWN_TICKERS.get(symbol)
    at_eight = isinstance(instant_given, float) and instant_given % 86400.0 == 8 * 3600.0
    is_coin = at_eight if known is None else known.kind is Kind.COIN
    reason = ""
    if not (is_symbol(symbol) and is_symbol(root)):
        reason = "bad_symbol"
    elif right not in ("C", "P"):
        reason = "bad_right"
    elif instant_given is None:
        reason = "bad_expiry"
    elif not is_coin and any(character.isdigit() for character in root):
        reason = "adjusted"
    if isinstance(instant_given, date):
        settled = {"A": Settlement.AM, "P": Settlement.PM}.get(settlement.strip()[:1].upper(), settlement_of(root))
        instant_given = expiry_instant(instant_given, Session.UTC if is_coin else Session.NEW_YORK, settled)
    return symbol, root, np.nan if instant_given is None else instant_given, right == "C", is_coin, reason


def _expiry_given(text: str) -> float | date | None:
    """An expiry's instant, or its date alone where no time of day, or midnight, is given."""
    text = text.strip()
    midnight = _MIDNIGHT.match(text)
    try:
        return date.fromisoformat(text if midnight is None else midnight[1])
    except ValueError:
        at = instant(text)
    if not np.isfinite(at):
        return None
    return datetime.fromtimestamp(at, UTC).date() if at % 86400.0 == 0 else at


def _iv_unit(table: Table, iv: Floats) -> float:
    """What the IV column is multiplied by to be a fraction."""
    middle = median(iv)
    if table.is_own or middle is None:
        return 1.0
    name = next((name for name in _IV if name in table.columns), "")
    return 0.01 if middle > _HIGHEST_MEDIAN_IV.get(name, _HIGHEST_MEDIAN_IV_ELSE) else 1.0


def _times(table: Table) -> tuple[Floats, bool]:
    """When each row was taken, and whether one capture's rows all carry one instant; NaN where nothing says so."""
    if table.has(_AS_OF):
        return instants(table.texts(_AS_OF)), True
    for name in _TAKEN:
        if name in table.columns:
            times = instants(table.texts((name,)))
            if np.isfinite(times).any():
                return times, False
    return np.full(len(table), np.nan), False


def _moments(rows: Rows, times: Floats, exact: bool) -> list[Integers]:
    """The rows of each capture, oldest first. Where rows are stamped one by one, a capture ends where a contract comes
    again or the collector paused. Rows without a time are with the newest.
    """
    known, which = np.unique(times, return_inverse=True)
    capture_of = np.arange(len(known))
    if not exact and np.count_nonzero(np.isfinite(known)) > 1:
        columns = (rows.contracts.root, rows.contracts.expiry, rows.contracts.strike, rows.contracts.is_call)
        keys = zip(*(column.tolist() for column in columns), strict=True)
        listed: list[set[tuple[str, float, float, bool]]] = [set() for _ in known]
        for position, key in zip(which.tolist(), keys, strict=True):
            listed[position].add(key)
        seen, capture = listed[0], 0
        for position in range(1, len(known)):
            paused = not known[position] - known[position - 1] <= _LONGEST_PAUSE
            if paused or not seen.isdisjoint(listed[position]):
                seen, capture = set(), capture + 1
            seen |= listed[position]
            capture_of[position] = capture
    if len(known) > 1 and np.isnan(known[-1]):
        capture_of[-1] = capture_of[-2]
    belongs = capture_of[which]
    order = np.argsort(belongs, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(belongs[order])) + 1)


def _timed(rows: Rows, times: Floats) -> Rows:
    """The rows, those without a time dropped where others of the capture have one."""
    if np.isnan(times).all():
        return rows
    untimed = np.isnan(times) & (rows.contracts.reason == "")
    return replace(rows, contracts=replace(rows.contracts, reason=np.where(untimed, "bad_time", rows.contracts.reason)))


def _dated(capture: Capture, table: Table, taken: datetime | None) -> Capture:
    """The capture with an instant and where it is from, as far as anything tells."""
    if capture.as_of is not None:
        return capture
    if taken is not None:
        note = "The file does not say when it was taken: the time is from meta.json beside it."
        return replace(capture, as_of=taken, notes=(note,))
    traded = newest(instants(table.texts(_TRADED)))
    if traded is not None:
        note = "The file does not say when it was taken: its newest trade's time is assumed; --as-of overrides it."
        return replace(capture, as_of=traded, notes=(note,))
    return capture

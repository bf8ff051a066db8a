"""The JSON contract of ``snapshot --json``: one document a reading; docs/json.md names every key."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import msgspec

from gextui.exposure.board import Board
from gextui.exposure.book import ByExpiry
from gextui.exposure.change import Change
from gextui.exposure.coin_axis import on_coin_axis
from gextui.exposure.coin_terms import no_ratio
from gextui.exposure.levels import ExpectedMove, Levels, Wall
from gextui.exposure.parts import PartOfBook
from gextui.exposure.surface import skew_by_expiry
from gextui.market.chain import Floats

SCHEMA = 1
"""Rises when a documented key goes or changes its meaning."""
UNITS = {
    "gex": "USD per 1% move",
    "dex": "USD",
    "vanna": "USD of delta per vol point",
    "charm": "USD of delta per day",
}
EXPOSURES = ("call_gex", "put_gex", "net_gex", "net_dex", "net_vanna", "net_charm")
_SPLIT_EXPOSURES = ("call_gex", "put_gex", "net_gex")
_SPLIT_HOLDINGS = ("call_open_interest", "put_open_interest")
HOLDINGS = ("call_open_interest", "put_open_interest", "call_volume", "put_volume")


def encode(boards: Sequence[Board]) -> str:
    """One line of JSON: a document for one board, a list of documents for several. What is missing is null."""
    documents = [document(board) for board in boards]
    return msgspec.json.encode(documents[0] if len(documents) == 1 else documents).decode() + "\n"


def document(board: Board) -> dict[str, object]:
    """One reading in plain types; a number that is not there is None, or NaN, which `encode` writes as null."""
    chain, regime, filters = board.chain, board.regime, board.filters
    return {
        "schema": SCHEMA,
        "ticker": board.ticker.symbol,
        "source": chain.source,
        "simulated": chain.simulated,
        "as_of": instant(board.as_of),
        "delay": chain.delay,
        "implied": chain.implied_from is not None,
        "implied_from": None if chain.implied_from is None else instant(chain.implied_from),
        "halted_since": None if chain.halt is None else instant(chain.halt.since),
        "spot": board.spot,
        "spot_change_pct": None if board.spot_change is None else 100.0 * board.spot_change,
        "contracts": {"total": chain.total, "used": board.used, "dropped": dict(board.dropped)},
        "coverage": board.coverage,
        "interpolated": board.interpolated,
        "wiped": board.wiped,
        "warnings": list(board.warnings),
        "filters": asdict(filters),
        "units": UNITS | ({"open_interest": chain.counted_in, "volume": chain.counted_in} if chain.parts else {}),
        "totals": asdict(board.totals),
        "levels": _levels(board.levels),
        "coin_terms": _coin_terms(board),
        "regime": {"state": regime.state, "reason": regime.reason, "net_of_gross": regime.net_of_gross},
        "changes": [_change(change) for change in board.changes],
        "by_strike": _split_rows(board),
        "by_expiry": _expiry_rows(board),
    } | _parts(board)


def instant(at: datetime | float) -> str:
    """A UTC instant: 2023-09-14T20:31:00Z, with fractions of a second only where there are any."""
    moment = datetime.fromtimestamp(at, UTC) if isinstance(at, float) else at.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


def strike_rows(board: Board) -> list[dict[str, object]]:
    """One row a listed strike, ascending. Where nothing could be used no exposure is known, so none is given."""
    rows = board.by_strike
    columns = {"strike": rows.strike.tolist()}
    columns |= {name: _exposure(board, getattr(rows, name)) for name in EXPOSURES}
    columns |= {name: getattr(rows, name).tolist() for name in HOLDINGS}
    return _as_rows(columns)


def _split_rows(board: Board) -> list[dict[str, object]]:
    """The strikes' rows, each with what every venue holds of it where several make the chain."""
    rows = strike_rows(board)
    if not board.parts:
        return rows
    split = {part.part.name: _part_rows(part) for part in board.parts}
    return [row | {"parts": {name: own[at] for name, own in split.items()}} for at, row in enumerate(rows)]


def _part_rows(part: PartOfBook) -> list[dict[str, object]]:
    sums = part.by_strike
    unknown: list[object] = [None] * len(sums.strike)
    columns = {name: getattr(sums, name).tolist() if part.used else unknown for name in _SPLIT_EXPOSURES}
    columns |= {name: getattr(sums, name).tolist() for name in _SPLIT_HOLDINGS}
    return _as_rows(columns)


def _parts(board: Board) -> dict[str, object]:
    return {"parts": [_part(part) for part in board.parts]} if board.parts else {}


def _part(part: PartOfBook) -> dict[str, object]:
    own = part.part
    return {
        "name": own.name,
        "as_of": instant(own.as_of),
        "delay": own.delay,
        "spot": own.spot,
        "stale": own.stale,
        "detail": own.detail,
        "contracts": {"listed": part.contracts, "used": part.used},
        "net_gex": part.net_gex,
        "share": part.share,
    }


def _expiry_rows(board: Board) -> list[dict[str, object]]:
    rows: ByExpiry = board.by_expiry
    skew = skew_by_expiry(board)
    columns: dict[str, list[object]] = {
        "expiry": [instant(at) for at in rows.expiry.tolist()],
        "roots": list(rows.roots),
        "forward": rows.forward.tolist(),
        "atm_iv": rows.atm_iv.tolist(),
        "risk_reversal_25d": skew.risk_reversal.tolist(),
        "butterfly_25d": skew.butterfly.tolist(),
        "open_interest": (rows.call_open_interest + rows.put_open_interest).tolist(),
    }
    columns |= {name: _exposure(board, getattr(rows, name)) for name in EXPOSURES}
    columns |= {name: getattr(rows, name).tolist() for name in HOLDINGS}
    return _as_rows(columns)


def _exposure(board: Board, column: Floats) -> list[object]:
    return column.tolist() if board.used else [None] * len(column)


def _as_rows(columns: dict[str, list[object]]) -> list[dict[str, object]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _levels(levels: Levels) -> dict[str, object]:
    """Every named level as an object of the same shape whether or not it could be computed."""
    zero, pain = levels.zero_gamma, levels.max_pain
    return {
        "call_wall": _wall(levels, levels.call_wall),
        "put_wall": _wall(levels, levels.put_wall),
        "call_walls": [_wall(levels, wall) for wall in levels.call_walls],
        "put_walls": [_wall(levels, wall) for wall in levels.put_walls],
        "absolute_gamma": _wall(levels, levels.absolute_gamma),
        "zero_gamma": {
            "price": zero.price,
            "all": list(zero.roots),
            "band": None if zero.band is None else list(zero.band),
            "side": zero.side,
            "missing_from_band": zero.missing_from_band,
        }
        | _distance(levels, zero.price),
        "other_rules": [
            {"name": rule.name, "price": rule.price} | _distance(levels, rule.price) for rule in levels.other_rules
        ],
        "max_pain": {
            "price": None if pain is None else pain.price,
            "expiry": None if pain is None else instant(pain.expiry),
        }
        | _distance(levels, None if pain is None else pain.price),
        "expected_move": _move(levels.expected_move),
        "one_sigma": _move(levels.one_sigma),
        "daily_sigma": levels.daily_sigma,
        "iv_30d": levels.iv_30d,
    }


def _coin_terms(board: Board) -> dict[str, object] | None:
    """A coin ETF's spot and levels as prices of its coin; None for any other ticker."""
    coin, ratio = board.ticker.coin, board.chain.coin_ratio
    if coin is None:
        return None
    reason = no_ratio(board.chain) or None
    named: dict[str, object] = {"coin": coin, "reason": reason}
    if ratio is None:
        return named | dict.fromkeys(("coins_per_share", "ratio_source", "ratio_as_of", "spot", "levels"))
    levels = _levels(on_coin_axis(board).levels)
    return named | {
        "coins_per_share": ratio.coins_per_share,
        "ratio_source": ratio.source,
        "ratio_as_of": None if ratio.as_of is None else instant(ratio.as_of),
        "spot": ratio.in_coin(board.spot),
        "levels": levels,
    }


def _wall(levels: Levels, wall: Wall | None) -> dict[str, object]:
    if wall is None:
        return {"price": None, "gex": None, "share": None} | _distance(levels, None)
    return {"price": wall.price, "gex": wall.gex, "share": wall.share} | _distance(levels, wall.price)


def _distance(levels: Levels, price: float | None) -> dict[str, object]:
    if price is None:
        return {"distance_pct": None, "distance_sigmas": None}
    distance = levels.distance(price)
    return {"distance_pct": distance.percent, "distance_sigmas": distance.sigmas}


def _move(move: ExpectedMove | None) -> dict[str, object]:
    if move is None:
        return dict.fromkeys(("move", "low", "high", "expiry", "method"))
    return {
        "move": move.move,
        "low": move.low,
        "high": move.high,
        "expiry": instant(move.expiry),
        "method": move.method,
    } | ({"venue": move.venue} if move.venue else {})


def _change(change: Change) -> dict[str, object]:
    largest = change.largest
    return {
        "minutes": change.minutes,
        "state": change.state,
        "since": None if change.since is None else instant(change.since),
        "net_gex": change.total,
        "expired_gex": change.expired_gex,
        "largest": None if largest is None else {"strike": largest[0], "net_gex": largest[1]},
    }

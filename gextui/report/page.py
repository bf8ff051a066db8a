"""The page that ``snapshot`` prints for people, 80 columns wide, and the line for a status bar."""

import textwrap
from collections.abc import Iterator

import numpy as np
from click import style

from gextui.exposure.board import Board
from gextui.exposure.filters import Filters, Sign, Weight
from gextui.exposure.levels import ExpectedMove, Wall
from gextui.exposure.regime import State
from gextui.ui import format as show
from gextui.ui import venues
from gextui.ui.coin_words import on_other_axis, other_unit, ratio_words
from gextui.ui.levels import LevelRow, absolute_gamma, band, main_levels, other_rules
from gextui.ui.market_words import closed_words, halt_word

WIDTH = 80
STRIKES = 15
EXPIRIES = 8
_BAR = 15

_MARK = {State.POSITIVE: "γ+", State.NEGATIVE: "γ-", State.UNDETERMINED: "γ?"}
_COLOUR = {State.POSITIVE: "green", State.NEGATIVE: "red", State.UNDETERMINED: "yellow"}
_WEIGHED = {
    Weight.OPEN_INTEREST: "by open interest",
    Weight.VOLUME: "by the day's volume",
    Weight.ACTIVE: "by open interest new since yesterday",
}
_HELD = {
    Sign.DEALER_LONG_CALLS: "dealers long calls, short puts",
    Sign.DEALER_SHORT_BOTH: "dealers short both",
    Sign.CUSTOMER: "customers' side",
}


def page(board: Board) -> str:
    """Everything worth a look, as lines with ANSI colour that mean the same without it."""
    parts = (_head(board), level_lines(board), _totals(board), _ladder(board), _expiries(board))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def line(board: Board) -> str:
    """The reading in one line; an exclamation mark says that there are warnings."""
    parts = [
        board.ticker.symbol,
        show.price(board.spot),
        "" if board.spot_change is None else show.percent(board.spot_change, 2),
        _MARK[board.regime.state],
        f"{show.compact(board.totals.net_gex)}/1%",
        *(f"{row.short} {row.text}" for row in main_levels(board)),
        "SIMULATED" if board.chain.simulated else "",
        "IMPLIED" if board.chain.implied_from is not None else "",
        "" if board.chain.halt is None else halt_word(board.chain.halt),
        "!" if board.warnings else "",
    ]
    return " ".join(filter(None, parts)) + "\n"


def level_lines(board: Board) -> Iterator[str]:
    """The named levels, one a line: price, distance from spot in percent and daily sigmas, and what it rests on."""
    found = board.levels
    notes = {
        "call_wall": _of_side(found.call_wall, "of the calls"),
        "put_wall": _of_side(found.put_wall, "of the puts"),
        "absolute_gamma": _of_side(found.absolute_gamma, "of both sides"),
        "zero_gamma": _zero_note(board),
        "expected_move": _range(found.expected_move),
    }
    yield _heading(f"{'Levels':<18}{'price':>12}{'from spot':>10}{'daily':>7}")
    for row in (*main_levels(board), absolute_gamma(board)):
        yield _level(row, notes.get(row.name, ""))
    yield from _on_other_axis(board)
    yield ""
    yield _heading("Zero gamma by other tools' rules")
    for row in other_rules(board):
        yield _level(row, "")


def _on_other_axis(board: Board) -> Iterator[str]:
    """For a coin ETF, spot and the same levels in the coin; or why there are none."""
    words = ratio_words(board)
    if not words:
        return
    yield ""
    if not other_unit(board):
        yield from _wrapped("", f"No {board.ticker.coin} terms: {words}")
        return
    yield _heading(f"Levels in {other_unit(board)}")
    yield from _wrapped("", words)
    yield f"{'Spot':<18}{on_other_axis(board, board.spot):>12}"
    for row in (*main_levels(board), absolute_gamma(board)):
        yield f"{row.label:<18}{row.other or show.DASH:>12}"


def title(board: Board) -> str:
    """Ticker, spot, change on the day and instant."""
    change = "" if board.spot_change is None else f"  {show.percent(board.spot_change, 2)}"
    name = f"{board.ticker.symbol}  {show.price(board.spot)}{change}"
    label = "  SIMULATED" if board.chain.simulated else ""
    label += "  IMPLIED" if board.chain.implied_from is not None else ""
    label += f"  {halt_word(board.chain.halt)}" if board.chain.halt is not None else ""
    when = f"{show.moment(board.as_of):>{WIDTH - len(name + label)}}"
    return style(name, bold=True) + (style(label, fg="yellow", bold=True) if label else "") + when


def _head(board: Board) -> Iterator[str]:
    chain, regime = board.chain, board.regime
    yield title(board)
    when = closed_words(chain) or (f"{show.age(chain.delay)} late" if chain.delay else "")
    coverage = show.percent(board.coverage, 1, signed=False)
    counted = f"{board.used:,} of {chain.total:,} contracts"
    yield from _wrapped("", " · ".join(filter(None, (chain.source, when, counted, f"coverage {coverage}"))))
    if board.parts:
        shares = (
            f"{venues.name(part)} {show.percent(part.share, 1, signed=False)} of gross"
            + (f" {stale}" if (stale := venues.stale_words(board, part)) else "")
            for part in board.parts
        )
        yield from _wrapped("", " · ".join(shares))
    read = (_expiries_in_words(board.filters), _WEIGHED[board.filters.weight], _HELD[board.filters.sign])
    yield from _wrapped("", " · ".join(read))
    for warning in board.warnings:
        yield from _wrapped("! ", warning, "yellow")
    yield ""
    share = "" if regime.net_of_gross is None else f"; net is {show.percent(regime.net_of_gross)} of gross"
    yield from _wrapped(f"{_MARK[regime.state]} {regime.state.upper()}  ", regime.reason + share, _COLOUR[regime.state])


def _wrapped(mark: str, text: str, colour: str | None = None) -> Iterator[str]:
    first, *rest = textwrap.wrap(text, WIDTH - len(mark)) or [""]
    yield (style(mark, fg=colour, bold=True) if mark else "") + first
    yield from (" " * len(mark) + more for more in rest)


def _expiries_in_words(filters: Filters) -> str:
    named = {
        "all": "all expiries",
        "front": "front expiry",
        "0dte": "expiring today",
        "week": "expiring this week",
        "monthly": "monthly expiries",
    }
    spec = filters.expiry
    words = named.get(spec) or (f"within {spec[:-1]} days" if spec.endswith("d") else f"expiring {spec}")
    if filters.max_dte is not None:
        words += f" within {filters.max_dte:g} days"
    if filters.strike_range is not None:
        words += f" · strikes within {filters.strike_range:g}%"
    return words


def _heading(text: str) -> str:
    return style(text, bold=True, underline=True)


def _level(row: LevelRow, note: str) -> str:
    notes = ", ".join(filter(None, (row.note, note)))
    return f"{row.label:<18}{row.text:>12}{row.percent:>10}{row.sigmas:>7}  {notes}".rstrip()


def _of_side(wall: Wall | None, whole: str) -> str:
    return "" if wall is None else f"{show.compact(wall.gex)}, {show.percent(wall.share, 0, signed=False)} {whole}"


def _zero_note(board: Board) -> str:
    roots = board.levels.zero_gamma.roots
    return band(board) + (f", {len(roots)} roots" if len(roots) > 1 else "")


def _range(move: ExpectedMove | None) -> str:
    if move is None:
        return ""
    return f"{show.level(move.low)} – {show.level(move.high)}" + (f", {move.venue}" if move.venue else "")


def _totals(board: Board) -> Iterator[str]:
    totals = board.totals
    yield _heading("Totals")
    calls, puts = show.compact(totals.call_gex), show.compact(totals.put_gex)
    yield f"Net GEX     {show.compact(totals.net_gex):>10}  USD per 1% move (calls {calls}, puts {puts})"
    yield f"Net DEX     {show.compact(totals.net_dex):>10}  USD"
    yield f"Net vanna   {show.compact(totals.net_vanna):>10}  USD of delta per vol point"
    yield f"Net charm   {show.compact(totals.net_charm):>10}  USD of delta per day"
    for name, call, put, put_call in (
        (
            board.chain.counted_in.capitalize(),
            totals.call_open_interest,
            totals.put_open_interest,
            totals.put_call_open_interest,
        ),
        ("Volume", totals.call_volume, totals.put_volume, totals.put_call_volume),
    ):
        yield f"{name:<12}{show.ratio(put_call):>10}  put/call ({show.count(call)} calls, {show.count(put)} puts)"


def _ladder(board: Board) -> Iterator[str]:
    """The heaviest strikes on a price axis, puts to the left and calls to the right, spot between them."""
    rows = board.by_strike
    weight = np.maximum(np.abs(rows.call_gex), np.abs(rows.put_gex))
    heaviest = np.sort(np.argsort(-weight, kind="stable")[:STRIKES])[::-1]
    heaviest = heaviest[weight[heaviest] > 0]
    yield _heading(f"GEX by strike: the {len(heaviest)} that weigh most, USD per 1% move")
    if not len(heaviest):
        yield show.DASH
        return
    full = float(weight.max())
    decimals = show.strike_decimals(rows.strike[heaviest].tolist())
    names = _names(board)
    spot = f"{show.price(board.spot):>11} {'─' * (2 * _BAR + 1)} {'':>10}  SPOT"
    below = False
    for at in heaviest.tolist():
        price = float(rows.strike[at])
        if price < board.spot and not below:
            below = True
            yield style(spot, fg="yellow")
        put = _bar(float(rows.put_gex[at]), full, -1.0)
        call = _bar(float(rows.call_gex[at]), full, 1.0)
        bars = style(f"{put:>{_BAR}}", fg="red") + "│" + style(f"{call:<{_BAR}}", fg="green")
        amount = show.compact(float(rows.net_gex[at]))
        yield f"{show.strike(price, decimals):>11} {bars} {amount:>10}  {names.get(price, '')}".rstrip()
    if not below:
        yield style(spot, fg="yellow")


def _bar(gex: float, full: float, usual: float) -> str:
    """Its length by size; shaded where its sign is not the one that its side stands for."""
    cells = max(round(abs(gex) / full * _BAR), 1) if gex else 0
    return ("█" if gex * usual > 0 else "▒") * cells


def _names(board: Board) -> dict[float, str]:
    """The levels at each strike: a single one by its name, several by their initials."""
    found = board.levels
    named: dict[float, list[tuple[str, str]]] = {}
    for full, short, level in (
        ("CALL WALL", "CW", found.call_wall),
        ("PUT WALL", "PW", found.put_wall),
        ("MAX PAIN", "MP", found.max_pain),
    ):
        if level is not None:
            named.setdefault(level.price, []).append((full, short))
    return {
        price: names[0][0] if len(names) == 1 else "·".join(short for _, short in names)
        for price, names in named.items()
    }


def _expiries(board: Board) -> Iterator[str]:
    rows = board.by_expiry
    shown = min(len(rows.expiry), EXPIRIES)
    heading = (
        f"{'Expiries':<10}{'':<12}{'forward':>12}{'IV':>8}{'net GEX':>11}{board.chain.counted_in:>12}{'put/call':>10}"
    )
    yield _heading(heading)
    for at in range(shown):
        calls, puts = float(rows.call_open_interest[at]), float(rows.put_open_interest[at])
        gex = float(rows.net_gex[at]) if board.used else None
        yield (
            f"{show.day(float(rows.expiry[at])):<10}{show.left(rows.roots[at], 12)}"
            f"{show.level(float(rows.forward[at])):>12}{show.volatility(float(rows.atm_iv[at])):>8}"
            f"{show.compact(gex):>11}{show.count(calls + puts):>12}"
            f"{show.ratio(puts / calls if calls else None):>10}"
        )
    if len(rows.expiry) > shown:
        yield f"and {len(rows.expiry) - shown} more"
    elif not shown:
        yield show.DASH

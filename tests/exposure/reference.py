"""An independent, slow reading of a chain: plain Python, one contract at a time, straight from the design's words."""

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from gextui.market.chain import OptionChain

YEAR = 365.0 * 86400.0


@dataclass
class Row:
    instant: float
    years: float
    strike: float
    call: bool
    iv: float
    open_interest: float
    multiplier: float
    bid: float
    ask: float
    clean: float = math.nan
    own: bool = False

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2 if self.bid > 0 and self.ask >= self.bid else math.nan


@dataclass
class Reading:
    net: float = 0.0
    call: float = 0.0
    put: float = 0.0
    gross: float = 0.0
    call_by_strike: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    put_by_strike: dict[float, float] = field(default_factory=lambda: defaultdict(float))
    forwards: dict[float, float] = field(default_factory=dict)
    used: list[Row] = field(default_factory=list)
    rate: float = 0.0
    roots: list[float] = field(default_factory=list)
    coverage: float = math.nan

    def repriced(self, y: float) -> float:
        """Net GEX with every forward moved by so much in logarithm."""
        return sum(_gex(row, self.forwards[row.instant] * math.exp(y), self.rate) for row in self.used)

    @property
    def call_wall(self) -> float:
        return max(self.call_by_strike, key=lambda strike: self.call_by_strike[strike])

    @property
    def put_wall(self) -> float:
        return min(self.put_by_strike, key=lambda strike: self.put_by_strike[strike])


def read(chain: OptionChain, *, points: int = 1201) -> Reading:
    """Net, call and put GEX, walls and every zero gamma of a chain, dealers long calls and short puts."""
    now = chain.as_of.timestamp()
    rows = [
        Row(
            instant=float(chain.expiries[chain.expiry[i]]),
            years=max(float(chain.expiries[chain.expiry[i]]) - now, 60.0) / YEAR,
            strike=float(chain.strike[i]),
            call=bool(chain.is_call[i]),
            iv=_believed(float(chain.iv[i]), chain.ticker.highest_iv),
            open_interest=float(chain.open_interest[i]),
            multiplier=float(chain.multiplier[i]),
            bid=float(chain.bid[i]),
            ask=float(chain.ask[i]),
        )
        for i in range(len(chain))
        if chain.expiries[chain.expiry[i]] > now
    ]
    reading = Reading(rate=chain.rate)
    expiries: dict[float, list[Row]] = defaultdict(list)
    for row in rows:
        expiries[row.instant].append(row)
    given = dict(zip(chain.expiries.tolist(), chain.forwards.tolist(), strict=True))
    for instant, listed in expiries.items():
        forward = given[instant]
        if math.isnan(forward):
            forward = _forward(listed, chain.spot, chain.rate)
        reading.forwards[instant] = forward
        _clean(listed, forward, chain.rate)
    used = [row for row in rows if math.isfinite(row.clean) and math.isfinite(row.open_interest)]
    for row in used:
        gex = _gex(row, reading.forwards[row.instant], chain.rate)
        reading.net += gex
        reading.gross += abs(gex)
        if row.call:
            reading.call += gex
            reading.call_by_strike[row.strike] += gex
        else:
            reading.put += gex
            reading.put_by_strike[row.strike] += gex
    held = sum(row.open_interest for row in rows if math.isfinite(row.open_interest))
    if held:
        reading.coverage = sum(row.open_interest for row in used if row.own) / held
    reading.used = used
    reading.roots = roots_of([reading], chain.spot, points)
    return reading


def _believed(iv: float, highest: float) -> float:
    return iv if 1e-4 < iv <= highest and iv not in (5.0, 10.0) else math.nan


def _forward(listed: list[Row], spot: float, rate: float) -> float:
    years = listed[0].years
    calls = {row.strike: row.mid for row in listed if row.call}
    puts = {row.strike: row.mid for row in listed if not row.call}
    implied = [
        (abs(strike - spot), strike, strike + math.exp(rate * years) * (calls[strike] - puts[strike]))
        for strike in calls.keys() & puts.keys()
        if math.isfinite(calls[strike]) and math.isfinite(puts[strike])
    ]
    if implied:
        return median(forward for _, _, forward in sorted(implied)[:6])
    return spot * math.exp(rate * years)


def _clean(listed: list[Row], forward: float, rate: float) -> None:
    by_strike: dict[float, dict[bool, float]] = defaultdict(dict)
    for row in listed:
        if math.isfinite(row.iv):
            by_strike[row.strike].setdefault(row.call, row.iv)
    known = {
        strike: sides.get(strike >= forward, sides.get(strike < forward, math.nan))
        for strike, sides in by_strike.items()
    }
    for row in listed:
        if row.strike not in by_strike and row.call == (row.strike >= forward) and math.isfinite(row.mid):
            known[row.strike] = _solved(row, forward, rate)
    strikes = sorted(known)
    for row in listed:
        if row.strike in known:
            row.clean, row.own = known[row.strike], True
        elif strikes:
            row.clean = _between(math.log(row.strike / forward), forward, strikes, known)


def _solved(row: Row, forward: float, rate: float) -> float:
    low, high = 1e-4, 5.0
    for _ in range(200):
        middle = (low + high) / 2
        if _value(row, forward, middle, rate) < row.mid:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _value(row: Row, forward: float, iv: float, rate: float) -> float:
    v = iv * math.sqrt(row.years)
    d1 = math.log(forward / row.strike) / v + v / 2
    side = 1.0 if row.call else -1.0
    below = [math.erfc(-side * d / math.sqrt(2)) / 2 for d in (d1, d1 - v)]
    return math.exp(-rate * row.years) * side * (forward * below[0] - row.strike * below[1])


def _between(x: float, forward: float, strikes: list[float], known: dict[float, float]) -> float:
    xs = [math.log(strike / forward) for strike in strikes]
    if x <= xs[0]:
        return known[strikes[0]]
    for left, right, low, high in zip(xs, xs[1:], strikes, strikes[1:], strict=False):
        if left <= x <= right:
            return known[low] + (x - left) / (right - left) * (known[high] - known[low])
    return known[strikes[-1]]


def _gex(row: Row, forward: float, rate: float) -> float:
    v = row.clean * math.sqrt(row.years)
    d1 = math.log(forward / row.strike) / v + v / 2
    density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
    dollars = math.exp(-rate * row.years) * density * forward / v * 0.01 * row.open_interest * row.multiplier
    return dollars if row.call else -dollars


def roots_of(readings: list[Reading], spot: float, points: int) -> list[float]:
    """Every zero gamma of the sum of these readings, on the axis of ``spot``."""

    def book(y: float) -> float:
        return sum(reading.repriced(y) for reading in readings)

    low, high = math.log(0.75), math.log(1.25)
    grid = [low + (high - low) * j / (points - 1) for j in range(points)]
    values = [book(y) for y in grid]
    dust = 1e-9 * max((abs(value) for value in values), default=0.0)
    found = []
    for left, right, a, b in zip(grid, grid[1:], values, values[1:], strict=False):
        if a * b < 0 and max(abs(a), abs(b)) > dust:
            lower = a < 0
            for _ in range(50):
                middle = (left + right) / 2
                if (book(middle) < 0) == lower:
                    left = middle
                else:
                    right = middle
            found.append(spot * math.exp((left + right) / 2))
    return found

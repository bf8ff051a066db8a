"""gextui's own CSV, written: a row a contract, read back by `files.read_chains`."""

import csv
from datetime import UTC, datetime, time
from io import StringIO

from gextui.market.calendar import NEW_YORK, Settlement
from gextui.market.chain import OptionChain
from gextui.market.ticker import Session

COLUMNS = (
    "ticker", "as_of", "spot", "root", "expiry", "settlement", "strike", "right", "iv", "open_interest", "volume",
    "bid", "ask", "multiplier", "forward", "venue",
)  # fmt: skip
HEADING = ",".join(COLUMNS) + "\n"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_rows(chain: OptionChain) -> str:
    """The chain's contracts, a line each; what is missing is blank, numbers read back as they were."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    ticker, as_of = plain_cell(chain.ticker.symbol), _iso(chain.as_of)
    roots = [plain_cell(root) for root in chain.roots]
    expiries = [_expiry(instant, chain.ticker.session) for instant in chain.expiries.tolist()]
    forwards, spots = chain.forwards.tolist(), [_text(spot) for spot in chain.spots.tolist()]
    venues = [plain_cell(part.name) for part in chain.parts] or [""]
    of_expiry = [venues[part] for part in chain.part.tolist()]
    columns = (chain.strike, chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask, chain.multiplier)
    numbers = zip(*(column.tolist() for column in columns), strict=True)
    keys = zip(chain.root.tolist(), chain.expiry.tolist(), chain.is_call.tolist(), numbers, strict=True)
    for root, expiry, is_call, (strike, iv, open_interest, volume, bid, ask, multiplier) in keys:
        contract = (roots[root], *expiries[expiry], _text(strike), "C" if is_call else "P")
        measured = map(_text, (iv, open_interest, volume, bid, ask, multiplier, forwards[expiry]))
        writer.writerow((ticker, as_of, spots[expiry], *contract, *measured, of_expiry[expiry]))
    return text.getvalue()


def plain_cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _expiry(instant: float, session: Session) -> tuple[str, str]:
    """Expiry and settlement, the latter for options that settle on New York's time."""
    at = datetime.fromtimestamp(instant, UTC)
    if session is Session.UTC:
        return _iso(at), ""
    opens = at.astimezone(NEW_YORK).time() == time(9, 30)
    return _iso(at), Settlement.AM if opens else Settlement.PM


def _text(number: float) -> str:
    return "" if number != number else repr(number)

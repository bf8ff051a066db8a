"""The program itself, which knows the six coins that the flood lists."""

from benchmarks.flood import MADE_UP
from gextui.cli import main
from gextui.market.ticker import KNOWN_TICKERS

if __name__ == "__main__":
    KNOWN_TICKERS.update({ticker.symbol: ticker for ticker in MADE_UP})
    main()

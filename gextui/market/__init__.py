"""What is traded: tickers, option chains, the calendar. No I/O."""

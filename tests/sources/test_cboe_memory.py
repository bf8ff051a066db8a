"""The largest files are read within a bounded memory, one after the other."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio, json, resource, sys
from gextui.market.ticker import KNOWN_TICKERS
from gextui.sources.cboe_book import read_quotes

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def read(before):
    with open(sys.argv[1], "rb") as file:
        body = file.read()
    return read_quotes(
        body, KNOWN_TICKERS["SPX"], before, rate=0.04, sent=None, on_loopback=False, trading=True
    ).chain

async def main():
    chain = None
    for _ in range(int(sys.argv[2])):
        chain = await asyncio.to_thread(read, chain)
    return chain

with open(sys.argv[3], "rb") as small:
    read_quotes(small.read(), KNOWN_TICKERS["SPX"], None, rate=0.0, sent=None, on_loopback=False, trading=True)
before = peak()
chain = asyncio.run(main())
print(json.dumps([len(chain), peak() - before]))
"""
CONTRACTS = 32_000
DAYS = ("261120", "261218", "270115", "270219", "270319", "270416", "270521", "270716")
FULL_ROW = (
    '{{"option":"{name}","bid":132.3,"bid_size":42.0,"ask":136.15,"ask_size":1.0,"iv":0.5642,"open_interest":1532.0,'
    '"volume":3.0,"delta":0.9933,"gamma":0.0002,"vega":0.0234,"theta":-0.0107,"rho":0.3013,"theo":134.239,'
    '"change":13.26,"open":129.39,"high":135.06,"low":129.39,"tick":"up","last_trade_price":135.06,'
    '"last_trade_time":"2026-07-24T12:25:29","percent_change":10.8867,"prev_day_close":121.799999237061}}'
)


def file_of(contracts: int) -> str:
    names = (f"SPXW{DAYS[n % 8]}{'CP'[n // 8 % 2]}{1000 * (1000 + n // 16):08d}" for n in range(contracts))
    rows = ",".join(FULL_ROW.format(name=name) for name in names)
    return (
        '{"timestamp":"2026-11-19 16:00:00","symbol":"_SPX","data":{"symbol":"^SPX","security_type":"index",'
        f'"current_price":6700.0,"last_trade_time":"2026-11-19T10:44:59","options":[{rows}]}}}}'
    )


def test_the_largest_file_costs_a_few_times_its_size(tmp_path: Path) -> None:
    large, small = tmp_path / "large.json", tmp_path / "small.json"
    large.write_text(file_of(CONTRACTS))
    small.write_text(file_of(16))
    megabytes = large.stat().st_size / 2**20
    assert 12.0 < megabytes < 15.0

    def grown(times: int) -> float:
        command = [sys.executable, "-c", PROGRAM, str(large), str(times), str(small)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        contracts, growth = done.stdout.strip("[] \n").split(",")
        assert int(contracts) == CONTRACTS
        return float(growth)

    once, often = grown(1), grown(8)
    assert once < 6 * megabytes, "Python's own json takes 13 times as much"
    assert often < once + 2.5 * megabytes, "what was read is let go"

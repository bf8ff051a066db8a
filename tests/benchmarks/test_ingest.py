"""The benchmark of ingest: what the flood sends is what the source reads, and the figures are there."""

import asyncio
import math
from datetime import UTC, datetime

import msgspec
import pytest
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks import ingest
from benchmarks.venue import SIX, Batch, SixCoins, bybit_message, deribit_message, running
from gextui.sources.bybit_messages import Data, decode_push
from gextui.sources.deribit_book import market_of


def frames_in(data: bytes) -> list[Frame]:
    """The WebSocket frames of a server."""
    reader = StreamReader()
    reader.feed_data(data)
    found = []
    while reader.buffer:
        parser = Frame.parse(reader.read_exact, mask=False)
        with pytest.raises(StopIteration) as parsed:
            next(parser)
        found.append(parsed.value.value)
    return found


def test_a_batch_is_frames_of_the_time_asked_for() -> None:
    tickers = [{"instrument_name": f"BTC-27NOV26-{strike}-C", "timestamp": 0, "rest": "x" * 200} for strike in (1, 22)]
    batch = Batch([*map(deribit_message, tickers)])
    for milliseconds in (1_795_000_000_123, 1_795_000_000_124):
        read = frames_in(batch.of(milliseconds))
        assert [frame.opcode for frame in read] == [Opcode.TEXT, Opcode.TEXT]
        messages = [msgspec.json.decode(frame.data)["params"] for frame in read]
        assert [message["data"] for message in messages] == [ticker | {"timestamp": milliseconds} for ticker in tickers]
        assert messages[1]["channel"] == "ticker.BTC-27NOV26-22-C.agg2"


def test_a_push_of_bybits_has_its_time_too() -> None:
    batch = Batch([bybit_message("BTC-27NOV26-90000-C-USDT", {"markPriceIv": "0.5", "rest": "x" * 100})])
    [read] = frames_in(batch.of(1_795_000_000_123))
    push = decode_push(bytes(read.data))
    assert (push.topic, push.ts, push.type) == ("tickers.BTC-27NOV26-90000-C-USDT", 1_795_000_000_123, "snapshot")
    assert isinstance(push.data, Data)
    assert push.data.mark_price_iv == 0.5


def test_there_are_six_coins_with_names_of_their_own() -> None:
    market = SixCoins()
    assert abs((market.now - datetime.now(UTC)).total_seconds()) < 60
    chains = [market.chain(ticker) for ticker in market.tickers]
    assert [chain.ticker for chain in chains] == list(SIX)
    assert [chain.roots for chain in chains] == [(market_of(ticker.symbol).root,) for ticker in SIX]


def test_the_source_is_measured_against_receiving_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "ROUNDS", 1)
    monkeypatch.setattr(ingest, "WATCHED", 0.3)
    monkeypatch.setattr(ingest, "PACED", 0.5)
    with running("deribit") as flood:
        figures = asyncio.run(ingest._source(flood))
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert figures["ratio_to_receive_only"] == figures["messages_per_second"] / figures["receive_only_per_second"]
    assert 0.5 * ingest.PACE < figures["of_which_were_sent_per_second"] < 1.5 * ingest.PACE

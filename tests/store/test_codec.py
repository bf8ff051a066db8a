"""A chain is packed and comes back as it was, and whatever else comes is found out."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gextui.market.chain import Floats, Halt, OptionChain, Part
from gextui.market.coin import CoinRatio, RatioSource
from gextui.market.combined import combine
from gextui.market.ticker import Kind, Ticker
from gextui.store import codec
from gextui.store.columns import DamagedError, pack_columns, unpack_columns
from tests.store.market import NOON, chain_at, same_bits

Packed = tuple[bytes, bytes, bytes, bytes, int, int]
"""Layout, digest, key frame, snapshot, checksum, ts."""


def packed(chain: OptionChain, before: OptionChain | None = None) -> Packed:
    layout = codec.describe_layout(chain)
    numbers = codec.numbers_of(chain)
    key = numbers if before is None else codec.numbers_of(before)
    digest = codec.digest_of(layout)
    payload, crc = codec.pack_snapshot(chain, digest, numbers, key)
    return codec.compress(layout), digest, codec.pack_key_frame(key), payload, crc, codec.microseconds(chain.as_of)


def unpacked(stored: Packed) -> OptionChain:
    layout_payload, digest, key_payload, payload, crc, ts = stored
    layout = codec.read_layout(layout_payload, digest)
    return codec.read_snapshot(payload, crc, ts, layout, codec.read_key_frame(key_payload, layout))


def floats(size: int) -> st.SearchStrategy[Floats]:
    """Any float64 whatever, and columns of decimals as venues write them."""
    decimals = st.integers(-(10**9), 10**9)
    whole = arrays.arrays(np.float64, size, elements=st.floats(allow_nan=True, allow_infinity=True, width=64))
    cents = arrays.arrays(np.int64, size, elements=decimals).map(lambda column: column / 100.0)
    percent = arrays.arrays(np.int64, size, elements=decimals).map(lambda column: column / 100.0 / 100.0)
    some = arrays.arrays(np.int64, size, elements=st.integers(0, 5)).map(
        lambda column: np.where(column, column, np.nan)
    )
    return st.one_of(whole, cents, percent, some)


@st.composite
def chains(draw: st.DrawFn) -> OptionChain:
    size = draw(st.integers(0, 8))
    ticker = Ticker("XYZ", "Example", draw(st.sampled_from(Kind)), "cboe", draw(st.sampled_from([None, "BTC"])))
    positive = st.floats(min_value=5e-324, max_value=1e308)
    any_float = st.floats(allow_nan=False, allow_infinity=False)
    ratios = st.builds(
        CoinRatio, positive, st.sampled_from(RatioSource), st.none() | st.datetimes(timezones=st.just(UTC))
    )
    chain = OptionChain.from_rows(
        ticker=ticker,
        source="deribit",
        as_of=draw(st.datetimes(timezones=st.just(UTC))),
        spot=draw(positive),
        root=draw(st.lists(st.sampled_from(["XYZ", "XYZW", "a b"]), min_size=size, max_size=size)),
        expiry=draw(st.lists(any_float, min_size=size, max_size=size)),
        strike=draw(st.lists(any_float, min_size=size, max_size=size)),
        is_call=draw(st.lists(st.booleans(), min_size=size, max_size=size)),
        iv=draw(floats(size)),
        open_interest=draw(floats(size)),
        volume=draw(floats(size)),
        bid=draw(floats(size)),
        ask=draw(floats(size)),
        multiplier=draw(floats(size)),
        rate=draw(any_float),
        total=draw(st.integers(0, 2**53)),
        dropped=draw(st.dictionaries(st.sampled_from(["expired", "bad_strike"]), st.integers(0, 10**6))),
        notes=draw(st.lists(st.sampled_from(["no quotes", "π is not a strike"]))),
        previous_close=draw(st.none() | positive),
        volatility_index=draw(st.none() | positive),
        delay=draw(any_float),
        simulated=draw(st.booleans()),
    )
    halts = st.builds(Halt, st.datetimes(timezones=st.just(UTC)), st.booleans())
    chain = replace(chain, coin_ratio=draw(st.none() | ratios), halt=draw(st.none() | halts))
    names = draw(st.lists(st.sampled_from(["deribit", "bybit", "cboe IBIT"]), unique=True))
    if not names:
        return chain
    parts = [
        Part(
            name=name,
            as_of=draw(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
            spot=draw(positive),
            rate=draw(any_float),
            delay=draw(any_float),
            stale=draw(st.booleans()),
            detail=draw(st.sampled_from(["", "no data for 42 s"])),
        )
        for name in names
    ]
    part = draw(arrays.arrays(np.int64, len(chain.expiries), elements=st.integers(0, len(parts) - 1)))
    return replace(chain, parts=tuple(parts), part=part)


@given(chains())
@settings(deadline=None)
def test_a_chain_comes_back_bit_for_bit(chain: OptionChain) -> None:
    assert same_bits(unpacked(packed(chain)), chain)


@given(st.data(), st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_columns_come_back_whatever_their_key(data: st.DataObject, size: int) -> None:
    columns, keys = zip(
        *data.draw(st.lists(st.tuples(floats(size), floats(size)), min_size=1, max_size=3)), strict=True
    )
    back = unpack_columns(pack_columns(columns, keys), keys)
    assert [column.tobytes() for column in back] == [column.tobytes() for column in columns]


@pytest.mark.parametrize(
    ("unit", "column"),
    [
        (0, [1.0, 250.0, np.nan]),
        (1, [0.1, 1185.8]),
        (2, [0.05, 2715.5]),
        (3, [1.125]),
        (4, [0.3687, 0.0]),
        (5, [54.32 / 100, 36.87 / 100]),
        (255, [1 / 3]),
        (255, [-0.0]),
        (255, [2.0**31]),
        (255, [np.inf]),
    ],
)
def test_decimals_take_four_bytes_and_the_rest_eight(unit: int, column: list[float]) -> None:
    values = np.array(column)
    packed_column = pack_columns([values], [np.zeros_like(values)])
    assert packed_column[0] == unit
    assert len(packed_column) == 1 + len(values) * (8 if unit == 255 else 4)


def test_a_chain_that_hardly_moved_packs_to_a_fraction() -> None:
    before = chain_at(NOON, strikes=401)
    open_interest = before.open_interest.copy()
    open_interest[7] += 25
    after = replace(before, as_of=NOON + timedelta(seconds=10), open_interest=open_interest)
    stored = packed(after, before)
    assert same_bits(unpacked(stored), after)
    assert len(stored[3]) < 400 < 2000 < len(stored[2])


def combined(stale: str = "no data for 42 s") -> OptionChain:
    """Two venues' chains of the same contracts."""
    other = replace(chain_at(NOON, source="bybit"), multiplier=np.full(36, 0.1))
    return combine(other.ticker, [chain_at(NOON), other], stale={"bybit": stale})


def test_two_venues_chain_comes_back_and_packs_like_any_other() -> None:
    before = combined()
    after = replace(before, as_of=NOON + timedelta(seconds=10), parts=combined("no data for 52 s").parts)
    stored = packed(after, before)
    assert same_bits(unpacked(stored), after)
    assert [part.detail for part in unpacked(stored).parts] == ["", "no data for 52 s"]
    assert packed(after)[1] == packed(before)[1] != packed(chain_at(NOON))[1]


def test_the_texts_of_parts_come_back_cleaned() -> None:
    chain = combined("\x1b[31mdown")
    parts = tuple(replace(part, name=f"\u202e{part.name}") for part in chain.parts)
    back = unpacked(packed(replace(chain, parts=parts))).parts
    assert [(part.name, part.detail) for part in back] == [("\ufffdderibit", ""), ("\ufffdbybit", "\ufffd[31mdown")]


def test_parts_that_are_not_the_layouts_are_damage() -> None:
    chain = combined()
    layout = codec.read_layout(*packed(chain)[:2])
    numbers = codec.numbers_of(chain)
    for spoiled, parts, reason in (
        (numbers, chain.parts[:1], "parts are not"),
        ((*numbers[:-1], np.zeros_like(numbers[-1])), chain.parts, "spot price of a part"),
        ((*numbers[:-1], np.full_like(numbers[-1], np.nan)), chain.parts, "spot price of a part"),
        ((*numbers[:-1], np.full_like(numbers[-1], 1e300)), chain.parts, "calendar"),
    ):
        payload, crc = codec.pack_snapshot(replace(chain, parts=parts), layout.digest, spoiled, numbers)
        with pytest.raises(DamagedError, match=reason):
            codec.read_snapshot(payload, crc, codec.microseconds(chain.as_of), layout, numbers)


def test_texts_come_back_cleaned() -> None:
    chain = replace(chain_at(NOON), source="deri\x1b[31mbit", notes=("\u202eevil",))
    back = unpacked(packed(chain))
    assert (back.source, back.notes) == ("deri\ufffd[31mbit", ("\ufffdevil",))


@given(st.integers(0, 3), st.data())
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_found_out_or_changes_nothing(part: int, data: st.DataObject) -> None:
    chain = chain_at(NOON)
    stored = packed(chain)
    spoiled = bytearray(stored[:4][part])
    spoiled[data.draw(st.integers(0, len(spoiled) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts = [*stored[:part], bytes(spoiled), *stored[part + 1 :]]
    try:
        back = unpacked(tuple(parts))  # type: ignore[arg-type]
    except DamagedError:
        return
    assert same_bits(back, chain)  # a bit that zlib does not read


@pytest.mark.parametrize("bit", range(32))
def test_a_wrong_checksum_is_found_out(bit: int) -> None:
    layout, digest, key, payload, crc, ts = packed(chain_at(NOON))
    with pytest.raises(DamagedError, match="checksum"):
        unpacked((layout, digest, key, payload, crc ^ 1 << bit, ts))


@pytest.mark.parametrize("ts", [1, 2**62, -(2**62)])
def test_a_wrong_instant_is_found_out(ts: int) -> None:
    with pytest.raises(DamagedError):
        unpacked((*packed(chain_at(NOON))[:5], ts))


def test_another_key_frame_or_layout_is_found_out() -> None:
    chain, other = chain_at(NOON), chain_at(NOON, open_interest=7.0)
    wider, stored = chain_at(NOON, strikes=11), packed(chain)
    with pytest.raises(DamagedError, match="checksum"):
        unpacked((*stored[:2], packed(other)[2], *stored[3:]))
    with pytest.raises(DamagedError):
        unpacked((*packed(wider)[:3], *stored[3:]))


def test_a_layout_under_the_name_of_another_is_found_out() -> None:
    chain = chain_at(NOON)
    other = replace(chain, strike=chain.strike + 500.0)
    with pytest.raises(DamagedError, match="digest"):
        unpacked((packed(other)[0], *packed(chain)[1:]))


def test_an_instant_beyond_any_calendar_is_damage() -> None:
    chain = chain_at(NOON)
    layout = codec.read_layout(*packed(chain)[:2])
    numbers = codec.numbers_of(chain)
    payload, _ = codec.pack_snapshot(chain, layout.digest, numbers, numbers)
    ts = 2**62
    remarks = codec._Remarks(chain.total, dict(chain.dropped), chain.notes)
    crc = codec._checksum(ts, layout.digest, remarks, numbers)  # as somebody who means ill would compute it
    with pytest.raises(DamagedError, match="calendar"):
        codec.read_snapshot(payload, crc, ts, layout, numbers)


BOMB = codec.compress(bytes(64 << 20))
NO_HEADERS = [b"", b"\xff\xff\xff\xff{}", b"\x02\x00\x00\x00{}", b"\x02\x00\x00\x00\xff\xff"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\x01",
        lambda payload: b"\x02" + payload[1:],
        lambda payload: payload[:-1],
        lambda payload: payload[:5],
        lambda payload: payload + b"x",
        lambda _: BOMB,
        *(partial(lambda plain, _: codec.compress(plain), plain) for plain in NO_HEADERS),
    ],
)
@pytest.mark.parametrize("part", [0, 2, 3])
def test_a_payload_of_any_other_shape_is_damage(part: int, spoil: Callable[[bytes], bytes]) -> None:
    stored = packed(chain_at(NOON))
    payload = stored[part]
    assert isinstance(payload, bytes)
    parts = [*stored[:part], spoil(payload), *stored[part + 1 :]]
    with pytest.raises(DamagedError):
        unpacked(tuple(parts))  # type: ignore[arg-type]


@pytest.mark.parametrize("plain", [*NO_HEADERS, codec.describe_layout(chain_at(NOON))[:-1]])
def test_a_layout_of_any_other_shape_is_damage_though_its_digest_fits(plain: bytes) -> None:
    with pytest.raises(DamagedError):
        codec.read_layout(codec.compress(plain), codec.digest_of(plain))


def test_a_layout_may_not_claim_fewer_contracts_than_none() -> None:
    plain = codec.describe_layout(chain_at(NOON)).replace(b'"contracts":36', b'"contracts":-1')
    with pytest.raises(DamagedError, match="size"):
        codec.read_layout(codec.compress(plain), codec.digest_of(plain))


@pytest.mark.parametrize("column", ["root", "expiry", "part"])
@pytest.mark.parametrize("index", [-1, 99])
def test_a_layout_that_points_outside_itself_is_damage(column: str, index: int) -> None:
    chain = combined()
    indices = getattr(chain, column).copy()
    indices[3] = index
    layout = codec.describe_layout(replace(chain, **{column: indices}))
    with pytest.raises(DamagedError, match="outside"):
        codec.read_layout(codec.compress(layout), codec.digest_of(layout))

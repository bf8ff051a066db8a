"""The packed form of a chain.

A chain is its layout, which says what contracts there are, rarely changes and is stored once, and its numbers, which
are packed against a key frame's and come back bit for bit. Texts come back cleaned. What is read here comes from a
file that anyone may have written: nothing is inflated without a limit, nothing is believed without the checksum.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TypeVar

import msgspec
import numpy as np

from gextui.market.chain import Booleans, Floats, Halt, Integers, OptionChain, Part
from gextui.market.coin import CoinRatio
from gextui.market.text import clean_symbol, clean_text
from gextui.market.ticker import Kind, Ticker
from gextui.store.columns import DamagedError, pack_columns, unpack_columns

Numbers = tuple[Floats, ...]
"""What a layout does not hold: spot, rate, delay, previous close; forwards; IV, open interest, volume, bid, ask; and
where several venues make the chain each one's instant, spot, rate and delay."""

_CODEC = 1
"""The first byte of every payload."""
_MOST_BYTES = 16 << 20
_MOST_CONTRACTS = 100_000
_MOST_REMARKS = 1 << 18
_LENGTH = 4
"""Bytes that give the length of the JSON in front of the numbers."""
_SCALARS = 5
_COLUMNS = 5
_OF_A_PART = 4
_Header = TypeVar("_Header", bound=msgspec.Struct)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _LayoutHeader(msgspec.Struct, frozen=True, omit_defaults=True):
    symbol: str
    name: str
    kind: Kind
    ticker_source: str
    coin: str | None
    source: str
    simulated: bool
    roots: tuple[str, ...]
    expiries: int
    contracts: int
    parts: tuple[str, ...] = ()


class _PartRemarks(msgspec.Struct, frozen=True):
    stale: bool
    detail: str


class _Remarks(msgspec.Struct, frozen=True, omit_defaults=True):
    total: int
    dropped: dict[str, int]
    notes: tuple[str, ...]
    parts: tuple[_PartRemarks, ...] = ()
    coin_ratio: CoinRatio | None = None
    halt: Halt | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What of a chain rarely changes, as in `OptionChain`."""

    digest: bytes
    ticker: Ticker
    source: str
    simulated: bool
    parts: tuple[str, ...]
    """Names."""
    roots: tuple[str, ...]
    expiries: Floats
    part: Integers
    root: Integers
    expiry: Integers
    strike: Floats
    is_call: Booleans
    multiplier: Floats

    @property
    def zeros(self) -> Numbers:
        """A chain of this layout with every number 0: what a key frame is packed against."""
        lengths = (_SCALARS, len(self.expiries), *(len(self.strike),) * _COLUMNS)
        if self.parts:
            lengths = (*lengths, _OF_A_PART * len(self.parts))
        return tuple(np.zeros(length) for length in lengths)


def microseconds(instant: datetime) -> int:
    """An aware instant as the database's ts."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(ts: int) -> datetime:
    """The instant of a ts, UTC.

    Raises:
        OverflowError: no calendar reaches there.
    """
    return _EPOCH + ts * _MICROSECOND


def describe_layout(chain: OptionChain) -> bytes:
    """The chain's layout in plain bytes; the same layout always gives the same bytes."""
    ticker = chain.ticker
    header = _LayoutHeader(
        symbol=ticker.symbol,
        name=ticker.name,
        kind=ticker.kind,
        ticker_source=ticker.source,
        coin=ticker.coin,
        source=chain.source,
        simulated=chain.simulated,
        roots=chain.roots,
        expiries=len(chain.expiries),
        contracts=len(chain),
        parts=tuple(part.name for part in chain.parts),
    )
    columns = (chain.expiries, chain.strike, chain.multiplier)
    floats = b"".join(column.astype("<f8").tobytes() for column in columns)
    owners = (chain.part,) if chain.parts else ()
    indices = b"".join(column.astype("<i8").tobytes() for column in (chain.root, chain.expiry, *owners))
    return _with_header(header, floats + indices + chain.is_call.astype(np.uint8).tobytes())


def digest_of(layout: bytes) -> bytes:
    """The name of a layout, from its plain bytes."""
    return blake2b(layout, digest_size=16).digest()


def read_layout(payload: bytes, digest: bytes) -> Layout:
    """Inverse of ``compress(describe_layout(chain))``.

    Raises:
        DamagedError: it is not the layout of that digest, or none.
    """
    plain = _inflate(payload, _MOST_BYTES)
    if digest_of(plain) != digest:
        raise DamagedError("the layout does not match its digest")
    header, body = _split(plain, _LayoutHeader)
    n, e = header.contracts, header.expiries
    owners = e if header.parts else 0
    if not (0 <= n <= _MOST_CONTRACTS and 0 <= e <= _MOST_CONTRACTS and len(body) == 8 * (e + owners) + 33 * n):
        raise DamagedError("the layout has the wrong size")
    floats = np.frombuffer(body, "<f8", e + 2 * n).astype(np.float64)
    indices = np.frombuffer(body, "<i8", 2 * n + owners, offset=8 * len(floats)).astype(np.int64)
    root, expiry = indices[:n], indices[n : 2 * n]
    part = indices[2 * n :] if header.parts else np.zeros(e, dtype=np.int64)
    layout = Layout(
        digest=digest,
        ticker=Ticker(
            clean_symbol(header.symbol),
            clean_text(header.name),
            header.kind,
            clean_text(header.ticker_source),
            None if header.coin is None else clean_symbol(header.coin),
        ),
        source=clean_text(header.source),
        simulated=header.simulated,
        parts=tuple(clean_text(name) for name in header.parts),
        roots=tuple(clean_symbol(name) for name in header.roots),
        expiries=floats[:e],
        part=part,
        root=root,
        expiry=expiry,
        strike=floats[e : e + n],
        is_call=np.frombuffer(body, np.uint8, n, offset=len(body) - n) != 0,
        multiplier=floats[e + n :],
    )
    for index, count in ((root, len(header.roots)), (expiry, e), (part, len(header.parts) or 1)):
        if len(index) and not (index.min() >= 0 and index.max() < count):
            raise DamagedError("the layout points outside itself")
    return layout


def numbers_of(chain: OptionChain) -> Numbers:
    """Every number of a chain that its layout does not hold."""
    optional = (np.nan if value is None else value for value in (chain.previous_close, chain.volatility_index))
    scalars = np.array([chain.spot, chain.rate, chain.delay, *optional], dtype=np.float64)
    of_parts = [(microseconds(part.as_of), part.spot, part.rate, part.delay) for part in chain.parts]
    own = (np.array(of_parts, dtype=np.float64).ravel(),) if of_parts else ()
    return scalars, chain.forwards, chain.iv, chain.open_interest, chain.volume, chain.bid, chain.ask, *own


def pack_key_frame(numbers: Numbers) -> bytes:
    """The payload of a key frame."""
    return compress(pack_columns(numbers, [np.zeros_like(column) for column in numbers]))


def read_key_frame(payload: bytes, layout: Layout) -> Numbers:
    """Inverse of `pack_key_frame`.

    Raises:
        DamagedError: it is no key frame of that layout.
    """
    zeros = layout.zeros
    return tuple(unpack_columns(_inflate(payload, _most_bytes(zeros)), zeros))


def pack_snapshot(chain: OptionChain, digest: bytes, numbers: Numbers, key: Numbers) -> tuple[bytes, int]:
    """The payload of a chain against its key frame, and the checksum of the whole chain.

    The checksum is over what is meant, not over what is stored: a wrong key frame or layout is found out as well.
    """
    dropped = {reason: int(count) for reason, count in chain.dropped.items()}
    parts = tuple(_PartRemarks(part.stale, part.detail) for part in chain.parts)
    remarks = _Remarks(int(chain.total), dropped, tuple(chain.notes), parts, chain.coin_ratio, chain.halt)
    crc = _checksum(microseconds(chain.as_of), digest, remarks, numbers)
    return compress(_with_header(remarks, pack_columns(numbers, key))), crc


def read_snapshot(payload: bytes, crc: int, ts: int, layout: Layout, key: Numbers) -> OptionChain:
    """Inverse of `pack_snapshot`.

    Raises:
        DamagedError: it is not what was written.
    """
    plain = _inflate(payload, _LENGTH + _MOST_REMARKS + _most_bytes(key))
    remarks, body = _split(plain, _Remarks)
    numbers = unpack_columns(body, key)
    if _checksum(ts, layout.digest, remarks, numbers) != crc:
        raise DamagedError("the checksum is wrong")
    scalars, forwards, iv, open_interest, volume, bid, ask, *own = numbers
    spot, rate, delay, close, volatility_index = (float(value) for value in scalars)
    if not spot > 0:
        raise DamagedError("the spot price is no price")
    try:
        as_of = instant_of(ts)
        parts = _parts(layout.parts, own, remarks.parts)
    except (OverflowError, ValueError):
        raise DamagedError("the instant is beyond any calendar") from None
    return OptionChain(
        ticker=layout.ticker,
        source=layout.source,
        as_of=as_of,
        spot=spot,
        rate=rate,
        parts=parts,
        roots=layout.roots,
        expiries=layout.expiries,
        part=layout.part,
        forwards=forwards,
        root=layout.root,
        expiry=layout.expiry,
        strike=layout.strike,
        is_call=layout.is_call,
        iv=iv,
        open_interest=open_interest,
        volume=volume,
        bid=bid,
        ask=ask,
        multiplier=layout.multiplier,
        total=remarks.total,
        dropped={clean_text(reason): count for reason, count in remarks.dropped.items()},
        notes=tuple(clean_text(note) for note in remarks.notes),
        previous_close=None if np.isnan(close) else close,
        volatility_index=None if np.isnan(volatility_index) else volatility_index,
        delay=delay,
        simulated=layout.simulated,
        coin_ratio=remarks.coin_ratio,
        halt=remarks.halt,
    )


def _parts(names: Sequence[str], own: Sequence[Floats], remarks: Sequence[_PartRemarks]) -> tuple[Part, ...]:
    """The parts of a chain.

    Raises:
        DamagedError: they are not as many as the layout has, or one has no spot price.
        OverflowError: no calendar reaches one's instant.
        ValueError: an instant is none.
    """
    if len(names) != len(remarks):
        raise DamagedError("the parts are not those of the layout")
    rows = np.concatenate((*own, np.empty(0))).reshape(len(names), _OF_A_PART).tolist()
    if any(not spot > 0 for _, spot, _, _ in rows):
        raise DamagedError("the spot price of a part is no price")
    return tuple(
        Part(
            name=name,
            as_of=instant_of(int(at)),
            spot=spot,
            rate=rate,
            delay=delay,
            stale=remark.stale,
            detail=clean_text(remark.detail),
        )
        for name, (at, spot, rate, delay), remark in zip(names, rows, remarks, strict=True)
    )


def compress(plain: bytes) -> bytes:
    """A payload: the codec's version, then zlib."""
    return bytes([_CODEC]) + zlib.compress(plain, 1)


def _inflate(payload: bytes, most: int) -> bytes:
    if payload[:1] != bytes([_CODEC]):
        raise DamagedError("the codec is not known")
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(payload[1:], most + 1)
    except zlib.error:
        raise DamagedError("the payload cannot be inflated") from None
    if len(plain) > most or not stream.eof or stream.unused_data:
        raise DamagedError("the payload has the wrong size")
    return plain


def _with_header(header: msgspec.Struct, body: bytes) -> bytes:
    text = msgspec.json.encode(header, order="sorted")
    return len(text).to_bytes(_LENGTH, "little") + text + body


def _split(plain: bytes, kind: type[_Header]) -> tuple[_Header, bytes]:
    start = _LENGTH + int.from_bytes(plain[:_LENGTH], "little")
    try:
        return msgspec.json.decode(plain[_LENGTH:start], type=kind), plain[start:]
    except msgspec.DecodeError:
        raise DamagedError("the payload's header cannot be read") from None


def _most_bytes(numbers: Sequence[Floats]) -> int:
    return sum(1 + 8 * len(column) for column in numbers)


def _checksum(ts: int, digest: bytes, remarks: _Remarks, numbers: Sequence[Floats]) -> int:
    crc = zlib.crc32(f"{ts}".encode() + digest)
    crc = zlib.crc32(msgspec.json.encode(remarks, order="sorted"), crc)
    for column in numbers:
        crc = zlib.crc32(column.astype("<f8").tobytes(), crc)
    return crc

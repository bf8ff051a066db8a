"""Columns of numbers as bytes that zlib packs well, and back bit for bit.

A venue writes decimals, 12.35 or 54.32 %: such a column becomes whole numbers, and those their differences from a key
column's, most of which are 0. Any other column becomes its bit patterns, xor the key's. Bytes of equal weight then
stand together. Against bit patterns alone, an index's chain takes a fifth of the space.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gextui.market.chain import Floats

_UNITS = ((1.0, 1.0), (10.0, 1.0), (100.0, 1.0), (1000.0, 1.0), (10_000.0, 1.0), (100.0, 100.0))
"""A decimal is a whole number over the one, then over the other: a percentage is divided twice, and rounded twice."""
_BITS = 255
"""In the place of a unit: bit patterns."""
_MISSING = -(2**31)


class DamagedError(Exception):
    """What was stored is not what was written."""


def pack_columns(columns: Sequence[Floats], keys: Sequence[Floats]) -> bytes:
    """Float64 columns as bytes, each against the key column of its own length."""
    return b"".join(_pack(column, key) for column, key in zip(columns, keys, strict=True))


def unpack_columns(packed: bytes, keys: Sequence[Floats]) -> list[Floats]:
    """Inverse of `pack_columns`.

    Raises:
        DamagedError: these are no columns packed against these keys.
    """
    columns = []
    for key in keys:
        unit = packed[0] if packed else _BITS
        if unit != _BITS and unit >= len(_UNITS):
            raise DamagedError("a column has an unknown unit")
        end = 1 + len(key) * (8 if unit == _BITS else 4)
        if len(packed) < end:
            raise DamagedError("a column is cut off")
        columns.append(_unpack(packed[1:end], unit, key))
        packed = packed[end:]
    if packed:
        raise DamagedError("there is more than the columns")
    return columns


def _pack(column: Floats, key: Floats) -> bytes:
    for code, unit in enumerate(_UNITS):
        now = _whole(column, unit)
        before = None if now is None else _whole(key, unit)
        if now is not None and before is not None:
            change = now - before  # may wrap around, and then wraps back
            folded = (change << 1) ^ (change >> 31)  # small of either sign becomes small
            return bytes([code]) + _planes(folded.astype("<i4").view(np.uint8), 4)
    bits = column.view(np.uint64) ^ key.view(np.uint64)
    return bytes([_BITS]) + _planes(bits.astype("<u8").view(np.uint8), 8)


def _unpack(packed: bytes, unit: int, key: Floats) -> Floats:
    if unit == _BITS:
        bits = _rows(packed, 8).view("<u8").ravel().astype(np.uint64) ^ key.view(np.uint64)
        return bits.view(np.float64)
    before = _whole(key, _UNITS[unit])
    if before is None:
        raise DamagedError("the key has another unit")
    folded = _rows(packed, 4).view("<u4").ravel().astype(np.uint32)
    change = (folded >> 1).astype(np.int32) ^ -(folded & 1).astype(np.int32)
    return _decimal(before + change, _UNITS[unit])


def _whole(column: Floats, unit: tuple[float, float]) -> NDArray[np.int32] | None:
    """The column in whole numbers of a unit; None unless all of it would come back bit for bit."""
    with np.errstate(invalid="ignore", over="ignore"):
        whole = np.rint(column * (unit[0] * unit[1]))
        if np.any(np.abs(whole) > 2**31 - 1):
            return None
    numbers = np.where(np.isnan(whole), _MISSING, whole).astype(np.int32)
    same = np.array_equal(_decimal(numbers, unit).view(np.uint64), column.view(np.uint64))
    return numbers if same else None


def _decimal(numbers: NDArray[np.int32], unit: tuple[float, float]) -> Floats:
    decimals: Floats = np.where(numbers == _MISSING, np.nan, numbers / unit[0] / unit[1])
    return decimals


def _planes(rows: NDArray[np.uint8], width: int) -> bytes:
    return np.ascontiguousarray(rows.reshape(-1, width).T).tobytes()


def _rows(planes: bytes, width: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.frombuffer(planes, np.uint8).reshape(width, -1).T)

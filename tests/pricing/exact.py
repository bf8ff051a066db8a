"""Black-Scholes-Merton in 70-digit decimals, one option at a time: what the engine is measured against."""

from decimal import Decimal, localcontext
from typing import Final

DIGITS: Final = 70
PI: Final = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")


def mills(z: Decimal) -> Decimal:
    """N(-z) / phi(z) for z >= 0: Laplace's continued fraction in the tail, the series of N about 0 before it."""
    if z > 4:
        ratio = z
        for level in range(2000, 0, -1):
            ratio = z + level / ratio
        return 1 / ratio
    term = total = z
    odd = 1
    while term > Decimal(10) ** -DIGITS:
        odd += 2
        term *= z * z / odd
        total += term
    return 1 / (2 * density(z)) - total


def density(z: Decimal) -> Decimal:
    return (-z * z / 2).exp() / (2 * PI).sqrt()


def distribution(z: Decimal) -> Decimal:
    tail = density(z) * mills(abs(z))
    return tail if z < 0 else 1 - tail


def black_scholes(
    spot: float, strike: float, years: float, sigma: float, is_call: bool, rate: float = 0.0, dividend: float = 0.0
) -> dict[str, float]:
    """The fields of `gextui.pricing.black.Greeks`, by name."""
    with localcontext(prec=DIGITS):
        s, k, t, v, r, q = (Decimal(number) for number in (spot, strike, years, sigma, rate, dividend))
        sign = 1 if is_call else -1
        root = t.sqrt()
        d1 = ((s / k).ln() + (r - q) * t) / (v * root) + v * root / 2
        d2 = d1 - v * root
        growth, discount = (-q * t).exp(), (-r * t).exp()
        weight = growth * density(d1)
        asset, bond = s * growth * distribution(sign * d1), k * discount * distribution(sign * d2)
        exact = {
            "value": sign * (asset - bond),
            "delta": sign * asset / s,
            "gamma": weight / (s * v * root),
            "vega": s * weight * root,
            "theta": -s * weight * v / (2 * root) + sign * (q * asset - r * bond),
            "vanna": -weight * d2 / v,
            "charm": sign * q * asset / s - weight * ((r - q) / (v * root) - d2 / (2 * t)),
        }
        return {name: float(number) for name, number in exact.items()}

from decimal import Decimal, localcontext

import numpy as np
import pytest

from gextui.pricing.normal import NARROW, mills, mills_gap, rational
from tests.pricing import exact


def test_mills_matches_the_exact_ratio_over_its_domain() -> None:
    z = np.concatenate((np.linspace(0.0, 8.0, 161), np.linspace(8.5, 50.0, 84)))
    with localcontext(prec=exact.DIGITS):
        expected = [float(exact.mills(Decimal(float(point)))) for point in z]
    assert mills(z) == pytest.approx(expected, rel=6e-15, abs=0.0)


@pytest.mark.parametrize("step", [1e-12, 1e-6, 1e-3, NARROW])
def test_the_gap_keeps_its_digits_where_the_difference_would_cancel(step: float) -> None:
    z = np.linspace(0.0, 8.0, 41)
    with localcontext(prec=exact.DIGITS):
        steps = Decimal(step)
        # mills(-z) = 1 / phi(z) - mills(z), from N(z) = 1 - N(-z).
        expected = [
            float(
                (
                    exact.mills(middle - steps)
                    if middle >= steps
                    else 1 / exact.density(middle - steps) - exact.mills(steps - middle)
                )
                - exact.mills(middle + steps)
            )
            for middle in (Decimal(float(point)) for point in z)
        ]
    assert mills_gap(z, np.full_like(z, step)) == pytest.approx(expected, rel=1e-12, abs=0.0)


def test_a_rational_divides_its_columns() -> None:
    coefficients = np.array([[1.0, 2.0], [0.0, 3.0], [4.0, 0.0]])
    assert rational(coefficients, np.array([0.0, 1.0, 2.0])).tolist() == [0.5, 1.0, 17.0 / 8.0]


def test_any_shape_goes_in_and_comes_out() -> None:
    assert mills(np.zeros((2, 3))).shape == (2, 3)
    assert mills(np.array(0.0)).shape == ()

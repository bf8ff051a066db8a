"""The tails of the normal distribution, in numpy alone: N(-z) = phi(z) * mills(z)."""

import numpy as np

from gextui.market.chain import Floats

ROOT_TWO_PI = float(np.sqrt(2.0 * np.pi))
FARTHEST = 37.4
"""Standard deviations beyond this count as this: phi is e^-700 there, and exp is slow where its result underflows."""
NARROW = 0.02
"""Half a deviation below which `mills_gap` serves."""

# Minimax fit of N(-z) / phi(z), relative error below 6e-15 up to z = 50; all is positive, so that nothing cancels.
_MILLS = np.array(
    [
        [1.25331413731550605, 1.0],
        [1.81972015457935113, 2.24981117712428991],
        [1.3016447807851839, 2.33365187716732794],
        [0.584857908238959839, 1.46968983023909345],
        [0.178813257102932796, 0.621852423110346486],
        [0.037990453651474375, 0.184261040467585278],
        [0.005491999600105097, 0.0384885647949012469],
        [0.000498110829926463666, 0.00551410209040859743],
        [0.0000221024960201756281, 0.000498110829986838137],
        [0.0, 0.0000221024960198988944],
    ]
)


def mills(z: Floats) -> Floats:
    """Mills ratio N(-z) / phi(z) of the normal distribution for ``z`` >= 0, to 6e-15 relative up to 50."""
    return rational(_MILLS, z)


def mills_gap(z: Floats, step: Floats) -> Floats:
    """mills(z - step) - mills(z + step) for ``step`` up to `NARROW`, where the plain difference would cancel.

    Taylor series about ``z`` up to the fifth derivative, to 1e-12 relative.
    """
    square = step * step
    first = 1.0 - z * mills(z)
    third = 1.0 - (z * z + 3.0) * first
    fifth = (z * z + 7.0) * third + 6.0 * first
    gap: Floats = 2.0 * step * (first - square * (third / 6.0 + square * fifth / 120.0))
    return gap


def rational(coefficients: Floats, z: Floats) -> Floats:
    """A ratio of polynomials of z; a row of ``coefficients`` is a power, ascending: numerator, denominator."""
    powers = coefficients.reshape(*coefficients.shape, *(1 for _ in z.shape))
    fraction = powers[-1] * z
    for power in powers[-2:0:-1]:
        fraction += power
        fraction *= z
    fraction += powers[0]
    ratio: Floats = fraction[0] / fraction[1]
    return ratio

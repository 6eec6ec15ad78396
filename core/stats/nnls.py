"""Non-negative least squares of many targets over one set of profiles, all at once.

Minimise |y - x S|^2 over x >= 0 for each row y. With G = S S' and b = S y', x is the solution
exactly when x >= 0, g = b - G x <= 0, and one of the two is zero for every profile. Block
principal pivoting (Portugal, Judice and Vicente, Math Comp 1994;63:625-643; Kim and Park, SIAM J
Sci Comput 2011;33:3261-3281) guesses the passive set (where g = 0), solves G x = b on it, and
exchanges at once every profile whose x or g has the wrong sign; when three exchanges in a row do
not lessen their number, only the last of them is exchanged until it falls, which always ends.

All rows go in step, and the systems of one round are solved in few calls, padded with rows of
the identity. A good guess saves rounds: resampled targets start from the fit of the original.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.model import DashboardError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

GRADIENT_TOLERANCE = 1e-12
"""Relative to the largest entry of a row's b."""
FULL_EXCHANGES = 3
_ROUNDS = 2000
_TOGETHER = 512
"""Systems solved in one call; sorted by size first, so that little is padded."""


def nnls_rows(profiles: Floats, targets: Floats, guess: Bools | None = None) -> Floats:
    """Weights (targets x profiles): each row is the solution for one row of ``targets``.

    ``profiles`` is profiles x channels and of full rank; ``guess``, targets x profiles, says
    which weights are expected to be positive (default: none) and changes only the time needed.
    Raises DashboardError when a row does not end, which independent profiles do not cause.
    """
    gram, slope = profiles @ profiles.T, targets @ profiles.T
    count = gram.shape[0]
    weights = np.zeros_like(slope)
    passive = np.zeros(slope.shape, dtype=bool) if guess is None else guess.copy()
    tolerance = GRADIENT_TOLERANCE * np.abs(slope).max(axis=1, initial=0.0)
    fewest = np.full(len(slope), count + 1)
    tries = np.full(len(slope), FULL_EXCHANGES)
    rows = np.arange(len(slope))
    for _ in range(_ROUNDS):
        solved = _solve_passive(gram, slope[rows], passive[rows])
        gradient = slope[rows] - solved @ gram
        wrong = np.where(passive[rows], solved < 0, gradient > tolerance[rows, None])
        number = wrong.sum(axis=1)
        ended = number == 0
        weights[rows[ended]] = solved[ended]
        rows, wrong, number = rows[~ended], wrong[~ended], number[~ended]
        if not rows.size:
            return weights
        fewer = number < fewest[rows]
        fewest[rows] = np.where(fewer, number, fewest[rows])
        tries[rows] = np.where(fewer, FULL_EXCHANGES, tries[rows] - 1)
        single = np.flatnonzero(tries[rows] < 0)
        last = count - 1 - wrong[single, ::-1].argmax(axis=1)
        wrong[single] = np.arange(count) == last[:, None]
        passive[rows] ^= wrong
    raise DashboardError(
        "The fit of non-negative weights did not end.",
        expected="profiles that are linearly independent",
        found=f"{rows.size} of {len(slope)} rows unfinished",
        remedy="Leave out profiles that are (nearly) mixtures of others.",
    )


def _solve_passive(gram: Floats, slope: Floats, passive: Bools) -> Floats:
    """The unconstrained solution on each row's passive set, zero elsewhere."""
    count = gram.shape[0]
    solved = np.zeros((len(slope), 2 * count))
    padded = np.hstack([slope, np.zeros_like(slope)])
    beside = np.eye(2 * count)
    beside[:count, :count] = gram
    flat = beside.ravel()
    size = passive.sum(axis=1)
    order = np.argsort(size, kind="stable")
    for at in range(0, order.size, _TOGETHER):
        rows = order[at : at + _TOGETHER]
        width = int(size[rows[-1]])
        if width:
            index = _passive_first(passive[rows], size[rows], width)
            system = flat.take(index[:, :, None] * (2 * count) + index[:, None, :])
            right = np.take_along_axis(padded[rows], index, axis=1)
            solved[rows[:, None], index] = np.linalg.solve(system, right[:, :, None])[:, :, 0]
    return solved[:, :count]


def _passive_first(
    passive: Bools, size: npt.NDArray[np.int64], width: int
) -> npt.NDArray[np.int64]:
    """Positions of each row's passive profiles, then positions of the identity's rows."""
    index = np.tile(np.arange(width) + passive.shape[1], (len(passive), 1))
    row, column = np.nonzero(passive)
    start = np.cumsum(size) - size
    index[row, np.arange(row.size) - np.repeat(start, size)] = column
    return index

"""Firth's penalised likelihood for many one-column Cox models at once.

Maximises log likelihood + log(I)/2 (Heinze and Schemper, Biometrics 2001;57:114-119): the score
is U + I'/(2 I), with I' = sum p(1-p)(1-2p) in the notation of ``scan_fit``. The estimate is finite
under separation. Its interval is that of the profile penalised likelihood, its test the penalised
likelihood-ratio test. Ties are handled as in the rest of the scan (coxphf has Breslow's only).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from core.stats.scan_fit import FACTORS, ITERATIONS, LARGEST, STEP_TOLERANCE, Fits, inside
from core.stats.scan_moments import Head
from core.stats.scan_terms import Floats


@dataclass(frozen=True, eq=False)
class _Penalised:
    """Log likelihood + log(I)/2 with two derivatives; ``precise`` where the series is."""

    value: Floats
    slope: Floats
    curvature: Floats
    information: Floats
    precise: npt.NDArray[np.bool_]


def _penalised(q: Floats, head: Head, observed: Floats, beta: Floats) -> _Penalised:
    """The penalised log likelihood of every gene at ``beta``."""
    theta, x = np.exp(beta), np.expm1(beta)
    p = q * x[:, None]
    p += 1.0
    log_sum = np.log(np.multiply.reduce(p.reshape(beta.size, FACTORS, -1), axis=1)).sum(axis=1)
    log_sum += head.log_sum(x)
    np.divide(q, p, out=p)
    p *= theta[:, None]
    square = p * p
    h1, h2, h3, h4 = head.sums(x, 4)
    s1, s2 = p.sum(axis=1) + theta * h1, square.sum(axis=1) + theta**2 * h2
    s3 = np.einsum("ij,ij->i", p, square) + theta**3 * h3
    s4 = np.einsum("ij,ij->i", square, square) + theta**4 * h4
    i0 = s1 - s2
    i1 = s1 - 3 * s2 + 2 * s3
    i2 = s1 - 7 * s2 + 12 * s3 - 6 * s4
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Penalised(
            beta * observed - log_sum + 0.5 * np.log(i0),
            observed - s1 + 0.5 * i1 / i0,
            i0 - 0.5 * (i2 / i0 - (i1 / i0) ** 2),
            i0,
            head.exact(x, 4),
        )


def firth(q: Floats, head: Head, observed: Floats, *, confidence: float = 0.95) -> Fits:
    """Firth's estimate of every gene, profile interval, penalised likelihood-ratio test.

    Arguments as for ``scan_fit.newton``; a gene whose series was not precise at any step has
    not converged.
    """
    genes = observed.size
    beta = np.zeros(genes)
    low, high = np.full(genes, -np.inf), np.full(genes, np.inf)
    at_null = now = _penalised(q, head, observed, beta)
    done = np.zeros(genes, dtype=bool)
    for _ in range(ITERATIONS):
        curvature = np.where(now.curvature > 0, now.curvature, now.information)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = np.clip(now.slope / curvature, -1.5, 1.5)
        low, high = np.where(now.slope >= 0, beta, low), np.where(now.slope <= 0, beta, high)
        done = np.abs(step) < STEP_TOLERANCE * (1 + np.abs(beta))
        if (done | np.isnan(step) | ~now.precise).all():
            break
        beta = np.clip(inside(beta + step, beta, low, high), -LARGEST, LARGEST)
        now = _penalised(q, head, observed, beta)
    ratio = np.maximum(2 * (now.value - at_null.value), 0.0)
    good = done & (now.information > 0) & now.precise
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(good, 1 / np.sqrt(now.information), np.nan)
    beta = np.where(good, beta, np.nan)
    level = now.value - float(special.chdtri(1, 1 - confidence)) / 2
    lower, lower_good = _profile_bound(q, head, observed, beta, error, level, -1.0)
    upper, upper_good = _profile_bound(q, head, observed, beta, error, level, 1.0)
    p = np.where(good, special.chdtrc(1, ratio), np.nan)
    return Fits(beta, error, lower, upper, p, good & lower_good & upper_good)


def _profile_bound(
    q: Floats,
    head: Head,
    observed: Floats,
    beta: Floats,
    error: Floats,
    level: Floats,
    side: float,
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Where the penalised log likelihood falls to ``level`` on one side of ``beta``.

    Newton on the height above the level, kept inside a bracket; NaN if not reached by 2 LARGEST.
    Also says where the series was precise at the bound.
    """
    inner, outer = np.zeros(beta.size), np.full(beta.size, np.inf)
    x = 2.0 * error
    settled = np.zeros(beta.size, dtype=bool)
    precise = np.ones(beta.size, dtype=bool)
    for _ in range(ITERATIONS):
        at = np.nan_to_num(beta + side * np.minimum(x, 2 * LARGEST))
        here = _penalised(q, head, observed, at)
        height = here.value - level
        inner, outer = np.where(height > 0, x, inner), np.where(height > 0, outer, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = x - height / (side * here.slope)
        wide = np.where(np.isinf(outer), inner * 2 + 0.1, (inner + outer) / 2)
        new = np.where((new > inner) & (new < outer) & (new < 3 * inner + 3), new, wide)
        settled = np.abs(new - x) < 1e-10 * (1 + x)
        precise &= here.precise
        x = new
        if (settled | np.isnan(x) | (x > 2 * LARGEST) | ~precise).all():
            break
    bound = np.where(settled & (x <= 2 * LARGEST), beta + side * x, np.nan)
    return bound, precise

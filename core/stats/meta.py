"""Meta-analysis of one estimate per cohort (log hazard ratios, log odds ratios, differences).

With estimates y_i and variances v_i, weights w_i = 1 / (v_i + tau2):

    mu = sum w y / sum w,    Q = sum (y - mu_fixed)^2 / v,    I2 = tau2 / (tau2 + s2),

s2 the typical variance of Higgins and Thompson (Stat Med 2002;21:1539-1558). tau2 is restricted
maximum likelihood (Fisher scoring) or DerSimonian and Laird. The summary's interval is that of
Hartung and Knapp (Stat Med 2001;20:3875-3889; t with k - 1 degrees of freedom), or normal; the
prediction interval mu +- t_(k-1) sqrt(se^2 + tau2) says where the next cohort's effect may lie
(normal when the Wald test is chosen). tau2's interval is the Q-profile (Viechtbauer, Stat Med
2007;26:37-52). All as in R's metafor: ``rma(yi, vi, method = "REML", test = "knha")``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import optimize, special

from core.model import BadInput, NotEnoughData

Floats = npt.NDArray[np.float64]
NAN = float("nan")
METHODS = ("REML", "DL", "fixed")


@dataclass(frozen=True)
class MetaAnalysis:
    """Summary on the scale of the estimates (exponentiate log ratios for display)."""

    k: int
    """Cohorts with an estimate."""
    estimate: float
    std_error: float
    ci_lower: float
    ci_upper: float
    p_value: float
    prediction_lower: float
    prediction_upper: float
    tau2: float
    tau2_ci_lower: float
    tau2_ci_upper: float
    i2: float
    """Fraction, 0 to 1, of the variation that is between cohorts."""
    q: float
    q_p_value: float
    method: str
    """``REML``, ``DL`` or ``fixed``."""
    test: str
    """``knha`` (Hartung-Knapp) or ``z``."""
    confidence: float
    weights: tuple[float, ...] = field(repr=False)
    """Fractions that sum to 1, in the order of the input; 0 for a cohort left out."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class EggerTest:
    """Asymmetry of the funnel: slope of the estimates on their standard errors."""

    k: int
    slope: float
    std_error: float
    t: float
    p_value: float
    intercept: float
    """The estimate extrapolated to a cohort without error."""
    warnings: tuple[str, ...] = ()


def meta_analysis(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    method: str = "REML",
    test: str = "knha",
    confidence: float = 0.95,
) -> MetaAnalysis:
    """Combine ``estimates`` with their ``std_errors`` (one per cohort).

    ``method``: ``REML`` or ``DL`` random effects, or ``fixed`` (inverse variance, always tested
    with z). ``test``: ``knha`` (Hartung and Knapp), ``adhoc`` (the same, never narrower than the
    normal error: Knapp and Hartung 2003, under metafor's name for it), or ``z``. Cohorts whose
    estimate or error is not finite, or whose error is not above 0, are left out and the result
    says so. One cohort gives itself back, without heterogeneity.

    Raises NotEnoughData without any usable cohort, BadInput for an unknown method or test.
    """
    _check_choice(method, METHODS)
    _check_choice(test, ("knha", "adhoc", "z"))
    y, v, use, words = _usable(estimates, std_errors)
    k = y.size
    if method == "fixed" or k == 1:
        test = "z"
    tau2, converged = _TAU2[method](y, v) if k > 1 else (0.0, True)
    if not converged:
        words.append("tau2 did not converge: DerSimonian and Laird's estimate stands in")
        tau2 = _dersimonian_laird(y, v)[0]
    w = 1 / (v + tau2)
    mu, error = float(w @ y / w.sum()), float(1 / np.sqrt(w.sum()))
    scale = float(w @ (y - mu) ** 2 / (k - 1)) if k > 1 else 1.0
    if test == "knha":
        if scale < 1:
            words.append(
                "the cohorts agree more closely than chance: the Hartung-Knapp interval is "
                "narrower than the normal one"
            )
        error *= np.sqrt(scale)
    elif test == "adhoc":
        if scale < 1:
            words.append(
                "the plain Hartung-Knapp interval would be narrower than the normal one, as by "
                "chance with few cohorts: the modified one is shown, which is not"
            )
        error *= np.sqrt(max(scale, 1.0))
    df = float(k - 1) if test in ("knha", "adhoc") else np.inf
    reach = float(special.stdtrit(df, (1 + confidence) / 2))
    statistic = mu / error if error > 0 else NAN
    q, q_p = _heterogeneity(y, v)
    tau2_lower, tau2_upper = _q_profile(y, v, confidence) if k > 1 else (NAN, NAN)
    spread = reach * float(np.sqrt(error**2 + tau2))
    known = k > 1 and method != "fixed"
    if k == 1:
        words.append("one cohort: heterogeneity cannot be judged")
        tau2 = tau2 if method == "fixed" else NAN
    elif k < 5 and method != "fixed":
        words.append(f"{k} cohorts: the variance between cohorts is poorly known")
    weights = np.zeros(use.size)
    weights[use] = w / w.sum()
    return MetaAnalysis(
        k=k,
        estimate=mu,
        std_error=float(error),
        ci_lower=mu - reach * float(error),
        ci_upper=mu + reach * float(error),
        p_value=float(2 * special.stdtr(df, -abs(statistic))),
        prediction_lower=mu - spread if known else NAN,
        prediction_upper=mu + spread if known else NAN,
        tau2=float(tau2),
        tau2_ci_lower=tau2_lower if known else NAN,
        tau2_ci_upper=tau2_upper if known else NAN,
        i2=_i2(v, tau2, q, method) if k > 1 else NAN,
        q=q,
        q_p_value=q_p,
        method=method,
        test=test,
        confidence=confidence,
        weights=tuple(weights.tolist()),
        warnings=tuple(words),
    )


def leave_one_out(
    estimates: npt.ArrayLike,
    std_errors: npt.ArrayLike,
    *,
    labels: Sequence[str] | None = None,
    method: str = "REML",
    test: str = "knha",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """The summary without each usable cohort in turn (index ``left_out``).

    Columns: the fields of :class:`MetaAnalysis` but ``weights``. With a single cohort there is
    nothing left: an empty frame.
    """
    y, s = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    names = list(map(str, range(y.size))) if labels is None else list(labels)
    _, _, use, _ = _usable(y, s)
    columns = [f for f in MetaAnalysis.__dataclass_fields__ if f != "weights"]
    rows, index = [], []
    for i in np.flatnonzero(use) if use.sum() > 1 else ():
        others = use & (np.arange(y.size) != i)
        result = meta_analysis(
            y[others], s[others], method=method, test=test, confidence=confidence
        )
        rows.append(asdict(result))
        index.append(names[i])
    return pd.DataFrame(rows, index=pd.Index(index, name="left_out"), columns=columns)


def egger_test(estimates: npt.ArrayLike, std_errors: npt.ArrayLike) -> EggerTest:
    """Egger's regression (BMJ 1997;315:629-634): y on its standard error, weighted by 1/v.

    metafor's ``regtest(..., model = "lm")``. Fewer than three cohorts, or equal standard errors,
    give NaN and a warning; under ten the test has little power and the warning says so.
    """
    y, v, _, words = _usable(estimates, std_errors)
    k, s = y.size, np.sqrt(v)
    if k < 3 or np.ptp(s) <= 1e-12 * s.max():
        reason = "fewer than three cohorts" if k < 3 else "equal standard errors"
        return EggerTest(k, NAN, NAN, NAN, NAN, NAN, (*words, f"{reason}: no test"))
    if k < 10:
        words.append(f"{k} cohorts: the test has little power under ten")
    design = np.column_stack([np.ones(k), s]) / s[:, None]
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ (design.T @ (y / s))
    residual = y / s - design @ coefficients
    error = float(np.sqrt(inverse[1, 1] * (residual @ residual) / (k - 2)))
    t = float(coefficients[1] / error) if error > 0 else NAN
    p = float(2 * special.stdtr(k - 2, -abs(t)))
    return EggerTest(k, float(coefficients[1]), error, t, p, float(coefficients[0]), tuple(words))


def _check_choice(found: str, known: tuple[str, ...]) -> None:
    if found not in known:
        raise BadInput(
            f"Unknown choice {found!r} for a meta-analysis.",
            expected=" or ".join(known),
            found=found,
            remedy="Choose one of these.",
        )


def _usable(
    estimates: npt.ArrayLike, std_errors: npt.ArrayLike
) -> tuple[Floats, Floats, npt.NDArray[np.bool_], list[str]]:
    """Estimates and variances that can be combined, which they are, and what was left out."""
    y, s = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    if y.shape != s.shape or y.ndim != 1:
        raise BadInput(
            "Estimates and standard errors differ in number.",
            expected="one standard error per estimate",
            found=f"{y.size} estimates, {s.size} standard errors",
            remedy="Take both from one table.",
        )
    use = np.isfinite(y) & np.isfinite(s) & (s > 0)
    if not use.any():
        raise NotEnoughData(
            "No cohort has an estimate to combine.",
            expected="at least one finite estimate with a standard error above 0",
            found=f"{y.size} cohorts, none usable",
            remedy="Widen the filters, so that cohorts have events in both arms.",
        )
    out = int((~use).sum())
    words = [f"{out} cohorts without an estimate are left out"] if out else []
    return y[use], s[use] ** 2, use, words


def _heterogeneity(y: Floats, v: Floats) -> tuple[float, float]:
    """Cochran's Q and its p-value; NaN for a single cohort."""
    if y.size < 2:
        return NAN, NAN
    w = 1 / v
    q = float(w @ (y - w @ y / w.sum()) ** 2)
    return q, float(special.chdtrc(y.size - 1, q))


def _i2(v: Floats, tau2: float, q: float, method: str) -> float:
    """Share of the variation that is between cohorts; from Q for the fixed-effect model."""
    if method == "fixed":
        return max(0.0, (q - (v.size - 1)) / q) if q > 0 else 0.0
    w = 1 / v
    typical = (v.size - 1) / (w.sum() - (w @ w) / w.sum())
    return float(tau2 / (tau2 + typical))


def _fixed(y: Floats, v: Floats) -> tuple[float, bool]:
    return 0.0, True


def _dersimonian_laird(y: Floats, v: Floats) -> tuple[float, bool]:
    """(Q - (k - 1)) / (sum w - sum w^2 / sum w), at least 0."""
    w = 1 / v
    q = _heterogeneity(y, v)[0]
    return max(0.0, float((q - (y.size - 1)) / (w.sum() - (w @ w) / w.sum()))), True


def _reml(y: Floats, v: Floats) -> tuple[float, bool]:
    """Restricted maximum likelihood by Fisher scoring, halving steps that fall below 0."""
    tau2, converged = _dersimonian_laird(y, v)[0], False
    for _ in range(1000):
        w = 1 / (v + tau2)
        mu = w @ y / w.sum()
        trace_p = w.sum() - (w @ w) / w.sum()
        trace_pp = (w @ w) - 2 * (w**3).sum() / w.sum() + ((w @ w) / w.sum()) ** 2
        step = float(((w**2) @ (y - mu) ** 2 - trace_p) / trace_pp)
        while tau2 + step < 0 and tau2 > 0 and abs(step) > 1e-14:
            step /= 2
        new = max(0.0, tau2 + step)
        converged = abs(new - tau2) <= 1e-12 * (1 + tau2) or (tau2 == 0 and step <= 0)
        tau2 = new
        if converged:
            break
    return (0.0 if tau2 < 1e-12 * float(v.min()) else tau2), converged


_TAU2 = {"REML": _reml, "DL": _dersimonian_laird, "fixed": _fixed}


def _q_profile(y: Floats, v: Floats, confidence: float) -> tuple[float, float]:
    """Values of tau2 at which the generalised Q equals its chi-squared quantiles; at least 0."""

    def q(tau2: float) -> float:
        w = 1 / (v + tau2)
        return float(w @ (y - w @ y / w.sum()) ** 2)

    def bound(target: float) -> float:
        if q(0.0) <= target:
            return 0.0
        high = float(v.max())
        while q(high) > target:
            high *= 4
        return float(optimize.brentq(lambda t: q(t) - target, 0.0, high, xtol=1e-15, rtol=1e-14))

    tail = (1 - confidence) / 2
    df = y.size - 1
    return bound(float(special.chdtri(df, tail))), bound(float(special.chdtri(df, 1 - tail)))

"""The hazard ratio from observed and expected events, as the paper prints it, beside R's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from core.stats.logrank import logrank, oe_hazard_ratio
from tests.golden import Comparison

HERE = Path(__file__).parent
INPUTS = HERE.parent / "survival" / "inputs"
QUANTITIES = ["hazard_ratio", "ci_lower", "ci_upper", "log_ratio", "std_error"]


def compare() -> list[Comparison]:
    reference = pd.read_csv(HERE / "results.csv").set_index("case")
    return [
        Comparison("oe", f"{case}: {name}", ours, reference.loc[case, name], reference_name="R")
        for case, values in computed().items()
        for name, ours in zip(QUANTITIES, values, strict=True)
    ]


def computed() -> dict[str, tuple[float, ...]]:
    aml, lung, cohort = (pd.read_csv(INPUTS / f"{n}.csv") for n in ("aml1", "lung1", "cohort"))
    own = lung["time"], lung["event"], lung["sex"]
    three = cohort["time"], cohort["event"], cohort["group"]
    plain, by_place = logrank(*own), logrank(*own, strata=lung["inst"])
    found = {
        "aml": oe_hazard_ratio(
            logrank(aml["time"], aml["event"], aml["group"]), "Nonmaintained", "Maintained"
        ),
        "lung": oe_hazard_ratio(plain, 2, 1),
        "lung strata": oe_hazard_ratio(by_place, 2, 1),
        "lung 0.9": oe_hazard_ratio(plain, 2, 1, level=0.9),
        "cohort": oe_hazard_ratio(logrank(*three), "PD-1", "CTLA4"),
        "cohort strata": oe_hazard_ratio(
            logrank(*three, strata=cohort["stratum"]), "Combo", "CTLA4"
        ),
    }
    return {case: tuple(ratio) for case, ratio in found.items()}

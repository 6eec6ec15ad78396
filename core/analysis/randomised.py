"""A randomised trial with an ICI arm: does the drug's effect depend on the mutation?

In a randomised trial both arms start at the same time and differ by the drug alone, so that the
mutation x arm interaction is the test of a predictive effect (Gandara 2018: POPLAR and OAK).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.analysis.survival import MIN_EVENTS, MIN_PATIENTS
from core.groups import Grouping, assign, two_groups
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.cox_terms import Categorical
from core.stats.interaction import InteractionTest, likelihood_ratio_interaction
from core.store import Store


@dataclass(frozen=True)
class Interaction:
    """Whether an effect differs: likelihood-ratio p, and the ratio of the two hazard ratios.

    NaN where a group of the four is too small for a test.
    """

    p_value: float
    ratio: float
    ci_lower: float
    ci_upper: float


@dataclass(frozen=True)
class RandomisedArms:
    """A randomised trial with the ICI arm and its control.

    effects: group, label, n, events, hazard_ratio, ci_lower, ci_upper, p_value (NaN: withheld);
        the drug's effect in mutant and wild type, the mutation's in each arm
    """

    cohort: str
    treatment: str
    control: str
    effects: pd.DataFrame
    interaction: Interaction
    strata: str
    n: int
    warnings: tuple[str, ...]


def _interaction(found: InteractionTest) -> Interaction:
    """The product's coefficient is the log ratio of the two hazard ratios."""
    table = found.within.fit.table()
    row = table[table.term.str.contains(" x ", regex=False)].iloc[0]
    reach = float(ndtri(0.975)) * float(row["std_error"])
    b = float(row["coefficient"])
    ends = np.exp([b, b - reach, b + reach])
    return Interaction(found.test.p_value, *map(float, ends))


def compare_arms(
    rows: pd.DataFrame,
    order: tuple[str, ...],
    *,
    title: str,
    cohort: str,
    treatment: str,
    control: str,
    strata: str = "",
) -> RandomisedArms:
    """Does the drug's effect depend on the mutation? ``rows``: arm, group, time_months, event.

    ``order`` names the two groups, the reference (such as wild type) first.
    Models are stratified by ``strata`` (a column such as the trial). Where one of the four cells
    has few patients or events the p-values that rest on it are withheld; where one has no event
    the hazard ratio is 0 or infinite. Raises NotEnoughData where a cell is empty.
    """
    cells = rows.groupby(["arm", "group"]).event.agg(["size", "sum"])
    wanted = [(a, g) for a in (control, treatment) for g in order]
    if any(c not in cells.index for c in wanted):
        raise NotEnoughData(
            f"A randomised comparison needs {order[1]} and {order[0]} patients in both arms.",
            found=", ".join(
                f"{int(((rows.arm == a) & (rows.group == g)).sum())} {g} on {a}" for a, g in wanted
            ),
        )
    few = (cells["size"] < MIN_PATIENTS) | (cells["sum"] < MIN_EVENTS)
    by = strata if strata and rows[strata].nunique() > 1 else None
    arm = Categorical("arm", control, (control, treatment))
    group = Categorical("group", order[0], order)
    drug = likelihood_ratio_interaction(rows, arm, group, "time_months", "event", strata=by)
    gene = likelihood_ratio_interaction(rows, group, arm, "time_months", "event", strata=by)
    first = drug.effects.assign(
        group=f"{treatment} against {control}",
        label=[f"{title} {v}" if v == order[1] else v for v in drug.effects.level],
    )
    second = gene.effects.assign(
        group=f"{title} {order[1]} against {order[0]}",
        label=[f"on {v}" for v in gene.effects.level],
    )
    effects = pd.concat([first, second], ignore_index=True)
    rests = [few.xs(g, level="group").any() for g in drug.effects.level]
    rests += [few.xs(a, level="arm").any() for a in gene.effects.level]
    effects["p_value"] = effects.p_value.mask(np.asarray(rests))
    interaction = _interaction(drug)
    if few.any():
        interaction = replace(interaction, p_value=float("nan"))
    counts = ", ".join(
        f"{cells['size'][c]} {c[1]} on {c[0]} ({cells['sum'][c]:.0f} events)" for c in wanted
    )
    note = (
        f"{cohort}: {counts}. Where a group has fewer than {MIN_PATIENTS} patients or {MIN_EVENTS} "
        "events no p-value is given."
    )
    columns = ["group", "label", "n", "events", "hazard_ratio", "ci_lower", "ci_upper", "p_value"]
    return RandomisedArms(
        cohort,
        treatment,
        control,
        effects[columns],
        interaction,
        strata if by else "",
        len(rows),
        (note,) if few.any() else (),
    )


def trial_question(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str
) -> tuple[RandomisedArms | None, str]:
    """The store's randomised trial under the filters that make sense in both arms, or why not."""
    both = Filters(
        tumor_types=filters.tumor_types,
        exclude_tumor_types=filters.exclude_tumor_types,
        sexes=filters.sexes,
        age_years=filters.age_years,
        tmb_per_mb=filters.tmb_per_mb,
        treated_with_ici=None,
        require_call=filters.require_call,
    )
    frame, grouping = patients_grouped(store, both, stratifier, endpoint)
    rows = followed(frame[frame.arm.notna()])
    drugs = rows.groupby("cohort_id").treated_with_ici.nunique()
    trials = drugs.index[drugs == 2]
    if not len(trials):
        return None, "The filters keep no trial that randomised between an ICI and a control."
    rows = rows[rows.cohort_id == trials[0]]
    names = store.cohort_names()
    trial = store.clinical("trial").set_index("patient_key").value
    arms = rows.groupby("treated_with_ici").arm.agg(lambda v: v.mode().iloc[0])
    try:
        found = compare_arms(
            rows.assign(trial=rows.patient_key.map(trial).fillna("unknown")),
            grouping.order,
            title=grouping.title,
            cohort=str(names[trials[0]]),
            treatment=str(arms[True]),
            control=str(arms[False]),
            strata="trial",
        )
    except NotEnoughData as error:
        return None, f"{error.message} Found: {error.found or 'none'}."
    return found, ""


def patients_grouped(
    store: Store, filters: Filters, stratifier: Stratifier, endpoint: str
) -> tuple[pd.DataFrame, Grouping]:
    """Patients with their ``group``. Raises NotEnoughData unless there are two groups."""
    frame = store.patients(filters, endpoint)
    grouping = two_groups(assign(store, frame, stratifier))
    return frame.assign(group=grouping.labels), grouping


def followed(frame: pd.DataFrame) -> pd.DataFrame:
    """Those of :func:`patients_grouped` who have a group and the endpoint."""
    known = frame.group.notna() & frame.time_months.notna() & frame.event.notna()
    return frame[known]

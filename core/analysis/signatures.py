"""How often each mutational signature is present in mutant and in wild-type tumours (figure 4B).

A tumour with many mutations is mutant in more genes, has more signatures above any threshold, and
is of particular tumour types: the crude comparison mixes all three. Beside the paper's test each
signature gets an odds ratio within tumour types and bins of the mutation count (Mantel-Haenszel),
and its frequency by mutation count: a fit of few mutations calls signatures that are not there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.analysis.decomposed import PLACE, Demands, Source, Tumours, in_order, tumours
from core.analysis.result import Result
from core.analysis.tcga import TCGA, binned_strata
from core.groups import assign, two_groups
from core.groups.grouping import Grouping
from core.model import Filters, NotEnoughData, Stratifier
from core.stats.contingency import binomial_interval, chi_squared, fisher_exact
from core.stats.mantel_haenszel_panel import MANTEL_FLEISS, mantel_haenszel_panel
from core.stats.multiple import benjamini_hochberg
from core.store import Store, sentence

COUNT_STEP = 0.5
"""Width of a bin of the mutation count in log2: tumours of a stratum differ by at most 1.41."""

COUNT_BINS = (0, 50, 100, 200, 500, np.inf)
COUNT_LABELS = ("below 50", "50–99", "100–199", "200–499", "500 or more")
"""SNVs, for the figure of frequency by count."""

OF_FEW = 1.5
"""A signature called this many times as often below 100 SNVs as above is told of."""


@dataclass(frozen=True)
class SignatureFrequency(Result):
    """table: a row per signature that some tumour has, smallest chi-squared p first: signature,
        aetiology; mutant, n_mutant, mutant_share, mutant_lower, mutant_upper and the same of
        wild_type (present, of, share with exact interval); p_value and its q_value (chi-squared),
        fisher_p, odds_ratio, ci_lower, ci_upper (exact, conditional), and of Mantel-Haenszel within
        tumour type and mutation count adjusted_odds_ratio, adjusted_lower, adjusted_upper,
        adjusted_p, adjusted_q (NaN p: too few tumours in informative strata)
    by_count: signature, bin, group, n, present, share, ci_lower, ci_upper; of every decomposed
        tumour, also those below the minimum
    rows: the tumours compared
    """

    title: str
    source: Source
    order: tuple[str, str]
    table: pd.DataFrame
    by_count: pd.DataFrame
    rows: pd.DataFrame
    flow: pd.DataFrame
    demands: Demands
    n_absent: int
    sentence: str
    methods: str
    warnings: tuple[str, ...]


def signature_frequency(
    store: Store,
    filters: Filters,
    stratifier: Stratifier,
    source: Source,
    demands: Demands | None = None,
) -> SignatureFrequency:
    """Compare the two groups of ``stratifier`` among the tumours of ``source``.

    Raises NotEnoughData where a group has no tumour, or ``stratifier`` does not make two groups.
    """
    found = tumours(store, filters, source, demands)
    grouping = two_groups(assign(store, found.frame, stratifier))
    names = store.cohort_names()
    labels, asked = grouping.labels, found.asked
    counted = [int((asked & (labels == g)).sum()) for g in grouping.order]
    words = (
        f"{int(asked.sum()):,} tumours decomposed ({source.label}): "
        f"{sentence(found.filters, cohort_names=names)}; {counted[1]:,} {stratifier.label} "
        f"{grouping.order[1]}, {counted[0]:,} {grouping.order[0]}"
    )
    unassigned = int((asked & labels.isna()).sum())
    words += f", {unassigned:,} {grouping.unassigned}" if unassigned else ""
    if any(not (asked & (labels == g)).any() for g in grouping.order):
        raise NotEnoughData(
            "There are not two groups of tumours to compare.",
            expected="decomposed tumours " + " and ".join(grouping.order),
            found=words,
            remedy="Widen a filter, choose another gene or another source, or lower the demands.",
        )
    return compare_frequencies(found, grouping, store.signature_aetiologies(), words=words)


def compare_frequencies(
    found: Tumours, grouping: Grouping, aetiologies: dict[str, str], *, words: str = ""
) -> SignatureFrequency:
    """Compare the last group of ``grouping`` with the first; labels are aligned with the frame."""
    reference, other = grouping.order[0], grouping.order[-1]
    known = grouping.labels.notna().to_numpy()
    keep = np.flatnonzero(found.asked & known)
    frame = found.frame.iloc[keep].assign(group=grouping.labels.iloc[keep])
    present = sparse.csc_array((found.weights[keep] > 0).astype(float))
    member = (frame.group == other).to_numpy()
    table = _crude(present, member, found.signatures)
    some = (table.mutant + table.wild_type > 0).to_numpy()
    counts = frame.n_snv.to_numpy(float)
    strata = binned_strata(frame, found.source.place, counts, COUNT_STEP)
    table = pd.concat([table, _adjusted(present, member, strata)], axis=1)
    table = table[some].copy()
    table["q_value"] = benjamini_hochberg(table.p_value)
    table["adjusted_q"] = benjamini_hochberg(table.adjusted_p)
    table.insert(1, "aetiology", [aetiologies.get(s, "Unknown") for s in table.signature])
    everyone = np.flatnonzero(
        known & (found.frame.cosine_similarity.notna() | found.frame.eligible)
    )
    by_count = _by_count(found, everyone, grouping, table.signature.tolist())
    place = np.lexsort(
        (np.array([in_order(s)[0] for s in table.signature]), table.p_value.fillna(1.0))
    )
    lost = int((found.asked & ~known).sum())
    step = pd.DataFrame({"step": [grouping.unassigned], "n": [len(frame)], "lost": [lost]})
    return SignatureFrequency(
        title=grouping.title,
        source=found.source,
        order=(reference, other),
        table=table.iloc[place].reset_index(drop=True),
        by_count=by_count,
        rows=frame,
        flow=pd.concat([found.flow, step], ignore_index=True),
        demands=found.demands,
        n_absent=int((~some).sum()),
        sentence=words,
        methods=_methods(found.source, found.demands),
        warnings=_warnings(found, by_count, member),
    )


def _crude(
    present: sparse.csc_array, member: npt.NDArray[np.bool_], signatures: tuple[str, ...]
) -> pd.DataFrame:
    """Counts, shares and the two tests without adjustment, signature by signature."""
    n_in, n_out = int(member.sum()), int((~member).sum())
    inside = np.asarray(present[member].sum(axis=0)).ravel().astype(int)
    outside = np.asarray(present[~member].sum(axis=0)).ravel().astype(int)
    table = pd.DataFrame({"signature": list(signatures)})
    for lead, k, n in (("mutant", inside, n_in), ("wild_type", outside, n_out)):
        lower, upper = binomial_interval(k, n)
        table[lead], table[f"n_{lead}"], table[f"{lead}_share"] = k, n, k / n
        table[f"{lead}_lower"], table[f"{lead}_upper"] = lower, upper
    tests = []
    for a, c in zip(inside, outside, strict=True):
        counts = [[a, n_in - a], [c, n_out - c]]
        exact = fisher_exact(counts)
        tests.append(
            (chi_squared(counts).p_value, exact.p_value, exact.odds_ratio, exact.ci_lower,
             exact.ci_upper)
        )  # fmt: skip
    columns = ["p_value", "fisher_p", "odds_ratio", "ci_lower", "ci_upper"]
    return pd.concat([table, pd.DataFrame(tests, columns=columns, dtype=float)], axis=1)


def _adjusted(
    present: sparse.csc_array, member: npt.NDArray[np.bool_], strata: npt.NDArray[np.intp]
) -> pd.DataFrame:
    panel = mantel_haenszel_panel(member, present, strata)
    enough = panel.room >= MANTEL_FLEISS
    return pd.DataFrame(
        {
            "adjusted_odds_ratio": panel.odds_ratio,
            "adjusted_lower": panel.ci_lower,
            "adjusted_upper": panel.ci_upper,
            "adjusted_p": np.where(enough, panel.p_value, np.nan),
        }
    )


def _by_count(
    found: Tumours, rows: npt.NDArray[np.intp], grouping: Grouping, signatures: list[str]
) -> pd.DataFrame:
    """Frequency of each signature by bin of SNVs and group."""
    columns = [found.signatures.index(s) for s in signatures]
    present = (found.weights[rows][:, columns] > 0).toarray()
    counts = found.frame.n_snv.to_numpy()[rows]
    bins = np.searchsorted(COUNT_BINS, counts, side="right") - 1
    labels = grouping.labels.to_numpy(object)[rows]
    parts = [(code, group) for code in range(len(COUNT_LABELS)) for group in grouping.order]
    inside = np.array([(bins == code) & (labels == group) for code, group in parts])
    k = np.concatenate([present[own].sum(axis=0) for own in inside])
    n = np.repeat(inside.sum(axis=1), len(signatures))
    lower, upper = binomial_interval(k, n)
    some = n > 0
    return pd.DataFrame(
        {
            "signature": signatures * len(parts),
            "bin": np.repeat([COUNT_LABELS[code] for code, _ in parts], len(signatures)).astype(
                object
            ),
            "group": np.repeat([group for _, group in parts], len(signatures)).astype(object),
            "n": n,
            "present": k,
            "share": k / np.where(some, n, np.nan),
            "ci_lower": np.where(some, lower, np.nan),
            "ci_upper": np.where(some, upper, np.nan),
        }
    )


def _warnings(
    found: Tumours, by_count: pd.DataFrame, member: npt.NDArray[np.bool_]
) -> tuple[str, ...]:
    words = []
    if min(member.sum(), (~member).sum()) < 10:
        words.append(
            f"One group has {min(member.sum(), (~member).sum())} tumours: shares are uncertain, "
            "and a signature's absence there says little."
        )
    counted = {
        b
        for b, low in zip(COUNT_LABELS, COUNT_BINS[1:], strict=True)
        if low > found.demands.minimum_snv
    }
    few = by_count.bin.isin(counted.intersection(COUNT_LABELS[:2]))
    if not few.any():
        return tuple(words)
    low = by_count[few].groupby("signature")[["n", "present"]].sum()
    high = by_count[~by_count.bin.isin(COUNT_LABELS[:2])].groupby("signature")[["n", "present"]]
    rest = high.sum()
    often = (low.present + 1) / (low.n + 2) > OF_FEW * (rest.present + 1) / (rest.n + 2)
    told = sorted(often.index[often & (low.present >= 10)], key=in_order)
    if told and found.demands.minimum_snv < 100:
        named = ", ".join(told[:6]) + (f" and {len(told) - 6} more" if len(told) > 6 else "")
        words.append(
            f"Called more than {OF_FEW:g} times as often in tumours below 100 SNVs as in others, "
            f"as false calls from few mutations would be: {named}. Raise the minimum to see what "
            "stays."
        )
    return tuple(words)


def _methods(source: Source, demands: Demands) -> str:
    made = {
        "Alexandrov 2020": "Activities are those published by Alexandrov et al. (Nature 2020)",
        "refit COSMIC v3.4": "Spectra of exome SNVs were refitted to COSMIC v3.4, weighted by the "
        "exome's trinucleotides, by non-negative least squares; a signature was present if its "
        "weight exceeded 0.06 in at least 95% of 100 bootstrap draws",
        "greedy refit COSMIC v3.4": "Spectra of exome SNVs were refitted to COSMIC v3.4, weighted "
        "by the exome's trinucleotides, by the forward regression of Rosenthal et al. (Genome Biol "
        "2016); a signature was present if its weight was at least 0.06",
    }.get(source.name, f"Activities are those of the source {source.name}")
    if source.name.startswith("refit ") and source.name != "refit COSMIC v3.4":
        made = (
            f"Spectra of exome SNVs were refitted to {source.name.removeprefix('refit ')}, a table "
            "of the user's own, by non-negative least squares; a signature was present if its "
            "weight exceeded 0.06 in at least 95% of 100 bootstrap draws"
        )
    where = "tumour type" if source.place == TCGA else "study, tumour type"
    cosine = (
        f" and a cosine similarity of at least {demands.minimum_cosine:g}"
        if demands.minimum_cosine
        else ""
    )
    return (
        f"{made}. Tumours with at least {demands.minimum_snv} SNVs{cosine} were compared "
        f"({PLACE[source.place]}). Frequencies were tested by Pearson's chi-squared with Yates' "
        "correction, as the paper did, and by Fisher's exact test (conditional odds ratio). "
        f"Adjusted odds ratios are Mantel-Haenszel's, stratified by {where} and mutation count "
        f"(bins of width {COUNT_STEP:g} in log2(SNVs + 1)), with intervals by Robins, Breslow and "
        f"Greenland; no p-value where the expected overlap lies within {MANTEL_FLEISS:g} of its "
        "possible bounds (Mantel and Fleiss 1980). q-values are Benjamini-Hochberg's over the "
        "signatures. Intervals of frequencies are exact (Clopper-Pearson)."
    )

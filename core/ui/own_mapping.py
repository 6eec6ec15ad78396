"""The mapping step: every guess as a control that can be corrected, beside it what it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from core.model import DrugClass
from core.ui import own_profiling
from core.ui.messages import escaped
from data import facts
from data.cohort_spec import TIME_UNITS
from data.own import guess
from data.own.mapping import LABELS, TITLES, Choice, Outcome, OwnMapping, Place
from data.own.propose import EXOME_MEGABASES, PANEL_MEGABASES, choice
from data.own.reading import Upload

NOT_HERE = "not in the file"
UNSET, NO_VALUE = "?", "no value"
MOST_CODED = 24
"""Labels of one column that are offered for coding; others count as having no meaning."""
MOST_FURTHER = 12
ASSAYS = ("WES", "panel", "MSK-IMPACT", "blood panel", "WGS")
BUILDS = ("not known", "GRCh37", "GRCh38")
EVENT_MEANINGS = {"event": 1, "censored": 0}


def usual_name(upload: Upload) -> str:
    """The study's own name, else that of the file."""
    name = upload.meta.get("short_name") or upload.meta.get("name", "")
    return (name or Path(upload.files[0].name).stem.removesuffix(".tar")).strip()[:60]


def ask(upload: Upload, proposed: OwnMapping) -> OwnMapping:
    """Draw the controls, filled with the proposal; return the mapping that they make."""
    at = "own-" + "".join(f.sha256[:6] for f in upload.files)
    st.header("Which column is what", anchor=False)
    patient = _patient(upload, proposed, at)
    outcomes = {
        name: outcome
        for name, title in (("OS", "Overall survival"), ("PFS", "Progression-free survival"))
        if (outcome := _outcome(upload, name, title, proposed, at)) is not None
    }
    terms = _terms(upload, proposed, at)
    taken = {c.place for c in terms.values()} | {Place("patients", patient)}
    taken |= {p for o in outcomes.values() for p in (o.time, o.event)}
    further = _further(upload, taken, at)
    calls, profiling = own_profiling.ask(upload, proposed, at)
    mapping = OwnMapping(
        name=proposed.name,
        patient=patient,
        terms=terms,
        outcomes=outcomes,
        further=further,
        calls=calls,
        profiling=profiling,
    )
    return _about(upload, mapping, proposed, at)


def _patient(upload: Upload, proposed: OwnMapping, at: str) -> str:
    if upload.kind == "study":
        return proposed.patient
    columns = [str(c) for c in upload.patients.frame.columns]
    return st.selectbox("Patient id", columns, columns.index(proposed.patient), key=f"{at}-patient")


def _outcome(
    upload: Upload, name: str, title: str, proposed: OwnMapping, at: str
) -> Outcome | None:
    """Time, unit and event of one endpoint, and what the labels of the event mean."""
    usual = proposed.outcomes.get(name)
    left, middle, right = st.columns([3, 1.4, 3])
    with left:
        time = _column(upload, f"{title}: time", usual.time if usual else None, f"{at}-{name}-time")
    with right:
        event = _column(
            upload, f"{title}: event", usual.event if usual else None, f"{at}-{name}-event"
        )
    if time is None:
        return None
    numbers = guess.numbers_of(guess.values(upload, time)).dropna()
    unit, reason, sure = guess.time_unit(time.column, numbers)
    with middle:
        units = list(TIME_UNITS)
        chosen = st.selectbox(
            "Unit", units, units.index(unit), key=f"{at}-{name}-unit-{time.column}"
        )
    if event is None:
        st.caption(f"{name}: choose the column that says who had the event.")
        return None
    guessed = guess.event_coding(upload, event)
    words = {k: {1: "event", 0: "censored", None: None}[v] for k, v in guessed.items()}
    coding = _labels(upload, event, words, list(EVENT_MEANINGS), f"{at}-{name}")
    coded = {k: EVENT_MEANINGS.get(v) for k, v in coding.items()}
    _outcome_words(upload, name, Outcome(time, chosen, event, coded), numbers)
    if chosen == unit:
        said = "" if sure else " Please check it."
        st.caption(f"Unit of {escaped(time.column)}: {reason}.{said}")
    return Outcome(time, chosen, event, coded)


def _outcome_words(upload: Upload, name: str, outcome: Outcome, numbers: pd.Series[float]) -> None:
    months = numbers[numbers >= 0] * TIME_UNITS[outcome.unit]
    events = guess.values(upload, outcome.event).map(dict(outcome.coding)).eq(1).sum()
    if len(months):
        st.caption(
            f"{name} reads as {len(months):,} times with a median of {months.median():.1f} and a "
            f"longest of {months.max():.1f} months; {int(events):,} events."
        )


def _terms(upload: Upload, proposed: OwnMapping, at: str) -> dict[str, Choice]:
    """The patients' terms that have a column, with unit or coding."""
    terms = {}
    places = {}
    columns = st.columns(2)
    for i, (term, title) in enumerate(TITLES.items()):
        usual = proposed.terms.get(term)
        with columns[i % 2]:
            place = _column(upload, title, usual.place if usual else None, f"{at}-{term}")
            if place is not None and term in ("age_years", "tmb_per_mb"):
                terms[term] = _unit(upload, term, place, f"{at}-{term}")
        places[term] = place
    for term, place in places.items():
        if place is None or term in terms:
            continue
        suggested = choice(upload, term, place)
        coding: Mapping[str, str] = {}
        if term in LABELS or term == "tumor_type":
            meanings = LABELS.get(term) or tuple(facts.tumor_type_labels())
            coding = _labels(
                upload, place, suggested.coding, meanings, f"{at}-{term}", term == "tumor_type"
            )
        terms[term] = Choice(place, suggested.unit, suggested.megabases, coding)
    return terms


def _unit(upload: Upload, term: str, place: Place, key: str) -> Choice:
    """Age in years or days; TMB per Mb, or a count with the megabases it is divided by."""
    suggested = choice(upload, term, place)
    units = {"age_years": ["years", "days"], "tmb_per_mb": ["per_mb", "count"]}[term]
    shown = {"per_mb": "per Mb", "count": "a count"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            f"{TITLES[term]} is given in" if term == "age_years" else "TMB is given",
            units,
            units.index(suggested.unit),
            key=f"{key}-unit-{place.column}",
            format_func=lambda u: shown.get(u, u),
        )
        if unit != "count":
            return Choice(place, unit)
        megabases = st.number_input(
            "Megabases sequenced", 0.05, 100.0, EXOME_MEGABASES, key=f"{key}-megabases",
            help=f"About {EXOME_MEGABASES:g} for an exome, {PANEL_MEGABASES:g} for a panel.",
        )  # fmt: skip
    return Choice(place, unit, float(megabases))


def _column(upload: Upload, label: str, usual: Place | None, key: str) -> Place | None:
    """A column of the patients or samples; None where the file has none."""
    options = [None, *guess.places(upload)]
    return st.selectbox(
        label,
        options,
        options.index(usual) if usual in options else 0,
        key=key,
        format_func=lambda p: NOT_HERE if p is None else _shown(p),
    )


def _shown(place: Place) -> str:
    return place.column if place.table == "patients" else f"{place.column} ({place.table})"


def _labels(
    upload: Upload,
    place: Place,
    suggested: Mapping[str, str | None],
    meanings: Sequence[str],
    key: str,
    only_unknown: bool = False,
) -> dict[str, str]:
    """What each label means, "" for no value; labels left at ? are absent.

    ``only_unknown``: labels whose meaning is known are not asked for.
    """
    counts = guess.labels(upload, place)
    told = {str(x): suggested.get(str(x)) for x in counts.index}
    coding = {k: v for k, v in told.items() if v} if only_unknown else {}
    asked = [k for k in told if not (only_unknown and told[k])][:MOST_CODED]
    if not asked:
        return coding
    unknown = sum(told[k] is None for k in asked)
    known = ", ".join(f"{k} = {v}" for k, v in told.items() if v)[:120]
    title = f"{unknown} without a meaning" if unknown else known
    with st.expander(
        f"Labels of {escaped(place.column)}: {escaped(title)}", expanded=bool(unknown)
    ):
        options = [UNSET, *meanings, NO_VALUE]
        columns = st.columns(3)
        for i, label in enumerate(asked):
            with columns[i % 3]:
                chosen = st.selectbox(
                    f"{escaped(label[:40])} ({int(counts[label]):,})",
                    options,
                    options.index(told[label] or UNSET),
                    key=f"{key}-{place.column}-label-{label}",
                )
            if chosen != UNSET:
                coding[label] = "" if chosen == NO_VALUE else chosen
    return coding


def _further(upload: Upload, taken: set[Place], at: str) -> tuple[Place, ...]:
    offered = guess.further(upload, taken)
    if not offered:
        return ()
    return tuple(
        st.multiselect(
            "Further variables to keep",
            offered,
            offered[:MOST_FURTHER],
            key=f"{at}-further",
            format_func=_shown,
            help="Offered as clinical variables for splits and models.",
        )
    )


def _about(upload: Upload, mapping: OwnMapping, proposed: OwnMapping, at: str) -> OwnMapping:
    """What no column says: name, role, assay, defaults, citation."""
    st.header("About the cohort", anchor=False)
    one, two, three = st.columns(3)
    with one:
        name = st.text_input("Name", proposed.name, max_chars=60, key=f"{at}-name")
    with two:
        assay = st.selectbox(
            "Assay", ASSAYS, ASSAYS.index(proposed.assay), key=f"{at}-assay",
            accept_new_options=True,
        )  # fmt: skip
        build = st.selectbox("Reference genome", BUILDS, key=f"{at}-build")
    with three:
        drug_class = st.selectbox(
            "Treated with, where no column says",
            [d.value for d in DrugClass],
            list(DrugClass).index(DrugClass.UNKNOWN_ICI),
            key=f"{at}-default-class",
        )
        tumor = _tumor(mapping, at)
    citation = st.text_input(
        "Citation", proposed.citation, max_chars=300, key=f"{at}-citation",
        placeholder="as figures and exports should give it",
    )  # fmt: skip
    simulated = st.toggle(
        "These patients are simulated",
        key=f"{at}-simulated",
        help="Every page and export then says SIMULATED, and they are pooled with simulated "
        "cohorts only.",
    )
    return OwnMapping(
        **{
            **vars(mapping),
            "name": name.strip() or "Own cohort",
            "assay": str(assay)[:40],
            "genome_build": "" if build == BUILDS[0] else build,
            "drug_class": drug_class,
            "tumor_type": tumor,
            "citation": citation.strip(),
            "simulated": simulated,
        }
    )


def _tumor(mapping: OwnMapping, at: str) -> str:
    if "tumor_type" in mapping.terms:
        return mapping.tumor_type
    known = ["Unknown", *(t for t in facts.tumor_type_labels() if t != "Unknown")]
    return st.selectbox("Tumour type of all patients", known, key=f"{at}-default-tumor")

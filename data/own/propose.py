"""The mapping that an upload suggests: every guess of :mod:`data.own.guess` put together."""

from __future__ import annotations

from core.model import DrugClass
from data.own import guess
from data.own.mapping import (
    ALL_MISSENSE,
    CLASS_COLUMN,
    CLASS_OF_CHANGE,
    EVERYONE,
    EXOME_PANEL,
    LABELS,
    LIST_PANEL,
    MATRIX_PANEL,
    SEQUENCED,
    TITLES,
    WITH_CALLS,
    Calls,
    Choice,
    Outcome,
    OwnMapping,
    Place,
    Profiling,
)
from data.own.reading import Upload

EXOME_GENES = 2000
"""Calls in more distinct genes than any targeted panel lists: an exome."""
EXOME_MEGABASES, PANEL_MEGABASES = 30.0, 1.0


def propose(upload: Upload, name: str) -> OwnMapping:
    """Every guess at once; a term without a fitting column is absent."""
    study = upload.kind == "study"
    patient = "PATIENT_ID" if study else guess.patient_column(upload.patients)
    terms = {}
    for term in TITLES:
        place = guess.term(upload, term)
        if place is not None and place != Place("patients", patient):
            terms[term] = choice(upload, term, place)
    outcomes = {}
    for endpoint in ("OS", "PFS"):
        found = guess.endpoint(upload, endpoint)
        if found is not None and found.event is not None:
            known = {k: v for k, v in found.coding.items() if v is not None}
            outcomes[endpoint] = Outcome(found.time, found.unit, found.event, known)
    calls = guess_calls(upload, patient) if "mutations" in upload.tables else None
    return OwnMapping(
        name=name,
        patient=patient,
        terms=terms,
        outcomes=outcomes,
        calls=calls,
        profiling=profiling(upload, calls),
        drug_class=DrugClass.UNKNOWN_ICI.value,
        assay="WES" if _exome(upload, calls) else "panel",
        citation=upload.meta.get("citation", ""),
    )


def choice(upload: Upload, term: str, place: Place) -> Choice:
    """The unit and coding that a column suggests for a term."""
    if term == "age_years":
        return Choice(place, guess.age_unit(upload, place))
    if term == "tmb_per_mb":
        unit, _ = guess.tmb_unit(upload, place)
        return Choice(place, unit, EXOME_MEGABASES if unit == "count" else None)
    if term == "tumor_type":
        coding = guess.tumor_coding(upload, place)
        return Choice(place, coding={k: v for k, v in coding.items() if v})
    if term in LABELS:
        found = guess.label_coding(term, [str(x) for x in guess.labels(upload, place).index])
        return Choice(place, coding={k: v for k, v in found.items() if v})
    return Choice(place)


def guess_calls(upload: Upload, patient: str) -> Calls:
    """The columns of the table of mutations; classes from the protein change where it has none."""
    columns = guess.call_columns(upload.tables["mutations"])
    classes = (
        CLASS_COLUMN
        if "variant_classification" in columns
        else CLASS_OF_CHANGE
        if "hgvsp_short" in columns
        else ALL_MISSENSE
    )
    return Calls(guess.call_patient(upload, patient), columns, classes)


def profiling(upload: Upload, calls: Calls | None) -> Profiling | None:
    """Who was sequenced for which genes, as far as the upload says; cautious where it does not."""
    if calls is None:
        return None
    matrix = guess.panel_column(upload)
    if matrix is not None:
        return Profiling(EVERYONE, MATRIX_PANEL, matrix=matrix)
    who = SEQUENCED if upload.sequenced else WITH_CALLS
    return Profiling(who, EXOME_PANEL if _exome(upload, calls) else LIST_PANEL)


def _exome(upload: Upload, calls: Calls | None) -> bool:
    if calls is None or "hugo_symbol" not in calls.columns:
        return False
    genes = upload.tables["mutations"].frame[calls.columns["hugo_symbol"]]
    return bool(genes.nunique() > EXOME_GENES)

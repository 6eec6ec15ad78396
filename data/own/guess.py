"""What the columns of an upload probably are: by their names first, by their values where needed.

Every guess carries its reason and is shown for correction; none is used unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

from core.model import BadInput, DrugClass
from data import facts
from data.own.mapping import Place
from data.own.reading import Upload
from data.readers import maf
from data.readers.table import Table

MOST_LABELS = 12
"""A column with more distinct labels is not offered for coding."""

NAMES: dict[str, str] = {
    "tumor_type": r"cancer_?type$|tumou?r_?type$|^disease$|^indication$|^primary(_?site)?$|"
    r"oncotree_?code|^cancer$|^tumou?r$|cancer_?type|histology",
    "drug": r"^drug(_?name)?$|^agent$|^tx$|^treatment$|^therapy$|^ici(_?drug)?$|^regimen$|drug",
    "drug_class": r"drug_?(class|type)|^treatment_?type$|immune_treatment|^drug$|^treatment$|"
    r"^tx$|^agent$|^therapy$",
    "age_years": r"^age$|^age_?(years|yrs|at)|^age|_age$|birth_?age",
    "sex": r"^sex$|^gender|^sex\b",
    "response": r"^(best_?)?(overall_?)?response$|^bor$|^recist$|^br$|best_?response|recist|"
    r"^irrecist$|^bcor$|response",
    "stage": r"^stage|_stage$|^ajcc",
    "tmb_per_mb": r"^tmb|_tmb|mutation(al)?_?(burden|load|count)|nonsyn|^mutations$|^mut_?count|"
    r"n_?mut",
}
"""Term -> the names its column may have, in small letters with _ for other signs; the part of the
pattern that stands first goes first."""

TIMES: dict[str, str] = {
    "OS": r"^os_(months|days|weeks|years)|^os_?time|^time_?os|overall_?survival(?!_?status)|^os$|"
    r"^os_(?!status|event|cens|cnsr)|survival_?(time|months|days)|^survival|follow_?up|^time$|"
    r"^(months|days)$",
    "PFS": r"^pfs_(months|days|weeks|years)|^pfs_?time|^time_?pfs|"
    r"progression_?free_?survival(?!_?status)|^pfs$|^pfs_(?!status|event|cens|cnsr)|^ttp",
}
EVENTS: dict[str, str] = {
    "OS": r"^os_?(status|event|cens|cnsr)|overall_?survival_?status|vital_?status|^dead|^death|"
    r"^deceased|^died|^status$|^event$|^os_?ev|^cens",
    "PFS": r"^pfs_?(status|event|cens|cnsr)|progression_?free_?survival_?status|^progress|"
    r"^pd_?event",
}

_UNITS = (
    ("months", r"months?|(?<![a-z])mos?(?![a-z])"),
    ("days", r"days?"),
    ("weeks", r"weeks?|(?<![a-z])wks?(?![a-z])"),
    ("years", r"years?|(?<![a-z])yrs?(?![a-z])"),
)
_EVENT = re.compile(
    r"^1:|^(dead|died|deceased|death|event|progress|relapse|recurr|expired|dod|doc|duc)|^(yes|y|"
    r"true|t)$"
)
_NO_EVENT = re.compile(
    r"^0:|^(alive|living|censor|no event|non|not|stable|disease ?free|awd|ned|no prog|lost)|^(no|n|"
    r"false|f)$"
)
_CLASS_WORDS = (
    (DrugClass.NONE, r"^none$|no ici|chemo|docetaxel|placebo|dacarbazine|vemurafenib|dabrafenib"),
    (DrugClass.COMBINATION, r"comb"),
)
_PD1 = r"pd-?(l?)-?1|nivo|pembro|atezo|durva|avelu|cemip|dostar|tislel|toripa|sintil|camrel|lambro"
_CTLA4 = r"ctla|ipi|tremeli"


@dataclass(frozen=True)
class TimeGuess:
    """Columns of an endpoint, the unit of the times, why, and what the event labels mean."""

    time: Place
    unit: str
    reason: str
    sure: bool
    event: Place | None
    coding: dict[str, int | None] = field(default_factory=dict)


def simple(name: str) -> str:
    """A column's name in small letters with _ for every other sign."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def places(upload: Upload) -> list[Place]:
    """Every column of the tables of patients and of samples."""
    return [
        Place(name, str(column))
        for name in ("patients", "samples")
        if name in upload.tables
        for column in upload.tables[name].frame.columns
    ]


def values(upload: Upload, place: Place) -> pd.Series[str]:
    """The cells of a column that hold something, without blanks around them."""
    cells = upload.tables[place.table].frame[place.column].dropna()
    return cells.map(str).str.strip()


def labels(upload: Upload, place: Place) -> pd.Series[int]:
    """Label -> number of rows, most frequent first."""
    return values(upload, place).value_counts()


def patient_column(table: Table) -> str:
    """The column of patient ids: by name, else the first whose cells all differ."""
    by_name = r"^patient_?(id|identifier|barcode)?$|^subject(_?id)?$|^case(_?id)?$|^participant|"
    by_name += r"patient|^id$|subject|^sample(_?id)?$|sample_?id|barcode"
    for column in _matching(table, by_name):
        return column
    for column in map(str, table.frame.columns):
        cells = table.frame[column]
        if cells.notna().all() and cells.is_unique and not numbers_of(cells.dropna()).notna().all():
            return column
    return str(table.frame.columns[0])


def term(upload: Upload, name: str) -> Place | None:
    """The column of one of NAMES: of those whose name fits, the first whose values fit as well."""
    for place in _fitting(upload, NAMES[name]):
        if _plausible(upload, place, name):
            return place
    return None


def endpoint(upload: Upload, name: str) -> TimeGuess | None:
    """The columns of OS or PFS; None where no column of numbers has a fitting name."""
    for place in _fitting(upload, TIMES[name]):
        cells = values(upload, place)
        numbers = numbers_of(cells)
        if len(cells) and numbers.notna().mean() > 0.5:
            unit, reason, sure = time_unit(place.column, numbers.dropna())
            event = next(
                (p for p in _fitting(upload, EVENTS[name]) if _few(upload, p) and p != place), None
            )
            coding = event_coding(upload, event) if event else {}
            return TimeGuess(place, unit, reason, sure, event, coding)
    return None


def time_unit(column: str, numbers: pd.Series[float]) -> tuple[str, str, bool]:
    """Unit of a column of times, the reason, and whether the name says it."""
    name = column.lower()
    longest = float(numbers.max()) if len(numbers) else 0.0
    for unit, pattern in _UNITS:
        if re.search(pattern, name):
            return unit, f"the column's name says {unit}", True
    fits = {"years": 15, "months": 250, "weeks": 520}
    unit = next((u for u, most in fits.items() if longest <= most), "days")
    if unit == "years" and (numbers % 1 == 0).all():
        unit = "months"
    return unit, f"the longest is {longest:,.4g}, which fits {unit}", False


def event_coding(upload: Upload, place: Place) -> dict[str, int | None]:
    """Label -> 1 (event), 0 (censored), None where it cannot be told."""
    found = [str(label) for label in labels(upload, place).index]
    censoring = re.search(r"cens|cnsr", place.column.lower()) is not None
    numbers = {x for x in found if re.fullmatch(r"\d+(\.0)?", x)}
    # as R's survival has it: 1 censored, 2 dead
    from_two = {int(float(x)) for x in numbers} in ({1, 2}, {2})

    def means(label: str) -> int | None:
        if label in numbers:
            number = int(float(label)) - int(from_two)
            return number ^ int(censoring and not from_two) if number in (0, 1) else None
        word = label.strip().lower()
        event = 1 if _EVENT.search(word) else 0 if _NO_EVENT.search(word) else None
        yes_or_no = word in ("yes", "y", "true", "t", "no", "n", "false", "f")
        return 1 - event if censoring and yes_or_no and event is not None else event

    return {label: means(label) for label in found}


def label_coding(name: str, found: Sequence[str]) -> dict[str, str | None]:
    """Label -> meaning of a coded term (sex, response, stage, drug_class); None: not known."""
    read = {"sex": _sex, "response": _response, "stage": _stage, "drug_class": drug_class}[name]
    return {str(label): read(str(label).strip().lower()) for label in found}


def tumor_coding(upload: Upload, place: Place) -> dict[str, str | None]:
    """Label -> main tumour type; None where the vocabulary does not know the label."""
    coding: dict[str, str | None] = {}
    for label in map(str, labels(upload, place).index):
        try:
            coding[label] = facts.tumor_type(label)
        except BadInput:
            coding[label] = None
    return coding


def tmb_unit(upload: Upload, place: Place) -> tuple[str, str]:
    """``per_mb`` or ``count``, and the reason."""
    name = simple(place.column)
    numbers = numbers_of(values(upload, place)).dropna()
    if re.search(r"per_?mb|score|_mb$|/mb|tmb_nonsyn", name):
        return "per_mb", "the column's name says so"
    if re.search(r"count|load|n_?mut|muts|^mutations$|nonsyn", name):
        return "count", "the column's name says so"
    if len(numbers) and (numbers % 1 == 0).all() and numbers.median() > 25:
        return "count", f"whole numbers, the median {numbers.median():,.0f}"
    return "per_mb", "the values fit a rate"


def age_unit(upload: Upload, place: Place) -> str:
    """Years, or days where an age of more than 130 occurs."""
    numbers = numbers_of(values(upload, place)).dropna()
    return "days" if len(numbers) and numbers.max() > 130 else "years"


def further(upload: Upload, taken: set[Place]) -> list[Place]:
    """Columns worth keeping as clinical variables: of numbers, or with 2 to MOST_LABELS labels."""
    found = []
    for place in places(upload):
        cells = values(upload, place)
        if place in taken or len(cells) < 2 or re.search(r"(^|_)id$", simple(place.column)):
            continue
        if is_numeric(upload, place) or 2 <= cells.nunique() <= MOST_LABELS:
            found.append(place)
    return found


def is_numeric(upload: Upload, place: Place) -> bool:
    """Whether a further variable is a number: every cell is one, of more than six values."""
    cells = values(upload, place)
    return bool(cells.nunique() > 6 and numbers_of(cells).notna().all())


def call_columns(table: Table) -> dict[str, str]:
    """MAF term -> column of a table of mutations, as far as its names tell."""
    wanted = (
        "hugo_symbol", "variant_classification", "hgvsp_short", "hgvsc", "chromosome",
        "start_position", "end_position", "reference_allele", "tumor_seq_allele2",
        "variant_type", "context",
    )  # fmt: skip
    names = [str(c) for c in table.frame.columns]
    found = {k: v for k, v in maf.canonical_names(names).items() if k in wanted}
    others = {
        "hugo_symbol": r"^symbol$|gene",
        "variant_classification": r"classification|consequence|effect|^class$|mutation_?type",
        "hgvsp_short": r"hgvsp_short|protein|amino|aa_?change|^hgvsp$",
    }
    for name, pattern in others.items():
        if name not in found and (fitting := _matching(table, pattern)):
            found[name] = fitting[0]
    return found


def call_patient(upload: Upload, patient: str) -> str:
    """The column of the mutations that shares most values with the patients, or their samples."""
    table = upload.tables["mutations"]
    known = set(values(upload, Place("patients", patient)))
    if "samples" in upload.tables and "SAMPLE_ID" in upload.tables["samples"].frame:
        known |= set(values(upload, Place("samples", "SAMPLE_ID")))
    shares = {
        str(c): table.frame[c].head(2000).map(lambda v: str(v).strip() in known).mean()
        for c in table.frame.columns
    }
    best = max(shares, key=lambda c: shares[c])
    if shares[best] > 0:
        return best
    return maf.canonical_names(list(shares)).get("tumor_sample_barcode", best)


def panel_column(upload: Upload) -> Place | None:
    """Where a study names each sample's gene panel."""
    matrix = upload.tables.get("gene_matrix")
    if matrix is not None:
        names = [str(c) for c in matrix.frame.columns]
        column = "mutations" if "mutations" in names else names[-1]
        return Place("gene_matrix", column)
    samples = upload.tables.get("samples")
    if samples is not None and "GENE_PANEL" in samples.frame.columns:
        return Place("samples", "GENE_PANEL")
    return None


def drug_class(word: str) -> str | None:
    """The class of a drug's name or of a study's label, in small letters."""
    for kind, pattern in _CLASS_WORDS:
        if re.search(pattern, word):
            return kind.value
    one, other = re.search(_PD1, word), re.search(_CTLA4, word)
    if one and other:
        return DrugClass.COMBINATION.value
    if one or other:
        return (DrugClass.PD1 if one else DrugClass.CTLA4).value
    return None


def _sex(word: str) -> str | None:
    return {"m": "male", "male": "male", "man": "male"}.get(word) or {
        "f": "female", "female": "female", "woman": "female"
    }.get(word)  # fmt: skip


def _response(word: str) -> str | None:
    code = word.removeprefix("ir").upper()
    if code in ("CR", "PR", "SD", "PD", "NE"):
        return code
    words = (("complete", "CR"), ("partial", "PR"), ("stable", "SD"), ("progress", "PD"))
    return next((means for start, means in words if word.startswith(start)), None)


def _stage(word: str) -> str | None:
    found = re.fullmatch(r"(?:stage )?(iv|i{1,3}|[1-4])[a-d]?\d?|(m1)[a-d]?", word)
    if found is None:
        return None
    if found[2]:
        return "IV"
    return {"1": "I", "2": "II", "3": "III", "4": "IV"}.get(found[1], found[1].upper())


def _plausible(upload: Upload, place: Place, name: str) -> bool:
    cells = values(upload, place)
    if cells.empty:
        return False
    if name in ("age_years", "tmb_per_mb"):
        return bool(numbers_of(cells).notna().mean() > 0.5)
    if name == "tumor_type":
        coding = tumor_coding(upload, place)
        return bool(cells.map(lambda v: coding[v] is not None).mean() > 0.5)
    if name == "drug":
        return bool(cells.nunique() <= 50 and not numbers_of(cells).notna().all())
    found = labels(upload, place)
    if len(found) > 2 * MOST_LABELS:
        return False
    known = [found[k] for k, v in label_coding(name, list(found.index)).items() if v]
    return bool(sum(known) > 0.5 * found.sum())


def _few(upload: Upload, place: Place) -> bool:
    return 1 <= len(labels(upload, place)) <= MOST_LABELS


def numbers_of(cells: pd.Series[str]) -> pd.Series[float]:
    """Cells as numbers, whichever decimal mark they have; NaN where a cell is none."""
    return pd.to_numeric(cells.map(lambda v: str(v).replace(",", ".")), errors="coerce")


def _fitting(upload: Upload, pattern: str) -> Iterator[Place]:
    """Columns whose name fits, by the order of the pattern's alternatives."""
    candidates = places(upload)
    for part in _alternatives(pattern):
        yield from (p for p in candidates if re.search(part, simple(p.column)))


def _matching(table: Table, pattern: str) -> list[str]:
    names = [str(c) for c in table.frame.columns]
    return [n for part in _alternatives(pattern) for n in names if re.search(part, simple(n))]


def _alternatives(pattern: str) -> list[str]:
    """The parts of a pattern between those | that stand in no bracket."""
    parts, depth = [""], 0
    for sign in pattern:
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [p for p in parts if p]

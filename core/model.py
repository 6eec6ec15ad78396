"""The words that every floor of the house shares: filters, stratifiers, endpoints, errors.

Standard library only, so that anything may import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SCHEMA_VERSION = 1
"""The version of data/schema.sql that this code reads and writes."""

# --------------------------------------------------------------------------------------
# Variant classes (MAF terms)
# --------------------------------------------------------------------------------------

VARIANT_GROUPS: dict[str, tuple[str, ...]] = {
    "missense": ("Missense_Mutation",),
    "truncating": (
        "Nonsense_Mutation",
        "Frame_Shift_Del",
        "Frame_Shift_Ins",
        "Nonstop_Mutation",
        "Translation_Start_Site",
    ),
    "splice": ("Splice_Site",),
    "in-frame": ("In_Frame_Del", "In_Frame_Ins"),
}
"""The four groups a researcher chooses from; their union is every non-synonymous coding class."""

NON_SYNONYMOUS: tuple[str, ...] = tuple(c for group in VARIANT_GROUPS.values() for c in group)

NON_CODING_OR_SILENT: tuple[str, ...] = (
    "Silent",
    "Splice_Region",
    "Intron",
    "3'UTR",
    "5'UTR",
    "3'Flank",
    "5'Flank",
    "IGR",
    "RNA",
    "De_novo_Start_OutOfFrame",
    "De_novo_Start_InFrame",
    "Start_Codon_SNP",
    "Targeted_Region",
    "Unknown",
)

VARIANT_CLASSIFICATIONS: tuple[str, ...] = NON_SYNONYMOUS + NON_CODING_OR_SILENT
"""Every value that ``mutation.variant_classification`` may take in the store."""


class MutationStatus(StrEnum):
    """The three states of a patient for a gene; *not profiled* is never *wild type*."""

    MUTANT = "mutant"
    WILD_TYPE = "wild type"
    NOT_PROFILED = "not profiled"


class Endpoint(StrEnum):
    """Time-to-event endpoints, named as TCGA-CDR names them; times are in months."""

    OS = "OS"
    PFS = "PFS"
    DSS = "DSS"
    DFI = "DFI"
    PFI = "PFI"


ENDPOINT_LABEL: dict[str, str] = {
    "OS": "Overall survival",
    "PFS": "Progression-free survival",
    "DSS": "Disease-specific survival",
    "DFI": "Disease-free interval",
    "PFI": "Progression-free interval",
}


class DrugClass(StrEnum):
    """What the patient was treated with, as far as immune checkpoints are concerned."""

    PD1 = "PD-1/PD-L1"
    CTLA4 = "CTLA-4"
    COMBINATION = "PD-1/PD-L1 + CTLA-4"
    UNKNOWN_ICI = "unknown ICI"
    NONE = "no ICI"


class Role(StrEnum):
    """What a cohort is for in the study's design."""

    DISCOVERY = "discovery"
    VALIDATION = "validation"
    REFERENCE = "reference"


# --------------------------------------------------------------------------------------
# Questions
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Range:
    """A closed interval of a numeric variable; a bound of None is open."""

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise BadInput(
                f"The range {self.low:g} to {self.high:g} is empty.",
                expected="a lower bound that is not above the upper bound",
                found=f"{self.low:g} > {self.high:g}",
                remedy="Swap the two bounds.",
            )

    @property
    def is_open(self) -> bool:
        return self.low is None and self.high is None


def _several(record: object, *names: str) -> None:
    """Make each field a tuple: one value typed without brackets is one value, not its letters."""
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, tuple):
            several = (value,) if isinstance(value, str) else tuple(value)
            object.__setattr__(record, name, several)


@dataclass(frozen=True)
class Filters:
    """Which patients a question is about. An empty tuple means *all*.

    Filters on age and TMB leave out the patients whose value is missing; the sentence
    that ``core.store`` writes of a Filters says so. Where several values may stand, a list or
    one value alone is taken as well.
    """

    tumor_types: tuple[str, ...] = ()
    drug_classes: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    assays: tuple[str, ...] = ()
    sexes: tuple[str, ...] = ()
    age_years: Range = Range()
    tmb_per_mb: Range = Range()
    treated_with_ici: bool | None = True
    """True: patients given an ICI; False: TCGA and control arms; None: both."""
    count_shared_once: bool = True
    """A patient whom two studies report is counted once, in the study that sequenced them."""
    require_call: bool = False
    """Only patients with at least one row in their study's mutation file, as the paper counted.
    It silently drops profiled patients without any call, so it is off by default."""
    exclude_tumor_types: tuple[str, ...] = ()
    """Tumour types left out; for a recipe such as the paper's, where naming all others is long."""
    source_tumor_types: tuple[str, ...] = ()
    """Tumour types in the study's own words: the 33 abbreviations of TCGA."""

    def __post_init__(self) -> None:
        _several(self, "tumor_types", "drug_classes", "cohorts", "roles", "assays", "sexes")
        _several(self, "exclude_tumor_types", "source_tumor_types")


class Split(StrEnum):
    """The rules by which patients are split into groups."""

    MUTATION = "mutation"
    POSITION = "position"
    PAIR = "pair"
    NUMBER = "number"
    SIGNATURE = "signature"
    CATEGORY = "category"


@dataclass(frozen=True)
class Stratifier:
    """How patients are split into groups. ``core.groups`` turns it into labels.

    ``kind`` (one of :class:`Split`) names the rule; the other fields are its parameters:

    * ``mutation``: ``genes`` (``combine``: any of them, or all) carry a call of ``classes``;
    * ``position``: the first of ``genes`` is mutated at residue ``position`` (1275 or R1275);
    * ``pair``: both, one or neither of two ``genes`` is mutated: four groups;
    * ``number``: the variable ``feature`` by ``cut``: median, tertiles, optimal, or a number;
    * ``signature``: the signature ``feature`` is present: its share of a tumour's mutations is
      above 0, or at least ``cut`` where that is given;
    * ``category``: the values of the clinical variable ``feature``.
    """

    kind: str = "mutation"
    genes: tuple[str, ...] = ("ALK",)
    combine: str = "any"
    classes: tuple[str, ...] = NON_SYNONYMOUS
    position: str = ""
    feature: str = ""
    cut: str = ""
    name: str = ""
    """Such as the name of a gene set; used in place of the list of its members."""

    def __post_init__(self) -> None:
        _several(self, "genes", "classes")

    @property
    def label(self) -> str:
        """What the figure legends call it, such as ``ALK`` or ``BRCA1 or BRCA2``."""
        if self.kind == Split.POSITION:
            return f"{self.genes[0]} {self.position}"
        if self.kind == Split.PAIR:
            return " and ".join(self.genes)
        if self.kind != Split.MUTATION:
            return self.name or self.feature
        if self.name:
            return self.name if self.combine == "any" else f"all of {self.name}"
        if len(self.genes) > 3:
            return f"{self.combine} of {len(self.genes)} genes"
        return f" {'or' if self.combine == 'any' else 'and'} ".join(self.genes)

    @property
    def of_mutations(self) -> bool:
        """True where the two groups are *mutant* and *wild type*."""
        return self.kind in (Split.MUTATION, Split.POSITION)


# --------------------------------------------------------------------------------------
# Errors that a researcher may see
# --------------------------------------------------------------------------------------


class DashboardError(Exception):
    """An expected failure, told in the words of the person who meets it.

    ``expected``, ``found``, ``where`` (file, line, column) and ``remedy`` are shown apart,
    so that the page and the command line can lay them out.
    """

    def __init__(
        self,
        message: str,
        *,
        expected: str = "",
        found: str = "",
        where: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.found = found
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.message]
        for name in ("where", "expected", "found"):
            if value := getattr(self, name):
                parts.append(f"  {name}: {value}")
        if self.remedy:
            parts.append(f"  what to do: {self.remedy}")
        return "\n".join(parts)


class BadInput(DashboardError):
    """A value from a person, a URL or a notebook that makes no sense."""


class BadFile(DashboardError):
    """A source file that is not what its format promises."""


class FetchError(DashboardError):
    """A download that failed or whose bytes are not the ones promised."""


class BuildError(DashboardError):
    """A store that could not be built; the one that stood before is untouched."""


class StoreError(DashboardError):
    """A store that is missing, locked, damaged or of another schema version."""


class ComputeError(DashboardError):
    """A computation whose workers cannot be reached, or end again and again."""


class UnknownGene(BadInput):
    """A gene symbol that neither the store nor its aliases know."""


class NotEnoughData(DashboardError):
    """Too few patients or events for the question; says how many there are."""


class UnknownValue(NotEnoughData):
    """A filter's value that no patient of the store has, such as a tumour type misspelt."""

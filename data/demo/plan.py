"""Everything the simulated store is drawn from, in one place: sizes, rates, planted effects.

Sizes follow the published studies; every effect below is invented. Nothing here is estimated
from, or may be read as, a result about patients.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PD1, CTLA4, COMBINATION, NO_ICI = "PD-1/PD-L1", "CTLA-4", "PD-1/PD-L1 + CTLA-4", "no ICI"

# --------------------------------------------------------------------------------------
# Planted effects on survival
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Effect:
    """A hazard ratio of a gene's mutation on every endpoint of the patients it applies to.

    ``setting``: 'ici' (treated), 'untreated' (TCGA and control arms) or 'any'. Empty tuples of
    tumour types or cohorts mean all; ``except_cohorts`` are left out. ``from_month``: the
    effect starts then, and is absent before.
    """

    gene: str
    hazard_ratio: float
    words: str
    setting: str = "ici"
    tumor_types: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()
    except_cohorts: tuple[str, ...] = ()
    from_month: float = 0.0


MELANOMA, LUNG = "Melanoma", "Non-Small Cell Lung Cancer"
HETEROGENEOUS_COHORT = "ravi_2023"
LATE_COHORT = "samstein_2019"

EFFECTS: tuple[Effect, ...] = (
    Effect("ALK", 0.75, "a modest effect of its own under ICI, none in TCGA or under docetaxel"),
    Effect("POLE", 0.35, "a strong effect of its own under ICI, beyond burden"),
    Effect("STK11", 1.70, "harmful in lung under ICI only", tumor_types=(LUNG,)),
    Effect("NF1", 0.50, "helpful in melanoma (interaction with NF1 in lung)",
           tumor_types=(MELANOMA,)),
    Effect("NF1", 1.70, "harmful in lung (interaction with NF1 in melanoma)", tumor_types=(LUNG,)),
    Effect("FAT1", 0.65, "helpful in every cohort but one",
           except_cohorts=(HETEROGENEOUS_COHORT,)),
    Effect("FAT1", 2.20, "harmful in the one heterogeneous cohort",
           cohorts=(HETEROGENEOUS_COHORT,)),
    Effect("ARID1A", 0.40, "late separation: no effect in the first six months (hazards not "
           "proportional)", cohorts=(LATE_COHORT,), from_month=6.0),
    Effect("TP53", 1.20, "prognostic: the same in treated and untreated patients", setting="any"),
)  # fmt: skip
ONLY_THROUGH_BURDEN: tuple[str, ...] = ("MUC16", "TTN", "CSMD3", "PTPRT")
"""Genes with no effect of their own: mutated more where burden is high, and burden acts."""

TMB_HAZARD_RATIO_PER_SD = 0.80
"""Under ICI, per standard deviation of tmb_z within the cohort; 1 elsewhere."""
INFLAMED_HAZARD_RATIO_PER_SD = 0.82
"""Under ICI, per standard deviation of the latent inflamed factor; see next for elsewhere."""
INFLAMED_HAZARD_RATIO_UNTREATED = 0.95
BURDEN_BINS = 10
"""In bins of burden the planted gene effects are centred: TMB's own effect stays as said."""
AGE_HAZARD_RATIO_PER_DECADE = {"ici": 1.06, "untreated": 1.25}
STAGE_HAZARD_RATIO = {"I": 0.6, "II": 0.9, "III": 1.4, "IV": 2.2}
DRUG_HAZARD_RATIO = {PD1: 1.0, CTLA4: 1.25, COMBINATION: 0.80, NO_ICI: 0.95}
DOCETAXEL_LATE_HAZARD_RATIO = 1.6
DOCETAXEL_LATE_FROM_MONTH = 4.0
"""The control arm of the randomised study loses ground only after four months."""
CLINICAL_HAZARD_RATIO = {"ldh_elevated": 1.6, "ecog": 1.4}

CORRELATION_OS_RESPONSE = 0.65
CORRELATION_OS_PROGRESSION = 0.70
"""Of normal scores, given the covariates."""
RESPONSE_SHARES = (("CR", 0.06), ("PR", 0.19), ("SD", 0.24), ("PD", 0.47), ("NE", 0.04))
WEIBULL_SHAPE = 1.05
INFLAMED_CORRELATION_WITH_TMB = 0.20
ALK_BURDEN_EXPONENT = 0.6
"""ALK-mutant patients are chosen with odds proportional to burden to this power."""

# --------------------------------------------------------------------------------------
# Tumour types: burden and people
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TumorPlan:
    """Burden (median per Mb, SD of the log) with a hypermutated share, men, age, OS in months."""

    tmb_median: float
    tmb_log_sd: float = 0.6
    hypermutated: float = 0.0
    male: float = 0.55
    age: float = 62.0
    age_sd: float = 11.0
    os_factor: float = 1.0
    inflamed: float = 0.0


HYPERMUTATED_FACTOR = 14.0

TUMORS: dict[str, TumorPlan] = {
    MELANOMA: TumorPlan(9.5, 1.0, 0.01, 0.62, 61, 14, 1.3, 0.4),
    LUNG: TumorPlan(6.5, 0.85, 0.01, 0.56, 64, 10, 0.9, 0.3),
    "Bladder Cancer": TumorPlan(5.0, 0.7, 0.02, 0.74, 66, 10, 0.9, 0.1),
    "Head and Neck Cancer": TumorPlan(3.2, 0.7, 0.01, 0.75, 60, 12, 0.7, 0.4),
    "Anal Cancer": TumorPlan(3.0, 0.5, 0.0, 0.40, 60, 10, 0.8, 0.3),
    "Soft Tissue Sarcoma": TumorPlan(1.4, 0.5, 0.0, 0.5, 58, 14, 0.8, -0.1),
    "Breast Cancer": TumorPlan(1.6, 0.7, 0.01, 0.01, 55, 13, 0.6, 0.0),
    "Colorectal Cancer": TumorPlan(3.3, 0.45, 0.14, 0.55, 58, 13, 0.9, -0.1),
    "Esophagogastric Cancer": TumorPlan(3.2, 0.6, 0.08, 0.72, 61, 12, 0.8, 0.1),
    "Glioma": TumorPlan(1.1, 0.5, 0.02, 0.58, 50, 14, 0.7, -0.9),
    "Renal Cell Carcinoma": TumorPlan(1.5, 0.4, 0.0, 0.68, 60, 11, 1.7, 0.3),
    "Cancer of Unknown Primary": TumorPlan(4.0, 0.9, 0.02, 0.55, 62, 12, 0.7, 0.0),
    "Skin Cancer, Non-Melanoma": TumorPlan(18.0, 0.9, 0.0, 0.75, 69, 12, 1.2, 0.3),
}

# --------------------------------------------------------------------------------------
# The nine cohorts treated with ICI
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CohortPlan:
    """A study: its published sizes (``mutant`` and ``wild_type`` for ALK) and its habits."""

    cohort_id: str
    name: str
    role: str
    assay: str
    citation: str
    mutant: int
    wild_type: int
    not_profiled: int
    types: dict[str, int]
    """Patients by tumour type; the remainder of the cohort is scattered in these proportions."""
    drugs: tuple[tuple[str, str, float], ...]
    os_median: float
    pfs_median: float | None
    follow_up: tuple[float, float]
    """Administrative censoring is uniform between these months."""
    rounding: float | None = None
    """Times are rounded to this many months (ties, zeros); None: exact days."""
    panels: tuple[tuple[str, float], ...] = (("exome", 1.0),)
    has_age: bool = True
    has_sex: bool = True
    has_response: bool = True
    control: int = 0
    """Profiled patients of a docetaxel control arm."""
    control_not_profiled: int = 0
    shared_from: tuple[tuple[str, int], ...] = ()
    """Studies whose patients this one reports again, and how many."""
    variables: tuple[str, ...] = ()
    description: str = ""
    caveats: tuple[str, ...] = field(default=())

    @property
    def profiled(self) -> int:
        return self.mutant + self.wild_type

    @property
    def total(self) -> int:
        return self.profiled + self.not_profiled + self.control + self.control_not_profiled


_NIVO_PEMBRO = (("pembrolizumab", PD1, 0.6), ("nivolumab", PD1, 0.4))

ICI: tuple[CohortPlan, ...] = (
    CohortPlan("hugo_2016", "Hugo 2016", "discovery", "WES", "Hugo et al. 2016, Cell 165:35",
               7, 31, 0, {MELANOMA: 38}, _NIVO_PEMBRO, 26, None, (10, 42), rounding=0.1,
               variables=("mapk_inhibitor_before",)),
    CohortPlan("liu_2019", "Liu 2019", "discovery", "WES", "Liu et al. 2019, Nat Med 25:1916",
               22, 122, 0, {MELANOMA: 144}, _NIVO_PEMBRO, 24, 5.5, (12, 66),
               variables=("ldh_elevated", "ctla4_before", "m_stage")),
    CohortPlan("miao_2018", "Miao 2018", "discovery", "WES", "Miao et al. 2018, Nat Genet 50:1271",
               23, 226, 0,
               {MELANOMA: 151, LUNG: 57, "Bladder Cancer": 27, "Head and Neck Cancer": 12,
                "Anal Cancer": 1, "Soft Tissue Sarcoma": 1},
               (("nivolumab", PD1, 0.45), ("atezolizumab", PD1, 0.3), ("ipilimumab", CTLA4, 0.15),
                ("nivolumab + ipilimumab", COMBINATION, 0.10)), 15, 3.5, (8, 60),
               shared_from=(("van_allen_2015", 91), ("snyder_2014", 46)),
               caveats=("137 of its patients are also in Van Allen 2015 and Snyder 2014; "
                        "pooled questions count them there.",)),
    CohortPlan("riaz_2017", "Riaz 2017", "discovery", "WES", "Riaz et al. 2017, Cell 171:934",
               5, 63, 5, {MELANOMA: 73}, (("nivolumab", PD1, 1.0),), 23, 3.2, (12, 40),
               rounding=7 / 30.4375, has_age=False, has_sex=False,
               variables=("ctla4_before", "m_stage"),
               caveats=("Age and sex are not known.",)),
    CohortPlan("van_allen_2015", "Van Allen 2015", "discovery", "WES",
               "Van Allen et al. 2015, Science 350:207",
               10, 100, 2, {MELANOMA: 112}, (("ipilimumab", CTLA4, 1.0),), 9, 2.8, (14, 70),
               variables=("ldh_elevated", "m_stage")),
    CohortPlan("gandara_2018", "Gandara 2018", "discovery", "blood panel",
               "Gandara et al. 2018, Nat Med 24:1441",
               10, 417, 142, {LUNG: 1137}, (("atezolizumab", PD1, 1.0),), 13, 2.7, (16, 28),
               panels=(("bTMB", 1.0),), control=424, control_not_profiled=144,
               variables=("ecog", "pdl1_positive", "histology", "smoker"),
               description="Two randomised trials: atezolizumab against docetaxel.",
               caveats=("A blood panel, not an exome: only its genes are profiled.",
                        "The docetaxel arm is a control arm and not treated with ICI.")),
    CohortPlan("ravi_2023", "Ravi 2023", "discovery", "WES", "Ravi et al. 2023, Nat Genet 55:807",
               11, 298, 0, {LUNG: 309},
               (("nivolumab", PD1, 0.45), ("pembrolizumab", PD1, 0.25),
                ("pembrolizumab + chemotherapy", PD1, 0.2),
                ("nivolumab + ipilimumab", COMBINATION, 0.1)), 13, 3.8, (8, 70),
               variables=("pdl1_tps", "smoker")),
    CohortPlan("snyder_2014", "Snyder 2014", "discovery", "WES",
               "Snyder et al. 2014, N Engl J Med 371:2189",
               5, 59, 0, {MELANOMA: 64},
               (("ipilimumab", CTLA4, 0.9), ("tremelimumab", CTLA4, 0.1)), 24, None, (20, 90),
               rounding=0.1, variables=("m_stage",)),
    CohortPlan("samstein_2019", "Samstein 2019", "validation", "MSK-IMPACT",
               "Samstein et al. 2019, Nat Genet 51:202",
               61, 1549, 51,
               {"Breast Cancer": 44, "Bladder Cancer": 215, "Colorectal Cancer": 111,
                "Esophagogastric Cancer": 122, "Glioma": 120, "Head and Neck Cancer": 136,
                LUNG: 350, MELANOMA: 321, "Renal Cell Carcinoma": 150,
                "Cancer of Unknown Primary": 89, "Skin Cancer, Non-Melanoma": 3},
               (("anti-PD-1/PD-L1", PD1, 0.78), ("anti-CTLA-4", CTLA4, 0.06),
                ("anti-PD-1/PD-L1 + anti-CTLA-4", COMBINATION, 0.16)),
               18, None, (2, 48), rounding=1.0,
               panels=(("IMPACT341", 0.09), ("IMPACT410", 0.59), ("IMPACT468", 0.32)),
               has_response=False,
               caveats=("Targeted panels: a gene that is on no panel is not profiled here.",
                        "Times are whole months: many ties, and some zeros.")),
)  # fmt: skip

PANEL_NAMES = {
    "exome": ("Whole exome", None),
    "IMPACT341": ("MSK-IMPACT 341 (simulated membership)", 0.98),
    "IMPACT410": ("MSK-IMPACT 410 (simulated membership)", 1.06),
    "IMPACT468": ("MSK-IMPACT 468 (simulated membership)", 1.22),
    "bTMB": ("Blood TMB panel (simulated membership)", 1.1),
}
EXOME_MEGABASES = 34.0
"""Coding megabases that tmb_per_mb of an exome counts over."""
EXOME_RESIDUES = 11_000_000
"""Residues of all proteins: what share of an exome's calls a gene of a given length gets."""

# --------------------------------------------------------------------------------------
# TCGA: profiled patients (their sum is 10,953), and those without a profiled sample
# --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TcgaPlan:
    """A TCGA type. ``profile`` names its row of genes.DRIVERS; other fields as in TumorPlan."""

    n: int
    profile: str
    tmb_median: float
    tmb_log_sd: float
    hypermutated: float
    male: float
    age: float
    os_median: float
    inflamed: float
    endpoints: tuple[str, ...] = ("OS", "DSS", "DFI", "PFI")


_OS, _NO_DFI = ("OS",), ("OS", "DSS", "PFI")

TCGA: dict[str, TcgaPlan] = {
    "ACC": TcgaPlan(92, "Adrenocortical Carcinoma", 0.8, 0.6, 0.01, 0.35, 47, 90, -0.8),
    "BLCA": TcgaPlan(411, "Bladder Cancer", 5.0, 0.7, 0.01, 0.74, 68, 34, 0.1),
    "BRCA": TcgaPlan(1084, "Breast Cancer", 1.1, 0.7, 0.01, 0.01, 58, 150, 0.1),
    "CESC": TcgaPlan(297, "Cervical Cancer", 2.5, 0.7, 0.02, 0.0, 48, 100, 0.4),
    "CHOL": TcgaPlan(36, "Hepatobiliary Cancer", 1.5, 0.5, 0.02, 0.45, 63, 30, 0.0),
    "COAD": TcgaPlan(439, "Colorectal Cancer", 3.0, 0.4, 0.16, 0.53, 67, 85, -0.1),
    "DLBC": TcgaPlan(48, "Mature B-Cell Neoplasms", 3.0, 0.6, 0.0, 0.46, 56, 150, 1.2),
    "ESCA": TcgaPlan(182, "Esophagogastric Cancer", 3.2, 0.5, 0.02, 0.85, 62, 25, 0.1),
    "GBM": TcgaPlan(586, "Glioblastoma", 1.4, 0.5, 0.01, 0.61, 58, 14, -0.5, _NO_DFI),
    "HNSC": TcgaPlan(523, "Head and Neck Cancer", 3.0, 0.7, 0.01, 0.73, 61, 57, 0.5),
    "KICH": TcgaPlan(65, "Renal Cell Carcinoma", 0.6, 0.5, 0.0, 0.6, 51, 200, -0.5),
    "KIRC": TcgaPlan(512, "Renal Cell Carcinoma", 1.5, 0.4, 0.0, 0.65, 60, 95, 0.5),
    "KIRP": TcgaPlan(283, "Renal Cell Carcinoma", 1.5, 0.4, 0.0, 0.73, 61, 140, -0.1),
    "LAML": TcgaPlan(200, "Leukemia", 0.3, 0.5, 0.0, 0.54, 55, 17, 0.8, _OS),
    "LGG": TcgaPlan(514, "Glioma", 0.8, 0.4, 0.01, 0.55, 43, 80, -1.0),
    "LIHC": TcgaPlan(372, "Hepatobiliary Cancer", 2.0, 0.5, 0.01, 0.68, 60, 58, -0.1),
    "LUAD": TcgaPlan(566, LUNG, 5.5, 1.0, 0.01, 0.46, 65, 49, 0.5),
    "LUSC": TcgaPlan(487, "Lung Squamous", 7.0, 0.6, 0.01, 0.74, 67, 54, 0.5),
    "MESO": TcgaPlan(87, "Mesothelioma", 0.8, 0.5, 0.0, 0.81, 63, 18, 0.2),
    "OV": TcgaPlan(585, "Ovarian Cancer", 1.7, 0.5, 0.0, 0.0, 60, 44, 0.0),
    "PAAD": TcgaPlan(184, "Pancreatic Cancer", 1.1, 0.6, 0.01, 0.55, 65, 20, 0.1),
    "PCPG": TcgaPlan(178, "Pheochromocytoma", 0.4, 0.5, 0.0, 0.43, 47, 400, -0.9),
    "PRAD": TcgaPlan(494, "Prostate Cancer", 0.8, 0.5, 0.01, 1.0, 61, 500, -0.4),
    "READ": TcgaPlan(155, "Colorectal Cancer", 3.0, 0.4, 0.04, 0.54, 65, 80, -0.1),
    "SARC": TcgaPlan(255, "Soft Tissue Sarcoma", 1.2, 0.6, 0.01, 0.46, 61, 75, 0.0),
    "SKCM": TcgaPlan(440, MELANOMA, 11.0, 1.1, 0.01, 0.62, 58, 80, 0.4, _NO_DFI),
    "STAD": TcgaPlan(440, "Esophagogastric Cancer", 3.0, 0.6, 0.19, 0.65, 66, 30, 0.2),
    "TGCT": TcgaPlan(149, "Germ Cell Tumor", 0.4, 0.5, 0.0, 1.0, 32, 600, 0.7),
    "THCA": TcgaPlan(500, "Thyroid Cancer", 0.4, 0.5, 0.0, 0.27, 47, 500, 0.0),
    "THYM": TcgaPlan(123, "Thymic Tumor", 0.4, 0.7, 0.01, 0.52, 59, 250, 0.8, _NO_DFI),
    "UCEC": TcgaPlan(529, "Endometrial Cancer", 2.0, 0.6, 0.32, 0.0, 64, 110, 0.0),
    "UCS": TcgaPlan(57, "Uterine Sarcoma", 1.5, 0.5, 0.03, 0.0, 69, 25, -0.4),
    "UVM": TcgaPlan(80, "Ocular Melanoma", 0.3, 0.4, 0.0, 0.56, 62, 55, -1.2, _NO_DFI),
}
TCGA_ALK_MUTANT = 323
TCGA_NOT_PROFILED = 520
TCGA_FOLLOW_UP = (4.0, 110.0)
NO_STAGE = frozenset(("GBM", "LGG", "LAML", "PCPG", "PRAD", "SARC", "THYM", "DLBC"))

# --------------------------------------------------------------------------------------
# Calls
# --------------------------------------------------------------------------------------

PASSENGER_CLASSES: tuple[tuple[str, float], ...] = (
    ("Missense_Mutation", 0.855), ("Nonsense_Mutation", 0.062), ("Frame_Shift_Del", 0.020),
    ("Frame_Shift_Ins", 0.009), ("Splice_Site", 0.038), ("In_Frame_Del", 0.008),
    ("In_Frame_Ins", 0.002), ("Translation_Start_Site", 0.004), ("Nonstop_Mutation", 0.002),
)  # fmt: skip
SUPPRESSOR_CLASSES: tuple[tuple[str, float], ...] = (
    ("Missense_Mutation", 0.42), ("Nonsense_Mutation", 0.24), ("Frame_Shift_Del", 0.18),
    ("Frame_Shift_Ins", 0.08), ("Splice_Site", 0.07), ("In_Frame_Del", 0.01),
)  # fmt: skip
SILENT_PER_NON_SYNONYMOUS = 0.20
"""Exomes carry silent calls as well, this many for each non-synonymous passenger."""
HOTSPOT_SHARE_OF_DRIVERS = 0.85
HOTSPOT_SHARE_OF_ALK = 0.06
EXTRA_ALK_CALLS = 0.19
"""Mean number of further ALK calls of an ALK-mutant patient (Poisson)."""

# --------------------------------------------------------------------------------------
# Expression
# --------------------------------------------------------------------------------------

EXPRESSION_TYPE_SD = 0.6
SUBTYPE_COVERED = 0.85
EXPRESSION_NOISE_SD = 0.7
EXPRESSION_MISSING = 0.0005
INFLAMED_LOADING: dict[str, float] = {
    "CD8A": 1.3, "GZMB": 1.2, "GZMA": 1.2, "PRF1": 1.1, "CXCL9": 1.5, "CXCL10": 1.4, "IFNG": 1.0,
    "CD274": 0.8, "PDCD1": 1.1, "CTLA4": 1.0, "LAG3": 1.0, "TIGIT": 1.1, "CD3E": 1.2, "CD3D": 1.2,
    "HLA-DRA": 0.9, "HLA-A": 0.5, "HLA-B": 0.6, "B2M": 0.5, "CCL5": 1.2, "CXCL13": 1.3,
    "CD276": -0.2, "VTCN1": -0.3, "EPCAM": -0.3,
}  # fmt: skip
"""Change of log2 expression per SD of the inflamed factor; other immune genes get 0.15 to 0.75."""

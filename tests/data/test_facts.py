"""The facts are complete, unique, sourced, and know every label of the published files."""

from __future__ import annotations

import gzip
import io
import re
import warnings
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from core.model import VARIANT_CLASSIFICATIONS, BadInput
from data import facts

REALDATA = Path(__file__).parents[3] / "shared" / "realdata"
real = pytest.mark.skipif(
    not REALDATA.is_dir(), reason="the published files are not at ../shared/realdata"
)


def rows(path: Path) -> pd.DataFrame:
    """A published tab-separated table as text, whatever its line ends, `#` lines left out."""
    text = path.read_bytes().decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
    return pd.read_csv(io.StringIO(lines), sep="\t", dtype=str, keep_default_na=False)


# Tumour types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Lung", "Non-Small Cell Lung Cancer"),
        ("HNSCC", "Head and Neck Cancer"),
        ("luad", "Non-Small Cell Lung Cancer"),
        ("SCLC", "Small Cell Lung Cancer"),
        ("UTUC", "Bladder Cancer"),
        ("  Renal  cell carcinoma ", "Renal Cell Carcinoma"),
        ("Cancer_of_Unknown_Primary", "Cancer of Unknown Primary"),
        ("UVM", "Melanoma"),
        ("GB", "Glioma"),
        ("", "Unknown"),
        (None, "Unknown"),
    ],
)
def test_tumor_type(label: str | None, expected: str) -> None:
    assert facts.tumor_type(label) == expected


def test_unknown_tumor_type_names_the_nearest() -> None:
    with pytest.raises(BadInput, match="Melanomma") as error:
        facts.tumor_type("Melanomma")
    assert "Melanoma" in error.value.expected
    assert "tumor_types.toml" in error.value.remedy


def test_tumor_labels_stand_once() -> None:
    entries = facts._read("tumor_types")["tumor_type"]
    keys = [facts._key(x) for e in entries for x in (e["name"], *e["codes"], *e["labels"])]
    assert [k for k, n in Counter(keys).items() if n > 1] == []
    short = [e["short"] for e in entries]
    assert len(set(short)) == len(short)
    assert max(map(len, short)) <= 20


def test_tcga_types_are_the_33() -> None:
    types = facts.tcga_types()
    assert len(types) == len({t.abbreviation for t in types}) == len({t.name for t in types}) == 33
    for t in types:
        assert facts.tumor_type(t.abbreviation) == t.tumor_type
        assert facts.tumor_type(t.name) == t.tumor_type


@real
def test_every_published_tumor_label_is_known() -> None:
    columns = {"CANCER_TYPE", "CANCER_TYPE_DETAILED", "ONCOTREE_CODE", "TUMOR_TYPE", "cancer_type"}
    seen = 0
    for folder in ("ici", "cbioportal"):
        for path in sorted((REALDATA / folder).rglob("*.txt")):
            if not any(w in path.name for w in ("clinical", "CLIN")) or "meta" in path.name:
                continue
            table = rows(path)
            for column in columns & set(table.columns):
                for label in table[column].unique():
                    facts.tumor_type(label)
                    seen += 1
    assert seen > 300


@real
def test_detailed_types_agree_with_the_studies_main_types() -> None:
    for path in sorted(REALDATA.rglob("*clinical_sample.txt")):
        table = rows(path)
        if path.name.startswith("meta") or "CANCER_TYPE" not in table:
            continue
        for column in ("ONCOTREE_CODE", "CANCER_TYPE_DETAILED"):
            main = table["CANCER_TYPE"].map(facts.tumor_type)
            assert (table[column].map(facts.tumor_type) == main).all(), (path.name, column)


# Gene symbols ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "current"),
    [
        ("C10orf54", "VSIR"),
        ("c10ORF54", "VSIR"),
        ("TMEM173", "STING1"),
        ("MLL", "KMT2A"),
        ("MLL2", "KMT2D"),
        ("MLL3", "KMT2C"),
        ("PARK2", "PRKN"),
        ("WHSC1", "NSD2"),
        ("WHSC1L1", "NSD3"),
        ("FAM175A", "ABRAXAS1"),
        ("MRE11A", "MRE11"),
        ("RFWD2", "COP1"),
        ("SETD8", "KMT5A"),
        ("HIST1H3B", "H3C2"),
        ("H3F3A", "H3-3A"),
        ("TCEB1", "ELOC"),
        ("FAM46C", "TENT5C"),
        ("FAM123B", "AMER1"),
        ("FAM58A", "CCNQ"),
        ("MYCL1", "MYCL"),
        ("PAK7", "PAK5"),
        ("PVRL3", "NECTIN3"),
        ("6-Sep", "SEPTIN6"),
        ("PD-L1", "CD274"),
        ("alk", "ALK"),
        ("CTLA4", "CTLA4"),
        ("c9orf72", "C9orf72"),
        ("MLL4", "MLL4"),
    ],
)
def test_current_symbol(old: str, current: str) -> None:
    assert facts.current_symbol(old) == current


def test_a_position_settles_an_ambiguous_symbol() -> None:
    assert facts.current_symbol("MLL2", "chr19") == "KMT2B"
    assert facts.current_symbol("MLL2", "12") == "KMT2D"
    assert facts.current_symbol("MARCH1", "1") == "MTARC1"
    assert facts.current_symbol("ALK", "2") == "ALK"
    assert facts.panel_symbol("MLL4") == "KMT2B"
    assert facts.panel_symbol("MLL2") == "KMT2D"
    assert set(facts.ambiguous_symbols()["MLL4"]) == {"KMT2B", "KMT2D"}


def test_aliases_are_unique_and_lead_to_current_symbols() -> None:
    frame = facts.gene_aliases()
    assert list(frame.columns) == ["alias", "hugo_symbol"]
    assert len(frame) > 2500
    assert frame["alias"].str.upper().is_unique
    assert not set(frame["alias"].str.upper()) & set(frame["hugo_symbol"].str.upper())
    assert all(facts.current_symbol(s) == s for s in frame["hugo_symbol"])


@real
def test_panel_genes_are_current_and_stay_distinct() -> None:
    for size in (341, 410, 468):
        name = f"ici/samstein_2019/gene_panels/data_gene_panel_impact{size}.txt"
        line = next(x for x in (REALDATA / name).read_text().splitlines() if "gene_list" in x)
        genes = line.split(":", 1)[1].split()
        current = {facts.panel_symbol(g) for g in genes}
        assert len(current) == len(genes) >= size
        assert {"KMT2A", "KMT2C", "KMT2D", "ALK"} <= current
        assert ("KMT2B" in current) == (size == 468)
        assert not current & {"MLL", "MLL2", "MLL4", "PARK2", "WHSC1", "MYCL1"}


# Variant classes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "variant_type", "expected"),
    [
        ("Missense_Mutation", "", "Missense_Mutation"),
        ("missense_variant&splice_region_variant", "SNP", "Missense_Mutation"),
        ("splice_region_variant,intron_variant", "SNP", "Splice_Region"),
        ("splice_donor_variant,coding_sequence_variant,intron_variant", "DEL", "Splice_Site"),
        ("stop_gained,frameshift_variant", "DEL", "Nonsense_Mutation"),
        ("frameshift_variant", "INS", "Frame_Shift_Ins"),
        ("frameshift_variant", "DEL", "Frame_Shift_Del"),
        ("frameshift_variant", "", "Frame_Shift_Del"),
        ("inframe_deletion", "", "In_Frame_Del"),
        ("protein_altering_variant", "INS", "In_Frame_Ins"),
        ("start_lost&splice_region_variant", "", "Translation_Start_Site"),
        ("stop_lost,3_prime_UTR_variant", "", "Nonstop_Mutation"),
        ("synonymous_variant", "", "Silent"),
        ("missense", "", "Missense_Mutation"),
        ("splice", "", "Splice_Site"),
        ("Start_Codon_Del", "DEL", "Translation_Start_Site"),
        ("Start_Codon_SNP", "SNP", "Translation_Start_Site"),
        ("Stop_Codon_Ins", "INS", "Nonstop_Mutation"),
        ("De_novo_Start_OutOfFrame", "SNP", "De_novo_Start_OutOfFrame"),
        ("Splice_Site_SNP", "SNP", "Splice_Site"),
        ("Non-coding_Transcript", "", "RNA"),
        ("5'flank", "", "5'Flank"),
    ],
)
def test_variant_classification(label: str, variant_type: str, expected: str) -> None:
    assert facts.variant_classification(label, variant_type) == expected


@pytest.mark.parametrize("label", ["gene_fusion", "", " & ", "missense_variant&nonsense_variant"])
def test_unknown_variant_class_raises_with_the_label(label: str) -> None:
    with pytest.raises(BadInput) as error:
        facts.variant_classification(label)
    assert repr(label) in error.value.message


def test_every_variant_class_is_one_of_the_stores() -> None:
    for _, meant in facts._variant_class_index().values():
        for name in [meant] if isinstance(meant, str) else meant.values():
            assert name in VARIANT_CLASSIFICATIONS
    terms = [term for term, _ in facts._read("variant_classes")["consequence"]["order"]]
    assert len(set(terms)) == len(terms)


@real
@pytest.mark.parametrize(
    "study", ["ici/samstein_2019/tmb_mskcc_2018", "cbioportal/skcm_vanderbilt_mskcc_2015"]
)
def test_consequences_give_the_class_that_the_study_prints(study: str) -> None:
    calls = rows(REALDATA / study / "data_mutations_extended.txt")
    calls = calls[calls["Variant_Classification"] != "Targeted_Region"]
    made = [
        facts.variant_classification(c, t)
        for c, t in zip(calls["Consequence"], calls["Variant_Type"], strict=True)
    ]
    different = calls.loc[
        calls["Variant_Classification"] != pd.Series(made, index=calls.index),
        ["Consequence", "Variant_Type", "Variant_Classification"],
    ]
    assert len(different) <= 0.001 * len(calls), different.value_counts().to_dict()


@real
def test_every_published_variant_class_is_known() -> None:
    seen: set[str] = set()
    for path in sorted(REALDATA.rglob("*")):
        if not re.search(r"(SNV\.txt\.gz|mutations(_extended)?\.(txt|csv)|\.maf\.gz)$", path.name):
            continue
        if path.name.startswith("meta") or "snyder_2014" in path.as_posix():
            continue  # Snyder's file gives the change of the protein, and no class
        raw = path.read_bytes()
        whole = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("latin-1")
        lines = re.split(r"\r\n|\r|\n", whole)
        start = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        separator = "\t" if "\t" in lines[start] else ","
        names = [n.strip('"') for n in lines[start].split(separator)]
        wanted = {"Variant_Classification", "Variant Classification", "MutType"}
        column = next(i for i, n in enumerate(names) if n in wanted)
        for line in lines[start + 1 :]:
            cells = line.split(separator, column + 1)
            if len(cells) > column and cells[column]:
                seen.add(cells[column].strip('"'))
    assert len(seen) > 30
    assert {facts.variant_classification(label) for label in seen} <= set(VARIANT_CLASSIFICATIONS)


# Gene sets -------------------------------------------------------------------------------


def test_gene_sets_have_the_published_sizes() -> None:
    table = facts.gene_sets()
    assert list(table.columns) == ["gene_set", "category", "hugo_symbol", "source"]
    sizes = table.groupby("category").agg(
        sets=("gene_set", "nunique"), genes=("hugo_symbol", "nunique")
    )
    assert sizes["sets"].to_dict() == {
        "oncogenic pathway": 10,
        "DNA damage repair": 10,
        "immune signature": 29,
        "chemokine": 1,
        "receptor": 1,
        "immunostimulator": 1,
        "immunoinhibitor": 1,
        "MHC": 3,
        "co-stimulator": 1,
        "checkpoint": 1,
    }
    expected = {"DNA damage repair": 80, "chemokine": 38, "receptor": 18, "immunostimulator": 43}
    expected |= {"immunoinhibitor": 23, "MHC": 21, "co-stimulator": 25, "checkpoint": 3}
    assert {k: sizes.loc[k, "genes"] for k in expected} == expected
    assert "ALK" in facts.gene_set_members("oncogenic pathway")["RTK-RAS"]


def test_gene_sets_hold_current_symbols_once_and_name_their_source() -> None:
    table = facts.gene_sets()
    assert not table.duplicated(["gene_set", "hugo_symbol"]).any()
    stale = {s for s in table["hugo_symbol"] if facts.current_symbol(s) != s}
    assert stale == set()
    assert (table["source"].str.len() > 20).all()
    assert table.groupby("gene_set")["category"].nunique().eq(1).all()
    assert not table["gene_set"].str.contains("Reponse").any()
    for category in ("chemokine", "immunostimulator", "MHC", "co-stimulator", "DNA damage repair"):
        sources = table.loc[table["category"] == category, "source"]
        assert sources.str.contains("econstruction").all(), category


def test_unknown_gene_set_category_names_the_known() -> None:
    with pytest.raises(BadInput) as error:
        facts.gene_set_members("chemokines")
    assert "chemokine" in error.value.expected


@real
def test_immune_signatures_equal_the_published_gmt() -> None:
    gmt = (REALDATA / "genesets" / "he2018_29_immune_signatures.gmt").read_text().splitlines()
    published = [
        {facts.current_symbol(gene) for gene in line.split("\t")[2:] if gene} for line in gmt
    ]
    assert [set(g) for g in facts.gene_set_members("immune signature").values()] == published


# Proteins and signatures -----------------------------------------------------------------


def test_domains_lie_inside_their_proteins_in_order() -> None:
    proteins = facts.proteins().set_index("hugo_symbol")
    domains = facts.protein_domains()
    assert proteins.index.is_unique
    assert set(proteins.index) == set(domains["hugo_symbol"])
    assert {"ALK", "TP53", "BRAF", "KRAS", "EGFR", "NF1", "STK11", "PBRM1", "KEAP1", "POLE"} == set(
        proteins.index
    )
    for symbol, group in domains.groupby("hugo_symbol"):
        assert (group["start_residue"] >= 1).all()
        assert (group["start_residue"] <= group["end_residue"]).all()
        assert (group["end_residue"] <= proteins.loc[str(symbol), "length"]).all()
        after = group["start_residue"].iloc[1:].to_numpy()
        assert (after > group["end_residue"].iloc[:-1].to_numpy()).all()
    assert (domains["source"].str.len() > 5).all()


@real
def test_protein_lengths_agree_with_the_published_ones() -> None:
    published = pd.read_csv(REALDATA / "genes" / "prot_len.txt.gz", sep="\t")
    lengths = published.set_index(["Hugo_Symbol", "refseq.ID"])["aa.length"].to_dict()
    for row in facts.proteins().itertuples():
        if (row.hugo_symbol, row.transcript) in lengths:
            assert lengths[row.hugo_symbol, row.transcript] == row.length, row.hugo_symbol
    listed = set(facts.proteins()[["hugo_symbol", "transcript"]].itertuples(index=False, name=None))
    assert len(listed & set(lengths)) >= 9


def test_aetiologies_are_unique_and_filled() -> None:
    table = facts.signature_aetiologies()
    assert table["signature"].is_unique
    assert len(table) == 88
    assert (table["aetiology"].str.len() > 5).all()
    assert (table["source"].str.len() > 20).all()
    artefacts = set(table.loc[table["aetiology"] == "Possible sequencing artefact", "signature"])
    assert artefacts == {f"SBS{n}" for n in (27, 43, *range(45, 61), 95)}


@real
def test_every_published_signature_has_an_aetiology() -> None:
    known = set(facts.signature_aetiologies()["signature"])
    for name in ("COSMIC_SBS_v3.4.csv", "TCGA_WES_sigProfiler_SBS_signatures_in_samples.csv"):
        path = REALDATA / "tcga" / "signatures" / name
        columns = {c for c in pd.read_csv(path, nrows=0).columns if c.startswith("SBS")}
        assert len(columns) >= 65
        assert columns <= known


# Advice on endpoints, the paper's numbers ------------------------------------------------


def test_every_tcga_type_has_advice_on_four_endpoints() -> None:
    table = facts.endpoint_advice()
    assert set(table["tumor_type_source"]) == {t.abbreviation for t in facts.tcga_types()}
    assert not table.duplicated(["tumor_type_source", "endpoint"]).any()
    assert len(table) == 33 * 4
    assert set(table["advice"]) == {
        "recommended",
        "caution",
        "not recommended",
        "not available",
    }
    assert table["note"].str.contains("TCGA-CDR workbook").all()
    advice = table.set_index(["tumor_type_source", "endpoint"])["advice"]
    assert (advice.loc[["SKCM", "THYM", "UVM", "LAML"], "DFI"] == "not available").all()
    assert advice["PRAD", "PFI"] == "recommended"
    assert advice["PCPG", "OS"] == "not recommended"
    assert advice["LUAD", "DSS"] == "caution"
    assert advice["CESC", "DSS"] == "recommended"


@real
def test_advice_rests_on_the_workbooks_counts() -> None:
    path = REALDATA / "tcga" / "cdr" / "TCGA-CDR-SupplementalTableS1.xlsx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = pd.read_excel(path, sheet_name="TCGA-CDR")
    for kind, by_endpoint in facts._read("cdr_advice")["counts"].items():
        patients = book[book["type"] == kind]
        for endpoint, (n, events) in by_endpoint.items():
            known = patients[[endpoint, f"{endpoint}.time"]].dropna()
            assert (len(known), known[endpoint].sum()) == (n, events), (kind, endpoint)


def test_reported_numbers_are_texts_without_repetition() -> None:
    table = facts.reported()
    assert list(table.columns) == ["figure", "item", "quantity", "value", "note"]
    assert not table.duplicated(["figure", "item", "quantity"]).any()
    assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)
    assert (table["value"].str.len() > 0).all()
    figures = set(table["figure"].str.extract(r"^(Table 1|Text|Figure \d)")[0])
    assert figures == {"Table 1", "Text", *(f"Figure {n}" for n in range(1, 6))}
    rows = table[(table["figure"] == "Table 1") & table["item"].str.contains(r"\d{4}")]
    assert rows["item"].nunique() == 9


# Features --------------------------------------------------------------------------------


def test_feature_catalogue_is_well_formed() -> None:
    table = facts.features()
    assert table["feature"].is_unique
    assert not table.duplicated(["name", "category"]).any()
    assert table["feature"].str.fullmatch(r"[a-z][a-z0-9_]*").all()
    assert set(table["kind"]) == {"number", "category"}
    assert (table["source"].str.len() > 10).all()
    assert (table["unit"].str.len() > 0).all()
    assert set(table.loc[table["category"] == "core signature", "centred"]) == {True}
    counts = table["category"].value_counts()
    assert counts["cell fraction"] == 22
    assert counts["core signature"] == 5
    by_file = Counter(f.file.id.rsplit("/", 1)[1] for f in facts.feature_catalogue())
    assert by_file["ssgsea_28_bindea_sets.tsv.gz"] == 28
    assert by_file["ebpp_immune_signature_scores.tsv.gz"] == 67
    assert all(
        f.combine == ("sum" if len(f.columns) > 1 else "") for f in facts.feature_catalogue()
    )
    needed = {"leukocyte_fraction", "lymphocyte_fraction", "til_regional_fraction", "tcr_richness"}
    needed |= {"tcr_shannon", "bcr_richness", "bcr_shannon", "snv_neoantigens", "indel_neoantigens"}
    needed |= {"nonsilent_rate", "silent_rate", "purity", "ploidy", "hrd_score", "immune_subtype"}
    needed |= {"aneuploidy_score", "stromal_fraction"}
    assert needed <= set(table["feature"])


@real
def test_every_feature_stands_where_the_catalogue_says() -> None:
    lengths = {"participant": 12, "sample": 15, "aliquot": 16}
    used: dict[str, set[str]] = {}
    for feature in facts.feature_catalogue():
        used.setdefault(feature.file.id, set()).update(feature.columns)
    folder = REALDATA / "tcga" / "features"
    assert set(used) == {f"tcga/features/{path.name}" for path in folder.iterdir()}
    for name, layout in facts.feature_files().items():
        if layout.separator == "feather":
            table = pd.read_feather(REALDATA / name)
        else:
            names = list(layout.columns) or None
            table = pd.read_csv(
                REALDATA / name, sep=layout.separator, names=names, low_memory=False
            )
        if layout.orientation == "rows":
            assert used[name] == set(table[layout.sample])
            barcodes = table.columns.drop(layout.sample).to_series()
            values = table.drop(columns=layout.sample)
        else:
            assert used[name] <= set(table.columns), used[name] - set(table.columns)
            barcodes = table[layout.sample]
            values = table[sorted(used[name])]
        assert values.notna().any(axis=1 if layout.orientation == "rows" else 0).all()
        mark = re.escape(layout.barcode_separator)
        broken = ~barcodes.str.match(rf"TCGA{mark}\w\w{mark}\w{{4}}")
        # ABSOLUTE's table has one row whose barcode is no patient's; it joins nobody.
        assert broken.sum() == (1 if "mastercalls" in name else 0), name
        assert barcodes.str.len().min() >= lengths[layout.barcode], name
        numbers = [f for f in facts.feature_catalogue() if f.file.id == name and f.kind == "number"]
        if layout.orientation == "columns":
            for feature in numbers:
                column = table[list(feature.columns)].sum(axis=1, skipna=False) * feature.scale
                if feature.unit.startswith("fraction"):
                    assert column.min() >= -0.001, feature.id
                    assert column.max() <= 1.000001, feature.id
                if feature.unit == "count":
                    assert (column.dropna() % 1 == 0).all(), feature.id


@real
def test_the_lymphocyte_sum_equals_the_matrixs_own() -> None:
    by_id = {f.id: f for f in facts.feature_catalogue()}
    sum_of = by_id["lymphocyte_fraction"]
    table = pd.read_csv(REALDATA / sum_of.file.id).set_index(sum_of.file.sample)
    matrix = pd.read_csv(REALDATA / by_id["tcr_shannon"].file.id, sep="\t")
    matrix = matrix.set_index("ParticipantBarcode")["Lymphocytes.Aggregate1"].dropna()
    made = table.loc[matrix.index, list(sum_of.columns)].sum(axis=1)
    assert (made - matrix).abs().max() < 1e-12

"""Every published file reads, with the counts that its README states."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model import NON_SYNONYMOUS
from data.readers import bhklab, cbioportal, expression, genes, maf, poplar_oak, signatures, tcga
from data.readers.delimited import read_delimited
from data.readers.features import read_feather, read_features
from data.readers.gmt import read_gmt, read_json_lists

REAL = Path(__file__).resolve().parents[4] / "shared" / "realdata"

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not REAL.is_dir(), reason=f"needs the published files at {REAL}"),
]

ICI = REAL / "ici"
TCGA = REAL / "tcga"


def test_samstein() -> None:
    study = cbioportal.read_study(
        ICI / "samstein_2019/tmb_mskcc_2018", panels=ICI / "samstein_2019/gene_panels"
    )
    assert len(study.table("patients")) == 1661
    assert set(study.table("patients").column("OS_STATUS")) == {"LIVING", "DECEASED"}
    assert len(study.case_lists["sequenced"]) == 1661
    assert set(study.panels) == {"IMPACT341", "IMPACT410", "IMPACT468"}
    assert all("ALK" in panel for panel in study.panels.values())
    calls = study.table("mutations").frame
    patient_of = study.table("samples").frame.set_index("SAMPLE_ID")["PATIENT_ID"]
    patients = calls["Tumor_Sample_Barcode"].map(patient_of)
    assert patients.nunique() == 1610
    alk = (calls["Hugo_Symbol"] == "ALK") & calls["Variant_Classification"].isin(NON_SYNONYMOUS)
    assert patients[alk].nunique() == 97


def test_hugo() -> None:
    study = cbioportal.read_study(ICI / "hugo_2016/skcm_ucla_2016")
    assert len(study.table("patients")) == 38
    calls = study.table("mutations").frame
    alk = calls[calls["Hugo_Symbol"] == "ALK"]
    sample = study.table("samples").frame.set_index("SAMPLE_ID")["PATIENT_ID"]
    assert alk["Tumor_Sample_Barcode"].map(sample).nunique() == 3
    layout = bhklab.read_study(ICI / "hugo_2016/bhklab")
    assert {k: len(t) for k, t in layout.tables.items()} == {"clin": 38, "snv": 25393, "tmb": 38}


@pytest.mark.parametrize(
    ("folder", "clin", "snv", "patient", "gene", "kind", "silent", "mutated"),
    [
        ("liu_2019", 144, 134039, "Patient", "Hugo_Symbol", "Variant_Classification", "Silent", 11),
        ("van_allen_2015", 112, 84200, "patient", "Hugo_Symbol", "Variant_Classification", "", 10),
        ("riaz_2017/bhklab", 73, 28589, "Patient", "Hugo Symbol", "Variant Classification", "", 6),
    ],
)
def test_bhklab_studies(
    folder: str, clin: int, snv: int, patient: str, gene: str, kind: str, silent: str, mutated: int
) -> None:
    study = bhklab.read_study(ICI / folder, snv_columns=[patient, gene, kind])
    assert len(study.table("clin")) == clin
    calls = study.table("snv").frame
    assert len(calls) == snv
    alk = calls[calls[gene] == "ALK"]
    coding = alk[alk[kind].isin(NON_SYNONYMOUS) | alk[kind].str.contains("_variant|stop", na=False)]
    assert coding[patient].nunique() == mutated
    if silent:
        assert alk[patient].nunique() == 19


def test_clinical_tables_without_mutations() -> None:
    miao = bhklab.read_study(ICI / "miao_2018")
    assert len(miao.table("clin")) == 249 and "snv" not in miao.tables
    days = miao.table("clin").frame[["os_days", "pfs_days"]]
    assert days.stack().str.contains(",").sum() > 0
    ravi = read_delimited(ICI / "ravi_2023/LORIS_Ravi_NSCLC.csv")
    assert len(ravi) == 309
    assert len(read_delimited(ICI / "riaz_2017/authors/bms038_clinical_data.csv")) == 73
    samples = ICI / "riaz_2017/authors/SampleTableCorrected.9.19.16.csv"
    table = read_delimited(samples, number_duplicates=True)
    assert {"", "Response", "Response.2"} <= set(table.frame.columns)


def test_snyder_by_position() -> None:
    study = bhklab.read_study(ICI / "snyder_2014/bhklab_ICB_Nathanson")
    assert len(study.table("clin")) == 64
    calls = study.table("snv").frame
    position = calls["pos"].astype(int)
    alk = calls[(calls["chr"] == "2") & position.between(29415640, 30144477)]
    alk = alk[alk["effect"].notna() & (alk["effect"] != "p.K1491R")]
    assert alk["sample"].nunique() == 5


def test_gandara() -> None:
    study = poplar_oak.read_study(ICI / "gandara_2018/41591_2018_134_MOESM3_ESM.xlsx")
    patients = study.table("patients").frame
    assert len(patients) == 1137 and patients["patient"].is_unique
    arm = patients[(patients["TRT01P"] == "MPDL3280A") & (patients["BEP"] == "Y")]
    assert len(arm) == 429
    calls = study.table("variants").frame
    alk = calls[(calls["gene_name"] == "ALK") & (calls["effect"] != "synonymous")]
    assert alk[alk["patient"].isin(arm["patient"])]["patient"].nunique() == 15


@pytest.mark.parametrize(
    ("name", "patients", "samples", "calls", "panels", "sequenced"),
    [
        ("lung_msk_2017", 860, 915, 7248, 2, 915),
        ("panet_arcnet_2017", 98, 98, 3097, 0, 98),
        ("skcm_vanderbilt_mskcc_2015", 66, 66, 822, 3, None),
        ("urcc_mskcc_2016", 62, 62, 160, 1, 62),
    ],
)
def test_cbioportal_studies(
    name: str, patients: int, samples: int, calls: int, panels: int, sequenced: int | None
) -> None:
    study = cbioportal.read_study(REAL / "cbioportal" / name)
    assert len(study.table("patients")) == patients
    assert len(study.table("samples")) == samples
    assert len(study.table("mutations")) == calls
    assert len(study.panels) == panels
    assert study.meta["cancer_study_identifier"] == name
    assert len(study.case_lists.get("sequenced", ())) == (sequenced or 0)
    assert ("OS_MONTHS" in study.table("patients").frame) == (name != "lung_msk_2017")


def test_every_delimited_ici_file_reads() -> None:
    read = 0
    for path in sorted(ICI.rglob("*")):
        known = path.suffix in {".csv", ".tsv"} or "data_clinical" in path.name
        if path.is_file() and known:
            assert len(read_delimited(path, number_duplicates=True)) > 0
            read += 1
    assert read >= 15


def test_cdr() -> None:
    path = TCGA / "cdr/TCGA-CDR-SupplementalTableS1.xlsx"
    table = tcga.read_cdr(path)
    assert len(table) == 11160 and table.column("type").nunique() == 33
    assert len(tcga.read_cdr_extra(path)) == 11160


def test_case_lists() -> None:
    frame = tcga.read_case_lists(TCGA / "caselists/case_lists.tsv")
    assert frame["study"].nunique() == 32
    assert frame["sample"].str[:12].nunique() == 10953
    sequenced = frame.loc[frame["list"] == "cases_sequenced", "sample"]
    assert len(tcga.one_sample_per_patient(sequenced)) == 10433


def test_maf() -> None:
    columns = ["hugo_symbol", "variant_classification", "tumor_sample_barcode"]
    found = {}
    for name in ("mc3_subset", "firehose_5types"):
        batches = maf.iter_maf(TCGA / f"mutations/{name}.maf.gz", columns)
        found[name] = sum(batch.num_rows for batch in batches)
    assert found == {"mc3_subset": 1_099_626, "firehose_5types": 787_841}
    ras = read_delimited(TCGA / "mutations/mc3_rtk_ras_38genes_nonsilent.csv.gz", missing=("", "."))
    frame = ras.frame
    assert frame["Hugo_Symbol"].nunique() == 38
    assert frame.loc[frame["Hugo_Symbol"] == "ALK", "patient"].nunique() == 323


FEATURES = TCGA / "features"


def test_features_by_sample() -> None:
    load = read_features(
        FEATURES / "mutation-load_updated.txt", "samples in rows",
        id_column="Tumor_Sample_ID", features=["Silent_per_Mb", "Non-silent_per_Mb"],
    )  # fmt: skip
    assert load["id"].nunique() == 10123
    ict = FEATURES / "ICT_fractions.csv"
    assert len(read_delimited(ict)) == 11080
    fractions = read_features(ict, "samples in rows", id_column="PATIENT_BARCODE")
    assert fractions["feature"].nunique() == 22
    assert fractions["value"].between(0, 1).all()
    inflamed = read_features(
        FEATURES / "t_inflamed_gene_expr.tsv", "samples in rows", id_column="SampleID"
    )
    assert inflamed["feature"].nunique() == 19
    bindea = read_features(
        FEATURES / "ssgsea_28_bindea_sets.tsv.gz", "samples in rows", id_column="tsb"
    )
    assert bindea["id"].nunique() == 10459 and bindea["feature"].nunique() == 28


def test_other_features() -> None:
    leukocytes = read_features(
        FEATURES / "TCGA_all_leuk_estimate.masked.20170107.tsv", "long", id_column="aliquot",
        value_column="value", features=["leukocyte_fraction"], header=["type", "aliquot", "value"],
    )  # fmt: skip
    assert len(leukocytes) == 10817
    scores = read_features(
        FEATURES / "ebpp_immune_signature_scores.tsv.gz", "features in rows", id_column="signature"
    )
    assert scores["id"].nunique() == 10852
    clonal = read_features(
        FEATURES / "TCIA.heterogeneity.txt", "samples in rows",
        id_column="patientBarcode", features=["num_clonal", "num_subclonal"],
    )  # fmt: skip
    assert clonal["id"].nunique() <= 3502
    purity = read_features(
        FEATURES / "TCGA_mastercalls.abs_tables_JSedit.fixed.txt", "samples in rows",
        id_column="array", features=["purity", "ploidy"],
    )  # fmt: skip
    assert purity["id"].nunique() > 10_000
    matrix = read_delimited(FEATURES / "PanImmune_FMx_BLCA_TCGA2013.tsv")
    assert matrix.frame.shape == (128, 140)
    assert len(read_feather(FEATURES / "category_values_wide.feather")) == 11080
    five = FEATURES / "five_signature_mclust_ensemble_results.tsv.gz"
    assert tcga.patient_of(read_delimited(five).column("AliquotBarcode").iloc[0]) == "TCGA-02-0047"


def test_expression() -> None:
    path = TCGA / "expression/EBPlusPlus_style_5types_289samples.geneExp.tsv.gz"
    assert len(expression.header(path)) == 289
    blocks = list(expression.iter_expression(path, block_genes=5000))
    assert sum(len(block.symbols) for block in blocks) == 20531
    assert all(block.values.shape == (len(block.symbols), 289) for block in blocks)
    symbols = [symbol for block in blocks for symbol in block.symbols]
    assert symbols.count("?") == 29 and symbols.count("SLC35E2") == 2
    samples, block = expression.read_sample_rows(
        TCGA / "expression/tcga_expanded_tpm.csv", "sample_barcode", ["CD274", "HLA_A"]
    )
    assert block.values.shape == (2, len(samples))


def test_signatures() -> None:
    folder = TCGA / "signatures"
    activities = signatures.read_activities(
        folder / "TCGA_WES_sigProfiler_SBS_signatures_in_samples.csv"
    )
    assert activities["sample"].nunique() == 9493 and activities["signature"].nunique() == 65
    assert signatures.read_reference(folder / "COSMIC_SBS_v3.4.csv")["signature"].nunique() == 86
    older = signatures.read_reference(folder / "sigProfiler_exome_SBS_signatures.csv")
    assert older["signature"].nunique() == 65
    aetiology = genes.read_rds(folder / "SBS_v34_signatures.RDs", "aetiology")
    assert "SBS86" in set(aetiology.column(""))


def test_genes_and_sets() -> None:
    sets = read_gmt(REAL / "genesets/he2018_29_immune_signatures.gmt")
    assert len(sets) == 29 and sets[-1].name == "Type_II_IFN_Reponse"
    lists = {
        s.name: len(s.genes) for s in read_json_lists(REAL / "genesets/tisidb_immune_lists.json")
    }
    assert lists == {"chemokine": 38, "immuinhibitor": 23, "immustimulator": 43, "receptor": 18}
    assert len(read_feather(REAL / "genesets/im_potential_factors.feather")) == 97
    assert len(genes.read_hotspots(REAL / "genes/cancerhotspots_v2_GRCh37.tsv")) == 3181
    assert (
        genes.read_pathways(REAL / "genes/oncogenic_sig_patwhays.tsv").column("Pathway").nunique()
        == 10
    )
    lengths = genes.read_protein_lengths(REAL / "genes/prot_len.txt.gz").frame
    assert "1620" in set(lengths.loc[lengths["Hugo_Symbol"] == "ALK", "aa.length"])


def test_protein_domains() -> None:
    table = genes.read_protein_domains(REAL / "genes/protein_domains.RDs")
    assert table.column("HGNC").nunique() == 18263

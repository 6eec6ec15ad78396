"""The simulated store: it fits the schema, has the published sizes, and its effects are there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from lifelines import CoxPHFitter

from core.model import NON_SYNONYMOUS, VARIANT_CLASSIFICATIONS
from data import facts
from data.check import problems
from data.demo import Tables, plan, simulate
from data.demo.signatures import CHANNELS, ELIGIBLE_SNV

SCHEMA = Path(__file__).parents[2] / "data" / "schema.sql"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return simulate()


@pytest.fixture(scope="module")
def path(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables in a store file, every constraint of the schema enforced."""
    file = tmp_path_factory.mktemp("demo") / "store.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(SCHEMA.read_text(encoding="utf-8"))
        for name in sorted(tables, key=lambda n: (n != "cohort", n)):
            connection.register("incoming", tables[name])
            connection.execute(f"INSERT INTO {name} SELECT * FROM incoming")
            connection.unregister("incoming")
    return file


@pytest.fixture(scope="module")
def store(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def patients(tables: Tables) -> pd.DataFrame:
    """Patients with OS (``time``, ``event``), indexed by patient_key."""
    os_rows = tables["endpoint"].query("endpoint == 'OS'").set_index("patient_key")
    frame = tables["patient"].set_index("patient_key")
    return frame.assign(time=os_rows["time_months"], event=os_rows["event"].astype(float))


@pytest.fixture(scope="module")
def calls(tables: Tables) -> pd.DataFrame:
    table = tables["mutation"]
    assert isinstance(table, pa.Table)
    return table.to_pandas()


def mutant(calls: pd.DataFrame, gene: str) -> set[int]:
    hit = (calls["hugo_symbol"] == gene) & calls["variant_classification"].isin(NON_SYNONYMOUS)
    return set(calls.loc[hit, "patient_key"])


def columns(table: pd.DataFrame | pa.Table) -> list[str]:
    return list(table.columns) if isinstance(table, pd.DataFrame) else list(table.column_names)


def log_hazard_ratio(
    patients: pd.DataFrame, covariates: dict[str, object], start: float = 0.0
) -> pd.Series:
    """Cox on OS from month ``start`` on, stratified by cohort and tumour type; coef and se."""
    frame = patients[["time", "event"]].assign(**covariates)
    frame["stratum"] = patients["cohort_id"] + patients["tumor_type"]
    frame = frame.dropna()
    frame = frame[frame["time"] >= start].assign(time=frame["time"] - start + 0.01)
    fit = CoxPHFitter().fit(frame, "time", "event", strata=["stratum"])
    return fit.summary.iloc[0]


def profiled_ici(patients: pd.DataFrame) -> pd.DataFrame:
    return patients[
        patients["treated_with_ici"] & patients["counted_here"] & patients["n_calls"].notna()
    ]


def effect_of(patients: pd.DataFrame, calls: pd.DataFrame, gene: str) -> pd.Series:
    """A gene's adjusted log hazard ratio."""
    flags = patients.index.isin(list(mutant(calls, gene))).astype(float)
    return log_hazard_ratio(patients, {"gene": flags, "tmb_z": patients["tmb_z"]})


def test_every_table_of_the_schema_is_there_with_its_columns_in_order(
    tables: Tables, store: duckdb.DuckDBPyConnection
) -> None:
    listed = store.execute(
        "SELECT table_name, list(column_name ORDER BY column_index) "
        "FROM duckdb_columns() JOIN duckdb_tables() USING (table_name) GROUP BY 1"
    ).fetchall()
    assert {name: cols for name, cols in listed} == {n: columns(t) for n, t in tables.items()}


def test_no_table_is_empty(tables: Tables) -> None:
    assert [name for name, table in tables.items() if len(table) == 0] == []


def test_the_store_passes_its_checks(path: Path) -> None:
    assert problems(path) == ()


def test_what_is_missing_is_null_and_never_nan(store: duckdb.DuckDBPyConnection) -> None:
    numbers = store.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE data_type = 'DOUBLE'"
    ).fetchall()
    assert len(numbers) >= 8
    for table, column in numbers:
        found = store.execute(f"SELECT count(*) FROM {table} WHERE isnan({column})").fetchall()
        assert found == [(0,)], (table, column)
    riaz = "SELECT count(age_years) FROM patient WHERE cohort_id = 'riaz_2017'"
    assert store.execute(riaz).fetchall() == [(0,)]


def test_the_store_says_that_it_is_simulated(tables: Tables) -> None:
    build, source = tables["build"], tables["source"]
    assert build["simulated"].tolist() == [True] and build["seed"].tolist() == [20240]
    assert set(source["status"]) == {"simulated"}
    assert tables["cohort"]["citation"].str.startswith("Simulated").all()
    assert set(tables["mutation"]["call_source"].to_pylist()) == {"simulated"}


@pytest.mark.parametrize("cohort", plan.ICI, ids=lambda c: c.cohort_id)
def test_published_sizes_and_alk_counts(
    cohort: plan.CohortPlan, patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    here = patients[patients["cohort_id"] == cohort.cohort_id]
    treated = here[here["treated_with_ici"] & here["n_calls"].notna()]
    found = treated.index.isin(list(mutant(calls, "ALK")))
    assert len(here) == cohort.total
    assert (found.sum(), (~found).sum()) == (cohort.mutant, cohort.wild_type)


def test_the_sizes_are_those_that_the_studies_printed(patients: pd.DataFrame) -> None:
    ici = patients[patients["n_calls"].notna() & patients["treated_with_ici"]]
    assert ici.groupby("cohort_id").size().to_dict() == {
        "hugo_2016": 38, "liu_2019": 144, "miao_2018": 249, "riaz_2017": 68, "van_allen_2015": 110,
        "gandara_2018": 427, "ravi_2023": 309, "snyder_2014": 64, "samstein_2019": 1610,
    }  # fmt: skip


def test_tcga_has_33_types_and_323_alk_mutant_patients(
    patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    tcga = patients[patients["cohort_id"] == "tcga"]
    assert tcga["tumor_type_source"].nunique() == 33
    assert tcga["n_calls"].notna().sum() == 10_953
    assert tcga["n_calls"].isna().sum() == 520
    assert tcga.index.isin(list(mutant(calls, "ALK"))).sum() == 323
    assert set(tcga["tumor_type_source"]) == {t.abbreviation for t in facts.tcga_types()}


def test_the_control_arm_is_not_treated_with_ici(patients: pd.DataFrame) -> None:
    control = patients[patients["arm"] == "docetaxel"]
    assert len(control) == 568
    assert not control["treated_with_ici"].any()
    assert set(control["drug_class"]) == {"no ICI"}


def test_same_seed_same_bits(tables: Tables) -> None:
    again = simulate()
    for name, table in tables.items():
        other = again[name]
        if isinstance(table, pd.DataFrame):
            pd.testing.assert_frame_equal(table, other, check_exact=True)
        else:
            assert table.equals(other), name


def test_another_seed_another_draw_and_scale_does_not_depend_on_what_was_drawn_before() -> None:
    small, other = simulate(1, 0.05), simulate(2, 0.05)
    assert not small["endpoint"]["time_months"].equals(other["endpoint"]["time_months"])
    again = simulate(1, 0.05)
    pd.testing.assert_frame_equal(small["endpoint"], again["endpoint"], check_exact=True)
    assert len(small["patient"]) == pytest.approx(0.05 * 15_260, rel=0.02)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_that_makes_no_sense_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        simulate(1, scale)


def test_tumor_types_are_in_the_vocabulary(patients: pd.DataFrame) -> None:
    assert set(patients["tumor_type"]) <= set(facts.tumor_type_labels())
    for label in patients["tumor_type_source"].unique():
        facts.tumor_type(label)


def test_calls_are_in_maf_terms_and_on_profiled_genes(
    tables: Tables, calls: pd.DataFrame, patients: pd.DataFrame
) -> None:
    assert set(calls["variant_classification"]) <= set(VARIANT_CLASSIFICATIONS)
    panel_of = tables["profiled"].set_index("patient_key")["panel_id"]
    listed = set(map(tuple, tables["panel_gene"].to_numpy()))
    panel = calls["patient_key"].map(panel_of)
    on_panel = np.array([p in listed for p in zip(panel, calls["hugo_symbol"], strict=True)])
    assert ((panel == "exome") | on_panel).all()
    counts = calls.groupby("patient_key").size()
    expected = patients["n_calls"].dropna().astype(int)
    assert counts.reindex(expected.index, fill_value=0).equals(expected.astype(np.int64))


def test_missense_calls_lead_and_hotspots_recur(calls: pd.DataFrame) -> None:
    coding = calls[calls["variant_classification"].isin(NON_SYNONYMOUS)]
    share = (coding["variant_classification"] == "Missense_Mutation").mean()
    assert 0.80 < share < 0.88
    braf = calls[calls["hugo_symbol"] == "BRAF"]["hgvsp_short"].value_counts()
    assert braf.index[0] == "p.V600E"
    alk = calls[calls["hugo_symbol"] == "ALK"]
    assert {"p.R1275Q", "p.F1174L"} <= set(alk["hgvsp_short"])
    assert alk["protein_position"].between(1, 1621).all()


def test_one_position_has_one_reference_residue(calls: pd.DataFrame) -> None:
    changed = calls[calls["variant_classification"] == "Missense_Mutation"]
    residue = changed["hgvsp_short"].str[2]
    per_place = residue.groupby([changed["hugo_symbol"], changed["protein_position"]]).nunique()
    assert per_place.max() == 1


def test_contexts_carry_the_reference_base_and_show_the_planted_signatures(
    calls: pd.DataFrame, patients: pd.DataFrame
) -> None:
    snv = calls[calls["context"].notna()]
    assert (snv["context"].str.len() == 11).all()
    assert (snv["context"].str[5] == snv["reference_allele"]).all()
    assert (snv["reference_allele"] != snv["tumor_seq_allele2"]).all()
    melanoma = snv["patient_key"].map(patients["tumor_type"]) == "Melanoma"
    forward = snv["reference_allele"].eq("C") & snv["tumor_seq_allele2"].eq("T")
    sunburn = forward & snv["context"].str[4].isin(["C", "T"])
    assert sunburn[melanoma].mean() > 2 * sunburn[~melanoma].mean()


def test_signatures_are_shares_of_one(tables: Tables) -> None:
    activity = tables["signature_activity"].to_pandas()
    assert (activity["weight"] > 0).all()
    total = activity.groupby(["source", "patient_key"])["weight"].sum()
    assert np.allclose(total, 1.0)
    sample = tables["signature_sample"]
    assert (sample["eligible"] == (sample["n_snv"] >= ELIGIBLE_SNV)).all()
    reference = tables["signature_reference"]
    assert np.allclose(reference.groupby("signature")["weight"].sum(), 1.0)
    assert reference["channel"].nunique() == len(CHANNELS) == 96
    assert set(activity["signature"]) <= set(reference["signature"])


def test_shared_patients_are_the_same_person(
    tables: Tables, patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    copies = patients[~patients["counted_here"]]
    assert set(copies["cohort_id"]) == {"miao_2018"}
    origins = copies["shared_with"].str.split(":").str[0].value_counts().to_dict()
    assert origins == {"van_allen_2015": 91, "snyder_2014": 46}
    named = patients.reset_index().set_index(patients["cohort_id"] + ":" + patients["patient_id"])
    source = named.loc[copies["shared_with"]]
    for column in ("age_years", "sex", "tumor_type", "drug", "response", "tmb_per_mb", "n_calls",
                   "time", "event"):  # fmt: skip
        assert source[column].tolist() == copies[column].tolist(), column
    assert (source["shared_with"] == "miao_2018:" + copies["patient_id"].to_numpy()).all()
    change = calls["hugo_symbol"] + calls["hgvsp_short"] + calls["context"].fillna("")
    by_patient = change.groupby(calls["patient_key"]).agg(lambda s: tuple(sorted(s)))
    for copy, original in zip(copies.index, source["patient_key"], strict=True):
        assert by_patient.get(copy) == by_patient.get(original)


def test_expression_follows_the_inflamed_factor(
    tables: Tables, store: duckdb.DuckDBPyConnection
) -> None:
    expression = tables["expression"].to_pandas().set_index("hugo_symbol")["values_milli_log2"]
    assert {len(v) for v in expression} == {len(tables["expression_sample"])}

    def of(gene: str) -> np.ndarray:
        return np.where(expression[gene] == 65535, np.nan, expression[gene])

    pairs = pd.DataFrame({gene: of(gene) for gene in ("CD8A", "CXCL9", "KRAS")}).dropna()
    correlation = pairs.corr("spearman")
    assert correlation.loc["CD8A", "CXCL9"] > 0.5
    assert abs(correlation.loc["CD8A", "KRAS"]) < 0.2
    listed = set(tables["gene_set"].query("category == 'immune signature'")["hugo_symbol"])
    assert listed <= set(expression.index)


def test_features_have_values_and_known_kinds(tables: Tables) -> None:
    value = tables["feature_value"].to_pandas()
    feature = tables["feature"].set_index("feature")
    assert set(value["feature"]) == set(feature.index)
    number = value["feature"].map(feature["kind"]) == "number"
    assert value.loc[number, "value"].notna().all() and value.loc[~number, "label"].notna().all()
    fraction = value["feature"].map(feature["unit"]).str.startswith("fraction")
    assert value.loc[fraction, "value"].between(0, 1).all()
    assert set(facts.features()["feature"]) <= set(feature.index)


def test_features_that_belong_together_agree(tables: Tables) -> None:
    table = tables["feature_value"].to_pandas()
    value = table[table["value"].notna()].pivot(
        index="patient_key", columns="feature", values="value"
    )
    cells = value.filter(like="cibersort_").dropna()
    assert cells.shape[1] == 22 and np.allclose(cells.sum(axis=1), 1, atol=1e-3)
    total = value["nonsilent_rate"] + value["silent_rate"]
    assert np.allclose(value["mutation_rate"].dropna(), total.dropna(), atol=1e-4)
    correlation = value.corr("spearman")["leukocyte_fraction"]
    assert correlation["cibersort_t_cells_cd8"] > 0.2 and correlation["purity"] < -0.2
    assert correlation["expression_cd8a"] > 0.3 and correlation["ssgsea_til"] > 0.3


def test_times_have_ties_and_zeros_where_months_are_whole(patients: pd.DataFrame) -> None:
    samstein = patients[patients["cohort_id"] == "samstein_2019"]
    assert (samstein["time"] % 1 == 0).all()
    assert 10 <= (samstein["time"] == 0).sum() <= 70
    assert 0.3 < samstein["event"].mean() < 0.7


def test_responders_live_longer(patients: pd.DataFrame) -> None:
    known = profiled_ici(patients).dropna(subset="response")
    median = known.groupby("response")["time"].median()
    assert median["CR"] > median["SD"] > median["PD"]
    assert median["PR"] > median["SD"]


def test_burden_helps_under_ici_and_not_elsewhere(patients: pd.DataFrame) -> None:
    ici = profiled_ici(patients)
    treated = log_hazard_ratio(ici, {"tmb_z": ici["tmb_z"]})
    assert abs(treated["coef"] - np.log(plan.TMB_HAZARD_RATIO_PER_SD)) < 3 * treated["se(coef)"]
    assert treated["p"] < 1e-6
    tcga = patients[(patients["cohort_id"] == "tcga") & patients["n_calls"].notna()]
    assert abs(log_hazard_ratio(tcga, {"tmb_z": tcga["tmb_z"]})["coef"]) < 0.1


@pytest.mark.parametrize("gene", ["ALK", "POLE"])
def test_genes_with_an_effect_of_their_own(
    gene: str, patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    ici = effect_of(profiled_ici(patients), calls, gene)
    planted = next(e for e in plan.EFFECTS if e.gene == gene)
    assert ici["coef"] < 0
    assert abs(ici["coef"] - np.log(planted.hazard_ratio)) < 3 * ici["se(coef)"]
    tcga = effect_of(
        patients[patients["cohort_id"] == "tcga"].dropna(subset="n_calls"), calls, gene
    )
    assert abs(tcga["coef"]) < 3 * tcga["se(coef)"]


@pytest.mark.parametrize("gene", plan.ONLY_THROUGH_BURDEN)
def test_genes_that_act_only_through_burden(
    gene: str, patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    ici = profiled_ici(patients)
    # A patient of a panel without the gene is not profiled, and not wild type.
    if gene != "PTPRT":
        ici = ici[ici["assay"] == "WES"]
    flags = ici.index.isin(list(mutant(calls, gene))).astype(float)
    raw = log_hazard_ratio(ici, {"gene": flags})
    adjusted = effect_of(ici, calls, gene)
    assert raw["coef"] < adjusted["coef"]
    assert abs(adjusted["coef"]) < 2.5 * adjusted["se(coef)"]
    mean = ici["tmb_z"].groupby(flags).mean()
    assert mean[1.0] > mean[0.0] + 0.5


@pytest.mark.parametrize(
    ("gene", "tumor_type", "sign"),
    [("STK11", plan.LUNG, 1), ("NF1", plan.LUNG, 1), ("NF1", plan.MELANOMA, -1)],
)
def test_effects_within_a_tumour_type(
    gene: str, tumor_type: str, sign: int, patients: pd.DataFrame, calls: pd.DataFrame
) -> None:
    ici = profiled_ici(patients)
    found = effect_of(ici[ici["tumor_type"] == tumor_type], calls, gene)
    assert sign * found["coef"] > 2 * found["se(coef)"]


def test_one_cohort_disagrees_with_the_others(patients: pd.DataFrame, calls: pd.DataFrame) -> None:
    ici = profiled_ici(patients)
    odd = ici["cohort_id"] == plan.HETEROGENEOUS_COHORT
    assert effect_of(ici[odd], calls, "FAT1")["coef"] > 0.3
    assert effect_of(ici[~odd], calls, "FAT1")["coef"] < -0.1


def test_late_separation(patients: pd.DataFrame, calls: pd.DataFrame) -> None:
    here = patients[(patients["cohort_id"] == plan.LATE_COHORT) & patients["n_calls"].notna()]
    month = next(e for e in plan.EFFECTS if e.gene == "ARID1A").from_month
    flags = here.index.isin(list(mutant(calls, "ARID1A"))).astype(float)
    covariates = {"gene": flags, "tmb_z": here["tmb_z"]}
    early = here.assign(event=here["event"] * (here["time"] <= month))
    before = log_hazard_ratio(early.assign(time=early["time"].clip(upper=month)), covariates)
    after = log_hazard_ratio(here, covariates, start=month)
    assert abs(before["coef"]) < 2.5 * before["se(coef)"]
    assert after["coef"] < -3 * after["se(coef)"]

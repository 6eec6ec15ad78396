"""Bring your own: from the upload to every page, and back; nothing reaches another session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.ui.cached import STORE_VARIABLE
from tests.app.reading import texts
from tests.app.small_store import make
from tests.data.own_toy import N, mutations_csv, patients_csv, study_files, zipped

App = Callable[..., AppTest]
ROOT = Path(__file__).resolve().parents[2]
ICI_PAGES = (
    "cohorts", "survival", "cox", "subgroups", "nomogram", "agreement", "burden", "setting",
    "mutations", "signatures",
)  # fmt: skip


def wrong(at: AppTest) -> list[str]:
    """What is told as an error, but for the banner of simulated data."""
    found = [e.value.replace("\\", "") for e in at.error]
    return [e for e in found if "SIMULATED data" not in e]


def upload(at: AppTest, content: bytes, name: str = "toy.zip") -> AppTest:
    at.file_uploader(key="own-study").set_value((name, content, "application/zip"))
    return at.run()


def in_use(app: App, content: bytes | None = None) -> AppTest:
    at = upload(app("own"), zipped() if content is None else content)
    at.button(key="own-use").click().run()
    assert not at.exception and not wrong(at)
    return at


def visit(at: AppTest, page: str) -> AppTest:
    at.switch_page(str(ROOT / "pages" / f"{page}.py")).run()
    assert not at.exception
    return at


def test_a_study_is_mapped_used_and_left(app: App) -> None:
    at = app("own")
    assert "Reloading the page begins a new session" in texts(at)
    upload(at, zipped())
    shown = texts(at)
    assert "data_clinical_patient.txt: 60 rows, 7 columns" in [
        e.label.replace("\\", "") for e in at.expander
    ]
    assert "OS reads as 60 times" in shown
    assert [s.value for s in at.success] == ["Every row fits the mapping."]
    at.button(key="own-use").click().run()
    shown = texts(at)
    assert f"**Toy cohort** alone: {N} patients." in shown  # the banner, without SIMULATED
    assert "In use, alone." in shown and "SIMULATED data" not in shown
    space = at.session_state["_kept_own-space"][1]
    assert list(space.path.rglob("toy.zip"))
    shown = texts(visit(at, "survival"))
    assert not list(space.path.rglob("toy.zip"))  # only what was made of it stays
    assert f"{N} patients: ICI-treated, 1 cohort; 19 ALK-mutant, 36 wild type" in shown
    assert "5 not profiled" in shown
    at.button(key="leave_own").click().run()
    assert "SIMULATED data" in texts(at)


def test_every_page_works_on_it_alone(app: App) -> None:
    at = in_use(app)
    at.default_timeout = 240  # the ledger computes every printed number
    for page in ICI_PAGES:
        visit(at, page)
        assert not wrong(at), page  # too little data is an answer, not an alarm
        assert "Toy cohort" in texts(at)
    shown = texts(visit(at, "ledger"))
    assert "your own cohort has no part" in shown


def test_another_session_does_not_see_it(app: App) -> None:
    one, other = in_use(app), app("own")
    assert "Toy cohort" not in texts(other)
    assert "Toy cohort" not in texts(visit(other, "cohorts"))
    assert "Toy cohort" in texts(visit(one, "cohorts"))


def test_real_and_simulated_are_not_pooled(app: App) -> None:
    at = in_use(app)
    at.button(key="own-pool-0").click().run()
    assert "Simulated and real patients are never pooled" in wrong(at)[0]
    assert "In use, alone." in texts(at)


def test_a_simulated_upload_is_labelled_and_pooled(app: App) -> None:
    at = upload(app("own"), zipped())
    [simulated] = [t for t in at.toggle if t.label == "These patients are simulated"]
    simulated.set_value(True).run()
    at.button(key="own-use").click().run()
    assert "SIMULATED data" in texts(at)
    at.button(key="own-pool-0").click().run()
    assert not wrong(at)
    shown = texts(visit(at, "cohorts"))
    assert "Toy cohort" in shown and "Melanoma 2017" in shown and "SIMULATED data" in shown


def test_pooled_with_real_cohorts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, simulated=False)
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    at = AppTest.from_file(str(ROOT / "dashboard" / "Home.py"), default_timeout=60).run()
    upload(visit(at, "own"), zipped())
    at.button(key="own-use").click().run()
    at.button(key="own-pool-0").click().run()
    assert "pooled with the loaded cohorts (build small)" in texts(at)
    shown = texts(visit(at, "agreement"))
    assert "Toy cohort" in shown and "Melanoma 2017" in shown


def test_two_tables_with_a_panel_list(app: App) -> None:
    at = app("own")
    at.segmented_control(key="own-way").set_value("Two tables").run()
    at.file_uploader(key="own-patients").set_value(
        ("patients.csv", patients_csv().encode(), "text/csv")
    )
    at.file_uploader(key="own-mutations").set_value(
        ("calls.csv", mutations_csv().encode(), "text/csv")
    )
    at.run()
    assert "0 genes." in texts(at)
    assert "The panel has no genes." in texts(at)
    assert not any(b.key == "own-use" for b in at.button)
    [genes] = [t for t in at.text_area if t.label == "Genes of the panel"]
    genes.set_value("ALK, TP53 VSIR").run()
    [who] = [r for r in at.radio if r.label == "Who was sequenced?"]
    who.set_value("everyone").run()
    at.button(key="own-use").click().run()
    assert not wrong(at) and "**patients** alone" in texts(at)
    shown = texts(visit(at, "survival"))
    assert "20 ALK-mutant, 40 wild type" in shown


def test_a_label_without_a_meaning_is_asked_for(app: App) -> None:
    files = study_files()
    files["data_clinical_patient.txt"] = files["data_clinical_patient.txt"].replace(
        "0:LIVING", "hale"
    )
    at = upload(app("own"), zipped(files))
    assert not any(b.key == "own-use" for b in at.button)
    table = texts(at)
    assert "The label has no meaning as OS event." in table and "'hale'" not in table
    [label] = [s for s in at.selectbox if s.label.startswith("hale (")]
    label.set_value("censored").run()
    assert [s.value for s in at.success] == ["Every row fits the mapping."]


def test_bad_cells_are_left_out_only_on_request(app: App) -> None:
    files = study_files()
    lines = files["data_clinical_patient.txt"].splitlines()
    lines[6] = "\t".join([*lines[6].split("\t")[:3], "-4", *lines[6].split("\t")[4:]])
    at = upload(app("own"), zipped({**files, "data_clinical_patient.txt": "\n".join(lines)}))
    shown = texts(at)
    for words in ("data_clinical_patient.txt", ">7<", "OS_MONTHS", ">-4<", "OS time is negative"):
        assert words in shown
    assert not any(b.key == "own-use" for b in at.button)
    at.toggle(key="own-without").set_value(True).run()
    at.button(key="own-use").click().run()
    assert "In use, alone." in texts(at)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (zipped({"data_clinical_patient.txt": "0" * (60 * 1024**2)}), "zip bomb"),
        (zipped({"../evil.txt": "x"}, folder=""), "leaves its folder"),
        (b"", "The file is empty"),
        (b"hello", "neither a study folder nor an archive"),
    ],
    ids=["bomb", "traversal", "empty", "text"],
)
def test_the_session_lives_on_after_a_bad_upload(app: App, content: bytes, words: str) -> None:
    at = upload(app("own"), content)
    assert not at.exception and words in wrong(at)[0]
    at.file_uploader(key="own-study").set_value(("toy.zip", zipped(), "application/zip"))
    at.run()
    assert not wrong(at) and [s.value for s in at.success] == ["Every row fits the mapping."]


def test_html_in_names_is_text(app: App) -> None:
    evil = "<img src=x onerror=alert(1)>"
    at = in_use(app, zipped(study_files(cohort=evil)))
    banner = at.info[0].value
    assert "\\<img" in banner and "<img" not in banner.replace("\\<", "")
    shown = [h.proto.body for h in visit(at, "cohorts").get("html")]
    assert any("&lt;img src=x" in body for body in shown)
    assert not any("<img" in body for body in shown)


def test_gene_sets_stand_in_the_sidebar_of_this_session(app: App) -> None:
    at = app("own")
    at.segmented_control(key="own-way").set_value("Gene sets").run()
    at.file_uploader(key="own-sets-file").set_value(
        ("mine.gmt", b"Repair\tmine\tALK\tTP53\tNOSUCH\nOther\tmine\tVSIR\n", "text/plain")
    )
    at.run()
    assert "NOSUCH" in texts(at)
    at.button(key="own-sets-add").click().run()
    assert "**Repair**: 3 genes, in this session" in texts(at)
    visit(at, "survival")
    at.selectbox(key="by").set_value("gene set").run()
    at.selectbox(key="set").set_value("Repair").run()
    assert "Repair" in at.title[0].value
    assert "NOSUCH" in texts(at)  # told and left out
    other = app(by="gene set")
    assert "Repair" not in other.selectbox(key="set").options


def test_a_cohort_is_kept_only_where_browser_and_app_share_a_machine(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = in_use(app)
    assert not any(b.key == "own-keep-0" for b in at.button)
    assert "only where the browser and the app run on one machine" in texts(at)
    monkeypatch.setattr("core.ui.state.is_local", lambda: True)
    monkeypatch.setattr("core.ui.own_use.stores", lambda: tmp_path)
    at = in_use(app)
    at.button(key="own-keep-0").click().run()
    assert "kept on this machine" in texts(at)
    later = app("own")  # another day
    later.button(key="own-alone-0").click().run()
    assert f"**Toy cohort** alone: {N} patients." in texts(later)
    later.button(key="own-remove-0").click().run()
    assert "SIMULATED data" in texts(later) and "kept on this machine" not in texts(later)
    assert not list((tmp_path / "own").iterdir())

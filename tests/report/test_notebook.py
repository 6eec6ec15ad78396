"""The example notebook and the README's five lines run, and their numbers are the pages'."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from streamlit.testing.v1 import AppTest

from core.charts.figure import NOTEBOOK_MIME
from core.store import STORE_VARIABLE
from data.demo_store import open_simulated
from tests.app.conftest import ROOT, app, small_folder
from tests.app.reading import alt, charts, texts
from tests.concurrently import finished

__all__ = ["app", "small_folder"]  # fixtures of the app's tests, used here

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "km_figure(result": ("", {}),
    "km_figure(in_melanoma, simulated": ("", {"tumor": ["Melanoma"]}),
    "multivariable_figure(": ("cox", {}),
    "subgroups_figure(": ("subgroups", {}),
    "cohorts_figure(": ("agreement", {}),
    "burden.models_figure(": ("burden", {}),
    "burden.null_figure(": ("burden", {}),
}
"""What a cell draws -> the page that draws the same, and its address."""


@pytest.fixture(scope="module")
def executed(small_folder: Path) -> nbformat.NotebookNode:
    """The notebook after a run on the small store."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the kernel's own libraries
        patch.setenv(STORE_VARIABLE, str(small_folder))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("IPYTHONDIR", str(small_folder / "ipython"))
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3",
            resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        )  # fmt: skip
        finished(client.async_execute())
    return notebook


def outputs(notebook: nbformat.NotebookNode, beginning: str) -> list[Any]:
    """The outputs of the one cell with a line that begins so."""
    cells = [
        c.outputs
        for c in notebook.cells
        if c.cell_type == "code" and re.search(f"^{re.escape(beginning)}", c.source, re.M)
    ]
    assert len(cells) == 1, beginning
    return list(cells[0])


def shown(notebook: nbformat.NotebookNode, beginning: str) -> str:
    """The words of the figure that the cell shows."""
    data = next(o.data for o in outputs(notebook, beginning) if "data" in o)
    assert {NOTEBOOK_MIME, "image/png", "text/plain"} <= set(data)
    assert "SIMULATED" in str(data[NOTEBOOK_MIME])
    return str(data["text/plain"])


def printed(notebook: nbformat.NotebookNode, beginning: str) -> str:
    return "".join(o.text for o in outputs(notebook, beginning) if o.output_type == "stream")


@pytest.mark.parametrize("drawn", PAGES)
def test_the_numbers_are_the_pages(
    executed: nbformat.NotebookNode, app: Callable[..., AppTest], drawn: str
) -> None:
    """A figure's words hold its hazard ratio, interval, p, patients and events."""
    page, address = PAGES[drawn]
    at = app(page, **address)
    words = shown(executed, drawn)
    assert words in [alt(c) for c in charts(at)]
    assert re.search(r"\d", words)


def test_the_answers_are_the_pages(
    executed: nbformat.NotebookNode, app: Callable[..., AppTest]
) -> None:
    for beginning, page, address in (
        ("print(answer(result))", "", {}),
        ("print(answer(in_melanoma))", "", {"tumor": ["Melanoma"]}),
        ("print(burden.answer(", "burden", {}),
    ):
        said = texts(app(page, **address))
        line = printed(executed, beginning).splitlines()[0]
        assert re.search(r"0\.\d\d \(0\.\d\d–\d\.\d\d\)|\d\.\d\d", line), "it holds numbers"
        assert line in said


def test_files_and_mistakes(executed: nbformat.NotebookNode) -> None:
    kept = printed(executed, "folder = ")
    assert re.search(r"^SIMULATED-\S+\.pdf \d{4,} bytes$", kept, re.M)
    assert re.search(r"^SIMULATED-hazard-ratios\.csv \d+ bytes$", kept, re.M)
    assert "Closest: Melanoma." in printed(executed, "    survival_question(")


def test_the_notebook_is_stored_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None


def test_the_lines_of_the_readme_run(
    small_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they stand, in a folder of their own."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("## From a notebook")[1].split("```python\n")[1].split("```")[0]
    lines = [s for s in block.splitlines() if s and not s.startswith(("from ", "import "))]
    assert len(lines) == 5
    monkeypatch.setenv(STORE_VARIABLE, str(small_folder))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), names)
    assert names["result"].order == ("wild type", "mutant")
    assert [p.suffix for p in tmp_path.iterdir()] == [".pdf"]
    names["store"].close()


def test_a_result_shows_its_tables(small_folder: Path) -> None:
    from core.analysis.survival import survival_question
    from core.model import Filters, Stratifier
    from core.store import open_store

    store = open_store(small_folder / "simulated")
    result = survival_question(store, Filters(), Stratifier())
    page = result._repr_html_()
    assert page.count("<table") == 6 and ".hazard_ratios" in page and ".rows" not in page
    assert "more rows" in page, "of the curves"
    assert result.sentence in page
    store.close()


def test_a_simulated_store_is_made_once(tmp_path: Path) -> None:
    store = open_simulated(tmp_path / "made", scale=0.05)
    assert store.simulated and store.build.created_at.year > 2000
    path = store.path
    store.close()
    again = open_simulated(tmp_path / "made")
    assert again.path == path, "taken as it is"
    again.close()

"""Bring your own in Chromium: a zip becomes a survival page; another profile does not see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import figure_words, run_number, wait_for_run
from tests.data.own_toy import N, study_files, zipped

TOLD = 60_000


def bring(page: Any, content: bytes, name: str = "toy.zip") -> None:
    """Upload an archive and wait until the app has answered."""
    before = run_number(page)
    page.locator("input[type=file]").first.set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": content}
    )
    wait_for_run(page, before + 1)


def test_an_upload_is_shown_in_its_session_alone(visit: Callable[..., Any]) -> None:
    page = visit("/own")
    bring(page, zipped())
    expect(page.get_by_text("Every row fits the mapping.")).to_be_visible(timeout=TOLD)
    page.get_by_role("button", name="Use this cohort").click()
    expect(page.get_by_text(f"alone: {N} patients.").first).to_be_visible(timeout=TOLD)
    page.get_by_role("link", name="Survival", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("ALK", timeout=TOLD)
    expect(page.get_by_text(f"{N} patients").first).to_be_visible(timeout=TOLD)
    expect(page.get_by_text("19 ALK-mutant, 36 wild type").first).to_be_visible(timeout=TOLD)
    assert "mutant" in figure_words(page)
    expect(page.get_by_text("SIMULATED data.")).to_have_count(0)

    stranger = visit("/cohorts")  # a profile of its own
    expect(stranger.get_by_text("SIMULATED data.")).to_be_visible(timeout=TOLD)
    expect(stranger.get_by_text("Melanoma 2017").first).to_be_visible(timeout=TOLD)
    expect(stranger.get_by_text("Toy cohort")).to_have_count(0)

    page.get_by_role("button", name="Back to the loaded cohorts").click()
    expect(page.get_by_text("SIMULATED data.")).to_be_visible(timeout=TOLD)


def test_hostile_uploads_leave_the_session_alive(visit: Callable[..., Any]) -> None:
    page = visit("/own")
    told = []
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    bring(page, zipped({"data_clinical_patient.txt": "0" * (60 * 1024**2)}), "bomb.zip")
    expect(page.get_by_text("as a zip bomb does")).to_be_visible(timeout=TOLD)
    bring(page, zipped({"../../evil.txt": "x"}, folder=""), "path.zip")
    expect(page.get_by_text("leaves its folder")).to_be_visible(timeout=TOLD)
    evil = "<img src=x onerror=alert(1)>"
    bring(page, zipped(study_files(cohort=evil)), "html.zip")
    expect(page.get_by_text("Every row fits the mapping.")).to_be_visible(timeout=TOLD)
    page.get_by_role("button", name="Use this cohort").click()
    expect(page.get_by_text(f"{evil} alone: {N} patients.").first).to_be_visible(timeout=TOLD)
    page.get_by_role("link", name="Cohorts", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("cohorts", timeout=TOLD)
    expect(page.get_by_role("rowheader", name=evil).first).to_be_visible(timeout=TOLD)
    assert page.locator("img[src=x]").count() == 0 and told == []

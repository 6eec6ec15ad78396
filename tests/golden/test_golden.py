"""Every golden comparison, one test per topic, with all that differ named."""

from __future__ import annotations

import pytest

from tests.golden import GOLDEN, comparisons, topics


@pytest.mark.parametrize("topic", topics())
def test_agrees_with_reference(topic: str) -> None:
    cases = comparisons(topic)
    assert cases, f"{topic} compares nothing"
    differing = [f"{c.quantity}: {c.error:.2e} > {c.tolerance:.0e}" for c in cases if not c.agrees]
    assert not differing, "\n".join(differing)


@pytest.mark.parametrize("topic", topics())
def test_script_and_versions_stand_beside_the_output(topic: str) -> None:
    assert (GOLDEN / topic / "make.R").exists()
    assert (GOLDEN / topic / "versions.csv").exists()

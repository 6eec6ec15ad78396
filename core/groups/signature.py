"""Groups by a mutational signature: present or absent, in tumours with enough mutations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from core.groups.grouping import Grouping, from_codes
from core.model import BadInput, Stratifier
from core.store import Store

ORDER = ("absent", "present")


def by_signature(store: Store, frame: pd.DataFrame, stratifier: Stratifier) -> Grouping:
    """Absent and present. Tumours that are not decomposed, or not eligible, are neither."""
    known = store.signatures(treated_with_ici=None)
    if stratifier.feature not in set(known.signature):
        names = list(dict.fromkeys(known.signature))
        raise BadInput(
            f"The signature {stratifier.feature[:40]!r} is in no tumour of this store.",
            expected="such as " + ", ".join(names[:6]) if names else "a store with signatures",
            found=stratifier.feature[:40] or "nothing",
            remedy="Choose a signature from the list."
            if names
            else "These data have no signature activities: choose another way to split.",
        )
    least = share(stratifier.cut)
    everyone, decomposed = store.signature_weight(stratifier.feature)
    keys = frame.patient_key.to_numpy(np.intp)
    weight, tried = everyone[keys], decomposed[keys]
    eligible = ~np.isnan(weight)
    present = (weight >= least) if least > 0 else (weight > 0)
    definition = f"present: {stratifier.feature} holds " + (
        f"at least {least:.0%} of the mutations" if least > 0 else "any of the mutations"
    )
    return Grouping(
        from_codes(frame, np.where(eligible, present, -1).astype(int), ORDER),
        ORDER,
        stratifier.label,
        "not eligible: signatures not known",
        reasons=(
            ("signatures not decomposed", int((~tried).sum())),
            ("not eligible: too few mutations", int((tried & ~eligible).sum())),
        ),
        definition=definition,
    )


def share(text: str) -> float:
    """The least share of mutations that counts as present; 0 for any. Raises BadInput."""
    try:
        value = float(text) if text.strip() else 0.0
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise BadInput(
            f"{text[:40]!r} is no share of a tumour's mutations.",
            expected="a number from 0 to 1, such as 0.06",
            found=repr(text[:40]),
            remedy="Leave it empty to count any activity as present.",
        )
    return value

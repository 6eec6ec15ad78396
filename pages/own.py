"""Bring your own: a cohort or gene sets of the researcher's, alone or beside the loaded ones."""

from __future__ import annotations

from core.ui import own

own.show()

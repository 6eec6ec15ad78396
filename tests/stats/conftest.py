"""Property tests here say what is true, not how long it takes: no deadline for an example."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

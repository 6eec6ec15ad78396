"""Tests of the estimators, one file per file of core/stats."""

"""Signature refits beside an independent computation in R."""

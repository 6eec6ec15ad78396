"""Meta-analysis and shrinkage, beside metafor's."""

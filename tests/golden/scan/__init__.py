"""One Cox model per gene, beside coxph's."""

"""Group tests, tables, correlations and selected cuts, beside R's own answers."""

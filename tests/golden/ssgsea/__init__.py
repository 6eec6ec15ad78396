"""ssGSEA beside GSVA's, with and without ties, zeros and normalisation."""

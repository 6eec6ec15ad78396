"""A mixture-cure model beside its likelihood maximised in R."""

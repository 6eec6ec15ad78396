"""Survival estimators other than Cox's against R's survival, cmprsk and riskRegression."""

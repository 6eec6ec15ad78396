"""The Cox model against R's survival and rms; see make.R and cases.py."""

"""Nomogram axes, optimism, calibration and net benefit beside rms."""

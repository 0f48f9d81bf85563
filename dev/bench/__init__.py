"""Benchmarks: the numbers that Towpath promises, measured on this machine. `make bench` runs them; no test does."""

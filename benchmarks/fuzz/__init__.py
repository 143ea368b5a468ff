"""Mutated input files against everything that reads them; ``python -m benchmarks.fuzz``."""

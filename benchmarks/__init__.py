"""Measurements on the library from outside: run as ``python -m benchmarks.<name>`` from the root of the checkout."""

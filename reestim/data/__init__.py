"""Datasets: what goes into the model, checked before anything is computed."""

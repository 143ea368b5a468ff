"""Estimation: blocks that a model is built from (model.md section 4), the fit and its gates."""

"""Estimation: blocks that a model is built from (docs/model.md section 4), the fit and its gates."""

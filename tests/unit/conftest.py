"""Fixtures that several files share."""

from tests.unit.llm_fixtures import make, model  # noqa: F401

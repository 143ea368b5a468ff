"""From a run to something a person reads: tables (CSV), figures (PNG) and one HTML page."""

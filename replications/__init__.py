"""Published results computed again by REEstim: ``python -m replications`` prints them beside the printed figures."""

"""Commands by topic: each file has a `register(app)` that the command line calls; heavy imports inside the commands."""

"""Importers: adapters from the files that users really have to the tables of a dataset, one source a file."""

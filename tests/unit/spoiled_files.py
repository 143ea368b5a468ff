"""Ways to spoil the files and dataset.toml of a dataset, each with the problems that must be reported."""

from __future__ import annotations

from tests.unit.spoiled_folder import Expected, Folder


def not_utf8(f: Folder) -> list[Expected]:
    row = f.row("policy.csv", "*,CHN,Nd")
    raw = (f.path / "policy.csv").read_bytes()
    at = raw.index(b"Nd")
    (f.path / "policy.csv").write_bytes(raw[:at] + b"N\xe9" + raw[at + 2 :])
    return [Expected("policy.csv", row, None, None, "not UTF-8", "Save it again as UTF-8")]


def broken_quotes(f: Folder) -> list[Expected]:
    row = f.append("element_exports.csv", 'CHN,2014,28000,"a source that never ends,true')
    return [Expected("element_exports.csv", row, None, None, "the CSV is broken", "Check the quotes")]


def ragged_row(f: Folder) -> list[Expected]:
    row = f.append("trade.csv", "CHN,JPN")
    return [Expected("trade.csv", row, None, None, "wrong number of cells", "6 columns, this row 2")]


def semicolons(f: Folder) -> list[Expected]:
    f.write("element_exports.csv", [line.replace(",", ";") for line in f.lines("element_exports.csv")])
    header = "country;year;tonnes;source;verified"
    return [Expected("element_exports.csv", 1, None, header, "not separated by commas", "commas")]


def empty_file(f: Folder) -> list[Expected]:
    (f.path / "policy.csv").write_bytes(b"")
    return [Expected("policy.csv", None, None, None, "the file is empty", "header line")]


def binary_file(f: Folder) -> list[Expected]:
    (f.path / "element_exports.csv").write_bytes(b"country,year\n\0\0\n")
    return [Expected("element_exports.csv", 2, None, None, "NUL byte", "export it again")]


def directory_instead_of_file(f: Folder) -> list[Expected]:
    (f.path / "policy.csv").unlink()
    (f.path / "policy.csv").mkdir()
    return [Expected("policy.csv", None, None, None, "cannot be read", "Check that it is a file")]


def link_out_of_the_folder(f: Folder) -> list[Expected]:
    outside = f.path.parent / "outside.csv"
    (f.path / "policy.csv").rename(outside)
    (f.path / "policy.csv").symlink_to(outside)
    return [Expected("policy.csv", None, None, None, "leaves the dataset folder", "Copy the file")]


def broken_toml(f: Folder) -> list[Expected]:
    row = f.toml('host_sector = "chemicals"', "host_sector = chemicals")
    return [Expected("dataset.toml", row, None, None, "the TOML is broken", "quotes")]


def unknown_toml_key(f: Folder) -> list[Expected]:
    f.toml("policy_year = 2010", "policy_yaer = 2010")
    return [
        Expected("dataset.toml", None, "policy_year", None, "the key is missing", "Add policy_year"),
        Expected("dataset.toml", None, "policy_yaer", None, "the key is unknown", "Did you mean 'policy_year'"),
    ]


def wrong_toml_type(f: Folder) -> list[Expected]:
    f.toml("base_year = 2008", 'base_year = "2008"')
    return [Expected("dataset.toml", None, "base_year", "2008", "does not fit", "integer")]


def unknown_host(f: Folder) -> list[Expected]:
    f.toml('host_sector = "chemicals"', 'host_sector = "chemical"')
    return [Expected("dataset.toml", None, "host_sector", "chemical", "unknown sector", "Did you mean 'chemicals'")]


def path_out_of_the_folder(f: Folder) -> list[Expected]:
    f.toml("imputed = [", 'imputed = [ "../policy.csv",')
    return [Expected("dataset.toml", None, "imputed", "../policy.csv", "leaves the dataset folder", "bare name")]


def named_file_absent(f: Folder) -> list[Expected]:
    f.toml("imputed = [", 'imputed = [ "prices.csv",')
    return [Expected("dataset.toml", None, "imputed", "prices.csv", "not in the folder", "element_prices.csv")]


def no_toml(f: Folder) -> list[Expected]:
    (f.path / "dataset.toml").unlink()
    return [Expected("dataset.toml", None, None, None, "the file is missing", "copy that of the bundled dataset")]

"""docs/configuration.md, made from the settings class; `--check FILE` compares instead."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from core.settings import Settings, environment_name

HEAD = """# Configuration

Everything is set by environment variables. Unknown `TASKTALK_*` names and wrong values are refused at start, by name.
This page is made by `make docs`.

| name | default | what it does |
|---|---|---|
"""


def _default(info: FieldInfo) -> str:
    value = info.default
    if value is None:
        return "–"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple):
        value = ",".join(value) or "–"
    return f"`{value}`"


def page() -> str:
    """The page's text."""
    rows = (
        f"| `{environment_name(name)}` | {_default(info)} | {info.description} |"
        for name, info in Settings.model_fields.items()
    )
    return HEAD + "\n".join(rows) + "\n"


def main(arguments: list[str]) -> int:
    """Print the page, or say whether a file is it."""
    if arguments[:1] == ["--check"]:
        if Path(arguments[1]).read_text(encoding="utf-8") == page():
            return 0
        sys.stderr.write(f"{arguments[1]} is not what the settings say: run `make docs`.\n")
        return 1
    sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write the configs and READMEs of the bundles from parts that they share and one recipe each.

    python bundles/recipes/build.py            # writes what has changed
    python bundles/recipes/build.py --check    # only says what would change; exit code 1 if anything would

A recipe, `NAME.json`, lists for each JSON file of the bundle its parts in `parts/`, and what differs. They are merged
as MONAI merges config files: of two values of a key the later one counts, and `a#b` reaches into `a`. Other files are
text, in which a line `<<part>>` stands for a part. `<name>`, `<version>` and the recipe's own `tokens` are replaced
everywhere.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
WIDTH = 160  # columns of a line of JSON
LAST = ("train", "validate", "initialize", "run", "finalize")  # of the keys of a training or inference


def files_of(recipe: Path) -> dict[str, str]:
    """Path inside the bundle -> text, for all files that the recipe makes."""
    content = json.loads(recipe.read_text(encoding="utf-8"))
    tokens = {
        "name": recipe.stem,
        "version": content["configs/metadata.json"][-1]["version"],
        **content.pop("tokens", {}),
    }
    return {name: _filled(_text(name, parts), tokens) for name, parts in content.items()}


def _text(name: str, parts: list[Any]) -> str:
    if not name.endswith(".json"):
        return "".join(_included((HERE / part).read_text(encoding="utf-8")) for part in parts)
    merged: dict[str, Any] = {}
    for part in parts:
        values = json.loads((HERE / "parts" / part).read_text(encoding="utf-8")) if isinstance(part, str) else part
        for key, value in values.items():
            *outer, inner = key.split("#")
            if outer and outer[0] not in merged:  # for another config, which this one goes over
                outer, inner = [], key
            place = merged
            for step in outer:
                place = place[step]
            place[inner] = value
    if "run" in merged:
        merged = dict(sorted(merged.items(), key=_place))
    return _json(merged) + "\n"


def _place(item: tuple[str, Any]) -> int:
    """Of a key in a training or inference: imports, plain values, objects, then what runs them."""
    key, value = item
    if key in LAST:
        return 2 + LAST.index(key)
    return -1 if key == "imports" else int(isinstance(value, dict | list))


def _included(text: str) -> str:
    """The text with the parts that its lines `<<part>>` name."""
    return re.sub(r"<<(.+)>>\n", lambda line: (HERE / "parts" / line[1]).read_text(encoding="utf-8"), text)


def _json(value: Any, indent: int = 0, before: int = 0) -> str:
    """JSON that keeps on one line what fits there, after `before` characters; the outermost braces stand alone."""
    line = json.dumps(value, ensure_ascii=False)
    if before and before + len(line) < WIDTH or not value or not isinstance(value, dict | list):
        return line
    margin = " " * (indent + 4)
    if isinstance(value, dict):
        heads = [f"{json.dumps(key)}: " for key in value]
        values = list(value.values())
    else:
        heads, values = [""] * len(value), value
    inner = [head + _json(one, indent + 4, indent + 4 + len(head)) for head, one in zip(heads, values, strict=True)]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{margin}" + f",\n{margin}".join(inner) + f"\n{' ' * indent}{closing}"


def _filled(text: str, tokens: dict[str, str]) -> str:
    for name, value in tokens.items():
        text = text.replace(f"<{name}>", value)
    return text


def main() -> int:
    """Write or check the files of all recipes."""
    parser = argparse.ArgumentParser(description="Write the configs and READMEs of the bundles from their recipes.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file would change")
    check, stale = parser.parse_args().check, 0
    for recipe in sorted(HERE.glob("*.json")):
        for name, text in files_of(recipe).items():
            path = HERE.parent / recipe.stem / name
            if path.is_file() and path.read_text(encoding="utf-8") == text:
                continue
            stale += 1
            sys.stdout.write(f"{path.relative_to(HERE.parent)} {'differs from its recipe' if check else 'written'}\n")
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

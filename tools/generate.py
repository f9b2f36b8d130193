"""Write what follows from the code and the stack files; `--check` only says what is not current."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from archesai_infra.cli.graph.drawing import mermaid
from archesai_infra.stack.config import load
from archesai_infra.stack.evaluate import evaluate
from archesai_infra.stack.render import MARKER, files, marker
from archesai_infra.stack.stack_file import read, stacks
from tools.cli_reference import cli_reference, graph_page
from tools.project_file import with_keys
from tools.reference import reference
from tools.schema import stack_schema

ROOT = Path(__file__).resolve().parent.parent


def wanted() -> dict[str, str]:
    """Path below the repository to text, for every generated file."""
    built = {
        "schema/stack.schema.json": json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n",
        "docs/configuration.md": reference(),
        "docs/cli.md": cli_reference(),
        "docs/graph.md": graph_page(ROOT),
        "README.md": _with_graph((ROOT / "README.md").read_text(encoding="utf-8")),
    }
    built["Pulumi.yaml"] = with_keys((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))
    for stack in stacks(ROOT):
        rendered = files(evaluate(read(ROOT, stack)))
        rendered[MARKER] = marker(rendered)
        built |= {f"rendered/{stack}/{name}": text for name, text in rendered.items()}
    return built


def _with_graph(page: str) -> str:
    """The page with its one drawing as development's stack file has it."""
    settings, _ = load(read(ROOT, "dev"))
    before, _, rest = page.partition("```mermaid\n")
    return f"{before}```mermaid\n{mermaid(settings)}\n```{rest.partition('```')[2]}"


def stale(built: dict[str, str]) -> dict[str, str]:
    """What is wrong with the files as they lie, by path."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "rendered").rglob("*") if path.is_file()}
    wrong = dict.fromkeys(found - set(built), "left over")
    for name, text in built.items():
        path = ROOT / name
        if not path.is_file():
            wrong[name] = "missing"
        elif path.read_text(encoding="utf-8") != text:
            wrong[name] = "not current"
    return wrong


def main() -> int:
    """Exit status 1 where a check finds something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    built = wanted()
    wrong = stale(built)
    for name, why in sorted(wrong.items()):
        print(f"{name}: {why}" if check else f"writing {name}")
    if check:
        if wrong:
            print("error: generated files are not current; run make goldens", file=sys.stderr)
        return 1 if wrong else 0
    for name in wrong:
        path = ROOT / name
        if name not in built:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(built[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The rules that must hold, read from the code itself."""

import ast
import platform
import re
import subprocess
import sys
from pathlib import Path

import jinja2
import jinja2.meta
import pytest

from staffing.web import rendering

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("platform", "matching", "billing", "client_portal")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations/versions" not in str(path)
)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if path.parent.name != "ui"]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_standard_librarys_platform_is_still_importable_from_the_root() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.system())"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == platform.system()
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_only_one_place_commits() -> None:
    places = [relative(path) for path in SOURCES if re.search(r"\.commit\(", path.read_text())]
    # The payment sandbox is another program's database; it stands alone.
    places = [place for place in places if not place.startswith("billing/sandbox/")]
    assert places == ["platform/staffing/persistence/transactions.py"]


def test_only_the_clock_asks_what_time_it_is() -> None:
    asking = re.compile(r"datetime\.now\(|datetime\.utcnow\(|date\.today\(|\btime\.time\(")
    places = [relative(path) for path in SOURCES if asking.search(path.read_text())]
    places = [place for place in places if not place.startswith("billing/sandbox/")]
    assert places == ["platform/staffing/clock.py"]


def test_only_the_edge_imports_stripe() -> None:
    places = []
    for path in SOURCES:
        imported = {name.split(".")[0] for name in _imports(path)}
        at_the_edge = relative(path).startswith(("billing/stripe/", "billing/sandbox/"))
        if "stripe" in imported and not at_the_edge:
            places.append(relative(path))
    assert places == []


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_module_is_longer_than_four_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_no_template_is_longer_than_two_hundred_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_no_template_goes_round_the_escaping_or_the_content_security_policy(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert "|safe" not in text.replace(" ", "")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:|\bjs:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_a_page_reads_one_variable_and_a_fragment_reads_one(path: Path) -> None:
    source = path.read_text()
    tree = rendering.templates.parse(source)
    read = jinja2.meta.find_undeclared_variables(tree) - set(rendering.templates.globals) - _declared(tree)
    assert read <= ({"row"} if path.name.startswith("_") else {"page", "row"} & ({"page"} | _included(source)))


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_every_template_compiles(path: Path) -> None:
    rendering.templates.get_template(str(path.relative_to(ROOT / "templates")))


def _declared(tree: jinja2.nodes.Template) -> set[str]:
    """Names that the template makes itself: macros, imported or its own, and what it sets."""
    names: set[str] = set()
    for imported in tree.find_all(jinja2.nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in imported.names}
    names |= {imported.target for imported in tree.find_all(jinja2.nodes.Import)}
    names |= {macro.name for macro in tree.find_all(jinja2.nodes.Macro)}
    for assigned in tree.find_all((jinja2.nodes.Assign, jinja2.nodes.AssignBlock)):
        names |= {node.name for node in assigned.target.find_all(jinja2.nodes.Name)} | (
            {assigned.target.name} if isinstance(assigned.target, jinja2.nodes.Name) else set()
        )
    return names


def _included(source: str) -> set[str]:
    """`row` may be set by a page that includes fragments."""
    return {"row"} if "{% include" in source else set()


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_every_icon_named_in_the_rail_is_in_the_sprite() -> None:
    from staffing.app import NAVIGATION
    from staffing.web.formatting import STATIC

    known = set(re.findall(r'id="([a-z0-9-]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    assert {item.icon for items in NAVIGATION.values() for item in items} <= known


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_every_icon_named_in_a_template_is_in_the_sprite(path: Path) -> None:
    from staffing.web.formatting import STATIC

    known = set(re.findall(r'id="([a-z0-9-]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    named = set(re.findall(r"""\bicon\(\s*['"]([a-z0-9-]+)['"]""", path.read_text()))
    named |= set(re.findall(r"""\bicon=['"]([a-z0-9-]+)['"]""", path.read_text()))
    assert named <= known

"""Writes a page for Sphinx and a test for pytest."""

from pathlib import Path

folder = Path("page")
folder.mkdir()
(folder / "index.md").write_text("# A page\n\nA line.\n")
(folder / "test_page.py").write_text("def test_sum() -> None:\n    assert 1 + 1 == 2\n")

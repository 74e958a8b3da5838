"""The documentation site, built by `make docs`: every page for readers, also those that live beside the code they describe."""

project = "r1lite"
copyright = "the r1lite authors"
html_title = "r1lite"

# The source is the whole repository, so a link works the same on the site and where the files are browsed.
include_patterns = ["docs/**", "examples/**", "bench/RESULTS.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "runs", "models", "build", "dist", "outputs", "multirun", "envs"]
root_doc = "docs/index"

extensions = ["myst_parser"]
myst_heading_anchors = 3  # links to headings are checked
highlight_language = "text"

html_theme = "furo"
templates_path = ["_templates"]
html_additional_pages = {"index": "redirect.html"}
html_copy_source = False

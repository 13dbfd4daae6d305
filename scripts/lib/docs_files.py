"""A hook of mkdocs: what belongs to the site and does not lie in docs/.

KaTeX, so that formulas are drawn without a network, and the API reference that Doxygen has written. Links to headers,
which on the repository's own page lead to the file, lead to the reference here.
"""

import os
import re
from pathlib import Path
from xml.etree import ElementTree

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "build" / "api"
JAVASCRIPT = Path("/usr/share/javascript")  # where Debian and Ubuntu have it

pages_of_headers = {}


def on_config(config):
    """Which page of the reference is that of a header, by Doxygen's own list."""
    for compound in ElementTree.parse(REFERENCE / "rival.tag").iter("compound"):
        if compound.get("kind") == "file":
            header = Path(compound.findtext("path"), compound.findtext("name"))
            pages_of_headers[str(header.relative_to(ROOT))] = "api/" + compound.findtext("filename")
    return config


def on_files(files, config):
    for folder, pattern in ((JAVASCRIPT, "katex/*"), (JAVASCRIPT, "katex/*/*"), (REFERENCE.parent, "api/**/*")):
        for path in sorted(folder.glob(pattern)):
            if path.is_file() and path.suffix not in (".mjs", ".ttf", ".tag", ".map", ".xml"):
                files.append(File(str(path.relative_to(folder)), str(folder), config["site_dir"], False))
    return files


def on_page_markdown(markdown, page, config, files):
    here = os.path.dirname(page.file.src_uri)

    def to_reference(match):
        target = os.path.normpath(os.path.join("docs", here, match[1]))
        if not target.startswith("include/"):
            return match[0]  # which mkdocs complains of if it leaves docs/
        if target not in pages_of_headers:
            raise SystemExit(f"docs: {page.file.src_uri} links to {match[1]}, which is not in the API reference")
        return f"]({os.path.relpath(pages_of_headers[target], here or '.')})"

    return re.sub(r"\]\(([^)#\s]+\.h(?:pp)?)\)", to_reference, markdown)

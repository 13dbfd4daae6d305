#!/usr/bin/env python3
"""links.py SITE: every link of the site's pages leads to a file and a place in it, and nothing is taken from elsewhere.

The API reference's own pages are Doxygen's affair; links into it are checked as all others.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(sys.argv[1]).resolve()


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.places, self.links, self.parts = {""}, [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        have = dict(attributes)
        self.places.update(have[key] for key in ("id", "name") if have.get(key))
        if tag in ("img", "script", "source") and have.get("src"):
            self.parts.append(have["src"])
        elif tag == "link" and have.get("rel") != "canonical" and have.get("href"):
            self.parts.append(have["href"])
        elif tag == "a" and have.get("href"):
            self.links.append(have["href"])


pages, faults, count = {}, [], 0


def page_of(path):
    if path not in pages:
        pages[path] = Page(path)
    return pages[path]


for path in sorted(SITE.rglob("*.html")):
    if path.relative_to(SITE).parts[0] == "api" or path.name == "404.html":
        continue
    page = page_of(path)
    for link in page.links + page.parts:
        count += 1
        url = urlsplit(link)
        if url.scheme or url.netloc:
            if link in page.parts and url.scheme != "data":
                faults.append(f"{path.relative_to(SITE)}: takes {link} from elsewhere")
            continue
        target = (path.parent / unquote(url.path)).resolve() if url.path else path
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            faults.append(f"{path.relative_to(SITE)}: {link} leads nowhere")
        elif target.suffix == ".html" and unquote(url.fragment) not in page_of(target).places:
            faults.append(f"{path.relative_to(SITE)}: there is no place {url.fragment} in {url.path or 'it'}")

print("\n".join(faults))
print(f"{count} links, {len(faults)} faults")
sys.exit(1 if faults or count < 1000 else 0)

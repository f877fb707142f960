"""Asynchronous scraping: pages are fetched at once, a generation of links after another."""

import asyncio
import re

import aiohttp

from headgate import flow, task

LINK = re.compile(r'href="(/[^"]*)"')
TITLE = re.compile(r"<title>(.*?)</title>")


@task(retries=3, retry_delay_seconds=0.1, tags=["http"])
async def fetch(site: str, path: str) -> str:
    """Return a page."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(site + path) as page:
        page.raise_for_status()
        return await page.text()


@flow
async def scrape_site(site: str, start: str = "/site/") -> dict[str, str]:
    """Return the title of every page that can be reached, by its path."""
    titles: dict[str, str] = {}
    paths = [start]
    while paths:
        pages = await asyncio.gather(*(fetch(site, path) for path in paths))
        for path, page in zip(paths, pages, strict=True):
            found = TITLE.search(page)
            titles[path] = found[1] if found else ""
        links = {link for page in pages for link in LINK.findall(page)}
        paths = sorted(links - titles.keys())
    return dict(sorted(titles.items()))


if __name__ == "__main__":
    print(asyncio.run(scrape_site("http://127.0.0.1:8000")))

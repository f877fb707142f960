"""Samples: results, and files."""

import asyncio
from pathlib import Path


async def gather(one, other):
    # ruleid: results-are-looked-at
    await asyncio.gather(one, other, return_exceptions=True)
    # ok: results-are-looked-at
    await asyncio.gather(one, other)


async def reap(task):
    task.cancel()
    # ok: results-are-looked-at
    await asyncio.gather(task, return_exceptions=True)


def read(request, sent, folder, name):
    # ruleid: files-of-callers-stay-away
    open(request.query_params["file"])
    # ruleid: files-of-callers-stay-away
    Path(sent.path)
    # ruleid: files-of-callers-stay-away
    folder.joinpath(request.path_params["name"])
    # ok: files-of-callers-stay-away
    folder.joinpath("page.html")
    # ok: files-of-callers-stay-away
    Path(name)

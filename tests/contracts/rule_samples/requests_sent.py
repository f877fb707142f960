"""Samples: requests that are sent, and certificates that are looked at."""

import ssl
import urllib.request

import aiohttp
import httpx2
import requests


async def send(url, context, GuardedTransport, AsyncOAuth2Client, guard, store):
    # ruleid: requests-go-through-the-guard
    client = httpx2.AsyncClient(timeout=5)
    # ruleid: requests-go-through-the-guard
    httpx2.get(url)
    # ruleid: requests-go-through-the-guard
    urllib.request.urlopen(url)
    # ruleid: requests-go-through-the-guard
    aiohttp.ClientSession()
    # ruleid: requests-go-through-the-guard
    requests.post(url)
    # ruleid: requests-go-through-the-guard
    AsyncOAuth2Client(client_id="x")
    # ok: requests-go-through-the-guard
    httpx2.AsyncClient(transport=GuardedTransport(guard))
    # ok: requests-go-through-the-guard
    AsyncOAuth2Client(client_id="x", transport=GuardedTransport(guard))
    # ok: requests-go-through-the-guard
    store.get(url)
    # ruleid: certificates-are-verified
    context.check_hostname = False
    # ruleid: certificates-are-verified
    context.verify_mode = ssl.CERT_NONE
    # ruleid: certificates-are-verified
    ssl._create_unverified_context()
    # ruleid: certificates-are-verified
    store.open(url, verify=False)
    # ok: certificates-are-verified
    context.verify_mode = ssl.CERT_REQUIRED
    # ok: certificates-are-verified
    store.open(url, verify=context)
    return client

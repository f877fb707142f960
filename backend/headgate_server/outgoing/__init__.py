"""Requests that the server sends: every one to an address that an operator did not fix leaves here.

Webhooks and what a provider tells of its addresses lead where others want. So a URL is refused
that readers of URLs may understand in two ways, a name is resolved once, every address of it must
be public, and the connection goes to one of exactly those.
"""

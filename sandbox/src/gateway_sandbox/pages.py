"""What a payer sees: what is to be paid, and two buttons."""

from html import escape

from aiohttp import web

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{provider} sandbox</title>
<style>body{{font:1.1rem/1.5 system-ui;max-width:30rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.6rem 1.4rem;margin-right:.6rem;border-radius:.4rem;border:1px solid #888}}
button[value=yes]{{background:#0a6;color:#fff;border-color:#0a6}}</style>
<h1>{provider} <small>sandbox</small></h1><p>{shown}</p>{rest}"""
BUTTONS = """<form method="post"><button name="pays" value="yes">Pay</button><button name="pays" value="no">Decline
</button></form><p><small>No money moves here.</small></p>"""


def html(name: str, shown: str, rest: str) -> web.Response:
    """A page of that provider. rest: HTML that goes below."""
    text = PAGE.format(provider=escape(name), shown=escape(shown), rest=rest)
    return web.Response(text=text, content_type="text/html")

"""The form in which people give a token. Complete in itself: no script, no outside asset."""

import base64
import hashlib
from html import escape
from typing import Final

from aiohttp import web

from agents.web.access import Role

_STYLE: Final = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 24rem; margin: 15vh auto 0; padding: 0 1.5rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem }
label { display: block; font-weight: 600; margin: 1.5rem 0 .35rem }
input, button { font: inherit; padding: .55rem .75rem; border-radius: .4rem; border: 1px solid #8888; width: 100% }
input, button { box-sizing: border-box }
button { margin-top: 1rem; font-weight: 600; cursor: pointer; background: #1b4d9e; color: #fff; border-color: #1b4d9e }
:focus-visible { outline: 3px solid #5b9dff; outline-offset: 2px }
.wrong { color: #b3161b; font-weight: 600 }
@media (prefers-color-scheme: dark) { .wrong { color: #ff8a8a } }
"""
_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_ASKED_FOR: Final[dict[Role, str]] = {
    "operator": "This page is for operators: SKILLSTREAM_WEB_TOKEN.",
    "reader": "This page tells of students: SKILLSTREAM_READER_TOKEN.",
}


def sign_in_form(to: str, role: Role, *, status: int = 200, problem: str = "") -> web.Response:
    """The form; who signs in is led to the path `to`."""
    wrong = f'<p class="wrong" role="alert" id="wrong">{escape(problem)}</p>' if problem else ""
    described = ' aria-describedby="wrong" aria-invalid="true"' if problem else ""
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in · skillstream</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>skillstream</h1>
<p>{_ASKED_FOR.get(role, "Operators and readers of students' pages sign in with their token.")}</p>
{wrong}
<form method="post" action="/sign-in">
<input type="hidden" name="to" value="{escape(to)}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus{described}>
<button>Sign in</button>
</form>
</main>
</body>
</html>
"""
    headers = {"Content-Security-Policy": _POLICY} | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    return web.Response(text=page, content_type="text/html", status=status, headers=headers)

"""The frame of every HTML page that we write: one file that loads nothing.

The policy in its head forbids scripts and the network, whatever a dataset's names hold;
callers escape them all the same.
"""

from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{base}{style}</style>
</head>
<body><main>
{body}
</main></body>
</html>
"""

_BASE = """
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5c6675; --line: #dfe3e8;
 --paper: #fff; --card: #f6f7f9; --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --soft: #9aa4b2;
 --line: #333a45; --paper: #14181f; --card: #1c222b; --accent: #5cb3e6; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
 font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; }
main { max-width: 1320px; margin: 0 auto; padding: 2rem 1rem 4rem; }
"""


def page(title: str, style: str, body: str) -> str:
  """A whole page.

  Args:
    title: text; escaped here.
    style: CSS after the common one, with --ink, --soft, --line, --paper, --card and
      --accent, which change between light and dark.
    body: HTML of the main part.
  """
  return _PAGE.format(title=escape(title), base=_BASE, style=style, body=body)

"""The pages of the mail catcher, as HTML. Nothing of a mail gets into them unescaped."""

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from iew.embedded.maildrop import Mail

ADDRESS: Final = re.compile(r"https?://[^\s<>\"')\]]+")
STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 1.5rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: start; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #8886; }
th { white-space: nowrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #8886; padding: .8rem; }
iframe { width: 100%; height: 36rem; border: 1px solid #8886; background: #fff; color-scheme: light; }
"""


def list_of(mails: Sequence[Mail], *, total: int) -> str:
    """The page that lists the newest mails. total: how many there are in all."""
    if not mails:
        return _page("Mails", "<h1>Mails</h1><p>No mail has arrived yet. Mails of this installation come here.</p>")
    rows = "".join(
        f"<tr><td>{_time(mail)}</td><td>{escape(', '.join(mail.to))}</td>"
        f'<td><a href="/messages/{mail.id}">{escape(mail.subject) or "(no subject)"}</a></td></tr>'
        for mail in mails
    )
    more = f"<p>The newest {len(mails)} of {total}.</p>" if total > len(mails) else ""
    head = "<thead><tr><th scope=col>Received (UTC)</th><th scope=col>To</th><th scope=col>Subject</th></tr></thead>"
    return _page("Mails", f"<h1>Mails</h1>{more}<table>{head}<tbody>{rows}</tbody></table>")


def page_of(mail: Mail) -> str:
    """The page of one mail: its HTML in a sandbox, its text with links, and its headers."""
    here = f"/messages/{mail.id}"
    parts = [
        f'<p><a href="/">All mails</a></p><h1>{escape(mail.subject) or "(no subject)"}</h1>',
        f"<p>{_time(mail)} UTC, from {escape(mail.sender) or '(nobody)'} to {escape(', '.join(mail.to))}</p>",
    ]
    if mail.text:
        parts.append(f"<h2>Text</h2><pre>{_with_links(mail.text)}</pre>")
    if mail.html:
        sandbox = "allow-popups allow-popups-to-escape-sandbox"
        parts.append(
            f'<h2>HTML</h2><iframe title="The HTML of the mail" sandbox="{sandbox}" src="{here}/html"></iframe>'
        )
    if mail.attachments:
        links = "".join(
            f'<li><a href="{here}/attachments/{number}">{escape(a.name)}</a> ({escape(a.content_type)})</li>'
            for number, a in enumerate(mail.attachments)
        )
        parts.append(f"<h2>Attachments</h2><ul>{links}</ul>")
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in mail.headers
    )
    parts.append(f'<h2>Headers</h2><table>{rows}</table><p><a href="{here}/source">Source</a></p>')
    return _page(mail.subject or "Mail", "".join(parts))


def framed(html: str) -> str:
    """The HTML of a mail, whose links open in a window of their own."""
    return f'<base target="_blank">{html}'


def _time(mail: Mail) -> str:
    return escape(mail.received_at[:19].replace("T", " "))


def _with_links(text: str) -> str:
    """Escaped text in which web addresses are links."""
    pieces, end = [], 0
    for found in ADDRESS.finditer(text):
        address = found.group().rstrip(".,;:!?")
        pieces.append(escape(text[end : found.start()]))
        pieces.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        end = found.start() + len(address)
    return "".join(pieces) + escape(text[end:])


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head><body>{body}</body></html>'

"""Runs alone, by its path and with `python -I`: HTML and attachments in on stdin, a PDF out. Fetches nothing.

A process of its own, because WeasyPrint keeps hundreds of megabytes after a large report, and so that what a page holds can
reach neither the network nor a file: only `data:` addresses are opened.
"""

from __future__ import annotations

import base64
import json
import logging
import resource
import sys
from datetime import datetime
from typing import Any


def main() -> int:
    """Print {"pdf": base64, "pages": n, "refused": [...]} for the job on stdin."""
    job: dict[str, Any] = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (job["memory"], job["memory"]))
    from weasyprint import CSS, HTML, Attachment  # noqa: PLC0415 - after the limit is set
    from weasyprint.urls import URLFetcher  # noqa: PLC0415 - as above

    refused: list[str] = []
    logging.getLogger("weasyprint").addHandler(_Collect(refused))
    fetcher = URLFetcher(allowed_protocols=("data",))
    written = datetime.fromisoformat(job["written"])
    files = [
        Attachment(
            string=base64.b64decode(file["data"]),
            name=file["name"],
            description=file["about"],
            relationship=file["relationship"],
            created=written,
            modified=written,
        )
        for file in job["files"]
    ]
    style = CSS(string=job["css"], url_fetcher=fetcher, base_url="data:,")
    options: dict[str, Any] = {
        "stylesheets": [style],
        "pdf_variant": "pdf/a-3a",
        "attachments": files,
        "pdf_identifier": bytes.fromhex(job["identifier"]),
    }
    document = HTML(string=job["html"], url_fetcher=fetcher, base_url="data:,").render(**options)
    pdf = document.write_pdf(**options)
    json.dump({"pdf": base64.b64encode(pdf).decode(), "pages": len(document.pages), "refused": refused}, sys.stdout)
    return 0


class _Collect(logging.Handler):
    """Keeps WeasyPrint's complaints about what it did not load."""

    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.ERROR)
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.into) < 20:  # enough to see what was wrong
            self.into.append(record.getMessage()[:300])


if __name__ == "__main__":
    raise SystemExit(main())

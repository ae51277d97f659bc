"""One function for each command: arguments in, words or JSON out, an exit code back."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from countersign.client import JSON, Client
from countersign.settings import known_trust, save, site_address
from countersign.submitting import USES
from countersign.submitting import submit as hand_in
from countersign.verify import cli as verifying

ALLOWED, NOT_ALLOWED = 0, 3


class Unusable(Exception):
    """An argument or a file cannot be used; the message says why and what to do."""


def login(args: argparse.Namespace) -> int:
    """The address, the key and the site's public keys are saved for later commands."""
    url = site_address(args.url)
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
        print("countersign: http:// sends your key in the clear, and others can replace what you trust.", file=sys.stderr)
    client = Client(url, _key(args))
    me, trust = client.me(), client.trust()
    save(client.settings, trust=trust)
    file = client.settings.trust_file
    words = [f"Signed in to {url} as {me.get('name') or me.get('email') or 'you'}."]
    words += [f"Its public keys are kept in {file}. Compare them with what the site's administrator says, over another way:"]
    words += [f"  log key             {trust.get('log_key')}", f"  report certificate  {trust.get('report_certificate_sha256')}"]
    return say(args, {"url": url, "trust_file": str(file), "trust": trust, "me": me}, "\n".join(words))


def _key(args: argparse.Namespace) -> str:
    """From the file, from COUNTERSIGN_KEY, or typed; never an argument, which everybody on the machine could read."""
    if args.key_file:
        return _text(args.key_file).strip()
    if os.environ.get("COUNTERSIGN_KEY"):
        return os.environ["COUNTERSIGN_KEY"].strip()
    if not sys.stdin.isatty():
        raise Unusable("There is nobody to ask for the key: give it with --key-file FILE or in COUNTERSIGN_KEY.")
    return getpass.getpass("API key: ").strip()


def submit(args: argparse.Namespace) -> int:
    """A checkpoint is handed in; with --wait the exit code says whether anything but signatures is missing."""
    client = Client()
    done = hand_in(
        given_file(args.checkpoint),
        model_name=args.model,
        data={use: getattr(args, use) for use in USES},
        card=given_object(args.card),
        architecture=given_object(args.architecture) if args.architecture else None,
        reading=given_object(args.reading) if args.reading else None,
        curves=given_object(args.curves) if args.curves else None,
        note=args.note,
        environment=args.environment,
        send_code_to_review=args.send_code,
        client=client,
        progress=None if args.json or not sys.stderr.isatty() else _progress,
    )
    name, review = done.version["name"], done.review["id"]
    if not args.wait:
        return say(args, {"version": done.version, "review": done.review}, f"{name} is submitted. Its review is {review}.")
    approval = client.wait(done.id, environment=args.environment)
    return _standing(args, client.get(f"versions/{done.id}/"), approval)


def status(args: argparse.Namespace) -> int:
    """Where a version stands: exit code 0 when its approval holds, 3 when it does not."""
    client = Client()
    version = client.version(args.name)
    if args.wait:
        client.wait(version["id"], environment=args.environment)
        version = client.get(f"versions/{version['id']}/")
    return _standing(args, version, client.approval(version["id"], environment=args.environment))


def pull(args: argparse.Namespace) -> int:
    """The checkpoint lies in a file whose digest is the registered one."""
    client = Client()
    version = client.version(args.name)
    if not version["checkpoint_digest"]:
        raise Unusable(f"{version['name']} has no checkpoint yet.")
    target = Path(args.output) if args.output else _free_name(version)
    digest = client.fetch(f"versions/{version['id']}/checkpoint/", target, expected=version["checkpoint_digest"])
    return say(
        args, {"file": str(target), "digest": digest, "version": version["name"]}, f"{version['name']} is in {target} ({digest})."
    )


def _free_name(version: JSON) -> Path:
    """The file's own name in this folder. It comes from elsewhere, so it replaces nothing and hides nothing."""
    name = Path(version["checkpoint_name"]).name
    plain = name if name.isprintable() and name.strip(". ") and not name.startswith(".") else ""
    target = Path(plain or f"{version['model_name']}-v{version['number']}")
    if target.exists():
        raise Unusable(f"{target} exists already; name another file with -o.")
    return target


def report(args: argparse.Namespace) -> int:
    """A fresh report is saved as a PDF."""
    client = Client()
    version = client.version(args.name)
    asked = client.make_report(version["id"], environment=args.environment)
    target = Path(args.output)
    made = client.fetch_report(asked["id"], target)
    return say(args, made | {"file": str(target)}, f"The report of {version['name']} is in {target}. Verify it: {_how(target)}")


def verify(args: argparse.Namespace) -> int:
    """As `countersign.verify` says; without --trust, by the keys that were saved at login."""
    if args.trust is None and (saved := known_trust()):
        args.trust = str(saved)
    return verifying.run(args)


def verify_signature(args: argparse.Namespace) -> int:
    """The record of one signature, as `verify` does a report."""
    if args.trust is None and (saved := known_trust()):
        args.trust = str(saved)
    return verifying.run_signature(args)


def _how(report: Path) -> str:
    return f"countersign verify {report}" if known_trust() else f"countersign verify {report} --trust FILE"


def _standing(args: argparse.Namespace, version: JSON, approval: JSON) -> int:
    lines = [f"{version['name']}: {version['state'].replace('_', ' ')}"]
    inspection = version.get("inspection") or {}
    if inspection.get("verdict") == "refused":
        lines += [f"  - {reason['sentence']} {reason.get('remedy', '')}".rstrip() for reason in inspection["reasons"]]
    lines += [f"  {check['outcome']}: {check['sentence']}" for run in approval["evaluations"] for check in run["checks"]]
    lines += (
        ["The approval holds."]
        if approval["holds"]
        else ["The approval does not hold:", *(f"  - {reason}" for reason in approval["reasons"])]
    )
    say(args, {"version": version, "approval": approval}, "\n".join(lines))
    return ALLOWED if approval["holds"] else NOT_ALLOWED


def say(args: argparse.Namespace, facts: Any, words: str) -> int:
    print(json.dumps(facts, indent=1) if args.json else plain(words))
    return 0


def plain(words: str) -> str:
    """Without signs that steer a terminal: names and reasons come from elsewhere."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in words)


def _progress(done: int, size: int) -> None:
    print(f"\r{done / 2**20:,.0f} of {size / 2**20:,.0f} MiB sent", end="\n" if done == size else "", file=sys.stderr, flush=True)


def given_file(name: str) -> Path:
    path = Path(name)
    if not path.is_file():
        raise Unusable(f"There is no file {name}.")
    return path


def _text(name: str) -> str:
    try:
        return given_file(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{name} cannot be read as text.") from error


def given_object(name: str) -> JSON:
    try:
        found = json.loads(_text(name))
    except ValueError as error:
        raise Unusable(f"{name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise Unusable(f"{name} holds no JSON object.")
    return found

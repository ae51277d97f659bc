"""What looks like a secret in a patch or a lock file. A net with known holes: it refuses what it recognises, and proves nothing.

Only kinds and places are told, never the text that was found.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

_SHAPES: tuple[tuple[str, str], ...] = (
    ("a private key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY|PuTTY-User-Key-File-|AGE-SECRET-KEY-1"),
    ("a key of AWS", r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"),
    ("a token of GitHub", r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a token of GitLab", r"(?<![A-Za-z0-9])gl(?:pat|ptt|dt|rt|soat)-[A-Za-z0-9_-]{16,}"),
    ("a token of Slack", r"(?<![A-Za-z0-9])xox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T"),
    ("a key of Google", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}|\"private_key_id\"|(?<![A-Za-z0-9])ya29\.[A-Za-z0-9_-]{20,}"),
    ("a key of OpenAI or Anthropic", r"(?<![A-Za-z0-9])sk-(?:(?:ant|proj|svcacct)-[A-Za-z0-9_-]{16,}|[A-Za-z0-9]{32,})"),
    ("a key of Stripe", r"(?<![A-Za-z0-9])(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("a token of Hugging Face", r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    (
        "a token of a package registry",
        r"(?<![A-Za-z0-9])(?:npm_[A-Za-z0-9]{30,}|pypi-AgE[A-Za-z0-9_-]{20,}|_authToken\s*=\s*\S{8,})",
    ),
    ("a token of Databricks", r"(?<![A-Za-z0-9])dapi[0-9a-f]{32}"),
    (
        "a key of SendGrid, Twilio or DigitalOcean",
        r"SG\.[\w-]{16,100}\.[\w-]{16}|(?<!\w)SK[0-9a-f]{32}(?!\w)|do[opr]_v1_[0-9a-f]{40,}",
    ),
    ("a key of Countersign", r"(?<![A-Za-z0-9])cs_[0-9a-f]{12}_[A-Za-z0-9_-]{20,}"),
    ("an access key of Azure", r"(?:AccountKey|SharedAccessKey|sig)=[A-Za-z0-9+/%]{30,}"),
    ("a signed web token", r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\."),
    ("an authorization header", r"(?i:authorization)\W{1,4}(?i:bearer|basic|token)\s+[A-Za-z0-9+/=._-]{12,}"),
    (
        "an address with a password",
        r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/@\s:'\"]{0,200}:[^/@\s'\"<>{}$*]{3,300}@",
    ),
    ("a line of .netrc", r"(?m:^[+\- ]?\s*(?:machine\s+\S+\s+)?login\s+\S+\s+password\s+\S+)"),
)
_KNOWN = tuple((kind, re.compile(shape)) for kind, shape in _SHAPES)

_FILES = (
    *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".pypirc", ".npmrc", ".htpasswd", ".git-credentials"),
    *(
        "id_rsa*",
        "id_dsa*",
        "id_ecdsa*",
        "id_ed25519*",
        "*.pem",
        "*.key",
        "*.p12",
        "*.pfx",
        "*.jks",
        "*.kdbx",
        "*.ppk",
        "*.keystore",
    ),
    *("credentials", "credentials.*", "secrets.*", "secret.*", "service-account*.json", "service_account*.json", "kubeconfig"),
)
_HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "secrets.py", "secret.py", "credentials.py")

# password = "…", apiKey: '…', SECRET_TOKEN=…; a name begins where no longer one does, or a long line would be read quadratically
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,80})[\"']?\s{0,10}(?::=|[=:])\s{0,10}"
    r"(?:(?P<mark>[\"'`])(?P<quoted>[^\"'`\n]{4,400})(?P=mark)|(?P<bare>[^\s\"'`,;#]{4,120}))"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORDS = {"password", "passwd", "passphrase", "pwd", "passwort"}
_TOKENS = {"secret", "secrets", "token", "tokens", "apikey", "credential", "credentials", "auth", "bearer"}
_KEYS = {"api", "access", "private", "secret", "auth", "signing", "encryption", "account", "master", "service", "client"}
_MARKS = {
    "pad",
    "eos",
    "bos",
    "unk",
    "mask",
    "sep",
    "cls",
    "special",
    "next",
    "image",
    "start",
    "end",
}  # tokens of a language model
_PLACEHOLDER = re.compile(
    r"(?i)[<\[{$%*]|\.{3}|x{4,}|(?:your|my|change|example|placeholder|dummy|redacted|secret|password|token|none|null)(?:\b|_)"
)
_CODE = re.compile(r".*[(\[]|(?:os|sys|self|args|config|settings|cfg|env|environ|request|true|false)\b")  # names, calls, look-ups


def secret_in_names(names: Iterable[bytes]) -> str:
    """The first of these files that people keep secrets in, as “the file NAME”; nothing where there is none."""
    for name in names:
        text = name.decode("utf-8", "replace")
        last = PurePosixPath(text).name.lower()
        if any(fnmatchcase(last, shape) for shape in _FILES) and not any(fnmatchcase(last, shape) for shape in _HARMLESS):
            return f"the file {_shown(text)}, in which secrets are kept"
    return ""


def secret_in_patch(patch: bytes) -> str:
    """What kind of secret a patch seems to hold and in which file; nothing where none was recognised."""
    file, header = "", True
    for line in patch.decode("utf-8", "replace").splitlines():
        if line.startswith("diff --git "):
            file, header = line.rpartition(" b/")[2].strip('"'), True
        elif line.startswith("@@"):
            header = False
        elif not header and (kind := secret_in_line(line[1:])):
            return f"{kind} in {_shown(file)}"
    return ""


def secret_in_text(content: bytes) -> str:
    """What kind of secret a file seems to hold and in which line; nothing where none was recognised."""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        if kind := secret_in_line(line):
            return f"{kind} in line {number}"
    return ""


def secret_in_line(line: str) -> str:
    """The kind of secret in one line of text, if any is recognised."""
    for kind, shape in _KNOWN:
        if shape.search(line):
            return kind
    place = 0
    while found := _ASSIGNED.search(line, place):
        if kind := _assigned(found["name"], found["quoted"] or "", found["bare"] or ""):
            return kind
        place = found.end("name")  # what looks like its value may begin with the next name, as in {outer: {inner: …
    return ""


def _assigned(name: str, quoted: str, bare: str) -> str:
    value = quoted or bare
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or _PLACEHOLDER.match(value) or (bare and _CODE.match(bare)):
        return ""
    # Of a password any text between quotation marks is one; without them it could be the name of a variable.
    a_password = bool(_PASSWORDS & set(words)) and (bool(quoted) or _random(bare, length=8, bits=2.5))
    a_token = bool(_TOKENS & set(words)) and not _MARKS & set(words)
    a_key = words[-1] in {"key", "keys"} and bool(_KEYS & set(words))
    if a_password or ((a_token or a_key) and _random(value, length=12, bits=3.0)):
        return f"a value of “{name[:40]}”"
    return ""


def _random(value: str, *, length: int, bits: float) -> bool:
    """Letters and digits in no order that a word has."""
    mixed = any(sign.isdigit() for sign in value) and any(sign.isalpha() for sign in value)
    return mixed and len(value) >= length and entropy(value) >= bits


def entropy(text: str) -> float:
    """Shannon's, in bits for each character."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _shown(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name)[:120]

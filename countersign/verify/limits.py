"""How much of a file the verifier is willing to read. A report of thousands of entries stays far below each of these."""

from __future__ import annotations

FILE_BYTES = 256 << 20
PDF_OBJECTS = 1_000_000
PDF_DEPTH = 64  # arrays and dictionaries inside one another; real reports need fewer than ten
PDF_NUMBER_CHARACTERS = 24
STREAM_BYTES = 128 << 20  # one stream, decompressed
ALL_STREAMS_BYTES = 512 << 20  # all streams of one file that are decompressed
CMS_BYTES = 64 << 10
ATTACHMENTS = 1_000
JSON_DEPTH = 64
JSON_NUMBER_CHARACTERS = 32
LOG_ENTRIES = 200_000
PROOF_HASHES = 63  # a log index fits into 63 bits
NOTE_BYTES = 64 << 10
TRUST_BYTES = 64 << 10
ENVELOPE_BYTES = 1 << 20
SIGNATURES = 8  # of one envelope

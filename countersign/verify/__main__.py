"""`python -m countersign.verify FILE --trust FILE`: the verifier by itself."""

from __future__ import annotations

from countersign.verify.cli import main

raise SystemExit(main())

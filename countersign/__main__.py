"""`python -m countersign`: the command line where the script is not on the path."""

from countersign.cli import main

raise SystemExit(main())

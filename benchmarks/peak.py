"""The greatest memory of an evaluation of a million rows against one of ten thousand, each in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys

from benchmarks.results import Result

FEW, MANY = 10_000, 1_000_000


def many_rows_against_few() -> list[Result]:
    """At most 1.3 times as much: nothing that is kept grows with the rows."""
    few, many = (_peak(rows) for rows in (FEW, MANY))
    how = (
        f"peak resident memory of the process, performance, calibration and slices: {many / 2**20:.0f} MiB at {MANY:,} rows ÷ "
        f"{few / 2**20:.0f} MiB at {FEW:,} rows, the same batch"
    )
    return [Result("evaluation_memory", many / few, 1.3, "at most", how)]


def _peak(rows: int) -> int:
    """Bytes; the file is written by another process, so that only the evaluation's own memory counts."""
    command = [sys.executable, "-m", "benchmarks.peak", str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.splitlines()[-1])


def main() -> None:
    """Write the rows in a child, evaluate them here, print the peak in bytes."""
    rows = int(sys.argv[1])
    if len(sys.argv) > 2:
        from benchmarks.evaluating import digits, written  # noqa: PLC0415 - torch only where it is needed

        written(*digits(rows), sys.argv[2])
        return
    import tempfile  # noqa: PLC0415 - as above
    from pathlib import Path  # noqa: PLC0415 - as above

    import torch  # noqa: PLC0415 - as above

    from benchmarks.evaluating import digits_cnn, evaluated  # noqa: PLC0415 - as above

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "benchmarks.peak", str(rows), str(folder / "data")], check=True)
        evaluated(digits_cnn(), folder)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


if __name__ == "__main__":
    main()

"""Runs a program on untrusted bytes: `run(module, inputs=…, job=…, need=Level.L2)` in a jailed child process.

Parent side: launch (starts), workplace (the job's folder), bubblewrap (the outer box), watch (limits), results and outcome
(what is taken back). Child side: child (order of events), jail with landlock, seccomp, syscalls and kernel (what is applied),
probes (what still works). Both: levels. Imports nothing of ours and nothing but the standard library.
"""

from sandbox.launch import SandboxRefused, device_files, run
from sandbox.levels import Level
from sandbox.outcome import Outcome
from sandbox.watch import Limits

__all__ = ["Level", "Limits", "Outcome", "SandboxRefused", "device_files", "run"]

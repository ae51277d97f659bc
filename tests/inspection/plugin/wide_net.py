"""An architecture as somebody else would install it: nothing of Countersign is imported."""

from types import SimpleNamespace


def build(config):
    from torch import nn  # noqa: PLC0415 - only where it is built

    if config.get("factor", 1) > 8:
        raise ValueError("the factor is at most 8")
    return nn.Sequential(nn.Linear(4, 4 * config["factor"]), nn.Tanh(), nn.Linear(4 * config["factor"], 2))


ARCHITECTURE = SimpleNamespace(
    name="wide-net",
    version="2.1",
    summary="Two layers, the first as wide as one likes",
    schema={"type": "object", "properties": {"factor": {"type": "integer"}}, "required": ["factor"]},
    build=build,
)

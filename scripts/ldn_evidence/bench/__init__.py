"""Measure builds of a generated catalogue against two baselines."""

from ldn_evidence.bench.generate import DESIGNS
from ldn_evidence.bench.measure import run_bench, run_scale

__all__ = ["DESIGNS", "run_bench", "run_scale"]

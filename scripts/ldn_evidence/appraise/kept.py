"""Facts of a study as bytes, for the time between reading its record and appraising its conditions.

They are made and read by the same run and never leave it.
"""

from __future__ import annotations

from msgspec.msgpack import Decoder, Encoder

from ldn_evidence.appraise.records import StudyFacts

_encoder = Encoder()
_decoder = Decoder(StudyFacts)


def encode(facts: StudyFacts) -> bytes:
    """The facts as bytes."""
    return _encoder.encode(facts)


def decode(encoded: bytes) -> StudyFacts:
    """The facts again."""
    return _decoder.decode(encoded)

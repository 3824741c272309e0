"""The checked records as one catalogue, in which a record finds what belongs to it."""

from ldn_evidence.link.catalogue import Catalogue

__all__ = ["Catalogue"]

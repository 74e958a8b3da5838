"""Live diagnosis: names what goes wrong while a stage trains, with its evidence and the settings that would change it."""

from r1lite.diagnosis import groups
from r1lite.diagnosis.finding import Finding, Signs, findings

__all__ = ["Finding", "Signs", "findings", "groups"]

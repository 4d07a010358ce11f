"""IMS Caliper Analytics 1.1 and 1.2: envelopes, and events on their own.

    envelope ──► its data, one by one ──► rules of the specification ──► who, what, kind ──► native event
                                               └── broken: named, with its index; the others go on

A version is a table (`v1p1`, `v1p2`): its types, what each type of event allows, and the kind each action becomes.
"""

from schemas.dialects.caliper.dialect import Caliper

__all__ = ["Caliper"]

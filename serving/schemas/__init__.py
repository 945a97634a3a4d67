"""What goes over the wire.

requests  `serving.schemas.requests`  bodies, checked
answers   `serving.schemas.answers`   answers and problem documents, declared
attention `serving.schemas.attention` what waits for a person
"""

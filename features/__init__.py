"""From a reading to a statement: the base that `pipelines` and `serving` share.

Where do I go to...
    name a thing of the plant?          `features.core.plant`
    read what is said about a machine?  `features.core.statements`
    see which tables exist?             `features.core.tables`
    read or write the lake?             `features.core.lake`
    add a feature?                      `features.registry` and one of the family modules
    make feature rows?                  `features.compute`
    predict remaining useful life?      `features.rul`
    turn a prediction into work?        `features.policy`
"""

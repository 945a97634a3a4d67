"""The model of large classes: memory, a cross-fitted index of wear, and forests on top of both.

histories   whole lives as arrays
memory      regimes, healthy scale, linear indices: the state of `features.rul.memory`
stages      the fits of one set of lives
fit         cross-fitting, and the texts of the whole fit
"""

"""The commands of the shared base, one module a noun; `benchmark` is in `features.__main__`.

plantfile  `wearcast init` and `check`
starter    the commented plant file that `init` writes
catalogue  the page of all features
diagnosis  `wearcast diagnose` and `envelope-band`
"""

"""Remaining useful life: from feature rows and a model artefact to predictions or refusals.

artefact    what a trained model is on disk: data only, verified by digests
scorer      LightGBM's text model -> numbers, bit for bit as LightGBM gives them
outputs     forests -> mean and quantiles, sorted and calibrated
condition   health from the component's own healthy time, no failures needed
life        feature rows of one life as arrays; utilisation
refusals    why a row gets no number
reasons     what moved a number
tracing     what an index of wear moved, handed on to its signals
past        past lives that looked like this one
ladder      one life -> statements, on the best rung its evidence reaches
predict     one component's feature rows -> statements: where callers enter
rows        statements <-> rows of table `predictions`
"""

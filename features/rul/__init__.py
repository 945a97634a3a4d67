"""Remaining useful life: from feature rows and a model artefact to predictions or refusals.

artefact    what a trained model is on disk: data only, verified by digests
scorer      LightGBM's text model -> numbers, bit for bit as LightGBM gives them
outputs     forests -> mean and quantiles, sorted and calibrated
condition   health from the component's own healthy time, no failures needed
domain      which rows a model must not answer
predict     one component's feature rows -> statements
rows        statements <-> rows of the table `predictions`
"""

"""From the historian to the lake and the model registry: `data/` and `mlruns/` are its products.

Where do I go to...
    add a historian?            `pipelines.historian`
    see how rows get in?        `pipelines.ingest`
    see how lives are made?     `pipelines.labels`
    change how models are fit?  `pipelines.model`, judged in `pipelines.evaluation`
    see the scheduled jobs?     `pipelines.defs`
"""

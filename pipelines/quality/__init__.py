"""Is a row a measurement, and is a sensor to be believed?

bindings    `pipelines.quality.bindings`   which tag of a source is which measuring point
rows        `pipelines.quality.rows`       raw rows -> kept in canonical units, or refused with a reason
waveforms   `pipelines.quality.waveforms`  the same for waveforms
gaps        `pipelines.quality.gaps`       stretches without rows
sensors     `pipelines.quality.sensors`    one NE 107 state per point and day
"""

"""What the API answers from: champions in memory, the lake's newest statements, online answers.

context    `serving.predictor.context`     everything a route reads from, opened once
champions  `serving.predictor.champions`   verified artefacts, swapped while requests are served
fleet      `serving.predictor.fleet`       what was last said about each component, worst first
online     `serving.predictor.online`      features and statement of one component, computed for a request
"""

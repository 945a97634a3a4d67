"""The pages: HTML made here, no script, nothing from another host; the only place with display units.

pages      `serving.web.pages`      machines by risk, one machine, the forms of decisions
attention  `serving.web.attention`  what waits for a person, and the forms that end it
sign_in    `serving.web.sign_in`    the way in and out
reference  `serving.web.reference`  the API's description as a page
render     `serving.web.render`     templates
views      `serving.web.views`      statements and orders -> texts of a page
words      `serving.web.words`      local time, units, states and reasons in plain words
chart      `serving.web.chart`      predictions over time as SVG
"""

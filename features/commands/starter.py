"""The commented plant file to start from."""

__all__ = ["STARTER"]

STARTER = """\
# A plant file: which machines there are, what they are made of, and under which names historians know
# their measuring points. Check it with `wearcast check --plant FILE`.
component_classes:
  - id: rolling_bearing
    life_unit: running_h        # running_h, calendar_h or cycle: how parts age, and the unit of their RUL
    memory: [2d, 7d, 21d]       # spans of means, slopes and deltas
    run_in: 1d                  # time after an installation that is no reference
    baseline: 14d               # length of the part's own first stretch, its reference
    horizon: 90d                # how far ahead plans look
    # How long such parts last, if you know: the age that half of them reach, in the life unit, and the Weibull
    # shape (1 no ageing, 2 to 4 wear). It gives a remaining life until failures here say more.
    # prior: {shape: 1.8, median_life: 30000}

sites:
  - id: site-1
    name: Example site
    time_zone: Europe/Berlin    # IANA name; maintenance windows below are in this local time
    maintenance_windows:
      - {id: saturday, weekday: saturday, start: "06:00", hours: 8}
    costs: {currency: EUR, planned: 1200, unplanned: 9000, downtime_per_hour: 400}
    machines:
      - id: P101
        name: Feed pump 1
        group: area-1           # an area of at most 64 machines
        functional_location: ""  # as your ERP knows the place
        equipment_number: ""
        machine_class: pump
        criticality: B          # A stops production, B a part of it, C nothing at once
        grid: 12h               # one feature row per step; for telemetry alone 10min is usual
        speed: {role: speed}    # or {hz: 24.7} for a constant speed
        running_above_hz: 0.5   # below this shaft speed the machine stands still
        # 15 to 300 kW; 1 is above. With it every vibration point has its ISO 20816-3 zone from day one.
        vibration_class: {group: 2, foundation: rigid}
        components:
          - slot: DE-bearing    # what is installed here has a life
            component_class: rolling_bearing
            bearing: 6205-2RS   # a designation of the catalogue, or balls, ball_diameter_mm, pitch_diameter_mm
            # installed: 2025-01-10T00:00:00+01:00   # when the present one was installed, if known
            spare: {part_number: "6205-2RS", lead_time_days: 5}
        measuring_points:
          # role: what the point means to features. tags: historian's name -> tag there.
          - id: P101-DE-VIB
            role: vibration_h
            quantity: acceleration
            unit: g
            kind: waveform
            sample_rate_hz: 8192
            slot: DE-bearing
            tags: {plant_historian: P101.DE.VIB}
          - id: P101-DE-TEMP
            role: bearing_temperature
            quantity: temperature
            unit: degC
            slot: DE-bearing
            limits: {low: -40, high: 200, warning: 80, alarm: 95}
            tags: {plant_historian: P101.DE.TEMP}
          - id: P101-AMBIENT
            role: ambient_temperature
            quantity: temperature
            unit: degC
            tags: {plant_historian: P101.AMBIENT}
          - id: P101-LOAD
            role: load
            quantity: ratio
            unit: "%"
            tags: {plant_historian: P101.LOAD}
          - id: P101-SPEED
            role: speed
            quantity: speed
            unit: rpm
            tags: {plant_historian: P101.SPEED}
"""

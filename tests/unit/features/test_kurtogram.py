"""The kurtogram against the published filter bank, and closed forms."""

import numpy as np
import pytest
import scipy.signal

from features.vibration.kurtogram import kurtogram, tree


def filter_bank(x: np.ndarray, levels: int) -> list[np.ndarray]:
    """Levels 1, 1.6, 2, ..., `levels` of the fast kurtogram as published: short filters and decimation.

    Source: J. Antoni, Mechanical Systems and Signal Processing 21 (2007) 108-124, section 4; the constants
    (orders 16 and 24, cut-offs 0.4 and 0.8/3 of the Nyquist frequency, shifts by 1/8 and 1/12 of the sample rate)
    are those of the author's published program of 12-2014 (MATLAB Central File Exchange 48912, BSD licence).
    """
    n, n3 = np.arange(17), np.arange(25)
    low = scipy.signal.firwin(17, 0.4) * np.exp(2j * np.pi * n / 8)
    k = np.arange(2, 18)
    high = low[np.mod(1 - k, 16)] * (-1.0) ** (1 - k)
    third = scipy.signal.firwin(25, 0.8 / 3)
    thirds = [third * np.exp(2j * np.pi * n3 * (1 / 12 + i / 6)) for i in range(3)]
    bands, found = [x - x.mean()], []
    for level in range(1, levels + 1):
        by_thirds = [_kurtosis(scipy.signal.lfilter(h, 1, band)[2::3], 16) for band in bands for h in thirds]
        parted: list[np.ndarray] = []
        for band in bands:
            a = scipy.signal.lfilter(low, 1, band)[1::2]
            d = scipy.signal.lfilter(high, 1, band)[1::2]
            parted += [a, d * (-1.0) ** np.arange(1, len(d) + 1)]
        bands = parted
        found.append(np.array([_kurtosis(band, 16 - i % 2) for i, band in enumerate(bands)]))
        if level < levels:
            found.append(np.array(by_thirds))
    return found


def _kurtosis(band: np.ndarray, settling: int) -> float:
    steady = band[settling:] - band[settling:].mean()
    return float(np.mean(np.abs(steady) ** 4) / np.mean(np.abs(steady) ** 2) ** 2 - 2)


def struck(resonance_hz: float, rate: float = 16384.0, samples: int = 16384, seed: int = 0) -> np.ndarray:
    t = np.arange(samples) / rate
    since = np.mod(t, 1 / 37.0)
    noise = np.random.default_rng(seed).standard_normal(samples)
    wave = 4 * np.exp(-1200 * since) * np.sin(2 * np.pi * resonance_hz * since) + 0.5 * noise
    return np.asarray(wave + 3 * np.sin(2 * np.pi * 120 * t), dtype=np.float32)


@pytest.mark.parametrize("resonance_hz", [1500.0, 2600.0, 3600.0, 5600.0, 6600.0])
@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_published_filter_bank_finds_the_same_band(resonance_hz: float, level: int) -> None:
    x = struck(resonance_hz)
    published = filter_bank(x.astype(np.float64), 3)[2 * (level - 1)]
    found = kurtogram(x[None, :], 16384.0, 3, thirds=False)
    first = sum(2**k for k in range(1, level))
    ours = found.values[0, first : first + 2**level]
    assert ours.argmax() == published.argmax()
    low, high = found.bands_hz[first + ours.argmax()]
    inside = low <= resonance_hz <= high
    # Wider bands may hold the hum at 120 Hz with the resonance; both then take the band without either.
    assert inside or level < 3
    if inside:  # the filters' skirts overlap, ideal bands do not: the value is the same to a fourth of it
        assert ours.max() == pytest.approx(published.max(), rel=0.25)


# Resonance, Hz -> what the published program gives of `example` with three levels: the largest kurtosis of each
# level 1, 1.6, 2, 2.6, 3, and the band that it is in. From its arithmetic as T. Lecocq (amaggi/seismokurt, 2012)
# and mozhenling (2021) carried it to Python, without their subtraction of means in place, which MATLAB's has not.
PROGRAM = {
    1500.0: ((0.04, 1), (0.08, 1), (1.62, 1), (6.72, 1), (9.71, 1)),
    3300.0: ((1.44, 1), (5.80, 1), (8.14, 1), (9.27, 2), (8.83, 3)),
    5600.0: ((4.68, 1), (5.10, 2), (7.90, 2), (7.53, 4), (9.97, 5)),
    6600.0: ((6.63, 1), (7.54, 2), (7.94, 3), (8.74, 4), (9.99, 6)),
}


def example(resonance_hz: float) -> np.ndarray:
    """Strikes of 37 Hz, hum and noise without a library's random numbers: sums of four of a congruential row."""
    noise, state = np.empty(16384), 1
    for i in range(len(noise)):
        total = 0
        for _ in range(4):
            state = (1103515245 * state + 12345) % (1 << 31)
            total += state
        noise[i] = (total / (1 << 31) - 2) * np.sqrt(3)
    t = np.arange(len(noise)) / 16384
    since = np.mod(t, 1 / 37)
    wave = 4 * np.exp(-1200 * since) * np.sin(2 * np.pi * resonance_hz * since) + 0.5 * noise
    return np.asarray(wave + 3 * np.sin(2 * np.pi * 120 * t), dtype=np.float32)


@pytest.mark.parametrize("resonance_hz", PROGRAM)
def test_the_numbers_of_the_published_program(resonance_hz: float) -> None:
    x = example(resonance_hz)
    bank = filter_bank(x.astype(np.float64), 3)
    assert [(round(float(level.max()), 2), int(level.argmax())) for level in bank] == list(PROGRAM[resonance_hz])
    found, at = kurtogram(x[None, :], 16384.0, 3), 0
    ours = []
    for count in tree(16384, 3, thirds=True):
        ours.append(found.values[0, at : at + count])
        at += count
    # The same band of all levels.
    assert found.values[0].argmax() == np.concatenate(bank).argmax()
    best = max(range(5), key=lambda level: PROGRAM[resonance_hz][level][0])
    value, band = PROGRAM[resonance_hz][best]
    assert ours[best].argmax() == band
    # Its filters pass 0.4 of the rate where the band is 0.25 wide: what is struck rings shorter in them and stands
    # out more, by up to a fifth.
    assert 0.8 * value < ours[best].max() < 1.02 * value


def test_the_chirp_of_the_documentation_of_matlab() -> None:
    """A sweep from 300 to 400 Hz and noise: kurtosis is largest in a band of 0.0245 rad/sample within the sweep.

    Source: MathWorks, Signal Processing Toolbox, kurtogram, first example (window 256, bandwidth 0.0245, centre
    2.4421 rad/sample). Its noise is not given: where in the sweep the peak lies is chance, how narrow it is not.
    """
    t = np.arange(10001) / 1000
    noise = np.random.default_rng(0).standard_normal((8, len(t)))
    waves = scipy.signal.chirp(t, 300, 10, 400) + noise
    band, kurtosis = kurtogram(waves.astype(np.float32), 2 * np.pi, 7).best()
    width = band[:, 1] - band[:, 0]
    assert np.sum(np.abs(width - 0.0245) < 1e-4) >= 6
    assert np.all((band > 2 * np.pi * 0.298) & (band < 2 * np.pi * 0.402))
    assert np.all(kurtosis > 10)


def test_steady_lines_and_noise_have_their_closed_forms() -> None:
    t = np.arange(16384) / 16384
    line = np.sin(2 * np.pi * 3001 * t).astype(np.float32)
    noise = np.random.default_rng(1).standard_normal(16384).astype(np.float32)
    found = kurtogram(np.stack([line, noise]), 16384.0)
    inside = (found.bands_hz[:, 0] < 3001) & (found.bands_hz[:, 1] > 3001)
    np.testing.assert_allclose(found.values[0, inside], -1.0, atol=1e-3)
    np.testing.assert_allclose(found.values[1], 0.0, atol=0.35)


def test_one_impulse_has_the_kurtosis_of_its_bandwidth() -> None:
    """In a band of w bins without zero padding an impulse is one sample of w: E|x|^4 / (E|x|^2)^2 = w."""
    x = np.zeros((1, 8192), np.float32)
    x[0, 4096] = 1.0
    found = kurtogram(x, 8192.0, thirds=False)
    widths = np.round(found.bands_hz[:, 1] - found.bands_hz[:, 0])
    np.testing.assert_allclose(found.values[0, 1:] + 2, widths[1:], rtol=0.01)


def test_scale_does_not_matter_and_silence_has_no_band() -> None:
    x = struck(3600.0)
    one, other = kurtogram(x[None, :], 1.0), kurtogram(1e-6 * x[None, :], 1.0)
    np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-4)
    band, value = kurtogram(np.zeros((1, 8192), np.float32), 1.0).best()
    assert np.isnan(band).all()
    assert np.isnan(value).all()


def test_the_tree_has_thirds_between_halves_and_refuses_short_windows() -> None:
    assert tree(1 << 14, 3, thirds=True) == (2, 3, 4, 6, 8)
    with pytest.raises(ValueError, match="too few"):
        kurtogram(np.ones((1, 256), np.float32), 1.0)

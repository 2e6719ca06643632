"""Every key of a TOML file is found on its line."""

import pytest

from layerwise.studies.definition.toml_lines import key_of, line_of

TOML = '''# a comment = not a key
name = "x"
n = [
  1,  # seeds = 3
  2,
]
about = """
seeds = 4
"""

[inputs_params]
scale = 2

[[learners]]
label = "a"
params.alpha = 1

  [[learners]]
  label = "b [c]"
  params = { beta = { gamma = [1, 2] } }

[[learners]]
label = "c"
[learners.params]
delta = 1

[[learners.steps]]
width = 2
[[learners.steps]]
width = 3
'''


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("name", 2),
        ("n", 3),
        ("n[1]", 3),
        ("about", 7),
        ("inputs_params.scale", 12),
        ("inputs_params", 11),
        ("learners", 14),
        ("learners[0].label", 15),
        ("learners[0].params.alpha", 16),
        ("learners[0].n", 14),  # missing: the table that lacks it
        ("learners[1].label", 19),
        ("learners[1].params.beta.gamma[1]", 20),
        ("learners[2].params.delta", 25),
        ("learners[2].params.epsilon", 24),
        ("learners[2].steps[1].width", 30),
        ("seeds", None),
        ("", None),
    ],
)
def test_keys_and_their_lines(key, line):
    # catches: a key inside a string or comment taken for one, tables of an array confused, lines counted from 0
    assert line_of(TOML, key) == line


def test_windows_lines_count_too():
    # catches: every line counted twice, or none
    assert line_of("a = 1\r\nb = 2\r\n", "b") == 2


def test_keys_are_written_as_in_python():
    assert key_of(("learners", 1, "params", "alpha")) == "learners[1].params.alpha"

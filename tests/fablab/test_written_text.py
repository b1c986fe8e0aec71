"""What a team writes, drawn: what it may hold, and what never leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablab.lib.written_text import drawn

LINK = '<p><a href="https://lab.example" rel="noopener noreferrer">here</a></p>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        pytest.param("Close the lid.\n\nStay near.", "<p>Close the lid.</p>\n<p>Stay near.</p>", id="paragraphs"),
        pytest.param("One\nTwo", "<p>One<br>\nTwo</p>", id="a line that ends"),
        pytest.param("- One\n- Two", "<ul>\n<li>One</li>\n<li>Two</li>\n</ul>", id="list"),
        pytest.param("3. One\n4. Two", '<ol start="3">\n<li>One</li>\n<li>Two</li>\n</ol>', id="numbers"),
        pytest.param("# Fire\n### Smoke", "<h2>Fire</h2>\n<h4>Smoke</h4>", id="headings below the page's"),
        pytest.param("### Smoke", "<h2>Smoke</h2>", id="no level is left out"),
        pytest.param("**Never** alone", "<p><strong>Never</strong> alone</p>", id="bold"),
        pytest.param("[here](https://lab.example)", LINK, id="link"),
        pytest.param("[here](javascript:alert(1))", "<p>[here](javascript:alert(1))</p>", id="no link"),
        pytest.param("![x](https://a.example/x.png)", '<p>!<a href="https://a.example/x.png" rel="noopener noreferrer">'
                     "x</a></p>", id="no picture"),
        pytest.param("<b>1 < 2</b>", "<p>&lt;b&gt;1 &lt; 2&lt;/b&gt;</p>", id="HTML is text"),
        pytest.param("    indented", "<p>indented</p>", id="indented"),
        pytest.param("Title\n---", "<p>Title</p>\n<hr>", id="underlined"),
        pytest.param("plan_of_2026.pdf", "<p>plan_of_2026.pdf</p>", id="underscores"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_text_is_drawn(text: str, html: str) -> None:
    assert drawn(text).strip() == html


@given(st.text(alphabet=st.sampled_from("<>/ab\"'=()[]!#*-_&;: \nscriptonload"), max_size=80))
def test_nothing_that_runs_leaves(text: str) -> None:
    shown = drawn(text).lower()

    assert "<script" not in shown
    assert "<img" not in shown
    assert "<iframe" not in shown
    assert 'href="javascript' not in shown

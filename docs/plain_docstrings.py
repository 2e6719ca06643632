"""Docstrings of layerwise are plain text that also reads well in a terminal; this extension turns them into reST.

- A block that is indented below a paragraph, as formulas and algorithms are, becomes a literal block.
- ``|x|``, ``*`` and attribute names such as ``coef_`` are escaped outside of backquotes.
- Members that are inherited from scikit-learn or pydantic are left out of the reference.
"""

import re

SECTION = re.compile(r"-{3,}$")
LITERAL = re.compile(r"(``.+?``|`[^`]+`)")
ATTRIBUTE = re.compile(r"(?<![\w`.])([a-zA-Z]\w*_)(?![\w`{])")


def escape(text):
    """Escape the markup characters of a line outside of backquotes."""
    parts = LITERAL.split(text)
    parts[::2] = [ATTRIBUTE.sub(r"``\1``", re.sub(r"([|*])", r"\\\1", part)) for part in parts[::2]]
    return "".join(parts)


def plain_docstring(app, what, name, obj, options, lines):
    """Rewrite ``lines`` in place, before numpydoc reads them."""
    result, section, literal, in_doctest = [], "", False, False
    for i, line in enumerate(lines):
        indented = line.startswith("    ")
        if i + 1 < len(lines) and SECTION.match(lines[i + 1].strip()) and line.strip():
            section, literal = line.strip(), False
        elif line.strip() and not indented:
            literal = False
        elif indented and not literal and section in ("", "Notes") and not lines[i - 1].strip():
            result += [] if lines[i - 2].endswith("::") else ["::", ""]
            literal = True
        in_doctest = line.lstrip().startswith(">>>") or (in_doctest and bool(line.strip()))
        if literal or in_doctest or section == "Examples" or SECTION.match(line.strip()):
            result.append(line)
        elif section in ("Parameters", "Attributes") and not indented and " : " in line:
            names, kind = line.split(" : ", 1)
            result.append(f"{names} : {escape(kind)}")
        else:
            result.append(escape(line))
    if result:
        result[0] = result[0].replace(" . ", " · ")  # autosummary would end the sentence there
    lines[:] = result


def skip_foreign(app, what, name, obj, skip, options):
    """Leave methods of scikit-learn's and pydantic's base classes out of the reference."""
    function = getattr(obj, "fget", None) or getattr(obj, "func", None) or obj
    module = getattr(function, "__module__", None) or "layerwise"
    return True if not module.startswith("layerwise") else None


def setup(app):
    """Register both handlers, the first before numpydoc's."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", plain_docstring, priority=100)
    app.connect("autodoc-skip-member", skip_foreign)
    return {"parallel_read_safe": True}

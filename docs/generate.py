"""Write docs/api.md from docstrings and docs/cli.md from the help of every command: make docs."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import par_core as par

HERE = Path(__file__).parent
TYPER = ["-m", "typer", "flows.cli.main", "utils", "docs", "--name", "par", "--title", "The command line"]
SECTION = re.compile(r"^(Args|Returns|Raises|Attributes|Example):$", re.M)


def cli() -> str:
    """The help of every command, as typer renders it."""
    command = [sys.executable, "-P", *TYPER]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() + "\n"


def api() -> str:
    """Every public name of ``par_core`` with its signature and docstring."""
    said, example, end = (inspect.getdoc(par) or "").split("\n\n")
    text = ["# The Python API", "", said, "", "```python", example, "```", "", end, ""]
    functions = [name for name in par.__all__ if inspect.isfunction(getattr(par, name))]
    classes = [name for name in par.__all__ if inspect.isclass(getattr(par, name))]
    errors = [name for name in classes if issubclass(getattr(par, name), BaseException)]
    for name in functions:
        text += described(f"par.{name}", getattr(par, name), 2)
    for name in sorted(set(classes) - set(errors)):
        text += [f"## par.{name}", "", *body(getattr(par, name))]
        if name == "Archive":
            members = inspect.getmembers(par.Archive, inspect.isfunction)
            for method, function in members:
                text += [] if method.startswith("_") else described(f"Archive.{method}", function, 3)
    text += [
        "## Errors",
        "",
        *(f"- `par.{name}`: {inspect.getdoc(getattr(par, name))}" for name in errors),
        "",
    ]
    return "\n".join(text).rstrip() + "\n"


def described(name: str, function: object, level: int) -> list[str]:
    """A heading, the signature one parameter a line, and the docstring."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    parameters = [_typed(str(each)) for key, each in signature.parameters.items() if key != "self"]
    keyword_only = [
        each.kind is each.KEYWORD_ONLY for key, each in signature.parameters.items() if key != "self"
    ]
    if True in keyword_only and not any(
        each.kind is each.VAR_POSITIONAL for each in signature.parameters.values()
    ):
        parameters.insert(keyword_only.index(True), "*")
    annotation = signature.return_annotation
    returned = annotation.__name__ if isinstance(annotation, type) else str(annotation).strip("'\"")
    lines = [f"{name}(", *(f"    {each}," for each in parameters), f") -> {returned}"]
    code = lines if len(parameters) > 1 else [f"{name}({''.join(parameters)}) -> {returned}"]
    return ["#" * level + f" {name}", "", "```python", *code, "```", "", *body(function)]


def _typed(parameter: str) -> str:
    """A parameter as every version of Python writes it."""
    return re.sub(r"Optional\[(Literal\[[^]]*\])\]", r"\1 | None", parameter.replace("pathlib.Path", "Path"))


def body(of: object) -> list[str]:
    """A docstring with its sections as bold words, their items as a list, and examples as code."""
    markdown = re.sub(r":\w+:`", "`", (inspect.getdoc(of) or "").replace("``", "`"))
    parts = SECTION.split(markdown)
    text = [parts[0].strip(), ""]
    for title, content in zip(parts[1::2], parts[2::2], strict=True):
        lines = inspect.cleandoc(content).splitlines()
        if title == "Attributes":
            lines = [*inherited(of), *lines]
        if title == "Example":
            text += ["```python", *lines, "```", ""]
        else:
            items = re.sub(r"\n +", " ", "\n".join(lines)).splitlines()
            plain = title == "Returns"
            text += [
                f"**{title}**",
                "",
                *(line if plain else f"- {_named(line)}" for line in items if line),
                "",
            ]
    return text


def inherited(of: object) -> list[str]:
    """The attributes that the classes above a class describe."""
    above = of.__mro__[-2:0:-1] if isinstance(of, type) else ()
    sections = (SECTION.split(inspect.getdoc(base) or "") for base in above)
    return [
        line
        for parts in sections
        for title, content in zip(parts[1::2], parts[2::2], strict=True)
        if title == "Attributes"
        for line in inspect.cleandoc(content).replace("``", "`").splitlines()
    ]


def _named(item: str) -> str:
    name, colon, rest = item.partition(": ")
    return f"`{name}`{colon}{rest}"


if __name__ == "__main__":
    (HERE / "api.md").write_text(api())
    (HERE / "cli.md").write_text(cli())

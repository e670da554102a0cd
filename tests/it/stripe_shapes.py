"""Holds requests and objects against Stripe's published types: the package `stripe` of Python, read as text and never run.

    stripe_shapes.py FOLDER_OF_THE_PACKAGE < LINES

Each line is JSON: {"method", "path", "form"} for a request, {"object"} for an object that was answered. Every difference is
printed on a line of its own, and the last line says how much was compared.
"""

import ast
import json
import re
import sys
from pathlib import Path
from urllib.parse import unquote_plus

package = Path(sys.argv[1])


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def fields(node):
    """The annotated names of a class, and the classes in it."""
    names = {s.target.id: s.annotation for s in node.body if isinstance(s, ast.AnnAssign)}
    inner = {s.name: s for s in node.body if isinstance(s, ast.ClassDef)}
    return names, inner


def plain(annotation):
    """An annotation that is written as a string is one all the same."""
    while isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    return annotation


def parts(annotation):
    """The alternatives of a type, and whether it may be missing."""
    annotation = plain(annotation)
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        left, right = parts(annotation.left), parts(annotation.right)
        return left[0] + right[0], left[1] or right[1]
    if isinstance(annotation, ast.Subscript):
        name = annotation.value.id if isinstance(annotation.value, ast.Name) else ""
        inner = annotation.slice
        if name in ("Optional", "NotRequired"):
            return parts(inner)[0], True
        if name in ("ClassVar",):
            return [], True
        if name == "Union":
            found = [parts(each) for each in inner.elts]
            return [one for each, _ in found for one in each], any(missing for _, missing in found)
    return [annotation], isinstance(annotation, ast.Constant) and annotation.value is None


def literals(annotation):
    values = annotation.slice
    return [v.value for v in (values.elts if isinstance(values, ast.Tuple) else [values])]


# --- objects ---------------------------------------------------------------------------------------------------------------

resources = {}
for file in package.rglob("_*.py"):
    if "params" in file.parts or file.name.endswith("_service.py"):
        continue
    text = file.read_text(encoding="utf-8")
    if "OBJECT_NAME" not in text:
        continue
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            for s in node.body:
                if isinstance(s, ast.AnnAssign) and getattr(s.target, "id", "") == "OBJECT_NAME" and s.value:
                    resources[ast.literal_eval(s.value)] = node

problems = {}


def wrong(where, what):
    problems.setdefault(f"{where}: {what}", 0)
    problems[f"{where}: {what}"] += 1


def name_of(annotation):
    if isinstance(annotation, ast.Subscript):
        return annotation.value.id if isinstance(annotation.value, ast.Name) else ""
    return annotation.id if isinstance(annotation, ast.Name) else ""


def fits(value, annotations, inner, where):
    """Whether a value is one of these; goes on into what is nested."""
    choices = [c for c in annotations if name_of(c) == "Literal"]
    names = [name_of(a) for a in annotations]
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] in resources:
            return check_object(value)
        if value.get("object") == "list":
            return check_list(value, where)
        for name in names:
            if name in inner:
                return check_fields(value, inner[name], where)
        if any(name in ("UntypedStripeObject", "Dict", "StripeObject") for name in names):
            return None
        return wrong(where, f"is an object, and should be {' or '.join(names)}")
    if isinstance(value, list):
        for annotation in annotations:
            if name_of(annotation) == "List":
                below, _ = parts(annotation.slice)
                return [fits(each, below, inner, where) for each in value] and None
        return wrong(where, f"is a list, and should be {' or '.join(names)}")
    if isinstance(value, str) and choices and value not in [v for c in choices for v in literals(c)]:
        return wrong(where, f"is {value!r}, which is none of the values that are named")
    kinds = {bool: "bool", int: "int", float: "float", str: "str"}
    kind = kinds[type(value)]
    numbers = {"int": ("int", "float"), "float": ("float",)}.get(kind, (kind,))
    if kind == "str" and (choices or any(n in ("str", "ExpandableField", "Decimal") for n in names)):
        return None
    if kind == "bool" and choices:
        return None
    if not any(n in numbers for n in names):
        return wrong(where, f"is {value!r}, and should be {' or '.join(names)}")
    return None


def check_fields(value, node, where):
    names, inner = fields(node)
    for name, annotation in names.items():
        if name == "OBJECT_NAME" or name.startswith("_"):
            continue
        below, optional = parts(annotation)
        if name not in value:
            if not optional:
                wrong(f"{where}.{name}", "is missing")
        elif value[name] is None:
            if not optional:
                wrong(f"{where}.{name}", "is null, and never should be")
        else:
            fits(value[name], below, inner, f"{where}.{name}")
    for name in value:
        if name not in names:
            wrong(f"{where}.{name}", "is no field of Stripe's")


def check_list(value, where):
    for name in ("data", "has_more", "url"):
        if name not in value:
            wrong(where, f"is a list without {name}")
    for each in value.get("data", []):
        check_object(each)


compared = {"objects": 0, "requests": 0}


def check_object(value):
    kind = value.get("object")
    if kind == "list":
        return check_list(value, "list")
    if value.get("deleted") is True:
        return None
    if kind not in resources:
        # The lines of a checkout are "item", and balances and the like have names of their own in the package.
        if kind not in ("item",):
            wrong(str(kind), "is no object of Stripe's")
        return None
    compared["objects"] += 1
    return check_fields(value, resources[kind], kind)


# --- requests --------------------------------------------------------------------------------------------------------------

routes = []
for file in package.rglob("_*_service.py"):
    for service in parsed(file).body:
        if not isinstance(service, ast.ClassDef):
            continue
        for method in service.body:
            if not isinstance(method, ast.FunctionDef):
                continue
            given = next((a.annotation for a in method.args.args if a.arg == "params"), None)
            call = next(
                (
                    c
                    for c in ast.walk(method)
                    if isinstance(c, ast.Call) and getattr(c.func, "attr", "") == "_request"
                ),
                None,
            )
            if given is None or call is None:
                continue
            path = call.args[1]
            if isinstance(path, ast.Call):
                path = path.func.value
            pattern = re.compile("^" + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path.value)) + "$")
            names = [name_of(a) for a in parts(given)[0]]
            # What is spelled out goes before what a place stands for.
            routes.append(("[^/]+" in pattern.pattern, call.args[0].value, pattern, names[0], file))
routes.sort(key=lambda route: route[0])

modules = {}


def params_of(name, file):
    """The classes of the module that has this one."""
    # Two kinds of sessions have a class of one name, in folders of their own.
    own = (name, file.parent.name)
    if own not in modules:
        snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        found = list((package / "params").rglob(f"_{snake}.py"))
        below = [f for f in found if f.parent.name == file.parent.name] or found
        tree = parsed(below[0]) if below else ast.parse("")
        modules[own] = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    return modules[own]


def nested(form):
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}."""
    tree = {}
    for pair in filter(None, form.split("&")):
        name, _, value = pair.partition("=")
        path = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", unquote_plus(name))
        place = tree
        for step in path[:-1]:
            place = place.setdefault(step or str(len(place)), {})
        last = path[-1] or str(len(place))
        place[last] = unquote_plus(value)
    return tree


def check_given(value, annotation, classes, where):
    below, _ = parts(annotation)
    # A part may be a name in quotes once more.
    below = [plain(part) for part in below]
    names = [name_of(part) for part in below]
    choices = [v for part in below if name_of(part) == "Literal" for v in literals(part)]
    if isinstance(value, dict):
        for part, name in zip(below, names):
            if name in classes:
                return check_params(value, classes[name], classes, where)
            if name == "List":
                return [check_given(v, part.slice, classes, f"{where}[]") for v in value.values()] and None
            if name in ("Dict", "UntypedStripeObject"):
                return None
        return wrong(where, f"takes no names below it, but {' or '.join(names)}")
    if value in choices:
        return None
    if "bool" in names and value in ("true", "false"):
        return None
    if "int" in names and re.fullmatch(r"-?\d+", value):
        return None
    if ("float" in names or "Decimal" in names) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return None
    if "str" in names:
        return None
    return wrong(where, f"is given as {value!r}, and should be {' or '.join(names)} {choices[:8] or ''}")


def check_params(value, node, classes, where):
    names, _ = fields(node)
    for name, annotation in names.items():
        _, optional = parts(annotation)
        if name not in value and not optional:
            wrong(f"{where}[{name}]", "is not given, and must be")
    for name, given in value.items():
        if name not in names:
            wrong(f"{where}[{name}]", "is no parameter of Stripe's")
        else:
            check_given(given, names[name], classes, f"{where}[{name}]")


def check_request(method, path, form):
    for _, own, pattern, name, file in routes:
        if own == method.lower() and pattern.match(path):
            classes = params_of(name, file)
            if name not in classes:
                return wrong(f"{method} {path}", f"takes {name}, which is not found")
            compared["requests"] += 1
            shown = re.sub(r"_(test_)?[A-Za-z0-9]{8,}", "_…", path)
            return check_params(nested(form), classes[name], classes, f"{method} {shown} ")
    return wrong(f"{method} {path}", "is no request of Stripe's")


for line in sys.stdin:
    given = json.loads(line)
    if "object" in given:
        check_object(given["object"])
    else:
        check_request(given["method"], given["path"], given["form"])

for problem, times in sorted(problems.items()):
    print(f"{problem} ({times} times)")
print(f"compared {compared['requests']} requests and {compared['objects']} objects")
sys.exit(1 if problems else 0)
